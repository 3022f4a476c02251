package org.ondemandtls.store;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.function.BiFunction;
import java.util.function.Function;
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
            return page(
                    byDomain,
                    (domain, name) -> probe(name, domain, "", ANY),
                    of.domain(),
                    Listed::domain,
                    after,
                    limit);
        }
        if (slice instanceof Listed.OfIssuer of) {
            return page(
                    byIssuer,
                    (issuer, name) -> probe(name, "", issuer, ANY),
                    of.issuer(),
                    Listed::issuer,
                    after,
                    limit);
        }
        if (slice instanceof Listed.OfStanding of) {
            return page(
                    byStanding,
                    (standing, name) -> probe(name, "", "", standing),
                    of.standing(),
                    Listed::standing,
                    after,
                    limit);
        }
        return timed(slice, after, limit);
    }

    private static Listed probe(String name, String domain, String issuer, Listed.Standing standing) {
        return new Listed(name, domain, issuer, Instant.EPOCH, Instant.EPOCH, standing);
    }

    private static <V> List<Listed> page(
            NavigableSet<Listed> index,
            BiFunction<V, String, Listed> probe,
            V value,
            Function<Listed, V> read,
            String after,
            int limit) {
        List<Listed> page = new ArrayList<>();
        for (Listed entry : index.tailSet(probe.apply(value, after), false)) {
            if (page.size() == limit || !read.apply(entry).equals(value)) {
                break;
            }
            page.add(entry);
        }
        return page;
    }

    private List<Listed> timed(Listed.Slice slice, String after, int limit) {
        boolean expiring = slice instanceof Listed.Expiring;
        Instant end = slice instanceof Listed.Expiring until ? until.before() : ((Listed.Late) slice).at();
        Instant from = after.isEmpty() ? Instant.EPOCH : Instant.ofEpochMilli(Listed.momentOf(after));
        Listed probe = new Listed(Listed.nameOf(after), "", "", from, from, ANY);
        List<Listed> page = new ArrayList<>();
        for (Listed entry : (expiring ? byExpiry : byLateness).tailSet(probe, false)) {
            Instant at = expiring ? entry.expires() : entry.late();
            if (page.size() == limit || at.toEpochMilli() >= end.toEpochMilli()) {
                break;
            }
            page.add(entry);
        }
        return page;
    }
}
