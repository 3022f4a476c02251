package org.ondemandtls.renewal;

import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.ondemandtls.renewal.Entry.Kind;

/**
 * What is due and not done yet, in the order in which it matters. Each kind has turns of its own, and within a kind each CA
 * has, twice where some orders count in its budget of all and others do not: whatever fails, hangs or fills up keeps nothing
 * else from its turn.
 *
 * <p><b>Memory.</b> Names only, at most {@value #MOST} of each kind; where more are due, the most urgent are kept and the
 * others are found again in the store. <b>Threads.</b> Safe for use by many; nothing blocks.
 */
final class Backlog {

    /** How many of each kind are kept. */
    static final int MOST = 100_000;

    private record Delayed(Entry entry, long until) {}

    private record Turns(String issuer, boolean counted) {}

    private static final Comparator<Entry> BY_RENEWAL =
            Comparator.comparing(Entry::renew).thenComparing(Entry::name);

    private final Map<Kind, Integer> atOnce;
    private final boolean severalCas;
    private final Map<Kind, Map<Turns, Lane>> lanes = new EnumMap<>(Kind.class);
    private final Map<String, Entry> known = new HashMap<>();
    private final Map<Kind, Integer> sizes = new EnumMap<>(Kind.class);
    // Which turn of a name is at work.
    private final Map<String, Long> running = new HashMap<>();
    // Names whose orders were found to count; bounded like what is kept.
    private final Set<String> counted = new HashSet<>();
    private final PriorityQueue<Delayed> delayed = new PriorityQueue<>(Comparator.comparingLong(Delayed::until));
    // What gives way to its renewal when that has come.
    private final TreeSet<Entry> givingWay = new TreeSet<>(BY_RENEWAL);
    private boolean droppedSome;
    private long turns;

    /**
     * Makes an empty one.
     *
     * @param atOnce how many of each kind run at the same time, at least 1
     * @param severalCas whether there are several CAs, of which none may take all turns
     */
    Backlog(Map<Kind, Integer> atOnce, boolean severalCas) {
        this.atOnce = new EnumMap<>(atOnce);
        this.severalCas = severalCas;
        for (Kind kind : Kind.values()) {
            sizes.put(kind, 0);
        }
    }

    /** Adds something, unless the name is known already; where there are too many, the least urgent is dropped. */
    synchronized void offer(Entry entry) {
        if (!known.containsKey(entry.name())) {
            put(entry);
            if (size(entry.kind()) > MOST) {
                Optional<Entry> last = lanesOf(entry.kind()).values().stream()
                        .flatMap(lane -> lane.last().stream())
                        .max(Comparator.comparing(Entry::urgent));
                if (last.isPresent()) {
                    forget(last.get());
                    droppedSome = true;
                }
            }
        }
    }

    /** Whether a name waits here, or is at work. */
    synchronized boolean knows(String name) {
        return known.containsKey(name);
    }

    /** Whether there is room again for what was dropped. */
    synchronized boolean takesDroppedBack() {
        boolean room = droppedSome && sizes.values().stream().allMatch(size -> size < MOST / 2);
        droppedSome &= !room;
        return room;
    }

    /** How many names wait, or are at work. */
    synchronized int size() {
        return known.size();
    }

    /** How many of a kind are at work. */
    synchronized int running(Kind kind) {
        return lanesOf(kind).values().stream().mapToInt(Lane::running).sum();
    }

    /**
     * Takes what is to be begun now: of the CAs the one with the fewest at work, of its entries the most urgent.
     *
     * @param kind what is to be done
     * @param now the wall clock
     * @param nanos monotonic time
     * @return the entry, to be given to {@link #done} or {@link #again}; empty where nothing may be begun
     */
    synchronized Optional<Entry> take(Kind kind, Instant now, long nanos) {
        wake(nanos);
        // As it is at nearly every look, and each asks for every kind.
        if (known.isEmpty()) {
            return Optional.empty();
        }
        giveWay(now);
        int most = atOnce.getOrDefault(kind, 1);
        if (running(kind) >= most) {
            return Optional.empty();
        }
        int each = severalCas ? Math.max(1, most - 1) : most;
        Lane chosen = null;
        for (Map.Entry<Turns, Lane> turns : lanesOf(kind).entrySet()) {
            Lane lane = turns.getValue();
            Lane twin = lanesOf(kind)
                    .get(new Turns(turns.getKey().issuer(), !turns.getKey().counted()));
            int left = each - (twin == null ? 0 : twin.running());
            if (lane.first().isPresent()
                    && left > 0
                    && lane.admits(left, nanos)
                    && (chosen == null || isBefore(lane, chosen))) {
                chosen = lane;
            }
        }
        if (chosen == null) {
            return Optional.empty();
        }
        Entry next = chosen.first().orElseThrow();
        givingWay.remove(next);
        return Optional.of(begun(chosen, next));
    }

    /** Takes one name's entry out of its turn, as an operator wants; empty where it is at work already. */
    synchronized Optional<Entry> takeNow(Entry entry) {
        if (running.containsKey(entry.name())) {
            return Optional.empty();
        }
        Entry before = known.get(entry.name());
        if (before != null) {
            forget(before);
        }
        Entry taken = put(entry);
        return Optional.of(begun(lane(taken), taken));
    }

    private Entry begun(Lane lane, Entry entry) {
        Entry turn = entry.atTurn(++turns);
        lane.begun(entry);
        known.put(turn.name(), turn);
        running.put(turn.name(), turn.turn());
        return turn;
    }

    /** What was taken is done with, one way or the other; a turn that fails after that ends nothing, nor a later turn. */
    synchronized void done(Entry entry) {
        if (running.remove(entry.name(), entry.turn())) {
            lane(entry).ended();
            forget(entry);
        }
    }

    /** What was taken is to be begun again after a while. */
    synchronized void again(Entry taken, Entry next, Duration after, long nanos) {
        done(taken);
        if (!known.containsKey(next.name())) {
            delayed.add(new Delayed(know(next), nanos + after.toNanos()));
        }
    }

    /** What was taken becomes something else to be done. */
    synchronized void becomes(Entry taken, Entry next) {
        done(taken);
        offer(next);
    }

    /** The CA did what it was asked, in so long. */
    synchronized void worked(Entry entry, long tookNanos) {
        if (entry.kind() == Kind.RENEW) {
            counted.remove(entry.name());
        }
        lane(entry).worked(tookNanos);
    }

    /** The CA failed; see {@link Lane#failed}. */
    synchronized void failed(Entry entry, boolean everybody, Duration wait, long nanos) {
        lane(entry).failed(everybody, wait, nanos);
    }

    /** The budget of all is spent, in which the order for this one counts; those that do not count in it go on. */
    synchronized void overBudget(Entry entry, Duration wait, long nanos) {
        if (counted.size() < MOST) {
            counted.add(entry.name());
        }
        lane(entry.asCounted()).failed(true, wait, nanos);
    }

    private static boolean isBefore(Lane one, Lane other) {
        int fewer = Integer.compare(one.running(), other.running());
        return fewer != 0 ? fewer < 0 : latestBegin(one).isBefore(latestBegin(other));
    }

    private static Instant latestBegin(Lane lane) {
        return lane.first().orElseThrow().urgent().minus(lane.latency());
    }

    private void wake(long nanos) {
        while (!delayed.isEmpty() && delayed.peek().until() - nanos <= 0) {
            Entry entry = delayed.remove().entry();
            // It may have been taken out of its turn meanwhile.
            if (entry.equals(known.get(entry.name())) && !running.containsKey(entry.name())) {
                line(entry);
            }
        }
    }

    private void giveWay(Instant now) {
        while (!givingWay.isEmpty() && !givingWay.first().renew().isAfter(now)) {
            Entry entry = givingWay.first();
            forget(entry);
            put(entry.as(Kind.RENEW));
        }
    }

    private Entry put(Entry entry) {
        Entry put = know(entry);
        line(put);
        return put;
    }

    private Entry know(Entry entry) {
        Entry kept = counted.contains(entry.name()) ? entry.asCounted() : entry;
        known.put(kept.name(), kept);
        sizes.merge(kept.kind(), 1, Integer::sum);
        return kept;
    }

    private void line(Entry entry) {
        lane(entry).add(entry);
        if (entry.kind() != Kind.RENEW) {
            givingWay.add(entry);
        }
    }

    private void forget(Entry entry) {
        lane(entry).remove(entry);
        givingWay.remove(entry);
        Entry was = known.remove(entry.name());
        if (was != null) {
            sizes.merge(was.kind(), -1, Integer::sum);
        }
    }

    private int size(Kind kind) {
        return sizes.getOrDefault(kind, 0);
    }

    private Map<Turns, Lane> lanesOf(Kind kind) {
        return lanes.computeIfAbsent(
                kind, any -> new TreeMap<>(Comparator.comparing(Turns::issuer).thenComparing(Turns::counted)));
    }

    private Lane lane(Entry entry) {
        return lanesOf(entry.kind()).computeIfAbsent(new Turns(entry.issuer(), entry.counted()), any -> new Lane());
    }
}
