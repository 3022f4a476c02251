package org.ondemandtls.command;

import java.net.MalformedURLException;
import java.net.URI;
import java.net.URL;
import java.security.KeyPair;
import java.util.Optional;

/**
 * An account with a CA that another program keeps.
 *
 * @param directory the CA's directory URL
 * @param key the account's key
 * @param url the account's URL, empty where it is none of this CA's: the CA tells it whoever has the key
 */
record FoundAccount(URI directory, KeyPair key, Optional<URL> url) {

    /** Leaves the URL out where it is not the directory's own host's. */
    static FoundAccount of(URI directory, KeyPair key, Optional<String> url) {
        try {
            URI there = URI.create(url.orElse(""));
            boolean own = "https".equals(there.getScheme())
                    && directory.getHost().equalsIgnoreCase(there.getHost())
                    && directory.getPort() == there.getPort();
            return new FoundAccount(directory, key, own ? Optional.of(there.toURL()) : Optional.empty());
        } catch (IllegalArgumentException | MalformedURLException e) {
            return new FoundAccount(directory, key, Optional.empty());
        }
    }
}
