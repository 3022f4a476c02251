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
        public boolean covers(ServerName name) {
            return false;
        }

        @Override
        public boolean any() {
            return false;
        }
    };

    /** Whether one of them names {@code name}, exactly or by a wildcard. */
    boolean covers(ServerName name);

    /** Whether there is any, to answer a client that names no server. */
    boolean any();
}
