package org.ondemandtls.status;

import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ScheduledExecutorService;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.authority.RevocationReason;
import org.ondemandtls.challenge.ChallengeBoard;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.event.Figures;
import org.ondemandtls.handshake.HandshakeGate;
import org.ondemandtls.handshake.ParkingLot;
import org.ondemandtls.inventory.Inventory;
import org.ondemandtls.issuance.Budget;
import org.ondemandtls.issuance.ClockWatch;
import org.ondemandtls.issuance.Issuance;
import org.ondemandtls.issuance.OrderShares;
import org.ondemandtls.machine.Time;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.Permission;
import org.ondemandtls.preflight.Preflight;
import org.ondemandtls.renewal.Renewal;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.StoreException;

/** Reads the floors below; every attribute is a few memory accesses, the operations look into the store. */
public final class Status implements OnDemandTlsMXBean, AutoCloseable {

    /**
     * What it reads.
     *
     * @param issuer who signs, in words
     * @param version the engine's version
     * @param store where certificates are kept
     * @param inventory what can be served
     * @param renewal what renews
     * @param issuance what obtains
     * @param budget what may be ordered
     * @param permission what decides
     * @param preflight what looks at names before they are ordered
     * @param diagnosing what looks at a name when an operator wants to know
     * @param authorities the CAs
     * @param challenges what is on display
     * @param lot what waits
     * @param gate what was completed
     * @param orders where orders wait for a thread
     * @param watch whether the clock is right
     * @param events what happened
     */
    public record Floors(
            String issuer,
            String version,
            CertificateStore store,
            Inventory inventory,
            Renewal renewal,
            Issuance issuance,
            Budget budget,
            Permission permission,
            Preflight preflight,
            Preflight diagnosing,
            List<Authority> authorities,
            ChallengeBoard challenges,
            ParkingLot lot,
            HandshakeGate gate,
            OrderShares orders,
            ClockWatch watch,
            Events events) {

        /** Keeps a copy of the list. */
        public Floors {
            authorities = List.copyOf(authorities);
        }
    }

    private final String issuer;
    private final CertificateStore store;
    private final Renewal renewal;
    private final Inventory inventory;
    private final Issuance issuance;
    private final Permission permission;
    private final Preflight preflight;
    private final ChallengeBoard challenges;
    private final ParkingLot lot;
    private final HandshakeGate gate;
    private final Events events;
    private final Operations operations;
    private final Gauges gauges;
    private final KeptHistory history;
    private final Explanation explanation;
    private final Floors floors;

    private Status(Floors floors, Operations operations, Explanation explanation, Gauges gauges, KeptHistory history) {
        this.floors = floors;
        this.gauges = gauges;
        this.history = history;
        this.issuer = floors.issuer();
        this.store = floors.store();
        this.inventory = floors.inventory();
        this.renewal = floors.renewal();
        this.issuance = floors.issuance();
        this.permission = floors.permission();
        this.preflight = floors.preflight();
        this.challenges = floors.challenges();
        this.lot = floors.lot();
        this.gate = floors.gate();
        this.events = floors.events();
        this.operations = operations;
        this.explanation = explanation;
    }

    /**
     * Makes a view of one engine; from now on it remembers what happens lately to names.
     *
     * @param floors what it reads
     * @param time the wall clock, and what writing rests by
     * @param scheduler runs what is to be done a moment after a command
     */
    public static Status of(Floors floors, Time time, ScheduledExecutorService scheduler) {
        Clock clock = time.clock();
        Recent recent = new Recent(clock);
        KeptHistory history = new KeptHistory(floors.store(), recent, time, floors.events());
        floors.events().tap(recent);
        floors.store().remember(recent);
        try {
            history.prepare();
        } catch (StoreException e) {
            floors.events().publish(EventKind.STORE_FAILED, "the history of names cannot be stored: " + e.getMessage());
        }
        floors.events().tap(history);
        Operations.Floors own = new Operations.Floors(
                floors.version(),
                floors.store(),
                floors.inventory(),
                floors.issuance(),
                floors.renewal(),
                floors.budget(),
                floors.authorities(),
                floors.events(),
                recent,
                history,
                floors.challenges().vantages(),
                floors.gate()::isStatic,
                floors.watch(),
                clock,
                scheduler);
        return new Status(
                floors,
                new Operations(own, new Diagnosis.Instruments(own, floors.permission(), floors.diagnosing())),
                new Explanation(own, floors.preflight(), floors.gate()::showsToProxies),
                new Gauges(floors, clock),
                history);
    }

    /** Writes down what happened to names and is not in the store yet; call it while that is open. */
    @Override
    public void close() {
        history.close();
    }

    /** The media type of {@link #figuresText}. */
    public static final String FIGURES_TYPE = FiguresText.TYPE;

    /** What goes up and down; blocks for the store for at most one look every few seconds. */
    public List<Gauge> gauges() {
        return gauges.all();
    }

    /** What is counted and timed. */
    public Figures figures() {
        return events.figures();
    }

    /** All figures as Prometheus reads them; blocks as {@link #gauges} does. */
    public String figuresText() {
        return FiguresText.of(
                gauges(), FiguresText.counts(events), events.figures().series());
    }

    /**
     * How this server stands, by what it is called in the JSON API; blocks for the store.
     */
    public Map<String, Object> serverReport() {
        return ServerReport.of(floors, operations);
    }

    /** What an operator may ask and do. */
    public Operations operations() {
        return operations;
    }

    @Override
    public String getIssuer() {
        return issuer;
    }

    @Override
    public String getStore() {
        return store.location();
    }

    @Override
    public long getInventorySize() {
        return inventory.size();
    }

    @Override
    public int getParkedHandshakes() {
        return lot.parked();
    }

    @Override
    public int getParkedLimit() {
        return lot.capacity();
    }

    @Override
    public long getUnfinishedHelloOctets() {
        return gate.unfinishedHelloOctets();
    }

    @Override
    public long getCompletedHandshakes() {
        return gate.completedHandshakes();
    }

    @Override
    public long getCompletedAfterWaiting() {
        return gate.completedAfterWaiting();
    }

    @Override
    public int getFlights() {
        return issuance.inFlight();
    }

    @Override
    public int getPermissionQueue() {
        return permission.waiting();
    }

    @Override
    public long getRememberedAnswers() {
        return permission.rememberedCount();
    }

    @Override
    public long getRememberedFailures() {
        return issuance.rememberedFailures();
    }

    @Override
    public String getPreflight() {
        return preflight.state();
    }

    @Override
    public long getDnsQuestions() {
        return preflight.questions();
    }

    @Override
    public int getChallengesOnDisplay() {
        return challenges.size();
    }

    @Override
    public int getRenewals() {
        return renewal.inFlight();
    }

    @Override
    public Map<String, Long> getEvents() {
        Map<String, Long> counts = new TreeMap<>();
        for (EventKind kind : EventKind.values()) {
            counts.put(kind.name(), events.count(kind));
        }
        return counts;
    }

    @Override
    public Map<String, Long> getRefusals() {
        return gate.refusals();
    }

    @Override
    public Map<String, Long> getOverflows() {
        return events.overflows();
    }

    @Override
    public String explain(String name) {
        try {
            return explanation.of(ServerName.parse(name));
        } catch (IllegalArgumentException e) {
            return "no certificate: " + e.getMessage();
        }
    }

    @Override
    public String retry(String name) {
        return asked(name, parsed -> operations.retry(parsed).sentence());
    }

    @Override
    public Map<String, Long> getFigures() {
        Map<String, Long> counts = new TreeMap<>();
        for (Figures.Series series : events.figures().series()) {
            counts.put(series.figure().spelling() + series.values(), series.count());
        }
        return counts;
    }

    @Override
    public Map<String, String> getPaused() {
        Map<String, String> paused = new TreeMap<>();
        try {
            issuance.pauses().all().forEach((what, since) -> paused.put(what, since.toString()));
        } catch (StoreException e) {
            paused.put("unknown", "the store does not answer: " + e.getMessage());
        }
        return paused;
    }

    @Override
    public String lookUp(String name) {
        return answered(() -> operations.lookUp(ServerName.parse(name)));
    }

    @Override
    public String diagnose(String name) {
        return answered(() -> operations.diagnose(ServerName.parse(name)));
    }

    @Override
    public String list(String prefix, String states, String after, int limit) {
        return answered(() -> operations.list(
                new NameFilter(
                        FilterText.prefix(prefix), FilterText.states(states), Optional.empty(), Optional.empty()),
                after,
                limit));
    }

    @Override
    public String search(String filter, String after, int limit) {
        return answered(() ->
                operations.list(FilterText.filter(FilterText.parameters(filter), operations.now()), after, limit));
    }

    @Override
    public String obtain(String name) {
        return asked(name, parsed -> operations.obtain(parsed).sentence());
    }

    @Override
    public String renew(String name) {
        return asked(name, parsed -> operations.renew(parsed).sentence());
    }

    @Override
    public String withdraw(String name) {
        return asked(name, parsed -> operations.withdraw(parsed).sentence());
    }

    @Override
    public String revoke(String name, String reason) {
        return asked(name, parsed -> {
            Optional<RevocationReason> known = RevocationReason.of(reason);
            return known.isEmpty()
                    ? "nothing done: the reason is one of " + RevocationReason.words()
                    : operations.revoke(parsed, known.get()).sentence();
        });
    }

    @Override
    public String forget(String name) {
        return asked(name, parsed -> operations.forget(parsed).sentence());
    }

    @Override
    public String pause(String what) {
        return operations.pause(what).sentence();
    }

    @Override
    public String resume(String what) {
        return operations.resume(what).sentence();
    }

    @Override
    public String rolloverAccount(String ca) {
        return operations.accounts().rollOver(ca).sentence();
    }

    @Override
    public String deactivateAccount(String ca) {
        return operations.accounts().deactivate(ca).sentence();
    }

    @Override
    public String registerAccount(String ca) {
        return operations.accounts().register(ca).sentence();
    }

    @Override
    public String authorities() {
        return answered(operations::authorities);
    }

    @Override
    public String server() {
        return answered(this::serverReport);
    }

    @Override
    public String expiry() {
        return Json.of(Map.of("days", operations.expiry()));
    }

    @Override
    public String obtainAll(String names) {
        return answered(() -> Map.of("names", operations.obtainAll(names)));
    }

    // Whoever is promised JSON is told of trouble in JSON, too.
    private static String answered(FromStore.Question<Object> question) {
        try {
            return Json.of(question.ask());
        } catch (IllegalArgumentException e) {
            return Json.of(Map.of("error", "nothing done: " + e.getMessage()));
        } catch (StoreException e) {
            return Json.of(Map.of("error", "the store does not answer: " + e.getMessage()));
        }
    }

    private static String asked(String name, Question question) {
        try {
            return question.of(ServerName.parse(name));
        } catch (IllegalArgumentException e) {
            return "nothing done: " + e.getMessage();
        } catch (StoreException e) {
            return "the store does not answer: " + e.getMessage();
        }
    }

    private interface Question {
        String of(ServerName name) throws StoreException;
    }

    @Override
    public String confirmDenials() {
        try {
            return renewal.confirmDenials()
                    ? "the denials are taken as meant: names that have been denied for long enough are withdrawn"
                    : "nothing done: nothing is held back";
        } catch (StoreException e) {
            return "nothing done, the store does not answer: " + e.getMessage();
        }
    }
}
