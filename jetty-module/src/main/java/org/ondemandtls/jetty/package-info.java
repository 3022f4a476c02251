/** The engine in front of Jetty's TLS handshakes, on Jetty 12.0 and 12.1. */
@NullMarked
package org.ondemandtls.jetty;

import org.jspecify.annotations.NullMarked;
