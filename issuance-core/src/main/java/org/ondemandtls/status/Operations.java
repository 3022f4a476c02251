package org.ondemandtls.status;

import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.authority.RevocationReason;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.challenge.Vantages;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.event.Figure;
import org.ondemandtls.inventory.Inventory;
import org.ondemandtls.issuance.Budget;
import org.ondemandtls.issuance.ClockWatch;
import org.ondemandtls.issuance.Issuance;
import org.ondemandtls.issuance.Pauses;
import org.ondemandtls.issuance.Withdrawals;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.renewal.Renewal;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.Retry;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;

/**
 * The one management contract: what an operator may ask and do. JMX, the JSON API, the page and the command line offer
 * exactly this.
 *
 * <p><b>Threads.</b> Safe for many; every method blocks for the store, and {@link #revoke} for the CA. None is for a
 * server's selector.
 *
 * <p><b>Cost.</b> Only operators get here. A page of a list reads a few hundred certificates at most.
 */
public final class Operations {

    /** How many names a page has at most. */
    public static final int LONGEST_PAGE = 500;

    /** How many names are obtained with one command at most. */
    public static final int MOST_AT_ONCE = 1_000;

    private static final long LOOKED_AGAIN_AFTER_MILLIS = 1_000;

    /**
     * What the contract joins.
     *
     * @param version the version of the engine
     * @param store what survives
     * @param inventory what is served
     * @param issuance what obtains
     * @param renewal what renews
     * @param budget what may be ordered
     * @param authorities the CAs
     * @param events what happened
     * @param recent what happened lately to names
     * @param history what happened to names without a certificate
     * @param vantages from where CAs come
     * @param own whether the server has a certificate of its own configuration for a name, which wins over everything
     * @param watch whether the clock is right
     * @param clock the wall clock
     * @param scheduler runs what is to be done a moment later
     */
    record Floors(
            String version,
            CertificateStore store,
            Inventory inventory,
            Issuance issuance,
            Renewal renewal,
            Budget budget,
            List<Authority> authorities,
            Events events,
            Recent recent,
            KeptHistory history,
            Vantages vantages,
            Predicate<ServerName> own,
            ClockWatch watch,
            Clock clock,
            ScheduledExecutorService scheduler) {}

    /**
     * A page of a list.
     *
     * @param names the names, in the order of the index they were found by
     * @param next what to ask the next page with, empty where this is the last; a page may be short and not be the last
     */
    public record Page(List<NameReport> names, Optional<String> next) {

        /** Keeps a copy. */
        public Page {
            names = List.copyOf(names);
        }
    }

    /**
     * What came of a command.
     *
     * @param done whether it was done, or begun
     * @param sentence what was done, or why not, in one sentence
     */
    public record Outcome(boolean done, String sentence) {}

    private final Floors floors;
    private final Errands errands;
    private final NameReports reports;
    private final Diagnosis.Instruments instruments;

    Operations(Floors floors, Diagnosis.Instruments instruments) {
        this.floors = floors;
        this.instruments = instruments;
        this.errands = new Errands(name -> Retries.flight(floors, name), floors.scheduler());
        this.reports = new NameReports(floors, errands);
    }

    /** The moment lists are made at. */
    Instant now() {
        return floors.clock().instant();
    }

    /**
     * Looks a name up.
     *
     * @param name the name
     * @return all there is to say; where the store does not answer, what memory knows
     */
    public NameReport lookUp(ServerName name) {
        return reports.of(name);
    }

    /**
     * Looks for what keeps a name from its certificate, without an order. Blocks for permission and DNS too, for some
     * seconds at most.
     *
     * @param name the name
     * @return what was found
     * @throws StoreException if the store did not say
     */
    public Diagnosis diagnose(ServerName name) throws StoreException {
        return Diagnosis.of(name, instruments);
    }

    /**
     * Lists names that have a stored certificate, or those a CA has refused; by an index for each part of the filter.
     *
     * @param filter which
     * @param after the {@code next} of the page before, empty for the first
     * @param limit how many at most, from 1 to {@value #LONGEST_PAGE}
     * @return the page
     * @throws StoreException if the store did not say
     */
    public Page list(NameFilter filter, String after, int limit) throws StoreException {
        int most = Math.max(1, Math.min(limit, LONGEST_PAGE));
        return new Listing(floors.store(), reports, filter, most, floors.clock())
                .after(after, floors.clock().instant());
    }

    /**
     * Begins to obtain a certificate, as a visit would: permission is asked, budgets count, and whoever obtains it already
     * is joined. A withdrawal by an operator ends. Returns at once; {@link #lookUp} tells how it goes.
     *
     * @param name the name
     * @return what was begun
     */
    public Outcome obtain(ServerName name) {
        return command("obtain", () -> wanted(name).orElseGet(() -> Retries.obtained(floors, name)));
    }

    // That an operator wants a name ends its withdrawal.
    private Optional<Outcome> wanted(ServerName name) throws StoreException {
        floors.issuance().withdrawals().lift(name);
        if (floors.own().test(name)) {
            return Optional.of(Retries.ofTheServer(name));
        }
        return floors.inventory().find(name).map(served -> new Outcome(true, name + " is served already"));
    }

    /**
     * Begins to obtain certificates for a list, each as {@link #obtain} does, {@value Errands#AT_ONCE} at the same time.
     *
     * @param lines 1 to {@value #MOST_AT_ONCE} names, separated by line breaks, commas or spaces
     * @return what was begun, by name
     * @throws IllegalArgumentException if one is no name, so that nothing is begun, or there are too many
     */
    public Map<String, Outcome> obtainAll(String lines) {
        List<ServerName> names = Arrays.stream(lines.split("[\\s,]+", -1))
                .filter(text -> !text.isEmpty())
                .map(ServerName::parse)
                .toList();
        if (names.isEmpty() || names.size() > MOST_AT_ONCE) {
            throw new IllegalArgumentException("give 1 to " + MOST_AT_ONCE + " names, one a line");
        }
        Map<String, Outcome> begun = new LinkedHashMap<>();
        names.forEach(name ->
                begun.put(name.value(), command("obtain", () -> wanted(name).orElseGet(() -> takenUp(name)))));
        return begun;
    }

    private Outcome takenUp(ServerName name) {
        if (!errands.add(name)) {
            return new Outcome(false, "nothing done: " + Errands.MOST + " names wait already, give it again later");
        }
        // In this order: a name that is no errand any more is served, or its refusal is known.
        if (errands.has(name)) {
            return new Outcome(true, name + " is being obtained, or waits for its turn");
        }
        if (floors.inventory().find(name).isPresent()) {
            return new Outcome(true, name + " is served");
        }
        return new Outcome(
                false,
                "not obtained: "
                        + floors.issuance()
                                .remembered(name)
                                .map(IssuanceException::what)
                                .orElse("it failed at once; look the name up"));
    }

    /**
     * Has a certificate that is served renewed at once, whenever that was planned. Budgets count, and permission is asked.
     *
     * @param name the name
     * @return what was begun
     */
    public Outcome renew(ServerName name) {
        return command("renew", () -> Retries.renewed(floors, name));
    }

    /**
     * Has a name tried again at once, whatever refusal or wait is remembered for it: renewed where its certificate is
     * served, obtained otherwise. A withdrawal by an operator stays.
     *
     * @param name the name
     * @return what was begun
     */
    public Outcome retry(ServerName name) {
        return command("retry", () -> Retries.tried(floors, name));
    }

    /**
     * Takes a name away: every server stops serving it within two seconds. It stays away until an operator has it obtained,
     * or permission is granted after it was denied.
     *
     * @param name the name
     * @return what was done
     */
    public Outcome withdraw(ServerName name) {
        return command("withdraw", () -> {
            boolean stored = floors.issuance().withdrawals().withdraw(name);
            lookAgain(name);
            return new Outcome(
                    true,
                    name + " is withdrawn" + (stored ? "" : "; no certificate was stored for it") + "; it is "
                            + Withdrawals.SERVED_AGAIN
                            + (floors.own().test(name)
                                    ? "; this server goes on serving it with " + NameReports.OF_THE_SERVER
                                    : ""));
        });
    }

    /**
     * Has the CA revoke the certificate of a name, and forgets it, so that the next visit obtains another with another key.
     * Blocks for the CA.
     *
     * @param name the name
     * @param reason why
     * @return what was done
     */
    public Outcome revoke(ServerName name, RevocationReason reason) {
        return command("revoke", () -> {
            Optional<StoredCertificate> stored = floors.store().find(name);
            if (stored.isEmpty()) {
                return new Outcome(false, name + " has no certificate");
            }
            Optional<Authority> authority = floors.authorities().stream()
                    .filter(ca -> ca.id().equals(stored.get().issuer()))
                    .findFirst();
            if (authority.isEmpty()) {
                return new Outcome(
                        false,
                        stored.get().issuer() + " is not configured any more: add it to onDemandTls.acme.directory");
            }
            try {
                authority.get().revoke(stored.get().certificate(), reason);
            } catch (IssuanceException e) {
                return new Outcome(false, "not revoked: " + e.what());
            }
            floors.events()
                    .publish(
                            EventKind.REVOKED,
                            name,
                            "revoked by an operator (" + reason.word() + "): "
                                    + stored.get().certificate().id());
            removed(name);
            return new Outcome(
                    true,
                    stored.get().certificate().id() + " is revoked; "
                            + (floors.issuance().withdrawals().of(name).isPresent()
                                    ? "the name stays withdrawn"
                                    : "the next visit obtains another"));
        });
    }

    /**
     * Removes a name from the store and from memory, with every refusal and wait that is remembered for it. Nothing is
     * revoked; the next visit asks permission as for a new name.
     *
     * @param name the name
     * @return what was done
     */
    public Outcome forget(ServerName name) {
        return command("forget", () -> {
            boolean there = removed(name);
            floors.issuance().retry(name);
            floors.issuance().withdrawals().lift(name);
            floors.events().publish(EventKind.FORGOTTEN, name, "forgotten by an operator");
            return new Outcome(there, there ? name + " is forgotten" : name + " had no certificate");
        });
    }

    /**
     * Pauses issuing on every server; what is stored goes on being served.
     *
     * @param what {@code all}, {@code ca} and a CA's {@code id()}, or {@code domain} and a domain, with a space between
     * @return what was done
     */
    public Outcome pause(String what) {
        return command("pause", () -> {
            Optional<String> scope = scope(what);
            if (scope.isEmpty()) {
                return unknownScope(what);
            }
            floors.issuance().pauses().pause(scope.get());
            return new Outcome(true, "issuing is paused: " + scope.get());
        });
    }

    /**
     * Ends a pause on every server.
     *
     * @param what as it was paused
     * @return what was done
     */
    public Outcome resume(String what) {
        return command("resume", () -> {
            Optional<String> scope = scope(what);
            if (scope.isEmpty()) {
                return unknownScope(what);
            }
            floors.issuance().pauses().resume(scope.get());
            return new Outcome(true, "issuing goes on: " + scope.get());
        });
    }

    /** The CAs in the operator's order; where the store does not answer, as far as memory knows. */
    public List<CaReport> authorities() {
        FromStore store = new FromStore();
        Map<String, Instant> paused =
                store.read(() -> floors.issuance().pauses().all()).orElse(Map.of());
        List<CaReport> all = new ArrayList<>();
        for (Authority authority : floors.authorities()) {
            all.add(CaReports.of(floors, authority, Optional.ofNullable(paused.get(Pauses.ca(authority.id()))), store));
        }
        return all;
    }

    /** This server, as far as the contract knows. */
    Map<String, Object> server(FromStore store) {
        Map<String, Object> server = new LinkedHashMap<>();
        server.put("version", floors.version());
        server.put("time", floors.clock().instant());
        server.put("store", floors.store().location());
        server.put("sharedStore", floors.store().peers().any());
        server.put("paused", store.read(() -> floors.issuance().pauses().all()));
        server.put("nextDue", store.read(() -> floors.store().nextDue()));
        server.put("inMemory", floors.inventory().size());
        server.put("flights", floors.issuance().inFlight());
        server.put("renewals", floors.renewal().inFlight());
        server.put("overflows", floors.events().overflows());
        server.put("events", floors.recent().ofTheServer());
        return server;
    }

    /** What may be done with the accounts at the CAs. */
    public AccountOperations accounts() {
        return new AccountOperations(floors.authorities(), floors.events());
    }

    /** How many certificates in memory are valid for how many more days, in bands; no I/O. */
    public Map<String, Long> expiry() {
        return ExpiryBands.of(floors.inventory().all(), floors.clock().instant());
    }

    private Optional<String> scope(String what) {
        return PauseScope.of(what, floors.authorities());
    }

    private Outcome unknownScope(String what) {
        return new Outcome(
                false,
                "nothing done: give all, ca and one of "
                        + floors.authorities().stream().map(Authority::id).toList()
                        + ", or domain and a domain, not " + (what.isBlank() ? "nothing" : "what was given"));
    }

    private boolean removed(ServerName name) throws StoreException {
        return Retry.<Boolean, StoreException>ifStale(() -> {
            Optional<StoredCertificate> stored = floors.store().find(name);
            if (stored.isEmpty()) {
                floors.inventory().withdraw(name);
                return false;
            }
            floors.recent().recall(name.value(), stored.get().told());
            floors.store().forget(stored.get());
            floors.history().keep(name);
            floors.inventory().withdraw(stored.get().certificate());
            lookAgain(name);
            return true;
        });
    }

    // A visit that was under way may just have brought back from the store what is gone.
    private void lookAgain(ServerName name) {
        floors.scheduler()
                .schedule(
                        () -> floors.issuance().changed(List.of(name.value())),
                        LOOKED_AGAIN_AFTER_MILLIS,
                        TimeUnit.MILLISECONDS);
    }

    private Outcome command(String word, Work work) {
        floors.events().figures().count(Figure.COMMAND, word.toLowerCase(Locale.ROOT));
        try {
            return work.run();
        } catch (StoreException e) {
            return new Outcome(false, "nothing done, or not all: the store does not answer: " + e.getMessage());
        }
    }

    private interface Work {
        Outcome run() throws StoreException;
    }
}
