package org.ondemandtls.status;

import java.time.Duration;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.event.Event;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.EventListener;
import org.ondemandtls.event.Events;
import org.ondemandtls.machine.Time;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.Happening;
import org.ondemandtls.store.HappeningPages;
import org.ondemandtls.store.RecordUnreadableException;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.UntilDone;

/**
 * Has what happened to names without a certificate kept in the store, so that it outlives the server and other servers see
 * it. Names with a certificate have it in their record.
 *
 * <p><b>Cost.</b> Strangers decide how many names are denied. Whatever they do, nothing is written to files before the server
 * stops, and one page in half a minute to a database; the last {@link HappeningPages#NAMES_OF_ANYBODY} names wait for that. Of names that
 * permission was granted for, or an operator asked for, at most {@value #PAGES_AT_ONCE} pages are read and written every ten
 * seconds, and {@value #MOST} names wait; what does not fit is left out.
 *
 * <p><b>Threads.</b> Safe for many. {@link #on} never blocks; the store is written on a thread of its own.
 */
final class KeptHistory implements EventListener, AutoCloseable {

    /** How many pages are written at once. */
    static final int PAGES_AT_ONCE = 8;

    /** How many names wait at most that permission was granted for. */
    static final int MOST = 2_000;

    /** How many names are looked at at once. */
    static final int NAMES_AT_ONCE = 128;

    private static final int ROUNDS_AT_STOP = 4;
    private static final Duration TIME_AT_STOP = Duration.ofSeconds(2);
    private static final Duration GATHERED_FOR = Duration.ofSeconds(1);
    private static final Duration PAUSE = Duration.ofSeconds(10);
    private static final Duration PAUSE_OF_ANYBODY = Duration.ofSeconds(30);
    private static final Set<EventKind> KEPT = EnumSet.of(
            EventKind.DENIED,
            EventKind.NO_ANSWER,
            EventKind.NOT_READY,
            EventKind.REJECTED,
            EventKind.AUTHORITY_UNAVAILABLE,
            EventKind.NEXT_CA,
            EventKind.STILL_FAILING,
            EventKind.WITHDRAWN,
            EventKind.REVOKED,
            EventKind.FORGOTTEN);

    private final HappeningPages pages;
    private final CertificateStore store;
    private final Happening.Source recent;
    private final UntilDone writing;
    private final Time time;
    // What happened is held here until it is written: strangers' names push others out of memory.
    private final Map<String, List<Happening>> granted = new LinkedHashMap<>();
    private final Map<String, List<Happening>> others = new LinkedHashMap<>();
    private long othersFrom;

    KeptHistory(CertificateStore store, Happening.Source recent, Time time, Events events) {
        this.pages = new HappeningPages(store);
        this.store = store;
        this.recent = recent;
        this.time = time;
        this.writing = new UntilDone(
                time,
                "ondemand-tls-store-history",
                PAUSE,
                this::writeAll,
                e -> events.publish(
                        EventKind.STORE_FAILED, "the history of names cannot be stored: " + e.getMessage()));
    }

    @Override
    public void on(Event event) {
        ServerName name = event.name();
        if (name == null || !KEPT.contains(event.kind())) {
            return;
        }
        String kind = event.kind().name().toLowerCase(Locale.ROOT);
        boolean anybody = HappeningPages.isOfAnyName(kind);
        List<Happening> lately = lately(name);
        boolean added = anybody ? waitsAsAny(name.value(), lately) : waits(name.value(), lately);
        if (added && (!anybody || store.peers().any())) {
            writing.start();
        }
    }

    /** Has what happened to a name kept whatever it was: an operator wants to know. Does not block. */
    void keep(ServerName name) {
        if (waits(name.value(), lately(name))) {
            writing.start();
        }
    }

    /**
     * Has a page ready for what strangers bring about; blocks for the store.
     *
     * @throws StoreException if the store could not be read or written
     */
    void prepare() throws StoreException {
        pages.prepare();
    }

    /**
     * What is kept of a name; blocks for the store.
     *
     * @throws StoreException if the store could not be read
     */
    List<Happening> of(String name) throws StoreException {
        return pages.of(name);
    }

    /** Writes what waits, as far as a few rounds suffice, and ends. Call it while the store is open. */
    @Override
    public void close() {
        writing.close();
        try {
            long end = time.nanoTime() + TIME_AT_STOP.toNanos();
            BooleanSupplier isTimeLeft = () -> time.nanoTime() - end < 0;
            for (int round = 0; round < ROUNDS_AT_STOP && isWaiting() && isTimeLeft.getAsBoolean(); round++) {
                write(true, false, isTimeLeft);
            }
        } catch (StoreException | RuntimeException e) {
            // The store has said so itself, and nobody is left to try again.
            return;
        }
    }

    private void writeAll() throws StoreException {
        writing.rest(GATHERED_FOR.toNanos());
        while (!writing.isClosed() && isWorthWaitingFor()) {
            write(isTimeForOthers(), true);
            writing.rest(PAUSE.toNanos());
        }
    }

    /**
     * Writes once what fits; blocks for the store.
     *
     * @param all whether what strangers bring about is written too
     * @param again whether what was written is looked at once more the next time
     * @return how many pages were written
     */
    int write(boolean all, boolean again) throws StoreException {
        return write(all, again, () -> true);
    }

    private int write(boolean all, boolean again, BooleanSupplier isTimeLeft) throws StoreException {
        Map<String, Map<String, List<Happening>>> taken = taken(all);
        int written = 0;
        @Nullable StoreException failure = null;
        var rest = List.copyOf(taken.entrySet()).iterator();
        try {
            for (var page : taken.entrySet()) {
                if (!isTimeLeft.getAsBoolean()) {
                    break;
                }
                try {
                    if (pages.add(page.getKey(), withoutRecord(page.getValue()))) {
                        written++;
                        if (again) {
                            putBack(page.getKey(), page.getValue());
                        }
                    }
                } catch (StoreException e) {
                    // One page that cannot be read or written keeps no other from it.
                    putBack(page.getKey(), page.getValue());
                    failure = failure == null ? e : failure;
                }
                rest.next();
            }
        } finally {
            rest.forEachRemaining(page -> putBack(page.getKey(), page.getValue()));
        }
        if (failure != null) {
            throw failure;
        }
        return written;
    }

    // A certificate's record has it; where it is not certain that there is none one has to look.
    private Map<String, List<Happening>> withoutRecord(Map<String, List<Happening>> names) throws StoreException {
        Map<String, List<Happening>> news = new HashMap<>();
        for (var one : names.entrySet()) {
            ServerName name = new ServerName(one.getKey());
            if (!store.mayHold(name) || !hasRecord(name)) {
                news.put(one.getKey(), one.getValue());
            }
        }
        return news;
    }

    private boolean hasRecord(ServerName name) throws StoreException {
        try {
            return store.find(name).isPresent();
        } catch (RecordUnreadableException e) {
            // It is there, and keeps nothing of other names from being written.
            return true;
        }
    }

    private synchronized Map<String, Map<String, List<Happening>>> taken(boolean all) {
        Map<String, Map<String, List<Happening>>> taken = new LinkedHashMap<>();
        int names = 0;
        for (var one : List.copyOf(granted.entrySet())) {
            String page = HappeningPages.pageOf(one.getKey());
            if (names < NAMES_AT_ONCE && (taken.containsKey(page) || taken.size() < PAGES_AT_ONCE)) {
                taken.computeIfAbsent(page, none -> new LinkedHashMap<>()).put(one.getKey(), one.getValue());
                granted.remove(one.getKey());
                names++;
            }
        }
        if (all && !others.isEmpty()) {
            taken.put(HappeningPages.OF_ANYBODY, new LinkedHashMap<>(others));
            others.clear();
        }
        return taken;
    }

    private void putBack(String page, Map<String, List<Happening>> names) {
        names.forEach((name, happened) -> {
            if (page.equals(HappeningPages.OF_ANYBODY)) {
                waitsAgainAsAny(name, happened);
            } else {
                waits(name, happened);
            }
        });
    }

    // Returns whether it did not wait before.
    private synchronized boolean waits(String name, List<Happening> happened) {
        List<Happening> before = granted.get(name);
        if (before != null || granted.size() < MOST) {
            granted.put(name, before == null ? happened : last(Happening.joined(before, happened)));
        }
        return before == null;
    }

    // Of too many the last ones wait.
    private synchronized boolean waitsAsAny(String name, List<Happening> happened) {
        if (others.isEmpty()) {
            othersFrom = time.nanoTime() + PAUSE_OF_ANYBODY.toNanos();
        }
        List<Happening> before = others.remove(name);
        others.put(name, before == null ? happened : last(Happening.joined(before, happened)));
        if (others.size() > HappeningPages.NAMES_OF_ANYBODY) {
            others.remove(others.keySet().iterator().next());
        }
        return before == null;
    }

    // Those that came meanwhile are newer.
    private synchronized void waitsAgainAsAny(String name, List<Happening> happened) {
        if (others.containsKey(name) || others.size() < HappeningPages.NAMES_OF_ANYBODY) {
            waitsAsAny(name, happened);
        }
    }

    private List<Happening> lately(ServerName name) {
        return last(recent.of(name.value()));
    }

    private static List<Happening> last(List<Happening> all) {
        return all.subList(Math.max(0, all.size() - HappeningPages.PER_NAME), all.size());
    }

    private synchronized boolean isTimeForOthers() {
        return store.peers().any() && time.nanoTime() - othersFrom >= 0;
    }

    private synchronized boolean isWorthWaitingFor() {
        return !granted.isEmpty() || (store.peers().any() && !others.isEmpty());
    }

    synchronized boolean isWaiting() {
        return !granted.isEmpty() || !others.isEmpty();
    }
}
