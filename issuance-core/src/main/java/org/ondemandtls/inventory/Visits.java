package org.ondemandtls.inventory;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.ondemandtls.certificate.KeyedCertificate;

/**
 * Notes which certificates are visited, so that they are renewed: at most once a day each, once per twentieth of a life
 * below ten days. Whoever writes visits down takes them from here.
 *
 * <p><b>Threads.</b> {@link #visited} never blocks and is meant for a server's own threads.
 *
 * <p><b>Cost.</b> A visit that is not to be noted costs a look-up and a comparison. What waits to be written is bounded;
 * what does not fit is noted by a later visit.
 */
public final class Visits {

    private static final Duration SHORT_LIFE = Duration.ofDays(10);
    private static final Duration NOTED_EVERY = Duration.ofDays(1);
    private static final int NOTED_PER_SHORT_LIFE = 20;
    private static final int WAITING = 65_536;
    private static final long NEVER = Long.MIN_VALUE;

    /**
     * A visit to be written down.
     *
     * @param certificate what answered
     * @param at when
     */
    public record Visit(KeyedCertificate certificate, Instant at) {}

    // By identity: a successor has a life of its own.
    private final Cache<KeyedCertificate, AtomicLong> noted;
    private final BlockingQueue<Visit> waiting = new ArrayBlockingQueue<>(WAITING);
    private final Clock clock;

    /**
     * Makes a place for visits.
     *
     * @param size how many certificates are remembered as noted, at most
     * @param clock dates visits
     */
    public Visits(int size, Clock clock) {
        this.noted = Caffeine.newBuilder()
                .weakKeys()
                .maximumSize(size)
                .executor(Runnable::run)
                .build();
        this.clock = clock;
    }

    /**
     * Says that a handshake was completed with a certificate it did not have to wait for.
     *
     * @param certificate what answered
     */
    public void visited(KeyedCertificate certificate) {
        AtomicLong last = noted.get(certificate, none -> new AtomicLong(NEVER));
        long now = clock.millis();
        long before = last.get();
        // A clock that was set back must not end the noting, so the distance counts in both directions.
        if (before != NEVER && Math.abs(now - before) < interval(certificate).toMillis()) {
            return;
        }
        if (last.compareAndSet(before, now) && !waiting.offer(new Visit(certificate, Instant.ofEpochMilli(now)))) {
            last.set(NEVER);
        }
    }

    /** Takes up to {@code most} of the visits that wait to be written down, oldest first. */
    public List<Visit> take(int most) {
        List<Visit> taken = new ArrayList<>();
        waiting.drainTo(taken, most);
        return taken;
    }

    /** Has a certificate's next visit noted again: the one taken could not be written down. */
    public void notWritten(Visit visit) {
        noted.invalidate(visit.certificate());
    }

    /** How many visits wait to be written down. */
    public int waiting() {
        return waiting.size();
    }

    /** How often a certificate's visits are noted at most. */
    public static Duration interval(KeyedCertificate certificate) {
        Duration life = Duration.between(certificate.notBefore(), certificate.notAfter());
        return life.compareTo(SHORT_LIFE) < 0 ? life.dividedBy(NOTED_PER_SHORT_LIFE) : NOTED_EVERY;
    }
}
