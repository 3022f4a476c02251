package org.ondemandtls.handshake;

import java.net.Socket;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.inventory.Inventory;
import org.ondemandtls.name.ClientHello;
import org.ondemandtls.name.ServerName;

/**
 * Shakes hands with itself in memory, with a served certificate and with a challenge certificate, so that the code of
 * both has been loaded, and the most of it compiled, before a visitor waits for it.
 *
 * <p><b>Threads.</b> Used by one thread at a time.
 */
public final class HandshakeRehearsal {

    private static final int MOST_STEPS = 200;

    private final TlsProvider tls;
    private final SSLContext server;

    /**
     * Sets the scene.
     *
     * @param clock tells the date
     * @param tls makes the engines of the server's side
     */
    public HandshakeRehearsal(Clock clock, TlsProvider tls) {
        this.tls = tls;
        this.server = context(tls, new InventoryKeyManager(new Inventory(1, clock)), null);
    }

    /**
     * Performs both handshakes. Some milliseconds of processor time.
     *
     * @param certificate what the server side shows; its first name is asked for
     */
    public void perform(KeyedCertificate certificate) {
        ServerName name = ServerName.parse(certificate.names().iterator().next());
        Admission.Serve serve = new Admission.Serve(name, certificate, true);
        SSLEngine serving = SessionScope.of(serve, name.value()).during(server::createSSLEngine);
        serving.setUseClientMode(false);
        ServedMatcher.bind(serving, serve);
        SSLEngine proving = ChallengeTls.engine(new Admission.Prove(name, certificate), tls);
        try {
            shake(client(name, certificate), serving);
            shake(client(name, certificate, ClientHello.ACME_TLS_1), proving);
        } catch (SSLException e) {
            throw new IllegalStateException("a rehearsal went wrong", e);
        }
    }

    private static SSLEngine client(ServerName name, KeyedCertificate expected, String... protocols) {
        SSLEngine engine =
                context(TlsProvider.JDK, null, new Expecting(expected.leaf())).createSSLEngine();
        engine.setUseClientMode(true);
        SSLParameters parameters = engine.getSSLParameters();
        parameters.setServerNames(List.of(new SNIHostName(name.value())));
        parameters.setApplicationProtocols(protocols);
        engine.setSSLParameters(parameters);
        return engine;
    }

    private static SSLContext context(TlsProvider tls, @Nullable KeyManager keys, @Nullable TrustManager trust) {
        try {
            SSLContext context = tls.context();
            context.init(
                    keys == null ? null : new KeyManager[] {keys},
                    trust == null ? new TrustManager[0] : new TrustManager[] {trust},
                    null);
            return context;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("a TLS context cannot be made", e);
        }
    }

    private static void shake(SSLEngine client, SSLEngine server) throws SSLException {
        int room = client.getSession().getPacketBufferSize();
        ByteBuffer toServer = ByteBuffer.allocate(2 * room);
        ByteBuffer toClient = ByteBuffer.allocate(2 * room);
        ByteBuffer nothing = ByteBuffer.allocate(0);
        ByteBuffer unread = ByteBuffer.allocate(client.getSession().getApplicationBufferSize());
        client.beginHandshake();
        for (int step = 0; step < MOST_STEPS; step++) {
            boolean moved = step(client, nothing, toServer, toClient, unread);
            moved |= step(server, nothing, toClient, toServer, unread);
            if (!moved) {
                return;
            }
        }
        throw new SSLException("a handshake without an end");
    }

    // Whether there was anything to do.
    private static boolean step(SSLEngine engine, ByteBuffer nothing, ByteBuffer out, ByteBuffer in, ByteBuffer unread)
            throws SSLException {
        switch (engine.getHandshakeStatus()) {
            case NEED_TASK -> {
                Runnable task = engine.getDelegatedTask();
                while (task != null) {
                    task.run();
                    task = engine.getDelegatedTask();
                }
                return true;
            }
            case NEED_WRAP -> {
                return engine.wrap(nothing, out).bytesProduced() > 0;
            }
            default -> {
                in.flip();
                try {
                    SSLEngineResult result = engine.unwrap(in, unread);
                    return result.bytesConsumed() > 0;
                } finally {
                    in.compact();
                }
            }
        }
    }

    /** Trusts one certificate and nothing else. */
    private static final class Expecting extends X509ExtendedTrustManager {

        private static final String UNUSED = "only a server is looked at here, and by an engine";

        private final X509Certificate expected;

        Expecting(X509Certificate expected) {
            this.expected = expected;
        }

        private void require(X509Certificate[] chain) throws CertificateException {
            if (!chain[0].equals(expected)) {
                throw new CertificateException("not the one that is rehearsed");
            }
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine)
                throws CertificateException {
            require(chain);
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket)
                throws CertificateException {
            throw new CertificateException(UNUSED);
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) throws CertificateException {
            throw new CertificateException(UNUSED);
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine)
                throws CertificateException {
            throw new CertificateException(UNUSED);
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket)
                throws CertificateException {
            throw new CertificateException(UNUSED);
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) throws CertificateException {
            throw new CertificateException(UNUSED);
        }

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
