package org.ondemandtls.jetty;

import java.util.Objects;
import org.eclipse.jetty.server.ConnectionFactory;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.ondemandtls.config.ConfigKey;
import org.ondemandtls.handshake.TlsProvider;

/** Refuses what of Jetty does not go with the TLS engines that an operator has chosen, before a connection fails of it. */
final class EngineParts {

    private static final String CONSCRYPT = "Conscrypt";
    private static final String ALPN = "alpn";
    private static final String ALPN_OF_CONSCRYPT =
            "org.eclipse.jetty.alpn.conscrypt.server.ConscryptServerALPNProcessor";

    private EngineParts() {}

    /**
     * Sees that nobody else makes engines that would have sessions cross from name to name.
     *
     * @param tls whose engines there are to be
     * @param factory what a connector makes its engines of
     * @throws IllegalStateException if somebody does; in one line that says what to do
     */
    static void require(TlsProvider tls, SslContextFactory.Server factory) {
        if (tls.isJdk() && CONSCRYPT.equalsIgnoreCase(factory.getProvider())) {
            throw new IllegalStateException(
                    "jetty.sslContext.provider=Conscrypt would let a session of one name be resumed"
                            + " as another: remove it (and the module conscrypt), and write onDemandTls.tls.provider=conscrypt");
        }
    }

    /**
     * Sees that a connector that agrees on HTTP/2 can do so with these engines: without the part for them Jetty drops every
     * connection.
     *
     * @param tls whose engines there are to be
     * @param connector what they work for
     * @throws IllegalStateException if the part is missing; in one line that says what to do
     */
    static void require(TlsProvider tls, Connector connector) {
        ConnectionFactory alpn = connector.getConnectionFactory(ALPN);
        if (alpn != null) {
            require(tls, alpn.getClass().getClassLoader());
        }
    }

    /** The same where the parts of ALPN are those of a loader. */
    static void require(TlsProvider tls, ClassLoader parts) {
        if (!tls.isJdk() && !isThere(parts) && !isThere(Thread.currentThread().getContextClassLoader())) {
            throw new IllegalStateException(ConfigKey.TLS_PROVIDER
                    + ": \"conscrypt\" cannot be used: HTTP/2 with it needs another part of Jetty; add"
                    + " org.eclipse.jetty:jetty-alpn-conscrypt-server (Jetty: --add-modules=ondemand-tls-conscrypt), or write"
                    + " jdk");
        }
    }

    private static boolean isThere(ClassLoader loader) {
        try {
            Class.forName(
                    ALPN_OF_CONSCRYPT, false, Objects.requireNonNullElse(loader, ClassLoader.getSystemClassLoader()));
            return true;
        } catch (ClassNotFoundException | LinkageError missing) {
            return false;
        }
    }
}
