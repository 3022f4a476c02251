package org.ondemandtls.benchmarks;

import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import javax.management.JMException;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;
import org.ondemandtls.testing.AskEndpoint;
import org.ondemandtls.testing.Command;
import org.ondemandtls.testing.FreePorts;
import org.ondemandtls.testing.HostFixture;
import org.ondemandtls.testing.Pebble;
import org.ondemandtls.testing.TlsProbe;

/** What strangers cost: a refusal beside a stock server, a flood of denied names, and an ask that hangs. */
final class Strangers implements Benchmarks.Measurement {

    private static final String KNOWN = "known.customer.example";
    private static final int VISITS = 300;

    private static final int WARM_UP = 20_000;
    private static final int REFUSALS = 20_000;
    private static final int REFUSED_NAMES = 200;
    private static final double REFUSAL_MICROS = 100;

    private static final int FLOOD = 20_000;
    private static final int FLOOD_WARM_UP = 5000;
    private static final int FLOOD_PER_SECOND = 1000;
    private static final Duration LOOK = Duration.ofMillis(20);
    private static final Duration BETWEEN_VISITS = Duration.ofMillis(25);
    private static final double FLOOD_HEAP_MB = 32;
    private static final double RATIO = 2;
    private static final int ASKS_PER_SECOND = 200;

    private static final int HELD = 200;
    private static final Duration HANG = Duration.ofSeconds(15);
    private static final Duration HELD_TARGET = Duration.ofSeconds(3);

    private static final int SENDERS = 2;
    private static final int ALERT_OCTETS = 7;
    private static final int ANSWER_OCTETS = 16 * 1024;
    private static final int SERVER_CORE = 0;
    private static final int LOAD_CORE = 1;

    @Override
    public void measure(Setting setting, Report report)
            throws IOException, GeneralSecurityException, JMException, Exception {
        report.section("Strangers, " + setting.title());
        report.condition("The server on one core, clients, CA and `ask` on the other (`taskset`); defaults otherwise,"
                + " but for a backlog of " + FLOOD_PER_SECOND + " connections where many connect at once.");
        pin(ProcessHandle.current().pid(), LOAD_CORE);
        Client.warmUp();
        refusals(setting, report);
        flood(setting, report);
        hangingAsk(setting, report);
    }

    private static void refusals(Setting setting, Report report) throws Exception {
        List<byte[]> hellos = hellos("denied", REFUSED_NAMES);
        report.progress(REFUSALS + " refusals of denied names");
        try (Scene scene = Scene.set(setting, "refusals", Pebble.options())) {
            scene.server().pinnedTo(SERVER_CORE).start();
            report.atMost(
                    "a refused handshake, processor time of the server",
                    perRefusal(scene.server(), hellos),
                    REFUSAL_MICROS,
                    " µs");
        }
        Path directory = setting.emptied("refusals-stock");
        Path keyStore = HostFixture.keyStore(directory.resolve("own.p12"), "own.example");
        Path base = directory.resolve("base");
        boolean jetty = setting.kind() == Setting.Kind.JETTY;
        String what = jetty
                ? "the same of a stock Jetty with `sniRequired`"
                : "… of a stock Tomcat, which cannot refuse a name: it answers with its own certificate";
        report.progress(what);
        try (Server stock = jetty
                ? JettyServer.layOutStock(setting, base, keyStore)
                : TomcatServer.layOutStock(setting, base, keyStore)) {
            stock.pinnedTo(SERVER_CORE).start();
            report.figure(what, Math.round(perRefusal(stock, hellos)) + " µs");
        }
    }

    // In microseconds; the system counts in ticks of ten milliseconds.
    private static double perRefusal(Server server, List<byte[]> hellos) throws Exception {
        send(server.tlsPort(), hellos, WARM_UP);
        Duration before = server.processorTime();
        send(server.tlsPort(), hellos, REFUSALS);
        return server.processorTime().minus(before).toNanos() / 1e3 / REFUSALS;
    }

    private static void flood(Setting setting, Report report) throws Exception {
        report.progress(FLOOD + " denied names at " + FLOOD_PER_SECOND + " a second");
        List<byte[]> hellos = hellos("flood", FLOOD);
        try (Scene scene = Scene.set(setting, "flood", Pebble.options())) {
            int managementPort = FreePorts.next();
            Server server = scene.server();
            server.pinnedTo(SERVER_CORE)
                    .managedAt(managementPort)
                    .backlog(FLOOD_PER_SECOND)
                    .start();
            int port = server.tlsPort();
            Client.visits(port, KNOWN, VISITS);
            flood(port, hellos("warm-up", FLOOD_WARM_UP));
            Times idle = Client.visits(port, KNOWN, VISITS);
            long orders = scene.pebble().orders();
            long files = files(server.store());
            long asked = scene.ask().questions().size();
            try (JMXConnector jmx = connect(managementPort)) {
                MemoryMXBean memory = ManagementFactory.newPlatformMXBeanProxy(
                        jmx.getMBeanServerConnection(), ManagementFactory.MEMORY_MXBEAN_NAME, MemoryMXBean.class);
                long heap = heap(memory);
                long begin = System.nanoTime();
                ExecutorService flooding = Executors.newSingleThreadExecutor();
                Future<?> flood = flooding.submit(() -> {
                    flood(port, hellos);
                    return null;
                });
                List<Duration> visits = new ArrayList<>();
                while (!flood.isDone()) {
                    visits.add(Client.visit(port, KNOWN).took());
                    // The load's core is for the load.
                    LockSupport.parkNanos(BETWEEN_VISITS.toNanos());
                }
                flood.get();
                flooding.shutdown();
                double seconds = (System.nanoTime() - begin) / 1e9;
                Times busy = Times.of(visits);
                report.figure("denied names a second", String.valueOf(Math.round(FLOOD / seconds)));
                report.exactly("orders", scene.pebble().orders() - orders, 0);
                report.exactly("files", files(server.store()) - files, 0);
                report.atMost("heap growth, after collection", (heap(memory) - heap) / 1e6, FLOOD_HEAP_MB, " MB");
                report.atMost(
                        "`ask` calls, their limit being " + ASKS_PER_SECOND + " a second",
                        (double) (scene.ask().questions().size() - asked),
                        ASKS_PER_SECOND * (seconds + 2),
                        "");
                report.figure("a known name when idle, 99th percentile", Times.millis(idle.percentile(99)));
                report.figure("a known name meanwhile, 99th percentile", Times.millis(busy.percentile(99)));
                report.atMost(
                        "ratio",
                        (double) busy.percentile(99).toNanos()
                                / idle.percentile(99).toNanos(),
                        RATIO,
                        "");
                report.figure(
                        "a known name, median when idle and meanwhile",
                        Times.millis(idle.median()) + ", " + Times.millis(busy.median()));
            }
        }
    }

    private static void hangingAsk(Setting setting, Report report) throws Exception {
        report.progress("an `ask` that hangs for " + HANG.toSeconds() + " s, and " + HELD + " new names");
        try (Scene scene = Scene.set(setting, "hanging", Pebble.options())) {
            Server server = scene.server();
            server.pinnedTo(SERVER_CORE).backlog(FLOOD_PER_SECOND).start();
            int port = server.tlsPort();
            Client.visits(port, KNOWN, VISITS);
            Times idle = Client.visits(port, KNOWN, VISITS);
            scene.ask().answer(name -> AskEndpoint.Answer.GRANTED.after(HANG));
            ExecutorService clients = Executors.newFixedThreadPool(HELD);
            List<Future<Duration>> held = new ArrayList<>();
            for (byte[] hello : hellos("held", HELD)) {
                held.add(clients.submit(() -> {
                    long begin = System.nanoTime();
                    refusal(port, hello);
                    return Duration.ofNanos(System.nanoTime() - begin);
                }));
            }
            Times busy = Client.visits(port, KNOWN, VISITS);
            List<Duration> ended = new ArrayList<>();
            for (Future<Duration> one : held) {
                ended.add(one.get());
            }
            clients.shutdown();
            report.atMost(
                    "the longest any of " + HELD + " was held", Times.of(ended).longest(), HELD_TARGET);
            report.figure("a known name when idle, median", Times.millis(idle.median()));
            report.atMost(
                    "a known name meanwhile, ratio of medians",
                    (double) busy.median().toNanos() / idle.median().toNanos(),
                    RATIO,
                    "");
        }
    }

    /** Sends ClientHellos round and round, two at a time, and waits for each one's alert. */
    private static void send(int port, List<byte[]> hellos, int count) throws InterruptedException, ExecutionException {
        AtomicInteger next = new AtomicInteger();
        ExecutorService senders = Executors.newFixedThreadPool(SENDERS);
        List<Future<?>> running = new ArrayList<>();
        for (int sender = 0; sender < SENDERS; sender++) {
            running.add(senders.submit(() -> {
                for (int at = next.getAndIncrement(); at < count; at = next.getAndIncrement()) {
                    refusal(port, hellos.get(at % hellos.size()));
                }
                return null;
            }));
        }
        for (Future<?> one : running) {
            one.get();
        }
        senders.shutdown();
    }

    /** Sends each ClientHello once, so many a second whether they are answered or not, and waits for the last answers. */
    private static void flood(int port, List<byte[]> hellos) throws IOException {
        InetSocketAddress server = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
        long begin = System.nanoTime();
        try (Selector answers = Selector.open()) {
            for (int at = 0; at < hellos.size(); at++) {
                long due = begin + (long) (at * 1e9 / FLOOD_PER_SECOND);
                for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
                    answers.select(FloodAnswer::read, Math.max(1, left / 1_000_000));
                }
                answers.selectNow(FloodAnswer::read);
                SocketChannel channel = SocketChannel.open();
                channel.configureBlocking(false);
                // Where the server's queue is full, the system tries again after a second; nobody waits for that here.
                boolean connected = channel.connect(server);
                SelectionKey key = channel.register(
                        answers, connected ? SelectionKey.OP_READ : SelectionKey.OP_CONNECT, hellos.get(at));
                if (connected) {
                    FloodAnswer.send(key);
                }
            }
            long last = System.nanoTime() + HANG.toNanos();
            while (!answers.keys().isEmpty()) {
                // What was closed is let go of by the next look only.
                answers.select(FloodAnswer::read, LOOK.toMillis());
                if (System.nanoTime() - last > 0) {
                    throw new IOException(answers.keys().size() + " were never answered");
                }
            }
        }
    }

    private static final class FloodAnswer {

        static void send(SelectionKey key) throws IOException {
            ((SocketChannel) key.channel()).write(ByteBuffer.wrap((byte[]) key.attachment()));
            key.interestOps(SelectionKey.OP_READ);
        }

        // Until the server closes, so that it is the one that remembers the connection.
        static void read(SelectionKey key) {
            boolean open = true;
            try {
                SocketChannel channel = (SocketChannel) key.channel();
                if (!key.isConnectable()) {
                    open = channel.read(ByteBuffer.allocate(64)) >= 0;
                } else if (channel.finishConnect()) {
                    send(key);
                }
            } catch (IOException reset) {
                open = false;
            }
            if (!open) {
                try {
                    key.channel().close();
                } catch (IOException alreadyGone) {
                    key.cancel();
                }
            }
        }
    }

    private static void refusal(int port, byte[] hello) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout((int) HANG.toMillis());
            socket.getOutputStream().write(hello);
            InputStream in = socket.getInputStream();
            // An alert, and the end; or, from a server that answers every name, as much of its answer as is there.
            int octets = in.read(new byte[ANSWER_OCTETS]);
            if (octets <= ALERT_OCTETS) {
                in.readAllBytes();
            }
        }
    }

    private static List<byte[]> hellos(String prefix, int count) {
        TlsProbe probe = TlsProbe.trustingAnything();
        List<byte[]> hellos = new ArrayList<>();
        for (int number = 0; number < count; number++) {
            hellos.add(probe.clientHello(prefix + "-" + number + ".stranger.example"));
        }
        return hellos;
    }

    private static long files(Path store) throws IOException {
        try (Stream<Path> files = Files.walk(store)) {
            return files.filter(Files::isRegularFile).count();
        }
    }

    private static long heap(MemoryMXBean memory) {
        memory.gc();
        memory.gc();
        return memory.getHeapMemoryUsage().getUsed();
    }

    private static void pin(long process, int core) {
        Command.run(
                List.of("taskset", "-a", "-c", "-p", Integer.toString(core), Long.toString(process)),
                Duration.ofSeconds(5));
    }

    // The name that is looked up is one of ours, in a process of ours.
    private static JMXConnector connect(int managementPort) throws IOException {
        return JMXConnectorFactory.connect(
                new JMXServiceURL("service:jmx:rmi:///jndi/rmi://127.0.0.1:" + managementPort + "/jmxrmi"));
    }
}
