package org.ondemandtls.status;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.challenge.Vantages;
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
        findings.add(withdrawal(name, with.floors()));
        Finding permitted = permission(permission);
        findings.add(permitted);
        findings.add(pauses(name, with.floors()));
        findings.add(
                verdict(
                        "DNS and CAA",
                        look,
                        "Nothing in the name's addresses and CAA records stands in the way, as far as they could be looked at."));
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
        findings.addAll(ofTheCa(name, with.floors()));
        findings.add(vantages(name, with.floors().vantages()));
        String sentence = findings.stream()
                .filter(finding -> !finding.good())
                .findFirst()
                .map(finding -> finding.sentence() + " To act: " + finding.who().words() + ".")
                .orElse("Nothing was found that stands in the way: try it now.");
        return new Diagnosis(name.value(), sentence, findings);
    }

    private static Finding withdrawal(ServerName name, Operations.Floors floors) throws StoreException {
        Optional<Hold> hold = floors.store().hold(new Scope.TakenAway(name));
        return hold.map(one -> new Finding(
                        "withdrawal", false, "It was " + one.detail() + "; have it obtained to end that.", Who.YOU))
                .orElse(new Finding("withdrawal", true, "No operator has withdrawn it.", Who.NOBODY));
    }

    private static Finding permission(CompletableFuture<Void> asked) {
        String what = "permission";
        try {
            asked.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
            return new Finding(what, true, "Permission was asked now and is granted.", Who.NOBODY);
        } catch (ExecutionException e) {
            return e.getCause() instanceof IssuanceException reason
                    ? new Finding(what, false, "Permission was asked now: " + reason.what() + ".", Who.YOU)
                    : new Finding(what, false, "Permission was asked now and failed.", Who.YOU);
        } catch (TimeoutException e) {
            return new Finding(what, false, "Permission was asked now and has not answered.", Who.YOU);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new Finding(what, false, "Permission was not waited for.", Who.NOBODY);
        }
    }

    private static Finding pauses(ServerName name, Operations.Floors floors) throws StoreException {
        List<String> own = floors.issuance().pauses().concerning(name);
        return own.isEmpty()
                ? new Finding("pauses", true, "Issuing is not paused for it.", Who.NOBODY)
                : new Finding("pauses", false, "An operator has paused issuing: " + own.get(0) + ".", Who.YOU);
    }

    private static Finding verdict(String what, CompletableFuture<Optional<Verdict>> looked, String good) {
        return looked.completeOnTimeout(Optional.empty(), PATIENCE.toSeconds(), TimeUnit.SECONDS)
                .thenApply(verdict -> verdict.map(found -> new Finding(
                                what,
                                false,
                                "To do: " + found.what() + ".",
                                found.who() == Verdict.Who.CUSTOMER ? Who.CUSTOMER : Who.YOU))
                        .orElse(new Finding(what, true, good, Who.NOBODY)))
                .exceptionally(tooMany -> new Finding(
                        what, true, "Not looked at: too many questions are asked at once. Try again.", Who.NOBODY))
                .join();
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
        Optional<Hold> refused = floors.store().hold(new Scope.Name(name));
        findings.add(refused.filter(hold -> hold.refusals() > 0)
                .map(hold -> new Finding(
                        "the CA's last word",
                        hold.until().isBefore(floors.clock().instant()),
                        hold.issuer() + " refused it " + hold.refusals() + " times in a row, last because "
                                + hold.problemType() + ": " + hold.detail() + "; not tried before " + hold.until()
                                + ".",
                        Who.CUSTOMER))
                .orElse(new Finding("the CA's last word", true, "No CA has refused it lately.", Who.NOBODY)));
        Optional<IssuanceException> limited = floors.issuance().held(name);
        findings.add(limited.map(reason -> new Finding(
                        "limits",
                        false,
                        reason.what() + "; it ends by "
                                + floors.clock().instant().plus(reason.retryAfter()) + ".",
                        Who.NOBODY))
                .orElse(new Finding("limits", true, "No CA limits it now.", Who.NOBODY)));
        floors.authorities().stream()
                .filter(ca -> !floors.issuance().health(ca.id()).isWell())
                .forEach(ca -> findings.add(new Finding(
                        "CA",
                        floors.authorities().size() > 1,
                        ca.id() + " did not answer, or could not work, when it was asked last.",
                        Who.CA)));
        return findings;
    }
}
