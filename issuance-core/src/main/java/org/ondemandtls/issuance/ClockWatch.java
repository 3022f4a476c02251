package org.ondemandtls.issuance;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;

/**
 * Notices when the wall clock jumps against monotonic time. While it cannot be trusted, nothing is renewed by the timer,
 * withdrawn or forgotten, and nothing is written that carries its time; what is valid by it is served.
 *
 * <p>A machine that sleeps wakes up with a wall clock far ahead of monotonic time. What its kernel says that it slept is no
 * jump.
 *
 * <p>Where the kernel does not say so, as with a guest that its hypervisor pauses, a machine that stands still every night is
 * waited for once: after that a jump ahead by less than {@link #LONGEST_NIGHT} is taken for sleep.
 *
 * <p>A machine without a clock of its own starts with a wrong one, which is set when the network is there. Within {@link
 * #BEING_SET} of the machine's start a jump is that, in either direction, and the clock is trusted from then on.
 *
 * <p>It is trusted again once it is back, once a CA's answer has the same time, or after {@value #ACCEPTED_AFTER_HOURS} hours in
 * which it did not jump again: it was wrong before, then, and is right now.
 *
 * <p>Safe for use by many threads; never blocks.
 */
public final class ClockWatch {

    /** How far the two clocks may drift apart. */
    static final Duration TOLERANCE = Duration.ofMinutes(2);

    /** How far ahead a jump may lead that is taken for a night's sleep of the machine. */
    static final Duration LONGEST_NIGHT = Duration.ofHours(16);

    /** How long after the machine's start its clock may still be set. */
    static final Duration BEING_SET = Duration.ofMinutes(15);

    /** After how many hours a clock that jumped is taken for right. */
    public static final int ACCEPTED_AFTER_HOURS = 24;

    private final Clock clock;
    private final LongSupplier nanoTime;
    private final Events events;

    private final Supplier<Optional<Duration>> bootTime;

    private long asleep;
    private long trustedOffset;
    private long lastOffset;
    private boolean trusted = true;
    private boolean onlyNights;
    private boolean usedToNights;
    private long jumpedAt;
    private long generation;
    // The jumps by which the clock was set ahead as the machine started; moments of before them are a wrong clock's.
    private final List<Setting> settings = new ArrayList<>();
    private Instant began;

    /**
     * The clock was set ahead.
     *
     * @param from when the machine was started, by the clock as it was; where that is not known, the process
     * @param to when it was set, by the clock as it was
     * @param by how far
     */
    private record Setting(Instant from, Instant to, Duration by) {
        Instant corrected(Instant noted) {
            return noted.isBefore(from) || noted.isAfter(to) ? noted : noted.plus(by);
        }
    }

    /**
     * Begins to watch; the clock is trusted as it is now.
     *
     * @param clock the wall clock
     * @param nanoTime a monotonic clock in nanoseconds
     * @param events told of jumps
     */
    public ClockWatch(Clock clock, LongSupplier nanoTime, Events events) {
        this(clock, nanoTime, Optional::empty, events);
    }

    /**
     * Begins to watch, on a machine that may sleep.
     *
     * @param clock the wall clock
     * @param nanoTime a monotonic clock in nanoseconds, which may stand still while the machine sleeps
     * @param bootTime how long the machine has been up, sleep included; empty where that is not known
     * @param events told of jumps
     */
    public ClockWatch(Clock clock, LongSupplier nanoTime, Supplier<Optional<Duration>> bootTime, Events events) {
        this.clock = clock;
        this.nanoTime = nanoTime;
        this.bootTime = bootTime;
        this.events = events;
        this.asleep = asleep().orElse(0L);
        this.trustedOffset = offset();
        this.lastOffset = trustedOffset;
        this.began = clock.instant().minus(bootTime.get().orElse(Duration.ZERO));
    }

    /** Whether the wall clock can be trusted now. */
    public synchronized boolean isTrusted() {
        look();
        return trusted;
    }

    /** Grows whenever trust is lost or comes back: what was concluded from dates before is void then. */
    public synchronized long generation() {
        look();
        return generation;
    }

    /**
     * A moment of before, by the clock as it is now. What was noted since the machine was started is moved with its clock
     * where that was set meanwhile; what was noted before that stays.
     *
     * @param noted the moment, as it was noted
     */
    public synchronized Instant corrected(Instant noted) {
        look();
        Instant corrected = noted;
        for (Setting setting : settings) {
            corrected = setting.corrected(corrected);
        }
        return corrected;
    }

    /**
     * Compares a clock that has jumped with another machine's. One that agrees ends the wait; one that does not changes nothing,
     * for it may be that machine's clock which is wrong.
     *
     * @param date tells what time it is there; asked only where the answer matters, so it may cost something
     */
    public synchronized void compare(Supplier<Optional<Instant>> date) {
        look();
        if (trusted) {
            return;
        }
        Optional<Instant> there = date.get();
        if (there.isPresent() && !isFar(there.get().toEpochMilli(), clock.millis())) {
            trustAgain("the CA has the same time: the server trusts the clock again");
        }
    }

    private void trustAgain(String because) {
        trustedOffset = lastOffset;
        trusted = true;
        usedToNights = onlyNights;
        generation++;
        events.publish(EventKind.CLOCK, because);
    }

    private void look() {
        long now = nanoTime.getAsLong();
        long offset = offset();
        if (isFar(offset, lastOffset) && offset > lastOffset) {
            long explained = explained(offset - lastOffset);
            trustedOffset += explained;
            lastOffset += explained;
        }
        boolean jumped = isFar(offset, lastOffset);
        long before = lastOffset;
        lastOffset = offset;
        if (!isFar(offset, trustedOffset)) {
            // Drift and slewing move the offset slowly: they are followed.
            trustedOffset = trusted ? offset : trustedOffset;
            if (!trusted) {
                trusted = true;
                generation++;
                events.publish(EventKind.CLOCK, "the clock is back: renewing goes on");
            }
            return;
        }
        if (jumped && isBeingSet()) {
            events.publish(
                    EventKind.CLOCK,
                    "the clock was set by " + seconds(offset - before) + " s while the machine was starting; the server"
                            + " trusts it");
            isSet(Duration.ofMillis(offset - before));
            trustedOffset = offset;
            trusted = true;
            generation++;
            return;
        }
        boolean night = jumped && isNight(offset - before);
        if (night && usedToNights) {
            trustedOffset = trusted ? offset : trustedOffset;
            return;
        }
        if (night && !trusted) {
            // Another night's sleep must not put the end of the wait off, or it never came.
            return;
        }
        if (jumped) {
            onlyNights = night;
            jumpedAt = now;
            generation++;
            trusted = false;
            events.publish(
                    EventKind.CLOCK,
                    "the clock jumped by " + seconds(offset - trustedOffset)
                            + " s; nothing is renewed, withdrawn or forgotten until it is back, until a CA has the same"
                            + " time, or for "
                            + ACCEPTED_AFTER_HOURS + " h; check this machine's time");
        } else if (!trusted && now - jumpedAt >= TimeUnit.HOURS.toNanos(ACCEPTED_AFTER_HOURS)) {
            trustAgain("the clock has not jumped again; the server now trusts it");
        }
    }

    // Set back, it comes by the same moments again, which are right then.
    private void isSet(Duration by) {
        if (!by.isNegative()) {
            settings.add(new Setting(began, clock.instant().minus(by), by));
        }
        began = began.plus(by);
    }

    private boolean isBeingSet() {
        return bootTime.get().filter(up -> up.compareTo(BEING_SET) < 0).isPresent();
    }

    // What the kernel says that the machine has slept is no jump.
    private long explained(long jump) {
        Optional<Long> now = asleep();
        if (now.isEmpty()) {
            return 0;
        }
        long slept = now.get() - asleep;
        asleep = now.get();
        return Math.max(0, Math.min(slept, jump));
    }

    private Optional<Long> asleep() {
        return bootTime.get().map(up -> up.toMillis() - TimeUnit.NANOSECONDS.toMillis(nanoTime.getAsLong()));
    }

    private long offset() {
        return clock.millis() - TimeUnit.NANOSECONDS.toMillis(nanoTime.getAsLong());
    }

    // What the kernel has explained is no part of the jump; of a guest's pause it knows nothing.
    private static boolean isNight(long jump) {
        return jump > 0 && jump < LONGEST_NIGHT.toMillis();
    }

    private static long seconds(long millis) {
        return Duration.ofMillis(millis).toSeconds();
    }

    private static boolean isFar(long one, long other) {
        return Math.abs(one - other) > TOLERANCE.toMillis();
    }
}
