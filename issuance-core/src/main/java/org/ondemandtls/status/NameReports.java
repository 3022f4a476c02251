package org.ondemandtls.status;

import java.security.PublicKey;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.issuance.Issuance;
import org.ondemandtls.issuance.Withdrawals;
import org.ondemandtls.issuance.WithdrawnName;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.status.NameReport.CertificateReport;
import org.ondemandtls.status.NameReport.NextStep;
import org.ondemandtls.status.NameReport.Refusal;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.Happening;
import org.ondemandtls.store.Hold;
import org.ondemandtls.store.Listed;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;

/** Says how a name stands; blocks for a few look-ups in the store. Safe for use by many threads. */
final class NameReports {

    /** What an operator is to do where a CA cannot connect. */
    static final String FIREWALL = "check that no firewall keeps the CA from port 80 and port 443";

    /** What wins over everything the engine has. */
    static final String OF_THE_SERVER = "a certificate of the server's own configuration";

    private static final String SERVED_BY_ITSELF =
            "Served with " + OF_THE_SERVER + ": nothing is obtained for it, and what is stored for it is not used.";

    private final Operations.Floors floors;
    private final Obstacles obstacles;

    private final Errands errands;

    NameReports(Operations.Floors floors, Errands errands) {
        this.floors = floors;
        this.errands = errands;
        this.obstacles = new Obstacles(floors);
    }

    /** All about one name; where the store does not answer, what memory knows. */
    NameReport of(ServerName name) {
        try {
            return of(name, true);
        } catch (StoreException e) {
            return ofMemory(name, "the store does not answer: " + e.getMessage());
        }
    }

    private NameReport ofMemory(ServerName name, String error) {
        Instant now = floors.clock().instant();
        Optional<KeyedCertificate> served = floors.inventory().find(name);
        Optional<IssuanceException> remembered = floors.issuance().remembered(name);
        Optional<Refusal> refusal = remembered.map(reason -> refusal(reason, now));
        boolean inFlight = isInFlight(name);
        boolean own = floors.own().test(name);
        NameState state = served.isPresent() || own
                ? NameState.SERVED
                : inFlight
                        ? NameState.OBTAINING
                        : refusedState(remembered, refusal).orElse(NameState.UNKNOWN);
        Optional<CertificateReport> certificate = served.map(one -> certificate(one, null, now));
        return new NameReport(
                name.value(),
                state,
                (own
                                ? SERVED_BY_ITSELF
                                : sentence(state, certificate, Optional.empty(), refusal, Optional.empty(), inFlight))
                        + " This is what memory knows: " + error + ".",
                certificate,
                served.isPresent(),
                false,
                inFlight,
                Optional.empty(),
                Optional.empty(),
                floors.vantages().of(name),
                own ? Optional.empty() : refusal,
                List.of(),
                floors.recent().of(name.value()),
                Optional.of(error));
    }

    private boolean isInFlight(ServerName name) {
        return floors.issuance().isInFlight(name) || errands.has(name);
    }

    /**
     * The same, for a list without the history.
     *
     * @param withHistory whether what happened to the name is told, and kept
     */
    NameReport of(ServerName name, boolean withHistory) throws StoreException {
        Instant now = floors.clock().instant();
        CertificateStore store = floors.store();
        Issuance issuance = floors.issuance();
        Optional<KeyedCertificate> served = floors.inventory().find(name);
        Optional<StoredCertificate> found = store.find(name);
        Optional<StoredCertificate> stored =
                found.isPresent() ? Optional.of(floors.renewal().concerning(name, found.get())) : found;
        boolean inFlight = isInFlight(name);
        Optional<Hold> withdrawal = store.hold(new Scope.TakenAway(name));
        Optional<IssuanceException> remembered = issuance.remembered(name);
        List<Happening> lately = floors.recent().of(name.value());
        List<Happening> history = withHistory
                ? Happening.joined(
                        Happening.joined(
                                kept(name), stored.map(StoredCertificate::told).orElse(List.of())),
                        lately)
                : List.of();
        NameState state = state(served.isPresent(), stored, now);
        Optional<Refusal> refusal = stored.flatMap(NameReports::departure);
        if (refusal.isEmpty()) {
            refusal = refusal(name, remembered, now);
        }
        if (refusal.isEmpty()) {
            refusal = stored.flatMap(this::denial);
        }
        if (refusal.isEmpty() && withdrawal.isEmpty() && isWanting(state)) {
            refusal = obstacles.of(name, stored);
            if (refusal.isEmpty() && !inFlight) {
                refusal = Obstacles.last(withHistory ? history : lately);
            }
        }
        if (withdrawal.isPresent() || isWithdrawnFromSeveral(name, stored)) {
            state = NameState.WITHDRAWN;
        } else if (state == NameState.UNKNOWN && inFlight) {
            state = NameState.OBTAINING;
        } else if (state == NameState.UNKNOWN || state == NameState.EXPIRED) {
            state = refusedState(remembered, refusal).orElse(state);
        }
        boolean own = floors.own().test(name);
        if (own) {
            // A withdrawal by an operator reaches what the engine serves, not this.
            state = NameState.SERVED;
            refusal = Optional.empty();
        }
        Optional<CertificateReport> certificate = stored.map(one -> certificate(one.certificate(), one, now))
                .or(() -> served.map(one -> certificate(one, null, now)));
        Optional<NextStep> next = stored.map(one -> next(one));
        if (withHistory && stored.isEmpty() && !lately.isEmpty()) {
            floors.history().keep(name);
        }
        return new NameReport(
                name.value(),
                state,
                own ? SERVED_BY_ITSELF : sentence(state, certificate, next, refusal, withdrawal, inFlight),
                certificate,
                served.isPresent(),
                stored.isPresent(),
                inFlight,
                stored.flatMap(StoredCertificate::visited),
                next,
                floors.vantages().of(name),
                refusal,
                floors.budget().used(issuer(stored), name),
                history,
                Optional.empty());
    }

    // Denied for so long that the certificate of several names, which goes on serving the others, does not serve it.
    private boolean isWithdrawnFromSeveral(ServerName name, Optional<StoredCertificate> stored) throws StoreException {
        return stored.isPresent() && WithdrawnName.isKept(floors.store(), name, stored.get());
    }

    // One whose next order matters now.
    private static boolean isWanting(NameState state) {
        return state == NameState.UNKNOWN || state == NameState.EXPIRED || state == NameState.OVERDUE;
    }

    // A page that cannot be read keeps nothing else from being told.
    private List<Happening> kept(ServerName name) {
        try {
            return floors.history().of(name.value());
        } catch (StoreException e) {
            return List.of();
        }
    }

    private String issuer(Optional<StoredCertificate> stored) {
        return stored.map(StoredCertificate::issuer)
                .or(() -> floors.authorities().stream().findFirst().map(Authority::id))
                .orElse("");
    }

    /** About a stored certificate as far as its record and memory tell; looks nothing up. */
    NameReport of(StoredCertificate stored) {
        Instant now = floors.clock().instant();
        boolean served = stored.isServableAt(now)
                && floors.inventory()
                        .heldUnder(stored.firstName())
                        .filter(one -> one.id().equals(stored.certificate().id()))
                        .isPresent();
        NameState state = state(served, Optional.of(stored), now);
        Optional<CertificateReport> certificate = Optional.of(certificate(stored.certificate(), stored, now));
        Optional<NextStep> next = Optional.of(next(stored));
        Optional<Refusal> refusal = departure(stored).or(() -> denial(stored));
        return new NameReport(
                stored.firstName(),
                state,
                // By whom is in the store, where nothing is looked up for a list.
                stored.withdrawn()
                        .map(at -> "Not served: withdrawn at " + at + "; explain says by whom.")
                        .orElseGet(() -> sentence(state, certificate, next, refusal, Optional.empty(), false)),
                certificate,
                served,
                true,
                false,
                stored.visited(),
                next,
                Optional.empty(),
                refusal,
                List.of(),
                List.of(),
                Optional.empty());
    }

    /** Whether a renewal is late by more than a twentieth of the certificate's life. */
    static boolean isOverdue(StoredCertificate stored, Instant now) {
        return stored.isServableAt(now)
                && !stored.isLeftAlone()
                && Listed.overdueFrom(stored).isBefore(now);
    }

    private static NameState state(boolean served, Optional<StoredCertificate> stored, Instant now) {
        if (stored.isEmpty()) {
            return served ? NameState.SERVED : NameState.UNKNOWN;
        }
        StoredCertificate record = stored.get();
        if (record.withdrawn().isPresent()) {
            return NameState.WITHDRAWN;
        }
        if (!record.isServableAt(now)) {
            return served ? NameState.SERVED : NameState.EXPIRED;
        }
        if (record.moved().isPresent()) {
            return NameState.MOVED_AWAY;
        }
        if (isOverdue(record, now)) {
            return NameState.OVERDUE;
        }
        if (record.isLeftAlone()) {
            return NameState.IDLE;
        }
        return served ? NameState.SERVED : NameState.STORED;
    }

    private static Optional<NameState> refusedState(Optional<IssuanceException> remembered, Optional<Refusal> refusal) {
        if (remembered.filter(IssuanceException.NotPermitted.class::isInstance).isPresent()) {
            return Optional.of(NameState.DENIED);
        }
        return refusal.map(one -> one.times() > 0 ? NameState.REFUSED : NameState.WAITING);
    }

    // What a CA said of the name outlives what memory has of it, and says more.
    private Optional<Refusal> refusal(ServerName name, Optional<IssuanceException> remembered, Instant now)
            throws StoreException {
        if (remembered.filter(IssuanceException.NotPermitted.class::isInstance).isPresent()) {
            return remembered.map(reason -> refusal(reason, now));
        }
        // A wait that is over says nothing of what is the matter now.
        Optional<Hold> hold = floors.store()
                .hold(new Scope.Name(name))
                .filter(kept -> kept.refusals() > 0 || kept.until().isAfter(now));
        if (hold.isPresent()) {
            return hold.map(kept -> explained(name, refusal(kept)));
        }
        Optional<IssuanceException> reason =
                remembered.isPresent() ? remembered : floors.issuance().held(name);
        return reason.map(held -> byAnOutage(refusal(held, now)));
    }

    private static Refusal refusal(Hold kept) {
        Optional<Instant> until = Optional.of(kept.until());
        if (kept.refusals() > 0) {
            return new Refusal(
                    Who.CUSTOMER,
                    "rejected by " + kept.issuer() + " (" + kept.problemType() + "): " + kept.detail(),
                    until,
                    kept.refusals(),
                    kept.link());
        }
        Who who = Who.ofPassing(kept.problemType());
        return new Refusal(
                who,
                kept.issuer() + " could not look at it, which may pass by itself (" + kept.problemType() + "): "
                        + kept.detail() + (who == Who.YOU ? "; " + FIREWALL : ""),
                until,
                0,
                kept.link());
    }

    // A vantage point that is kept out explains what the CA says, and no customer can let it in.
    private Refusal explained(ServerName name, Refusal refusal) {
        return floors.vantages()
                .of(name)
                .filter(order -> !order.accepted() && !order.missing().isEmpty())
                .map(order -> new Refusal(
                        Who.YOU,
                        order.sentence().replaceFirst("\\.$", "") + "; " + refusal.what(),
                        refusal.until(),
                        refusal.times(),
                        refusal.link()))
                .orElse(refusal);
    }

    // Memory has the words of a failure only: whether the CA is down is known elsewhere.
    private Refusal byAnOutage(Refusal refusal) {
        if (refusal.who() != Who.NOBODY) {
            return refusal;
        }
        return obstacles
                .outage()
                .map(outage ->
                        new Refusal(outage.who(), refusal.what(), refusal.until(), refusal.times(), refusal.link()))
                .orElse(refusal);
    }

    private static Refusal refusal(IssuanceException reason, Instant now) {
        return new Refusal(
                Who.of(reason),
                reason.what(),
                reason.retryAfter().isZero() ? Optional.empty() : Optional.of(now.plus(reason.retryAfter())),
                0,
                Optional.empty());
    }

    private static CertificateReport certificate(
            KeyedCertificate certificate, @Nullable StoredCertificate stored, Instant now) {
        return new CertificateReport(
                List.copyOf(certificate.names()),
                Optional.ofNullable(stored).map(StoredCertificate::issuer),
                certificate.leaf().getIssuerX500Principal().getName(),
                certificate.notBefore(),
                certificate.notAfter(),
                certificate.leaf().getSerialNumber().toString(16),
                kind(certificate.leaf().getPublicKey()),
                Optional.ofNullable(stored).map(StoredCertificate::obtained),
                Math.floorDiv(
                        Duration.between(now, certificate.notAfter()).toSeconds(),
                        Duration.ofDays(1).toSeconds()));
    }

    private static String kind(PublicKey key) {
        if (key instanceof ECPublicKey ec) {
            return "EC P-" + ec.getParams().getCurve().getField().getFieldSize();
        }
        return key instanceof RSAPublicKey rsa ? "RSA " + rsa.getModulus().bitLength() : key.getAlgorithm();
    }

    private static NextStep next(StoredCertificate stored) {
        if (stored.withdrawn().isPresent() || stored.isLeftAlone()) {
            return new NextStep("forgotten", stored.due(), "our own plan");
        }
        String advice = stored.window()
                .map(window -> "the CA: between " + window.start() + " and " + window.end())
                .orElse("our own plan");
        if (stored.due().isBefore(stored.renew())) {
            return new NextStep(
                    "looked at again at " + inSeconds(stored.due()) + " and renewed", stored.renew(), advice);
        }
        return new NextStep(stored.due().isAfter(stored.renew()) ? "tried again" : "renewed", stored.due(), advice);
    }

    private static String sentence(
            NameState state,
            Optional<CertificateReport> certificate,
            Optional<NextStep> next,
            Optional<Refusal> refusal,
            Optional<Hold> withdrawal,
            boolean inFlight) {
        String until = certificate.map(one -> " until " + one.notAfter()).orElse("");
        String why = refusal.map(
                        one -> ": " + one.what() + "; to act: " + one.who().words()
                                + one.until()
                                        .map(at -> "; tried again from " + inSeconds(at) + " on")
                                        .orElse(""))
                .orElse("");
        String then = next.map(one -> "; next: " + one.what() + " at " + inSeconds(one.at()))
                .orElse("");
        return switch (state) {
            case SERVED -> "Served from memory with a certificate that is valid" + until + then + notRenewed(why) + ".";
            case STORED ->
                "Stored with a certificate that is valid" + until + ", served at the next visit" + then
                        + notRenewed(why) + ".";
            case OVERDUE ->
                "Served with a certificate that is valid" + until + ", but its renewal is overdue" + then
                        + notRenewed(why) + ".";
            case IDLE ->
                "Served with a certificate that is valid" + until
                        + whyIdle(certificate.map(CertificateReport::names).orElse(List.of()), ", ") + then + ".";
            case OBTAINING -> "A certificate is being obtained now.";
            case WITHDRAWN ->
                withdrawal
                                .map(hold -> "Not served: " + hold.detail() + "; it is " + Withdrawals.SERVED_AGAIN)
                                .orElse(
                                        "Not served: permission was denied for so long that it was withdrawn; it is served"
                                                + " again once permission grants it")
                        + then + ".";
            case MOVED_AWAY -> "Its certificate is valid" + until + ", and not renewed" + why + then + ".";
            case EXPIRED -> "Not served: its certificate was valid" + until + "; the next visit obtains another.";
            case DENIED, REFUSED, WAITING ->
                (inFlight ? "Being tried now; it was not served" : "Not served") + why + ".";
            case UNKNOWN -> "Not served: nothing is known of it; the next visit asks permission.";
        };
    }

    private static Instant inSeconds(Instant moment) {
        return moment.truncatedTo(ChronoUnit.SECONDS);
    }

    /** Why a certificate is left to its end, behind some words. */
    static String whyIdle(Collection<String> names, String before) {
        return before
                + (names.stream().anyMatch(name -> name.startsWith("*"))
                        ? "not renewed since a wildcard is not, its names get their own when it ends"
                        : "not visited and so not renewed");
    }

    private static Optional<Refusal> departure(StoredCertificate stored) {
        return stored.moved()
                .map(moved -> new Refusal(
                        Who.CUSTOMER,
                        "moved away since " + moved.since() + ", " + moved.words() + ": " + moved.toDo(),
                        stored.isLeftAlone() ? Optional.empty() : Optional.of(stored.due()),
                        0,
                        Optional.empty()));
    }

    // Served on until then: permission was asked for its renewal, or asked again.
    private Optional<Refusal> denial(StoredCertificate stored) {
        return stored.withdrawn().isPresent()
                ? Optional.empty()
                : floors.renewal()
                        .withdrawnAt(stored)
                        .map(end -> new Refusal(
                                Who.YOU,
                                "permission has denied it since "
                                        + stored.deniedSince().orElse(end)
                                        + "; it is withdrawn if it is denied at every ask until " + end,
                                Optional.of(stored.due()),
                                0,
                                Optional.empty()));
    }

    private static String notRenewed(String why) {
        return why.isEmpty() ? "" : "; not renewed" + why;
    }
}
