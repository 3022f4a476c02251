package org.ondemandtls.benchmarks;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.management.JMException;
import javax.management.MBeanServerConnection;
import javax.management.ObjectName;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;
import org.ondemandtls.testing.Command;
import org.ondemandtls.testing.FreePorts;
import org.ondemandtls.testing.Pebble;
import org.ondemandtls.testing.TlsProbe;

/** Whether visitors who wait for a certificate cost those whose certificate is there. */
final class ParkedHandshakes implements Benchmarks.Measurement {

    private static final int PARKED = 2000;
    private static final int VISITS = 200;
    private static final int JETTY_THREADS = 8;
    private static final int TOMCAT_THREADS = 20;
    private static final double RATIO = 2;

    /** Pebble sleeps whole seconds below this, and the slowest of three validations counts: 5.5 s on average. */
    private static final int VALIDATION_BELOW = 8;

    /** The content type of an alert's record. */
    private static final byte ALERT = 21;

    private static final Duration PATIENCE = Duration.ofSeconds(15);
    private static final String KNOWN = "known.customer.example";

    @Override
    public void measure(Setting setting, Report report) throws IOException, GeneralSecurityException, JMException {
        int threads = setting.kind() == Setting.Kind.JETTY ? JETTY_THREADS : TOMCAT_THREADS;
        report.section("Handshakes that wait, " + setting.title());
        report.condition("Pebble sleeps before each validation, 5.5 s for an order on average.");
        Client.warmUp();
        var options = Pebble.options().validationDelay(VALIDATION_BELOW);
        try (Scene scene = Scene.ofMany(setting, "parked", options)) {
            int managementPort = FreePorts.next();
            scene.server()
                    .threads(threads)
                    .backlog(PARKED)
                    .managedAt(managementPort)
                    .with("onDemandTls.shield.ordersQueued", Integer.toString(PARKED))
                    .with("onDemandTls.shield.askQueue", Integer.toString(PARKED))
                    .start();
            report.condition(scene.server().limits() + "; " + PARKED
                    + " names, so `onDemandTls.shield.ordersQueued` and `.askQueue` are " + PARKED
                    + ", the orders in flight as by default.");
            int port = scene.server().tlsPort();
            Client.visits(port, KNOWN, VISITS);
            Times idle = Client.visits(port, KNOWN, VISITS);

            List<byte[]> hellos = hellos();
            List<SocketChannel> waiting = new ArrayList<>();
            try (var jmx = connect(managementPort)) {
                MBeanServerConnection beans = jmx.getMBeanServerConnection();
                long begin = System.nanoTime();
                for (byte[] hello : hellos) {
                    waiting.add(connected(port, hello));
                }
                // The asks are answered and the orders queued: from here on it is the CA that is waited for.
                awaitAsked(scene);
                Duration sent = Duration.ofNanos(System.nanoTime() - begin);
                int parked = parked(beans);
                Times busy = Client.visits(port, KNOWN, VISITS);
                String dump = threads(setting, scene.server().process().pid());
                int stillParked = parked(beans);
                report.figure("all sent and their names asked for after", Times.millis(sent));
                report.figure("handshakes parked at the beginning of the measurement", Integer.toString(parked));
                report.figure("and at its end", Integer.toString(stillParked));
                report.exactly("of all of them refused", refused(waiting), 0);
                report.figure("a known name when idle, median", Times.millis(idle.median()));
                report.figure("a known name meanwhile, median", Times.millis(busy.median()));
                report.atMost(
                        "ratio",
                        (double) busy.median().toNanos() / idle.median().toNanos(),
                        RATIO,
                        "");
                report.figure("a known name meanwhile, 99th percentile", Times.millis(busy.percentile(99)));
                List<String> server = serverThreads(dump, scene.server().threadNames());
                report.figure("server threads", Integer.toString(server.size()));
                report.exactly(
                        "server threads inside our code, waiting or not",
                        server.stream()
                                .filter(thread -> thread.contains("org.ondemandtls"))
                                .count(),
                        0);
            } finally {
                for (SocketChannel channel : waiting) {
                    channel.close();
                }
            }
        }
    }

    private static List<byte[]> hellos() {
        var probe = TlsProbe.trustingAnything();
        List<byte[]> hellos = new ArrayList<>();
        for (int number = 0; number < PARKED; number++) {
            hellos.add(probe.clientHello("parked-" + number + ".customer.example"));
        }
        return hellos;
    }

    private static SocketChannel connected(int port, byte[] hello) throws IOException {
        SocketChannel channel = SocketChannel.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        channel.write(ByteBuffer.wrap(hello));
        return channel;
    }

    private static long refused(List<SocketChannel> waiting) throws IOException {
        long alerts = 0;
        for (SocketChannel channel : waiting) {
            ByteBuffer first = ByteBuffer.allocate(1);
            channel.configureBlocking(false);
            int read = channel.read(first);
            if (read < 0 || (read == 1 && first.get(0) == ALERT)) {
                alerts++;
            }
        }
        return alerts;
    }

    private static void awaitAsked(Scene scene) {
        scene.server()
                .process()
                .await("ask for every name", () -> scene.ask().questions().size() > PARKED, PATIENCE);
    }

    private static int parked(MBeanServerConnection beans) throws IOException, JMException {
        return (int) beans.getAttribute(new ObjectName("org.ondemandtls:type=OnDemandTls"), "ParkedHandshakes");
    }

    // The name that is looked up is one of ours, in a process of ours.
    private static JMXConnector connect(int managementPort) throws IOException {
        return JMXConnectorFactory.connect(
                new JMXServiceURL("service:jmx:rmi:///jndi/rmi://127.0.0.1:" + managementPort + "/jmxrmi"));
    }

    private static String threads(Setting setting, long pid) throws IOException {
        Path jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd");
        String dump = Command.run(List.of(jcmd.toString(), Long.toString(pid), "Thread.print"), PATIENCE)
                .stdout();
        Files.writeString(
                setting.target().resolve("parked-threads-" + setting.kind().word() + ".txt"), dump);
        return dump;
    }

    private static List<String> serverThreads(String dump, Pattern names) {
        return Pattern.compile("\n\n")
                .splitAsStream(dump)
                .filter(thread -> names.matcher(thread.toLowerCase(Locale.ROOT)).find())
                .collect(Collectors.toList());
    }
}
