package org.ondemandtls.status;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.Hold;
import org.ondemandtls.store.Listed;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;

/**
 * Makes the pages of an operator's lists. One part of the filter is an index that is gone through, the others leave entries
 * of it out before anything is read; what is read says in the end.
 *
 * <p><b>Cost.</b> A page goes through at most {@value #ENTRIES_PER_PAGE} entries and reads at most {@value #READ_PER_PAGE}
 * certificates; where that is slow, it ends earlier. One that found less than was asked for says where to go on.
 */
final class Listing {

    /** How many certificates are read for a page at most, whatever the filter leaves of them. */
    static final int READ_PER_PAGE = 300;

    /** How many entries of an index are gone through for a page at most. */
    static final int ENTRIES_PER_PAGE = 5_000;

    /** After how much time a page reads nothing more: whoever waits sees what was found. */
    static final Duration LONGEST = Duration.ofMillis(80);

    private static final int CHUNK = 50;
    private static final int ENTRIES = 500;
    private static final int HOLDS = 100;
    // Each is looked up as a whole, with what was refused.
    private static final int HELD_PER_PAGE = 25;

    // Where a list of names goes on: behind the certificates come the names that were withdrawn without one of their
    // own.
    // No name has a slash.
    private static final String TAKEN_AWAY = "takenAway/";
    private static final String WITHDRAWN = "withdrawn/";
    // Where a list of several states goes on: the moment it was begun at, which of them, and the place in its index.
    private static final String STATES = "states/";

    private final CertificateStore store;
    private final NameReports reports;
    private final NameFilter filter;
    private final int most;
    private final InstantSource clock;
    private final Instant end;
    private final List<NameReport> found = new ArrayList<>();
    // How many certificates were read for this page, and how many entries of indexes gone through.
    private int read;
    private int seen;

    /**
     * Begins a page.
     *
     * @param store where the certificates are
     * @param reports says how they stand
     * @param filter which are wanted
     * @param most how many at most
     * @param clock ends it
     */
    Listing(CertificateStore store, NameReports reports, NameFilter filter, int most, InstantSource clock) {
        this.store = store;
        this.reports = reports;
        this.filter = filter;
        this.most = most;
        this.clock = clock;
        this.end = clock.instant().plus(LONGEST);
    }

    private boolean isFull() {
        return seen >= ENTRIES_PER_PAGE || read >= READ_PER_PAGE;
    }

    // Each part of a list is looked at once all the same, so that one with little in it is whole however slow the
    // machine is.
    private boolean isLate() {
        return !clock.instant().isBefore(end);
    }

    /** The page behind a place. */
    Operations.Page after(String after, Instant now) throws StoreException {
        if (filter.refusal().isPresent()) {
            return held(Scope.Name.class, after);
        }
        if (after.startsWith(TAKEN_AWAY)) {
            return takenAway(after.substring(TAKEN_AWAY.length()));
        }
        if (after.startsWith(WITHDRAWN)) {
            return withdrawn(after.substring(WITHDRAWN.length()));
        }
        Operations.Page page = ofCertificates(after, now);
        return page.next().isEmpty() && filter.states().contains(NameState.WITHDRAWN) ? takenAway("") : page;
    }

    private Operations.Page takenAway(String after) throws StoreException {
        Operations.Page page = held(Scope.TakenAway.class, after);
        return page.next().isPresent()
                ? new Operations.Page(found, page.next().map(TAKEN_AWAY::concat))
                : withdrawn("");
    }

    private Operations.Page withdrawn(String after) throws StoreException {
        Operations.Page page = held(Scope.Withdrawn.class, after);
        return new Operations.Page(found, page.next().map(WITHDRAWN::concat));
    }

    private Operations.Page ofCertificates(String after, Instant now) throws StoreException {
        if (isOfSeveralIndexedStates()) {
            Optional<Operations.Page> page = after.isEmpty() || after.startsWith(STATES)
                    ? ofStates(InStates.at(after, filter.states(), now))
                    : Optional.empty();
            return page.isPresent() ? page.get() : named(after.startsWith(STATES) ? "" : after);
        }
        boolean byMoment = after.indexOf(' ') >= 0;
        Optional<Listed.Slice> slice = slice(now).filter(one -> after.isEmpty() || isByMoment(one) == byMoment);
        if (slice.isPresent()) {
            Optional<Operations.Page> page = sliced(slice.get(), filter, after, now);
            if (page.isPresent()) {
                return page.get();
            }
        }
        // Where the index went away between two pages, the list begins again by name: it repeats rather than skips.
        return named(byMoment ? "" : after);
    }

    // A list that was begun by name, before there was an index, goes on by name.
    private static boolean isByMoment(Listed.Slice slice) {
        return slice instanceof Listed.Expiring || slice instanceof Listed.Late;
    }

    // The part that leaves the fewest, as far as one can tell without counting.
    private Optional<Listed.Slice> slice(Instant now) {
        if (filter.domain().isPresent()) {
            return filter.domain().map(Listed.OfDomain::new);
        }
        Set<NameState> states = filter.states();
        if (states.size() == 1) {
            Optional<Listed.Slice> slice = slice(states.iterator().next(), now);
            if (slice.isPresent()) {
                return slice;
            }
        }
        if (filter.prefix().isEmpty() && filter.expiresBefore().isPresent()) {
            return filter.expiresBefore().map(Listed.Expiring::new);
        }
        return filter.prefix().isEmpty() ? filter.issuer().map(Listed.OfIssuer::new) : Optional.empty();
    }

    // What is in memory is nothing an index of the store can say.
    private static Optional<Listed.Slice> slice(NameState state, Instant now) {
        return switch (state) {
            case WITHDRAWN -> Optional.of(new Listed.OfStanding(Listed.Standing.WITHDRAWN));
            case MOVED_AWAY -> Optional.of(new Listed.OfStanding(Listed.Standing.MOVED_AWAY));
            case IDLE -> Optional.of(new Listed.OfStanding(Listed.Standing.IDLE));
            case EXPIRED -> Optional.of(new Listed.Expiring(now));
            case OVERDUE -> Optional.of(new Listed.Late(now));
            default -> Optional.empty();
        };
    }

    private boolean isOfSeveralIndexedStates() {
        return filter.states().size() > 1
                && filter.domain().isEmpty()
                && filter.states().stream()
                        .allMatch(state -> slice(state, Instant.EPOCH).isPresent());
    }

    /**
     * A place in a list of several states, whose indexes are gone through one after the other.
     *
     * <p>An entry stands in one of them only, by how it stood when the list was begun: what expires between two pages is
     * neither listed twice nor left out.
     *
     * @param begun when the list was begun; entries are in the order of whole milliseconds
     * @param state which index is gone through
     * @param last the place in it
     */
    private record InStates(Instant begun, NameState state, String last) {

        static InStates at(String after, Set<NameState> states, Instant now) {
            if (after.isEmpty()) {
                return new InStates(now.truncatedTo(ChronoUnit.MILLIS), Collections.min(states), "");
            }
            String[] parts = after.substring(STATES.length()).split("/", 3);
            try {
                if (parts.length == 3) {
                    return new InStates(
                            Instant.ofEpochMilli(Long.parseLong(parts[0])), NameState.valueOf(parts[1]), parts[2]);
                }
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException("not where a page has ended", e);
            }
            throw new IllegalArgumentException("not where a page has ended");
        }

        String text() {
            return STATES + begun.toEpochMilli() + "/" + state + "/" + last;
        }
    }

    private Optional<Operations.Page> ofStates(InStates from) throws StoreException {
        for (NameState state : NameState.values()) {
            if (state.compareTo(from.state()) < 0 || !filter.states().contains(state)) {
                continue;
            }
            Optional<Operations.Page> page = sliced(
                    slice(state, from.begun()).orElseThrow(),
                    only(state),
                    state == from.state() ? from.last() : "",
                    from.begun());
            if (page.isEmpty()) {
                found.clear();
                return Optional.empty();
            }
            if (page.get().next().isPresent()) {
                String last = page.get().next().get();
                return Optional.of(
                        new Operations.Page(found, Optional.of(new InStates(from.begun(), state, last).text())));
            }
        }
        return Optional.of(new Operations.Page(found, Optional.empty()));
    }

    private NameFilter only(NameState state) {
        return new NameFilter(
                filter.prefix(),
                Set.of(state),
                filter.expiresBefore(),
                filter.issuer(),
                filter.domain(),
                filter.refusal());
    }

    private Optional<Operations.Page> sliced(Listed.Slice slice, NameFilter entriesOf, String after, Instant now)
            throws StoreException {
        String last = after;
        while (!isFull() && (last.equals(after) || !isLate())) {
            Optional<List<Listed>> chunk = store.listed(slice, last, ENTRIES);
            if (chunk.isEmpty()) {
                return Optional.empty();
            }
            int at = 0;
            while (at < chunk.get().size() && found.size() < most && !isFull() && (at == 0 || !isLate())) {
                List<String> wanted = new ArrayList<>();
                int room = Math.min(Math.min(most - found.size(), CHUNK), READ_PER_PAGE - read);
                while (at < chunk.get().size() && wanted.size() < room) {
                    Listed entry = chunk.get().get(at++);
                    last = slice.place(entry);
                    if (entriesOf.mayLet(entry, now)) {
                        wanted.add(entry.name());
                    }
                }
                read += wanted.size();
                store.under(wanted).forEach(this::add);
            }
            seen += at;
            if (at == chunk.get().size() && at < ENTRIES) {
                return Optional.of(new Operations.Page(found, Optional.empty()));
            }
            if (found.size() == most) {
                break;
            }
        }
        return Optional.of(new Operations.Page(found, Optional.of(last)));
    }

    private void add(StoredCertificate stored) {
        NameReport report = reports.of(stored);
        if (filter.lets(report)) {
            found.add(report);
        }
    }

    private Operations.Page named(String after) throws StoreException {
        String last = after;
        while (!isFull() && (last.equals(after) || !isLate())) {
            List<StoredCertificate> chunk = store.page(filter.prefix(), last, Math.min(CHUNK, most) + 1);
            for (StoredCertificate stored : chunk) {
                if (found.size() == most) {
                    return new Operations.Page(found, Optional.of(last));
                }
                last = stored.firstName();
                read++;
                add(stored);
            }
            if (chunk.isEmpty()) {
                return new Operations.Page(found, Optional.empty());
            }
        }
        return new Operations.Page(found, Optional.of(last));
    }

    // Those with a certificate of their own that is withdrawn: they have been listed among the certificates.
    private Set<String> listedBefore(Class<? extends Scope.OfName> kind, List<Hold> chunk) throws StoreException {
        if (kind == Scope.Name.class) {
            return Set.of();
        }
        List<String> names = chunk.stream()
                .flatMap(hold -> hold.scope() instanceof Scope.OfName held
                        ? Stream.of(held.name().value())
                        : Stream.of())
                .filter(name -> name.startsWith(filter.prefix()))
                .toList();
        read += names.size();
        return store.under(names).stream()
                .filter(own -> own.withdrawn().isPresent())
                .map(StoredCertificate::firstName)
                .collect(Collectors.toSet());
    }

    private Operations.Page held(Class<? extends Scope.OfName> kind, String after) throws StoreException {
        String last = after;
        int lookedUp = 0;
        while (read + HOLDS <= READ_PER_PAGE && !isFull() && (last.equals(after) || !isLate())) {
            List<Hold> chunk = store.namesHeld(kind, last, HOLDS);
            seen += chunk.size();
            Set<String> before = listedBefore(kind, chunk);
            for (Hold hold : chunk) {
                if (!(hold.scope() instanceof Scope.OfName held)) {
                    continue;
                }
                String name = held.name().value();
                if (name.startsWith(filter.prefix())
                        && (kind == Scope.Name.class ? filter.lets(hold) : !before.contains(name))) {
                    if (found.size() == most || lookedUp == HELD_PER_PAGE || (lookedUp > 0 && (isFull() || isLate()))) {
                        return new Operations.Page(found, Optional.of(last));
                    }
                    lookedUp++;
                    read++;
                    NameReport report = reports.of(held.name(), false);
                    if (filter.lets(report)) {
                        found.add(report);
                    }
                }
                last = name;
            }
            if (chunk.size() < HOLDS) {
                return new Operations.Page(found, Optional.empty());
            }
        }
        return new Operations.Page(found, Optional.of(last));
    }
}
