package org.ondemandtls.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What thousands of strangers cost a server, measured; each figure is printed, and bounded. */
@Tag("long")
public abstract class StrangersContract<F extends HostFixture> extends HostContract<F> {

    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final Duration LOOK = Duration.ofMillis(10);
    private static final int NAMES = 2_000;
    private static final int MOST_ASKED = 60;
    private static final int MOST_DNS_QUESTIONS = 600;
    private static final int PARKED = 1_000;
    private static final int AT_ONCE = 50;
    private static final long OCTETS_OF_ONE = 8 * 1024;
    private static final int ABANDONED = 5_000;
    private static final long OCTETS_OF_ABANDONED = 2 * 1024 * 1024;
    private static final int READ = 256;

    private static void tell(String figure) {
        System.out.println("figure: " + figure);
    }

    @Test
    void randomNamesOfOneClientBlockCostAFewQuestions() throws Exception {
        InetAddress address = ShieldContract.ownAddress();
        try (NameServer dns =
                new NameServer(directory.resolve("dns"), "customer.test", List.of("* A " + address.getHostAddress()))) {
            fixture.keys.put("onDemandTls.preflight", "true");
            fixture.keys.put(
                    "onDemandTls.preflight.resolver",
                    "127.0.0.1:" + dns.address().getPort());
            fixture.listenAt(address);
            fixture.launch();

            for (int i = 0; i < NAMES; i++) {
                byte[] hello = TlsProbe.trustingAnything().clientHello("random" + i + ".customer.test");
                try (Socket stranger = new Socket(address, fixture.port())) {
                    stranger.setSoTimeout((int) PATIENCE.toMillis());
                    stranger.getOutputStream().write(hello);
                    // An alert, or the beginning of a handshake.
                    assertThat(stranger.getInputStream().read(new byte[READ])).isPositive();
                }
            }

            int asked = fixture.ask.questions().size();
            long questions = fixture.engine().status().getDnsQuestions();
            tell(NAMES + " random names of one /24: " + asked + " questions to permission, " + questions
                    + " DNS questions");
            assertThat(asked).isBetween(1, MOST_ASKED);
            assertThat(questions).isBetween(1L, (long) MOST_DNS_QUESTIONS);
        }
    }

    @Test
    void aParkedHandshakeHoldsLittleMemory() throws Exception {
        slowly();
        List<SocketChannel> open = new ArrayList<>();
        try {
            // Classes, caches and tables.
            park(open, PARKED);
            leave(open);
            long before = heap();

            park(open, PARKED);
            long each = (heap() - before) / PARKED;

            tell("a parked handshake: " + each + " octets of heap, its client's socket in this JVM included");
            assertThat(each).isPositive().isLessThanOrEqualTo(OCTETS_OF_ONE);
        } finally {
            leave(open);
        }
    }

    @Test
    void abandonedHandshakesLeaveNothingBehindWhileTheirNameIsWaitedFor() throws Exception {
        slowly();
        List<SocketChannel> open = new ArrayList<>();
        park(open, PARKED);
        leave(open);
        long before = heap();

        for (int done = 0; done < ABANDONED; done += PARKED) {
            park(open, PARKED);
            leave(open);
        }
        long kept = heap() - before;

        tell(ABANDONED + " abandoned handshakes: " + kept + " octets of heap kept, parked now " + fixture.parked());
        assertThat(fixture.parked()).isZero();
        assertThat(kept).isLessThan(OCTETS_OF_ABANDONED);
    }

    private void slowly() throws Exception {
        fixture.keys.put("onDemandTls.permission.askTimeout", "60s");
        fixture.keys.put("onDemandTls.handshake.deadline", "5m");
        fixture.launch();
    }

    // A few at a time, since the kernel answers who finds no place in the server's queue only a second later.
    private void park(List<SocketChannel> open, int count) throws IOException {
        while (open.size() < count) {
            byte[] hello = TlsProbe.trustingAnything().clientHello("slow.customer" + open.size() % 10 + ".test");
            SocketChannel stranger =
                    SocketChannel.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), fixture.port()));
            open.add(stranger);
            stranger.write(ByteBuffer.wrap(hello));
            if (open.size() % AT_ONCE == 0) {
                awaiting().until(() -> fixture.parked() == open.size());
            }
        }
    }

    private void leave(List<SocketChannel> open) throws IOException {
        for (SocketChannel stranger : open) {
            stranger.close();
        }
        open.clear();
        awaiting().until(() -> fixture.parked() == 0 && fixture.connections() == 0);
    }

    // The question to permission hangs for a minute at most.
    private static ConditionFactory awaiting() {
        return await().pollDelay(Duration.ZERO).pollInterval(LOOK).atMost(PATIENCE);
    }

    private static long heap() {
        MemoryMXBean memory = ManagementFactory.getMemoryMXBean();
        long least = Long.MAX_VALUE;
        for (int time = 0; time < 5; time++) {
            memory.gc();
            least = Math.min(least, memory.getHeapMemoryUsage().getUsed());
        }
        return least;
    }
}
