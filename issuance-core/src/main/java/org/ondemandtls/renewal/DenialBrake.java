package org.ondemandtls.renewal;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.Hold;
import org.ondemandtls.store.RecordUnreadableException;
import org.ondemandtls.store.StoreException;

/**
 * Keeps one bad deployment of whatever is asked for permission from taking every customer down: where, of {@value #FEWEST}
 * names or more, more than half of what was granted is denied within one period, nothing is withdrawn for a week, or until
 * an operator says that the denials are meant.
 *
 * <p>That the brake is on is kept in the store, so that it outlives a restart and holds on every server. What was answered
 * is remembered in memory, at most {@value #MOST} names; of more names a fair part is.
 *
 * <p><b>Threads.</b> Safe for use by many; blocks for the store where the brake is put on, released or asked for.
 */
final class DenialBrake {

    /** From how many names on. */
    static final int FEWEST = 20;

    /** How long it holds at most. */
    static final Duration LONGEST = Duration.ofDays(7);

    /** What it is kept under, among the holds. */
    static final Scope SCOPE = new Scope.Denials();

    /** How many names' answers are remembered. */
    static final int MOST = 8192;

    private static final String ON = "massDenial";
    private static final String OFF = "massDenialOver";
    private static final Duration WITHOUT_RECHECK = Duration.ofDays(1);

    private record Answer(String name, long at, boolean denied, boolean fresh) {}

    private final CertificateStore store;
    private final Duration window;
    private final Clock clock;
    private final LongSupplier nanoTime;
    private final Events events;

    // The answers by their order, each name once.
    private final NavigableMap<Long, Answer> answers = new TreeMap<>();
    private final Map<String, Long> numbers = new HashMap<>();
    private long number;
    private int denied;
    private int fresh;
    // Of more names than are remembered, those whose hash has none of these bits.
    private int mask;
    private long since;

    private volatile Optional<Hold> last = Optional.empty();

    /**
     * Makes it.
     *
     * @param store where it is kept that the brake is on
     * @param recheck within which time denials count together, empty where renewals only ask: a day then
     * @param clock the wall clock
     * @param nanoTime a monotonic clock in nanoseconds
     * @param events told when it is put on and released
     */
    DenialBrake(CertificateStore store, Optional<Duration> recheck, Clock clock, LongSupplier nanoTime, Events events) {
        this.store = store;
        this.window = recheck.orElse(WITHOUT_RECHECK);
        this.clock = clock;
        this.nanoTime = nanoTime;
        this.events = events;
        this.since = nanoTime.getAsLong();
    }

    /** A name is served that was granted: it counts among those that can be denied. */
    synchronized void served(String name) {
        if (!numbers.containsKey(name)) {
            note(name, false, false);
        }
    }

    /**
     * A name was granted.
     *
     * @throws StoreException if the store failed
     */
    synchronized void granted(String name) throws StoreException {
        note(name, false, false);
        boolean watchedForLong = nanoTime.getAsLong() - since >= window.toNanos();
        if (denied * 2 <= answers.size() && watchedForLong) {
            // Looked at once in a while: what is granted all day must not cost a look each.
            since = nanoTime.getAsLong();
            if (isOn()) {
                keep(hold(OFF, clock.instant()));
                events.publish(
                        EventKind.MASS_DENIAL,
                        "permission is granted again for most names: denied names are withdrawn as usual again");
            }
        }
    }

    /**
     * A name was denied.
     *
     * @param name the name
     * @param deniedSince since when every answer about it has been a denial
     * @throws StoreException if the store failed
     */
    synchronized void denied(String name, Instant deniedSince) throws StoreException {
        Instant now = clock.instant();
        note(name, true, deniedSince.plus(window).isAfter(now));
        if (answers.size() < FEWEST || fresh * 2 <= answers.size()) {
            return;
        }
        if (known().filter(hold -> now.isBefore(hold.until())).isPresent()) {
            return;
        }
        since = nanoTime.getAsLong();
        Instant until = now.plus(LONGEST);
        keep(hold(ON, until));
        events.publish(
                EventKind.MASS_DENIAL,
                "permission is suddenly denied for more than half of the names (" + denied + " of the last "
                        + answers.size() + " asked for): nothing is withdrawn before " + until
                        + "; repair the permission source, or confirm the denials if you mean them");
    }

    /**
     * Whether a name that has been denied for long enough is kept all the same.
     *
     * @param deniedSince since when every answer about it has been a denial
     * @throws StoreException if the store failed
     */
    synchronized boolean keeps(Instant deniedSince) throws StoreException {
        // Where names are withdrawn sooner than all have been asked for, the last answers tell whether to wait for
        // that.
        boolean early = clock.instant().isBefore(deniedSince.plus(window));
        return (early && isSuspicious()) || isOn();
    }

    /**
     * An operator says that the denials are meant.
     *
     * @return whether the brake was on
     * @throws StoreException if the store failed
     */
    synchronized boolean confirm() throws StoreException {
        if (!isOn()) {
            return false;
        }
        // Long enough for every name to be asked for, of which many will be denied for the first time.
        keep(hold(OFF, clock.instant().plus(window.multipliedBy(2))));
        return true;
    }

    /**
     * Until when nothing is withdrawn.
     *
     * @return the time, empty while the brake is not on
     * @throws StoreException if the store failed
     */
    Optional<Instant> until() throws StoreException {
        Instant now = clock.instant();
        return known().filter(hold -> hold.problemType().equals(ON))
                .map(Hold::until)
                .filter(now::isBefore);
    }

    // Where it cannot be read, what was read or written last goes on: it must not keep every denied name from its end.
    private Optional<Hold> known() throws StoreException {
        try {
            last = store.hold(SCOPE);
        } catch (RecordUnreadableException e) {
            return last;
        }
        return last;
    }

    private void keep(Hold hold) throws StoreException {
        last = Optional.of(hold);
        store.keepHold(hold);
    }

    private boolean isOn() throws StoreException {
        return until().isPresent();
    }

    private boolean isSuspicious() {
        if (answers.size() < FEWEST) {
            return false;
        }
        return answers.descendingMap().values().stream()
                        .limit(FEWEST)
                        .filter(Answer::fresh)
                        .count()
                > FEWEST / 2;
    }

    private void note(String name, boolean isDenied, boolean isFresh) {
        long now = nanoTime.getAsLong();
        Long before = numbers.get(name);
        if (before != null) {
            remove(before);
        }
        while (!answers.isEmpty() && now - answers.firstEntry().getValue().at() > window.toNanos()) {
            remove(answers.firstKey());
        }
        if ((name.hashCode() & mask) != 0) {
            return;
        }
        long next = number++;
        answers.put(next, new Answer(name, now, isDenied, isFresh));
        numbers.put(name, next);
        denied += isDenied ? 1 : 0;
        fresh += isFresh ? 1 : 0;
        if (answers.size() > MOST) {
            mask = mask * 2 + 1;
            answers.entrySet().stream()
                    .filter(entry -> (entry.getValue().name().hashCode() & mask) != 0)
                    .map(Map.Entry::getKey)
                    .toList()
                    .forEach(this::remove);
        }
    }

    private void remove(Long key) {
        Answer answer = answers.remove(key);
        if (answer != null) {
            numbers.remove(answer.name());
            denied -= answer.denied() ? 1 : 0;
            fresh -= answer.fresh() ? 1 : 0;
        }
    }

    private static Hold hold(String type, Instant until) {
        return new Hold(
                SCOPE, "permission", 1, until, type, "more than half of the names are denied", Optional.empty());
    }
}
