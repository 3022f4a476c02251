package org.ondemandtls.status;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.challenge.Vantages;
import org.ondemandtls.issuance.CaHealth;
import org.ondemandtls.issuance.Pauses;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.Permission;
import org.ondemandtls.permission.PermissionPolicy.Purpose;
import org.ondemandtls.preflight.Preflight;
import org.ondemandtls.preflight.Verdict;
import org.ondemandtls.store.Hold;
import org.ondemandtls.store.StoreException;

/**
 * Looks for what keeps a name from its certificate, one thing after the other, without an order.
 *
 * @param name the name
 * @param sentence what is the matter, in one sentence
 * @param findings what was looked at, in the order in which an order would meet it
 */
public record Diagnosis(String name, String sentence, List<Finding> findings) {

    /** How long permission and DNS may take together. */
    static final Duration PATIENCE = Duration.ofSeconds(10);

    /** Keeps a copy of the list. */
    public Diagnosis {
        findings = List.copyOf(findings);
    }

    /**
     * One thing that was looked at.
     *
     * @param what the thing, in a word or two
     * @param good whether it stands in nobody's way
     * @param sentence what was found, and what is to be changed
     * @param who must act; nobody where it is good
     */
    public record Finding(String what, boolean good, String sentence, Who who) {}

    /** What is looked with. */
    record Instruments(Operations.Floors floors, Permission permission, Preflight preflight) {}

    /**
     * Looks; blocks for permission, DNS and the store.
     *
     * @throws StoreException if the store did not say
     */
    static Diagnosis of(ServerName name, Instruments with) throws StoreException {
        // What was answered a while ago is no answer for whoever has changed something since.
        with.permission().forget(name);
        CompletableFuture<Void> permission = with.permission().decide(name, Purpose.OBTAIN, ClientBlock.LOCAL);
        CompletableFuture<Optional<Verdict>> look = with.preflight().look(name, ClientBlock.LOCAL);
        CompletableFuture<Map<String, String>> records = with.preflight().records(name);
        List<Finding> findings = new ArrayList<>();
        findings.add(own(name, with.floors()));
        findings.add(withdrawal(name, with.floors()));
        Finding permitted = permission(name, with.permission(), permission);
        findings.add(permitted);
        findings.add(pauses(name, with.floors()));
        findings.add(clock(name, with.floors()));
        Finding judged = verdict(
                "DNS and CAA",
                look,
                "Nothing in the name's addresses and CAA records stands in the way, as far as they could be looked at.");
        findings.add(
                judged.good() && with.preflight().isResting()
                        ? new Finding(
                                "DNS and CAA",
                                false,
                                "Not looked at: the look at DNS is "
                                        + with.preflight().state() + "; check onDemandTls.preflight.resolver.",
                                Who.YOU)
                        : judged);
        findings.addAll(told(records));
        // The server a name points to hears of it: only for names that are permitted.
        findings.add(
                permitted.good()
                        ? verdict(
                                "challenge path",
                                with.preflight().examine(name),
                                "A proof of ours was found at the name's port 80, or the CA does not need one there.")
                        : new Finding("challenge path", true, "Not looked at: the name is not permitted.", Who.NOBODY));
        with.preflight()
                .cdn(name)
                .map(network -> network + " ends TLS in front of it: only HTTP-01 is tried.")
                .ifPresent(found -> findings.add(new Finding("CDN", true, found, Who.NOBODY)));
        Finding vantages = vantages(name, with.floors().vantages());
        List<Finding> ofTheCa = ofTheCa(name, with.floors());
        // A place that is kept out explains what the CA says.
        ofTheCa.add(vantages.good() ? ofTheCa.size() : 0, vantages);
        findings.addAll(ofTheCa);
        String sentence = findings.stream()
                .filter(finding -> !finding.good())
                .findFirst()
                .map(finding -> finding.sentence() + " To act: " + finding.who().words() + ".")
                .orElse("Nothing was found that stands in the way: try it now.");
        return new Diagnosis(name.value(), sentence, findings);
    }

    private static Finding own(ServerName name, Operations.Floors floors) {
        String what = "the server's own certificates";
        return floors.own().test(name)
                ? new Finding(
                        what,
                        false,
                        "It is served with " + NameReports.OF_THE_SERVER
                                + ", so nothing is obtained for it; change that certificate, or take it out.",
                        Who.YOU)
                : new Finding(what, true, "The server's own configuration has no certificate for it.", Who.NOBODY);
    }

    private static Finding withdrawal(ServerName name, Operations.Floors floors) throws StoreException {
        Optional<Hold> hold = floors.store().hold(new Scope.TakenAway(name));
        return hold.map(one -> new Finding(
                        "withdrawal", false, "It was " + one.detail() + "; have it obtained to end that.", Who.YOU))
                .orElse(new Finding("withdrawal", true, "No operator has withdrawn it.", Who.NOBODY));
    }

    private static Finding permission(ServerName name, Permission permission, CompletableFuture<Void> asked) {
        String what = "permission";
        try {
            asked.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
            return new Finding(
                    what,
                    true,
                    "Permission was asked now and is granted"
                            + permission.source(name).map(key -> " by " + key).orElse("") + ".",
                    Who.NOBODY);
        } catch (ExecutionException e) {
            String failed = e.getCause() instanceof IssuanceException reason ? ": " + reason.what() : " and failed";
            String source = e.getCause() instanceof IssuanceException.NotPermitted
                    ? permission.source(name).map(key -> " (" + key + ")").orElse("")
                    : "";
            return new Finding(what, false, "Permission was asked now" + failed + source + ".", Who.YOU);
        } catch (TimeoutException e) {
            return new Finding(what, false, "Permission was asked now and has not answered.", Who.YOU);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new Finding(what, false, "Permission was not waited for.", Who.NOBODY);
        }
    }

    private static Finding pauses(ServerName name, Operations.Floors floors) throws StoreException {
        String what = "pauses";
        List<String> cas = floors.authorities().stream().map(Authority::id).toList();
        List<String> own = floors.issuance().pauses().concerning(name, cas);
        if (!own.isEmpty()) {
            return new Finding(
                    what, false, "An operator has paused issuing: " + String.join(", ", own) + "; resume it.", Who.YOU);
        }
        Set<String> paused = floors.issuance().pauses().all().keySet();
        List<String> some =
                cas.stream().filter(ca -> paused.contains(Pauses.ca(ca))).toList();
        return new Finding(
                what,
                true,
                some.isEmpty()
                        ? "Issuing is not paused for it."
                        : "Issuing is not paused for it, but from " + String.join(", ", some)
                                + ": the other CAs are asked.",
                Who.NOBODY);
    }

    private static Finding clock(ServerName name, Operations.Floors floors) throws StoreException {
        String what = "clock";
        return new Obstacles(floors)
                .clock(floors.store().find(name))
                .map(waits -> new Finding(what, false, "Its renewal is due, but " + waits.what() + ".", waits.who()))
                .orElseGet(() -> new Finding(
                        what,
                        true,
                        floors.watch().isTrusted()
                                ? "The clock of the machine is taken for right."
                                : "The clock of the machine has jumped, which keeps no visitor from a new certificate.",
                        Who.NOBODY));
    }

    private static Finding verdict(String what, CompletableFuture<Optional<Verdict>> looked, String good) {
        try {
            return looked.get(PATIENCE.toSeconds(), TimeUnit.SECONDS)
                    .map(found -> new Finding(
                            what,
                            false,
                            "To do: " + found.what() + ".",
                            found.who() == Verdict.Who.CUSTOMER ? Who.CUSTOMER : Who.YOU))
                    .orElse(new Finding(what, true, good, Who.NOBODY));
        } catch (ExecutionException tooMany) {
            return new Finding(
                    what, true, "Not looked at: too many questions are asked at once. Try again.", Who.NOBODY);
        } catch (TimeoutException e) {
            return new Finding(
                    what, true, "Not looked at: nothing answered within " + PATIENCE.toSeconds() + " s.", Who.NOBODY);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new Finding(what, true, "Not looked at: broken off.", Who.NOBODY);
        }
    }

    // What the records say is judged above; here are the records themselves.
    private static List<Finding> told(CompletableFuture<Map<String, String>> records) {
        return records
                .completeOnTimeout(Map.of(), PATIENCE.toSeconds(), TimeUnit.SECONDS)
                .exceptionally(failed -> Map.of())
                .join()
                .entrySet()
                .stream()
                .map(one -> new Finding(one.getKey(), true, one.getValue(), Who.NOBODY))
                .toList();
    }

    // Where the proof was accepted all the same, most of the CA's places got through: worth a word, no obstacle.
    private static Finding vantages(ServerName name, Vantages vantages) {
        String what = "vantage points";
        return vantages.of(name)
                .map(order -> new Finding(
                        what,
                        order.accepted() || order.missing().isEmpty(),
                        order.sentence(),
                        order.missing().isEmpty() ? Who.NOBODY : Who.YOU))
                .orElse(new Finding(
                        what, true, "This server remembers no order for it, so not from where a CA came.", Who.NOBODY));
    }

    private static List<Finding> ofTheCa(ServerName name, Operations.Floors floors) throws StoreException {
        List<Finding> findings = new ArrayList<>();
        Instant now = floors.clock().instant();
        findings.add(floors.store()
                .hold(new Scope.Name(name))
                .map(hold -> lastWord(hold, now))
                .orElse(new Finding("the CA's last word", true, "No CA has refused it lately.", Who.NOBODY)));
        findings.add(floors.issuance()
                .held(name)
                .map(reason -> limit(reason, now))
                .orElse(new Finding("limits", true, "No CA limits it now.", Who.NOBODY)));
        findings.addAll(budgets(name, floors));
        Obstacles obstacles = new Obstacles(floors);
        boolean oneIsWell = floors.authorities().stream()
                .anyMatch(ca -> obstacles.health(ca).isWell());
        for (Authority ca : floors.authorities()) {
            CaHealth health = obstacles.health(ca);
            if (!health.isWell()) {
                findings.add(new Finding(
                        "CA", oneIsWell, ca.id() + " " + Obstacles.words(health) + ".", Obstacles.ofCa(health)));
            }
        }
        return findings;
    }

    private static Finding limit(IssuanceException reason, Instant now) {
        Who who = Who.of(reason);
        Instant end = now.plus(reason.retryAfter());
        String then = who == Who.NOBODY ? "; it ends by " + end : "; tried again from " + end + " on";
        return new Finding("limits", false, reason.what() + (reason.retryAfter().isZero() ? "" : then) + ".", who);
    }

    private static Finding lastWord(Hold hold, Instant now) {
        boolean over = hold.until().isBefore(now);
        String said = hold.problemType() + ": " + hold.detail();
        if (hold.refusals() > 0) {
            return new Finding(
                    "the CA's last word",
                    over,
                    hold.issuer() + " refused it " + hold.refusals() + " times in a row, last because " + said
                            + "; not tried before " + hold.until() + ".",
                    Who.CUSTOMER);
        }
        Who who = Who.ofPassing(hold.problemType());
        return new Finding(
                "the CA's last word",
                over,
                hold.issuer() + " could not look at it, which may pass by itself (" + said + "); "
                        + (who == Who.YOU ? NameReports.FIREWALL + "; " : "") + "tried again from " + hold.until()
                        + " on.",
                who);
    }

    private static List<Finding> budgets(ServerName name, Operations.Floors floors) throws StoreException {
        Obstacles obstacles = new Obstacles(floors);
        List<Obstacles.Spent> spent = obstacles.spent(name, floors.store().find(name));
        if (spent.isEmpty()) {
            return List.of(new Finding("budgets", true, "No budget is used up.", Who.NOBODY));
        }
        boolean stands = obstacles.standsInTheWay(spent);
        return spent.stream()
                .map(one -> new Finding(
                        "budgets",
                        !stands,
                        one.words()
                                + one.use()
                                        .freeAt()
                                        .map(at -> "; room again at " + at)
                                        .orElse("")
                                + ".",
                        Who.NOBODY))
                .toList();
    }
}
