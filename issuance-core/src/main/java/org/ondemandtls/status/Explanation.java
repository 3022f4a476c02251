package org.ondemandtls.status;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.issuance.WithdrawnName;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.preflight.Preflight;
import org.ondemandtls.status.NameReport.Refusal;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.OpenOrder;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;

/** Says in one line why a name has its certificate or not, and when it is tried next. Blocks for the store. */
final class Explanation {

    private final Operations.Floors floors;
    private final Preflight preflight;
    private final BooleanSupplier showsToProxies;
    private final Obstacles obstacles;

    Explanation(Operations.Floors floors, Preflight preflight, BooleanSupplier showsToProxies) {
        this.floors = floors;
        this.preflight = preflight;
        this.showsToProxies = showsToProxies;
        this.obstacles = new Obstacles(floors);
    }

    /** How a name stands, for a customer's support person. */
    String of(ServerName name) {
        StringBuilder words = new StringBuilder();
        Optional<KeyedCertificate> served = floors.inventory().find(name);
        if (floors.own().test(name)) {
            return "served with " + NameReports.OF_THE_SERVER + ", so nothing is obtained for the name";
        }
        served.ifPresent(certificate -> words.append("served with ")
                .append(certificate.id())
                .append(", valid until ")
                .append(certificate.notAfter()));
        Optional<IssuanceException> held = held(name);
        if (served.isPresent()) {
            held.ifPresent(reason -> words.append("; not renewed now: ").append(reason.getMessage()));
        } else {
            words.append(floors.issuance()
                    .remembered(name)
                    .or(() -> held)
                    .map(reason -> "refused: " + reason.getMessage() + "; to act: "
                            + Who.of(reason).words())
                    .orElse("not in memory: the next visit looks in the store, then asks permission"));
        }
        try {
            CertificateStore store = floors.store();
            Optional<StoredCertificate> any = store.find(name);
            Optional<StoredCertificate> found =
                    any.isPresent() ? Optional.of(floors.renewal().concerning(name, any.get())) : any;
            found.ifPresent(stored -> words.append("; ").append(words(stored)));
            found.filter(Explanation::isOutsideOfItsWindow)
                    .filter(stored -> isHeldBack(store, stored))
                    .ifPresent(stored -> words.append("; its CA wants it replaced again so soon that the server waits:"
                            + " it replaces a certificate early at most once in a quarter of its lifetime"));
            if (floors.issuance().isInFlight(name)) {
                words.append("; a certificate is being obtained now");
            } else {
                openOrder(store, name)
                        .ifPresent(open -> words.append("; an order of ")
                                .append(open.started())
                                .append(" is still open at ")
                                .append(open.issuer())
                                .append(
                                        ": the next visit or renewal goes on with it; without one the order is dropped at ")
                                .append(open.end()));
            }
            if (found.isPresent() && WithdrawnName.isKept(store, name, found.get())) {
                words.append(
                        "; that certificate does not serve this name: permission was denied for so long that it was"
                                + " withdrawn");
            }
            found.flatMap(floors.renewal()::withdrawnAt)
                    .ifPresent(end -> words.append("; withdrawn if it is denied at every ask until ")
                            .append(end)
                            .append("; to act: ")
                            .append(Who.YOU.words()));
            if (found.flatMap(StoredCertificate::deniedSince).isPresent()) {
                floors.renewal()
                        .nothingWithdrawnUntil()
                        .ifPresent(until -> words.append("; so many names are denied that nothing is withdrawn before ")
                                .append(until)
                                .append(" (confirmDenials ends that)"));
            }
            store.hold(new Scope.Name(name))
                    .ifPresent(hold -> words.append(
                                    hold.refusals() == 0
                                            ? "; on its way to the name there was trouble that passes by itself, met by "
                                            : "; refused " + hold.refusals() + " times by ")
                            .append(hold.issuer())
                            .append(", not tried before ")
                            .append(hold.until())
                            .append(" (retry undoes that): ")
                            .append(hold.problemType())
                            .append(": ")
                            .append(hold.detail()));
            floors.issuance()
                    .withdrawals()
                    .of(name)
                    .ifPresent(hold -> words.append("; ").append(hold.detail()).append(" (obtain ends that)"));
            List<String> paused = floors.issuance()
                    .pauses()
                    .concerning(
                            name,
                            floors.authorities().stream().map(Authority::id).toList());
            if (!paused.isEmpty()) {
                words.append("; an operator has paused issuing: ").append(String.join(", ", paused));
            } else if (held.isEmpty()) {
                Optional<Refusal> obstacle = obstacles.of(name, found);
                obstacle.ifPresent(refusal -> words.append("; the next order has to wait: ")
                        .append(refusal.what())
                        .append("; to act: ")
                        .append(refusal.who().words()));
                if (obstacle.isEmpty() && isUnexplained(name, found)) {
                    Obstacles.last(floors.recent().of(name.value()))
                            .ifPresent(refusal -> words.append("; ")
                                    .append(refusal.what())
                                    .append("; to act: ")
                                    .append(refusal.who().words()));
                }
            }
        } catch (StoreException e) {
            words.append("; the store does not answer: ").append(e.getMessage());
        }
        preflight
                .cdn(name)
                .ifPresent(
                        network -> words.append("; ").append(ProxyAdvice.of(network, showsToProxies.getAsBoolean())));
        floors.vantages()
                .of(name)
                .ifPresent(order -> words.append("; at ")
                        .append(order.at())
                        .append(order.accepted() ? " the proof was accepted. " : " the proof was not accepted. ")
                        .append(order.sentence()));
        if (preflight.isResting()) {
            words.append("; preflight is ").append(preflight.state());
        }
        return words.toString();
    }

    private Optional<IssuanceException> held(ServerName name) {
        try {
            return floors.issuance().held(name);
        } catch (StoreException e) {
            // Looking the name up says so too.
            return Optional.empty();
        }
    }

    private static String words(StoredCertificate stored) {
        StringBuilder words = new StringBuilder("stored since ")
                .append(stored.obtained())
                .append(" from ")
                .append(stored.issuer());
        if (stored.withdrawn().isPresent()) {
            return words.append(", withdrawn at ")
                    .append(stored.withdrawn().get())
                    .append(", forgotten at ")
                    .append(stored.due())
                    .toString();
        }
        stored.moved()
                .ifPresent(moved -> words.append(", moved away since ")
                        .append(moved.since())
                        .append(", ")
                        .append(moved.words())
                        .append(": ")
                        .append(moved.toDo()));
        if (stored.isLeftAlone()) {
            return words.append(
                            stored.moved().isPresent()
                                    ? ""
                                    : NameReports.whyIdle(stored.certificate().names(), ", "))
                    .append(", forgotten at ")
                    .append(stored.due())
                    .toString();
        }
        words.append(", to be renewed at ").append(stored.renew());
        stored.window().ifPresent(window -> {
            words.append(isOutsideOfItsWindow(stored) ? ", outside of" : ", in")
                    .append(" the CA's window from ")
                    .append(window.start())
                    .append(" to ")
                    .append(window.end());
            window.explanation()
                    .ifPresent(link -> words.append(" (why: ").append(link).append(')'));
        });
        stored.visited().ifPresent(at -> words.append(", last visit noted at ").append(at));
        stored.deniedSince().ifPresent(at -> words.append(", denied since ").append(at));
        return words.append(", looked at next at ").append(stored.due()).toString();
    }

    // It wants a certificate, and nothing that is said so far tells why it has none.
    private boolean isUnexplained(ServerName name, Optional<StoredCertificate> found) throws StoreException {
        Instant now = floors.clock().instant();
        boolean wants = found.filter(stored -> stored.isServableAt(now))
                .map(stored -> !stored.isLeftAlone()
                        && stored.deniedSince().isEmpty()
                        && stored.moved().isEmpty()
                        && !stored.renew().isAfter(now))
                .orElse(found.flatMap(StoredCertificate::withdrawn).isEmpty());
        return wants
                && floors.issuance().remembered(name).isEmpty()
                && floors.store().hold(new Scope.Name(name)).isEmpty();
    }

    private static boolean isOutsideOfItsWindow(StoredCertificate stored) {
        return stored.window()
                .filter(window -> stored.renew().isBefore(window.start())
                        || stored.renew().isAfter(window.end()))
                .isPresent();
    }

    private boolean isHeldBack(CertificateStore store, StoredCertificate stored) {
        try {
            return store.hold(new Scope.Advised(stored.firstName()))
                    .filter(hold -> hold.until().isAfter(floors.clock().instant()))
                    .isPresent();
        } catch (StoreException e) {
            // What this adds is not worth the rest of the line.
            return false;
        }
    }

    private static Optional<OpenOrder> openOrder(CertificateStore store, ServerName name) {
        try {
            return store.openOrder(name).filter(open -> open.url().isPresent());
        } catch (StoreException e) {
            // One that cannot be read must not keep the rest from being told.
            return Optional.empty();
        }
    }
}
