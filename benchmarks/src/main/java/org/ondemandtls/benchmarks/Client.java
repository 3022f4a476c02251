package org.ondemandtls.benchmarks;

import java.io.IOException;
import java.net.InetAddress;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.challenge.ChallengeCertificates;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.TlsProbe;

/**
 * The visitors' side: the JDK's own TLS client in this JVM, made warm before anything is measured, so that what is
 * measured is the server.
 */
final class Client {

    private static final int WARM_UP = 300;

    private Client() {}

    /**
     * Makes a full handshake with nothing remembered of earlier ones.
     *
     * @throws IOException if there was no certificate
     */
    static TlsProbe.Outcome visit(int port, String name) throws IOException {
        var outcome = TlsProbe.trustingAnything().handshake(port, name);
        if (outcome.failure().isPresent()) {
            throw new IOException(name + " was not served", outcome.failure().get());
        }
        return outcome;
    }

    /** Full handshakes one after another, each from TCP connect to its end. */
    static Times visits(int port, String name, int count) throws IOException {
        List<Duration> taken = new ArrayList<>();
        for (int visit = 0; visit < count; visit++) {
            taken.add(visit(port, name).took());
        }
        return Times.of(taken);
    }

    /**
     * Warms the client up against a server in this JVM.
     *
     * @return what a handshake takes when both ends are warm and the certificate is there: the client's own part of
     *     every figure is less
     */
    static Times warmUp() throws IOException, GeneralSecurityException {
        ExecutorService threads = Executors.newSingleThreadExecutor();
        try (var server = server()) {
            threads.execute(() -> answer(server));
            visits(server.getLocalPort(), "warm-up.example", WARM_UP);
            return visits(server.getLocalPort(), "warm-up.example", 100);
        } finally {
            threads.shutdown();
        }
    }

    private static void answer(SSLServerSocket server) {
        while (!server.isClosed()) {
            try (var socket = (SSLSocket) server.accept()) {
                socket.startHandshake();
                // Until the client has closed.
                socket.getInputStream().readAllBytes();
            } catch (IOException gone) {
                // Either end was closed: there is another client, or no server any more.
            }
        }
    }

    private static SSLServerSocket server() throws IOException, GeneralSecurityException {
        KeyedCertificate certificate =
                ChallengeCertificates.create(ServerName.parse("warm-up.example"), new byte[32], Clock.systemUTC());
        var keys = KeyStore.getInstance("PKCS12");
        keys.load(null, null);
        keys.setKeyEntry(
                "server", certificate.key(), new char[0], certificate.chain().toArray(Certificate[]::new));
        var managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        managers.init(keys, new char[0]);
        var context = SSLContext.getInstance("TLS");
        context.init(managers.getKeyManagers(), null, null);
        return (SSLServerSocket)
                context.getServerSocketFactory().createServerSocket(0, 50, InetAddress.getLoopbackAddress());
    }
}
