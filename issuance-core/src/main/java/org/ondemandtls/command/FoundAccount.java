package org.ondemandtls.command;

import java.net.MalformedURLException;
import java.net.URI;
import java.net.URISyntaxException;
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

    /** Why one cannot be taken over whose CA is not known. */
    static final String NO_DIRECTORY = "the directory of its CA is not known";

    /** Leaves the URL out where it is not the directory's own host's. */
    static FoundAccount of(URI directory, KeyPair key, Optional<String> url) {
        Optional<URI> own = url.flatMap(FoundAccount::https)
                .filter(there -> there.getHost().equalsIgnoreCase(directory.getHost())
                        && there.getPort() == directory.getPort());
        try {
            return new FoundAccount(
                    directory, key, own.isPresent() ? Optional.of(own.get().toURL()) : Optional.empty());
        } catch (MalformedURLException e) {
            return new FoundAccount(directory, key, Optional.empty());
        }
    }

    /** A URL that another program has written, or that was made of a folder's name; empty where it is no https URL of a host. */
    static Optional<URI> https(String text) {
        try {
            URI url = new URI(text);
            return "https".equalsIgnoreCase(url.getScheme()) && url.getHost() != null
                    ? Optional.of(url)
                    : Optional.empty();
        } catch (URISyntaxException e) {
            return Optional.empty();
        }
    }
}
