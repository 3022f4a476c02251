package org.ondemandtls;

import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import org.ondemandtls.authority.OrderRehearsal;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.handshake.HandshakeRehearsal;
import org.ondemandtls.handshake.TlsProvider;
import org.ondemandtls.name.PublicSuffixes;
import org.ondemandtls.preflight.LookRehearsal;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.StoreException;

/**
 * Goes through first visits in memory: a young JVM loads and interprets what it does for the first time, and without this
 * the first visitors would wait for it. When that is done, {@link Preparation} says.
 *
 * <p>Once in the life of a JVM. Nothing is stored or displayed, and nothing leaves the machine.
 */
final class Rehearsal {

    /** Enough for all classes to be there and for the compiler to have seen what is used again and again. */
    private static final int ROUNDS = 20;

    /** How much later a server starts at most, but for the round that is under way. */
    private static final Duration LONGEST = Duration.ofSeconds(1);

    private static final AtomicBoolean DONE = new AtomicBoolean();
    private static final AtomicBoolean LOOKED = new AtomicBoolean();

    private Rehearsal() {}

    /** Whether there is nobody who would have to wait for it: nothing is stored. Blocks for a look. */
    static boolean isWorthWaitingFor(CertificateStore store) {
        try {
            return store.nextDue().isEmpty();
        } catch (StoreException e) {
            // Told of as soon as somebody needs the store.
            return true;
        }
    }

    /**
     * Rehearses, unless this JVM has done so. Blocks for about a second; about two of processor time, the compiler's
     * included.
     *
     * @param clock tells the date
     * @param nanoTime monotonic time
     * @param events told where it fails, which costs the first visitors some time and is no other trouble
     * @param tls whose engines the visitors will meet
     * @param asking rehearses how permission is asked
     */
    static void once(Clock clock, LongSupplier nanoTime, Events events, TlsProvider tls, Runnable asking) {
        if (!DONE.compareAndSet(false, true)) {
            return;
        }
        try {
            asking.run();
            // What is stored is noted by its registered domain: the list takes a tenth of a second to read.
            PublicSuffixes.bundled();
            rehearse(clock, nanoTime, tls, ROUNDS, LONGEST);
        } catch (RuntimeException e) {
            events.publish(EventKind.DEFECT, "the rehearsal of an order failed: " + e);
        }
    }

    /**
     * Rehearses the look at a name's DNS, unless this JVM has done so. Blocks for some tenths of a second.
     *
     * @param nanoTime monotonic time
     * @param events told where it fails
     */
    static void lookOnce(LongSupplier nanoTime, Events events) {
        if (!LOOKED.compareAndSet(false, true)) {
            return;
        }
        try {
            new LookRehearsal(nanoTime).perform();
        } catch (RuntimeException e) {
            events.publish(EventKind.DEFECT, "the rehearsal of a look at DNS failed: " + e);
        }
    }

    /**
     * Rehearses up to so many rounds, beginning none after {@code longest}.
     *
     * @return how many
     */
    static int rehearse(Clock clock, LongSupplier nanoTime, TlsProvider tls, int rounds, Duration longest) {
        long begin = nanoTime.getAsLong();
        OrderRehearsal order = new OrderRehearsal(clock, nanoTime);
        HandshakeRehearsal handshake = new HandshakeRehearsal(clock, tls);
        int round = 0;
        while (round < rounds && nanoTime.getAsLong() - begin < longest.toNanos()) {
            handshake.perform(order.perform());
            round++;
        }
        return round;
    }
}
