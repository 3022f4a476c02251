package org.ondemandtls.tomcat;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a connection was served with.
 *
 * @param serverName the server name the client sent, null for none
 * @param names those of the certificate; empty where it has none, and every host is fine
 * @param hostConfig the name of the {@code <SSLHostConfig>} that set the terms
 */
record Served(@Nullable String serverName, Set<String> names, String hostConfig) {}
