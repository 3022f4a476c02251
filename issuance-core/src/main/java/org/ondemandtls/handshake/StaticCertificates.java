package org.ondemandtls.handshake;

import org.ondemandtls.name.ServerName;

/**
 * The certificates the server was configured with, apart from the engine: they win over everything.
 *
 * <p><b>Threads.</b> Called once per handshake on a server's own thread; must not block.
 */
public interface StaticCertificates {

    /** A server without any certificate of its own. */
    StaticCertificates NONE = new StaticCertificates() {
        @Override
        public boolean covers(String host) {
            return false;
        }

        @Override
        public boolean any() {
            return false;
        }
    };

    /**
     * Whether one of them names {@code host}, exactly or by a wildcard.
     *
     * @param host what a client named, in lower case: a server name, one label, an address literal
     */
    boolean covers(String host);

    /** Whether one of them names {@code name}, exactly or by a wildcard. */
    default boolean covers(ServerName name) {
        return covers(name.value());
    }

    /** Whether there is any, to answer a client that names no server. */
    boolean any();
}
