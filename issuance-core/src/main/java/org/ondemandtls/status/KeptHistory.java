package org.ondemandtls.status;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.ondemandtls.event.Event;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.EventListener;
import org.ondemandtls.event.Events;
import org.ondemandtls.machine.Time;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.Happening;
import org.ondemandtls.store.HappeningPages;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.UntilDone;

/**
 * Has what happened to names without a certificate kept in the store, so that it outlives the server and other servers see
 * it. Names with a certificate have it in their record.
 *
 * <p><b>Cost.</b> Strangers decide how many names are denied. Whatever they do, one page is read and written in half a
 * minute, which is there from the start; the last {@link HappeningPages#NAMES_OF_ANYBODY} names wait for that. Of names that
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
    private final Set<String> granted = new LinkedHashSet<>();
    private final Set<String> others = new LinkedHashSet<>();
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
                e -> events.publish(EventKind.STORE_FAILED, "what happened to names is not kept: " + e.getMessage()));
    }

    @Override
    public void on(Event event) {
        ServerName name = event.name();
        if (name == null || !KEPT.contains(event.kind())) {
            return;
        }
        String kind = event.kind().name().toLowerCase(Locale.ROOT);
        if (HappeningPages.isOfAnyName(kind) ? waitsAsAny(name.value()) : waits(name.value())) {
            writing.start();
        }
    }

    /** Has what happened to a name kept whatever it was: an operator wants to know. Does not block. */
    void keep(ServerName name) {
        if (waits(name.value())) {
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
            for (int round = 0; round < ROUNDS_AT_STOP && isWaiting(); round++) {
                write(true, false);
            }
        } catch (StoreException | RuntimeException e) {
            // The store has said so itself, and nobody is left to try again.
            return;
        }
    }

    private void writeAll() throws StoreException {
        writing.rest(GATHERED_FOR.toNanos());
        while (!writing.isClosed() && isWaiting()) {
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
        Map<String, Set<String>> taken = taken(all);
        int written = 0;
        Iterator<Map.Entry<String, Set<String>>> rest =
                List.copyOf(taken.entrySet()).iterator();
        try {
            for (Map.Entry<String, Set<String>> page : taken.entrySet()) {
                if (pages.add(page.getKey(), news(page.getValue()))) {
                    written++;
                    if (again) {
                        putBack(page.getKey(), page.getValue());
                    }
                }
                rest.next();
            }
        } finally {
            rest.forEachRemaining(page -> putBack(page.getKey(), page.getValue()));
        }
        return written;
    }

    private Map<String, List<Happening>> news(Collection<String> names) throws StoreException {
        Map<String, List<Happening>> news = new HashMap<>();
        for (String name : names) {
            ServerName parsed = new ServerName(name);
            // A certificate's record has it; who does not know for certain that there is none looks.
            if (!store.mayHold(parsed) || store.find(parsed).isEmpty()) {
                news.put(name, recent.of(name));
            }
        }
        return news;
    }

    private synchronized Map<String, Set<String>> taken(boolean all) {
        Map<String, Set<String>> taken = new LinkedHashMap<>();
        int names = 0;
        for (String name : new ArrayList<>(granted)) {
            String page = HappeningPages.pageOf(name);
            if (names < NAMES_AT_ONCE && (taken.containsKey(page) || taken.size() < PAGES_AT_ONCE)) {
                taken.computeIfAbsent(page, none -> new LinkedHashSet<>()).add(name);
                granted.remove(name);
                names++;
            }
        }
        if (all && !others.isEmpty()) {
            taken.put(HappeningPages.OF_ANYBODY, new LinkedHashSet<>(others));
            others.clear();
        }
        return taken;
    }

    private void putBack(String page, Set<String> names) {
        names.forEach(name -> {
            if (page.equals(HappeningPages.OF_ANYBODY)) {
                waitsAsAny(name);
            } else {
                waits(name);
            }
        });
    }

    private synchronized boolean waits(String name) {
        return granted.size() < MOST && granted.add(name);
    }

    // Of too many the last ones wait.
    private synchronized boolean waitsAsAny(String name) {
        if (others.isEmpty()) {
            othersFrom = time.nanoTime() + PAUSE_OF_ANYBODY.toNanos();
        }
        boolean added = others.add(name);
        if (others.size() > HappeningPages.NAMES_OF_ANYBODY) {
            others.remove(others.iterator().next());
        }
        return added;
    }

    private synchronized boolean isTimeForOthers() {
        return time.nanoTime() - othersFrom >= 0;
    }

    synchronized boolean isWaiting() {
        return !granted.isEmpty() || !others.isEmpty();
    }
}
