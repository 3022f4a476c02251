package org.ondemandtls.store;

import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * An index in memory of what certificates are listed by: half a KiB for each. Safe for use by many threads; no I/O.
 */
public final class ListedIndex {

    private static final Comparator<Listed> BY_NAME = Comparator.comparing(Listed::name);
    private static final Listed.Standing ANY = Listed.Standing.RENEWED;

    private final Map<String, Listed> entries = new ConcurrentHashMap<>();
    private final NavigableSet<Listed> byDomain =
            new ConcurrentSkipListSet<>(Comparator.comparing(Listed::domain).thenComparing(BY_NAME));
    private final NavigableSet<Listed> byIssuer =
            new ConcurrentSkipListSet<>(Comparator.comparing(Listed::issuer).thenComparing(BY_NAME));
    private final NavigableSet<Listed> byStanding =
            new ConcurrentSkipListSet<>(Comparator.comparing(Listed::standing).thenComparing(BY_NAME));
    private final NavigableSet<Listed> byExpiry = new ConcurrentSkipListSet<>(
            Comparator.comparingLong(ListedIndex::end).thenComparing(BY_NAME));
    private final NavigableSet<Listed> byLateness = new ConcurrentSkipListSet<>(
            Comparator.comparingLong(ListedIndex::lateness).thenComparing(BY_NAME));
    private final List<NavigableSet<Listed>> all = List.of(byDomain, byIssuer, byStanding, byExpiry, byLateness);

    // Places are exact to the millisecond only, and entries are in the order of their places.
    private static long end(Listed entry) {
        return entry.expires().toEpochMilli();
    }

    private static long lateness(Listed entry) {
        return entry.late().toEpochMilli();
    }

    /** A certificate is stored now. */
    public void saved(Listed entry) {
        entries.compute(entry.name(), (name, before) -> {
            if (!entry.equals(before)) {
                remove(before);
                all.forEach(index -> index.add(entry));
            }
            return entry;
        });
    }

    /** A certificate that was met: nothing is changed where it is known already, perhaps better. */
    public void met(Listed entry) {
        entries.computeIfAbsent(entry.name(), name -> {
            all.forEach(index -> index.add(entry));
            return entry;
        });
    }

    /** A certificate is not stored any more. */
    public void forgotten(String name) {
        entries.computeIfPresent(name, (same, before) -> {
            remove(before);
            return null;
        });
    }

    private void remove(@Nullable Listed before) {
        if (before != null) {
            all.forEach(index -> index.remove(before));
        }
    }

    /** As {@link Medium#listed}. */
    public List<Listed> page(Listed.Slice slice, String after, int limit) {
        if (slice instanceof Listed.OfDomain of) {
            Listed behind = new Listed(after, of.domain(), "", Instant.EPOCH, Instant.EPOCH, ANY);
            return page(byDomain, behind, entry -> entry.domain().equals(of.domain()), limit);
        }
        if (slice instanceof Listed.OfIssuer of) {
            Listed behind = new Listed(after, "", of.issuer(), Instant.EPOCH, Instant.EPOCH, ANY);
            return page(byIssuer, behind, entry -> entry.issuer().equals(of.issuer()), limit);
        }
        if (slice instanceof Listed.OfStanding of) {
            Listed behind = new Listed(after, "", "", Instant.EPOCH, Instant.EPOCH, of.standing());
            return page(byStanding, behind, entry -> entry.standing() == of.standing(), limit);
        }
        Instant from = after.isEmpty() ? Instant.EPOCH : Instant.ofEpochMilli(Listed.momentOf(after));
        Listed behind = new Listed(Listed.nameOf(after), "", "", from, from, ANY);
        if (slice instanceof Listed.Expiring until) {
            long end = until.before().toEpochMilli();
            return page(byExpiry, behind, entry -> end(entry) < end, limit);
        }
        long end = ((Listed.Late) slice).at().toEpochMilli();
        return page(byLateness, behind, entry -> lateness(entry) < end, limit);
    }

    private static List<Listed> page(NavigableSet<Listed> order, Listed behind, Predicate<Listed> within, int limit) {
        return order.tailSet(behind, false).stream()
                .takeWhile(within)
                .limit(limit)
                .toList();
    }
}
