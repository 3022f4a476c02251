package org.ondemandtls.benchmarks;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import org.ondemandtls.testing.Command;
import org.ondemandtls.testing.TlsProbe;

/** Full TLS 1.3 handshakes one after another, and what they cost a server. Used by one thread. */
final class Load {

    private static final int CORE = 1;
    private static final Duration PATIENCE = Duration.ofSeconds(15);

    private final SSLContext context;
    private final Random random = new Random(1);

    /** Makes the client, which trusts anything: what is measured is the server. */
    Load() throws GeneralSecurityException {
        context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {TlsProbe.anyTrust()}, null);
    }

    /** Keeps this JVM to the core that no server is kept to. */
    static void pin() {
        Command.run(
                List.of(
                        "taskset",
                        "-a",
                        "-p",
                        "-c",
                        Integer.toString(CORE),
                        Long.toString(ProcessHandle.current().pid())),
                PATIENCE);
    }

    /** The processor time a handshake costs a server, in microseconds; the system counts in ticks of ten milliseconds. */
    double perHandshake(Server server, List<String> names, int times) throws IOException {
        Duration before = server.processorTime();
        shake(server, names, times);
        return server.processorTime().minus(before).toNanos() / 1e3 / times;
    }

    /** Shakes hands for one of the names at random, so many times. */
    void shake(Server server, List<String> names, int times) throws IOException {
        for (int time = 0; time < times; time++) {
            String name = names.get(random.nextInt(names.size()));
            Socket tcp = new Socket();
            tcp.setTcpNoDelay(true);
            tcp.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), server.tlsPort()));
            try (var socket = (SSLSocket) context.getSocketFactory().createSocket(tcp, name, server.tlsPort(), true)) {
                SSLParameters parameters = socket.getSSLParameters();
                parameters.setServerNames(List.of(new SNIHostName(name)));
                parameters.setProtocols(new String[] {"TLSv1.3"});
                socket.setSSLParameters(parameters);
                socket.startHandshake();
                // Closed before a ticket is read: the next handshake is a full one again.
                socket.getSession().invalidate();
            }
        }
    }

    /** The middle one of some values. */
    static double median(List<Double> values) {
        List<Double> sorted = values.stream().sorted().toList();
        int half = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(half) : (sorted.get(half - 1) + sorted.get(half)) / 2;
    }
}
