package org.ondemandtls.store;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.certificate.RenewalWindow;

/**
 * A certificate as the store keeps it, with what must be known about it besides.
 *
 * @param certificate leaf, chain and key
 * @param issuer the {@code id()} of the authority that signed it
 * @param obtained when it came
 * @param due when something is to be done about it next: ask its CA for a window, renew it, ask for permission again,
 *     forget it. What it is follows from the rest of the record
 * @param renew the moment its renewal is planned for
 * @param window what the CA said last about that moment (RFC 9773), empty while it said nothing
 * @param visited when it was last visited, empty if it was not
 * @param deniedSince since when every answer about its renewal has been a denial, empty while the last was none
 * @param withdrawn since when it must not be served, empty while it may
 * @param moved where it leads and since when, empty while it leads here
 * @param history what happened to it lately, the oldest first, at most {@value Happening#MOST}
 * @param revision how often the record has been saved; 0 before the first time
 */
public record StoredCertificate(
        KeyedCertificate certificate,
        String issuer,
        Instant obtained,
        Instant due,
        Instant renew,
        Optional<RenewalWindow> window,
        Optional<Instant> visited,
        Optional<Instant> deniedSince,
        Optional<Instant> withdrawn,
        Optional<Moved> moved,
        List<Happening> history,
        long revision) {

    /** Keeps a copy of the list. */
    public StoredCertificate {
        history = List.copyOf(history);
    }

    /**
     * A certificate that was just obtained, for a name under which nothing is stored: due when it is to be renewed.
     *
     * @param certificate leaf, chain and key
     * @param issuer the {@code id()} of the authority that signed it
     * @param obtained when it came
     * @param renew the moment its renewal is planned for
     */
    public static StoredCertificate obtained(
            KeyedCertificate certificate, String issuer, Instant obtained, Instant renew) {
        return new StoredCertificate(
                certificate,
                issuer,
                obtained,
                renew,
                renew,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                List.of(),
                0);
    }

    /** Whether it may be served at {@code now}: in its validity period and not withdrawn. */
    public boolean isServableAt(Instant now) {
        return withdrawn.isEmpty() && certificate.isValidAt(now);
    }

    /** Whether nothing but its end is waited for: its next due time is the one at which it is forgotten. */
    public boolean isLeftAlone() {
        return withdrawn.isEmpty() && due.isAfter(certificate.notAfter());
    }

    /**
     * The name it is stored under: the leaf's first, which may be a wildcard.
     *
     * @throws java.util.NoSuchElementException if the leaf has no name; no store keeps such a certificate
     */
    public String firstName() {
        return certificate.names().iterator().next();
    }

    /** The same, due at another time. */
    public StoredCertificate withDue(Instant newDue) {
        return changed(draft -> draft.due = newDue);
    }

    /** The same, its renewal planned for another moment. */
    public StoredCertificate withRenew(Instant newRenew) {
        return changed(draft -> draft.renew = newRenew);
    }

    /** The same, with another word of its CA, or none. */
    public StoredCertificate withWindow(Optional<RenewalWindow> newWindow) {
        return changed(draft -> draft.window = newWindow);
    }

    /** The same after a visit; of two visits the later one is kept. */
    public StoredCertificate withVisited(Instant visit) {
        return changed(draft -> draft.visited =
                Optional.of(visited.filter(before -> before.isAfter(visit)).orElse(visit)));
    }

    /** The same, denied since a moment, or no longer. */
    public StoredCertificate withDeniedSince(Optional<Instant> since) {
        return changed(draft -> draft.deniedSince = since);
    }

    /** The same, withdrawn since a moment, or no longer. */
    public StoredCertificate withWithdrawn(Optional<Instant> since) {
        return changed(draft -> draft.withdrawn = since);
    }

    /** The same, leading elsewhere, or here again. */
    public StoredCertificate withMoved(Optional<Moved> newMoved) {
        return changed(draft -> draft.moved = newMoved);
    }

    /** The same, with another history. */
    public StoredCertificate withHistory(List<Happening> newHistory) {
        return changed(draft -> draft.history = newHistory);
    }

    /** Its history, with its own coming where that was not written down before the server ended. */
    public List<Happening> told() {
        if (history.stream().anyMatch(one -> one.isComing() && !one.at().isBefore(obtained))) {
            return history;
        }
        boolean first = history.stream().noneMatch(Happening::isComing);
        return Happening.joined(history, List.of(Happening.coming(obtained, first, issuer, certificate.notAfter())));
    }

    /** The same, to be saved in place of the record before it: its revision, its visits, its history; nothing that was the other's. */
    public StoredCertificate succeeding(StoredCertificate before) {
        return changed(draft -> {
            draft.visited = before.visited;
            draft.history = before.told();
            draft.revision = before.revision;
        });
    }

    /** The same at another revision: 0 for a store that has none of it. */
    public StoredCertificate withRevision(long newRevision) {
        return changed(draft -> draft.revision = newRevision);
    }

    private StoredCertificate changed(Consumer<Draft> change) {
        Draft draft = new Draft(this);
        change.accept(draft);
        return new StoredCertificate(
                certificate,
                issuer,
                obtained,
                draft.due,
                draft.renew,
                draft.window,
                draft.visited,
                draft.deniedSince,
                draft.withdrawn,
                draft.moved,
                draft.history,
                draft.revision);
    }

    /** What of a record may change, while it does. */
    private static final class Draft {
        private Instant due;
        private Instant renew;
        private Optional<RenewalWindow> window;
        private Optional<Instant> visited;
        private Optional<Instant> deniedSince;
        private Optional<Instant> withdrawn;
        private Optional<Moved> moved;
        private List<Happening> history;
        private long revision;

        Draft(StoredCertificate of) {
            due = of.due;
            renew = of.renew;
            window = of.window;
            visited = of.visited;
            deniedSince = of.deniedSince;
            withdrawn = of.withdrawn;
            moved = of.moved;
            history = of.history;
            revision = of.revision;
        }
    }
}
