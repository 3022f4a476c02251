package org.ondemandtls.renewal;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.DoubleSupplier;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.certificate.RenewalWindow;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.event.Outage;
import org.ondemandtls.inventory.Inventory;
import org.ondemandtls.inventory.Visits;
import org.ondemandtls.issuance.ClockWatch;
import org.ondemandtls.issuance.Issuance;
import org.ondemandtls.issuance.RenewalTime;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.StaleRevisionException;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;

/**
 * Does what is due about stored certificates: writes visits down, asks the CA when to renew, renews what is visited, asks
 * permission again for what was denied, withdraws and forgets.
 *
 * <p>What is due is found through the store's index by time. A record's next due time is written before something is begun
 * about it, so that whatever fails, or never ends, is looked at again then, by whichever process lives. Nothing of it
 * concerns a client: what is valid goes on being served.
 *
 * <p><b>Threads.</b> One look at a time, on an executor of its own; a bounded number of renewals at once, in the flights of
 * {@link Issuance}.
 */
public final class Renewal implements AutoCloseable {

    private static final int MOST_PER_LOOK = 256;
    private static final int MOST_VISITS_PER_LOOK = 4096;
    private static final int SAVE_ATTEMPTS = 3;
    // So many in one look are an outage, at which the rest need not be tried; the next look begins behind them.
    private static final int MOST_TROUBLES_PER_LOOK = 8;
    private static final Duration CLAIM = Duration.ofMinutes(15);
    private static final Duration RETRY = Duration.ofMinutes(5);
    // A customer who changes DNS takes hours; each look is some questions to a resolver for each such name.
    private static final Duration NOT_READY_RETRY = Duration.ofHours(1);
    private static final Duration ADVICE_EVERY = Duration.ofHours(12);
    private static final Duration ASKED_AGAIN_WITHIN = Duration.ofHours(3);
    private static final Duration SHORTEST_RETRY = Duration.ofSeconds(5);
    private static final Duration OWN_NAME_RETRY = Duration.ofMinutes(1);
    private static final int PART_OF_LIFE = 20;
    private static final int ASKED_PER_WITHDRAWAL = 8;

    /**
     * What runs the work.
     *
     * @param executor runs looks at the store, one at a time; blocks for I/O and for the CA's advice
     * @param scheduler wakes it
     * @param clock the wall clock
     * @param nanoTime a monotonic clock in nanoseconds
     * @param random uniform in [0, 1), for jitter
     * @param lookEvery how often visits are written down and the index is looked at
     */
    public record Ports(
            Executor executor,
            ScheduledExecutorService scheduler,
            Clock clock,
            LongSupplier nanoTime,
            DoubleSupplier random,
            Duration lookEvery) {}

    /**
     * What renewal joins.
     *
     * @param store what survives
     * @param issuance what renews
     * @param authorities who signs, for their advice
     * @param inventory what is served
     * @param visits what is visited
     * @param watch whether dates can be believed
     * @param events where everything is reported
     */
    public record Floors(
            CertificateStore store,
            Issuance issuance,
            List<Authority> authorities,
            Inventory inventory,
            Visits visits,
            ClockWatch watch,
            Events events) {}

    private final Floors floors;
    private final OnDemandTlsConfig.Renewal config;
    private final Set<ServerName> ownNames;
    private final Ports ports;
    private final int atOnce;
    private final Outage storeOutage;
    private final Map<String, Outage> adviceOutages = new ConcurrentHashMap<>();
    private final AtomicInteger inFlight = new AtomicInteger();
    private final AtomicBoolean looking = new AtomicBoolean();
    private final Set<String> busy = ConcurrentHashMap.newKeySet();
    // When each of the operator's own names may be obtained, by monotonic time; far away once it is.
    private final Map<ServerName, Long> ownNotBefore = new ConcurrentHashMap<>();
    private final Troubled troubled;

    private volatile boolean closed;
    private volatile boolean more;
    private volatile @Nullable ScheduledFuture<?> timer;

    /**
     * Makes it; nothing is done before {@link #start}.
     *
     * @param floors what to work with
     * @param config what to renew, withdraw and forget
     * @param ownNames the operator's own names
     * @param atOnce how many renewals run at the same time, at least 1
     * @param ports what runs the work
     */
    public Renewal(
            Floors floors, OnDemandTlsConfig.Renewal config, List<ServerName> ownNames, int atOnce, Ports ports) {
        this.floors = floors;
        this.config = config;
        this.ownNames = Set.copyOf(ownNames);
        this.atOnce = Math.max(1, atOnce);
        this.ports = ports;
        this.storeOutage =
                new Outage(floors.events(), EventKind.STORE_FAILED, "the store, for renewals,", ports.nanoTime());
        this.troubled = new Troubled(floors.events(), ports.nanoTime());
    }

    /** Begins: now, and then again and again. */
    public void start() {
        long every = ports.lookEvery().toNanos();
        look();
        timer = ports.scheduler().scheduleWithFixedDelay(this::look, every, every, TimeUnit.NANOSECONDS);
    }

    /** How many renewals are under way. */
    public int inFlight() {
        return inFlight.get();
    }

    /**
     * Has a certificate renewed at the next look, whenever it was planned for. Blocks for the store.
     *
     * @param name the name of a certificate; one without is left alone
     * @throws StoreException if the store could not be written
     */
    public void retry(ServerName name) throws StoreException {
        ownNotBefore.remove(name);
        untilSaved(() -> {
            Instant now = ports.clock().instant();
            Optional<StoredCertificate> stored = floors.store()
                    .find(name)
                    .filter(one -> one.firstName().equals(name.value()) && one.isServableAt(now));
            if (stored.isPresent()) {
                floors.store().save(stored.get().withRenew(now).withDue(now));
                look();
            }
        });
    }

    /** Ends the timer. Visits that wait are written down with {@link #writeVisits}, by whoever closes. */
    @Override
    public void close() {
        closed = true;
        ScheduledFuture<?> running = timer;
        if (running != null) {
            running.cancel(false);
        }
    }

    /**
     * Writes down the visits that wait; blocks for the store.
     *
     * @param atMost how long; what is left after it waits on
     */
    public void writeVisits(Duration atMost) {
        long end = ports.nanoTime().getAsLong() + atMost.toNanos();
        List<Visits.Visit> waiting = floors.visits().take(MOST_VISITS_PER_LOOK);
        if (!floors.watch().isTrusted()) {
            waiting.forEach(floors.visits()::notWritten);
            return;
        }
        for (Visits.Visit visit : waiting) {
            if (ports.nanoTime().getAsLong() - end >= 0) {
                floors.visits().notWritten(visit);
                continue;
            }
            try {
                write(visit);
            } catch (StoreException | RuntimeException e) {
                floors.visits().notWritten(visit);
                storeFailed(e);
            }
        }
    }

    private void look() {
        if (closed || !looking.compareAndSet(false, true)) {
            return;
        }
        try {
            ports.executor().execute(() -> {
                try {
                    writeVisits(ports.lookEvery());
                    if (floors.watch().isTrusted()) {
                        obtainOwnNames();
                        doWhatIsDue();
                        sweepHolds();
                    }
                } finally {
                    looking.set(false);
                }
            });
        } catch (RejectedExecutionException e) {
            // The engine is stopping.
            looking.set(false);
        }
    }

    private void write(Visits.Visit visit) throws StoreException {
        Optional<ServerName> name =
                plainName(visit.certificate().names().iterator().next());
        for (int attempt = 1; name.isPresent(); attempt++) {
            Optional<StoredCertificate> stored = floors.store()
                    .find(name.get())
                    .filter(one ->
                            one.certificate().id().equals(visit.certificate().id()));
            if (stored.isEmpty()) {
                // Replaced meanwhile: its successor will be visited.
                return;
            }
            StoredCertificate seen = stored.get().withVisited(visit.at());
            // One that was left alone for want of visitors is looked at again as soon as it has one.
            boolean leftAlone = isLeftAlone(seen);
            if (!leftAlone && isNoted(stored.get(), visit)) {
                return;
            }
            try {
                floors.store().save(leftAlone ? seen.withDue(visit.at()) : seen);
                return;
            } catch (StaleRevisionException e) {
                if (attempt == SAVE_ATTEMPTS) {
                    throw e;
                }
            }
        }
    }

    /** Lists what is due and begins with it; what needs nobody's answer is done at once. */
    private void doWhatIsDue() {
        try {
            int room = atOnce - busy.size();
            if (room <= 0) {
                return;
            }
            Instant now = ports.clock().instant();
            // What is under way is still due, and is listed with the rest; so is what is in trouble.
            int known = busy.size() + troubled.size();
            List<StoredCertificate> due = floors.store().due(now, MOST_PER_LOOK + known);
            storeOutage.worked();
            more = due.size() >= MOST_PER_LOOK + known;
            int failed = 0;
            for (StoredCertificate record : due) {
                if (busy.size() >= atOnce || failed == MOST_TROUBLES_PER_LOOK) {
                    more |= busy.size() >= atOnce;
                    return;
                }
                String name = record.firstName();
                if (!closed && !busy.contains(name) && !troubled.isLeftAlone(name) && !begun(record, now)) {
                    failed++;
                }
            }
        } catch (StoreException | RuntimeException e) {
            storeFailed(e);
        }
    }

    // One record's trouble never keeps another from its turn.
    private boolean begun(StoredCertificate record, Instant now) {
        try {
            begin(record, now);
            return true;
        } catch (StoreException | RuntimeException e) {
            troubled.failed(record.firstName(), e);
            return false;
        }
    }

    private void sweepHolds() {
        try {
            floors.issuance().sweepHolds();
        } catch (StoreException | RuntimeException e) {
            storeFailed(e);
        }
    }

    private void begin(StoredCertificate record, Instant now) throws StoreException {
        Optional<ServerName> name = plainName(record.firstName());
        boolean own = name.isPresent() && ownNames.contains(name.get());
        boolean over = now.isAfter(record.certificate().notAfter());
        boolean several = record.certificate().names().size() > 1;
        if (record.withdrawn().isPresent() || (over && !own)) {
            Instant end = forgottenAt(record);
            if (now.isBefore(end)) {
                reschedule(record, end);
            } else {
                forget(record);
            }
        } else if (!(several || name.isPresent()) || !(own || isVisited(record, now))) {
            reschedule(record, forgottenAt(record));
        } else if (several) {
            renewSingly(record, now);
        } else if (!record.renew().isAfter(now)) {
            renew(name.get(), record, now);
        } else {
            askAdvice(record);
        }
    }

    private void renew(ServerName name, StoredCertificate record, Instant now) throws StoreException {
        // Written before it is begun: should this process end meanwhile, somebody looks again then.
        StoredCertificate claimed;
        try {
            claimed = floors.store().save(record.withDue(now.plus(partOfLife(record, CLAIM))));
        } catch (StaleRevisionException e) {
            // Somebody else is at it, or a visit was written: the next look sees.
            return;
        }
        busy.add(record.firstName());
        inFlight.incrementAndGet();
        renewed(name).whenComplete((certificate, failure) -> {
            inFlight.decrementAndGet();
            onExecutor(record.firstName(), () -> {
                if (failure instanceof IssuanceException reason) {
                    untilSaved(() -> notRenewed(name, claimed, reason));
                } else if (failure != null) {
                    troubled.failed(record.firstName(), failure);
                }
            });
        });
    }

    private CompletableFuture<KeyedCertificate> renewed(ServerName name) {
        try {
            return floors.issuance().renew(name);
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    // A certificate of several names, which another program obtained, is succeeded by one for each of them. The first
    // name's
    // takes its place in the store, so it comes last, and never while it serves one that has none of its own.
    private void renewSingly(StoredCertificate record, Instant now) throws StoreException {
        if (record.renew().isAfter(now)) {
            reschedule(record, record.renew());
            return;
        }
        List<ServerName> left = namesWithoutTheirOwn(record);
        if (left.isEmpty()) {
            reschedule(record, forgottenAt(record));
            return;
        }
        try {
            floors.store().save(record.withDue(now.plus(partOfLife(record, CLAIM))));
        } catch (StaleRevisionException e) {
            return;
        }
        busy.add(record.firstName());
        inFlight.incrementAndGet();
        AtomicBoolean failed = new AtomicBoolean();
        CompletableFuture<?>[] renewals = left.stream()
                .limit(atOnce)
                .map(name -> renewed(name).handle((certificate, failure) -> {
                    if (failure != null) {
                        failed.set(true);
                    }
                    if (failure instanceof IssuanceException reason) {
                        floors.events().publish(EventKind.NOT_RENEWED, name, "not renewed: " + reason.what());
                    } else if (failure != null) {
                        troubled.failed(name.value(), failure);
                    }
                    return certificate;
                }))
                .toArray(CompletableFuture<?>[]::new);
        CompletableFuture.allOf(renewals).whenComplete((all, failure) -> {
            inFlight.decrementAndGet();
            onExecutor(record.firstName(), () -> {
                Instant next = ports.clock().instant().plus(failed.get() ? partOfLife(record, RETRY) : Duration.ZERO);
                Optional<StoredCertificate> current = underFirstName(record.firstName());
                if (current.isPresent() && current.get().certificate().names().size() > 1) {
                    reschedule(current.get(), next);
                    more |= !failed.get();
                }
            });
        });
    }

    private List<ServerName> namesWithoutTheirOwn(StoredCertificate record) throws StoreException {
        List<ServerName> left = new ArrayList<>();
        boolean others = false;
        for (String text : record.certificate().names()) {
            Optional<ServerName> name = plainName(text);
            if (text.equals(record.firstName())) {
                continue;
            }
            if (name.isEmpty()) {
                others = true;
            } else if (floors.store()
                    .find(name.get())
                    .filter(stored -> stored.firstName().equals(text))
                    .isEmpty()) {
                left.add(name.get());
            }
        }
        if (left.isEmpty() && !others) {
            plainName(record.firstName()).ifPresent(left::add);
        }
        return left;
    }

    private Optional<StoredCertificate> underFirstName(String name) throws StoreException {
        Optional<ServerName> plain = plainName(name);
        return plain.isEmpty() ? Optional.empty() : floors.store().find(plain.get());
    }

    private void notRenewed(ServerName name, StoredCertificate claimed, IssuanceException reason)
            throws StoreException {
        if (reason instanceof IssuanceException.Stopping) {
            return;
        }
        Instant now = ports.clock().instant();
        Optional<StoredCertificate> current = floors.store()
                .find(name)
                .filter(stored ->
                        stored.certificate().id().equals(claimed.certificate().id()));
        if (current.isEmpty() || !floors.watch().isTrusted()) {
            return;
        }
        StoredCertificate record = current.get();
        if (reason instanceof IssuanceException.NotPermitted) {
            denied(name, record, reason, now);
            return;
        }
        // Whoever did not answer has not denied, and whoever was asked after permission was granted knows that.
        Optional<Instant> deniedSince =
                reason instanceof IssuanceException.NoAnswer ? record.deniedSince() : Optional.empty();
        Duration wait = longest(
                partOfLife(record, reason instanceof IssuanceException.NotReady ? NOT_READY_RETRY : RETRY),
                reason.retryAfter(),
                floors.issuance().blockedFor(name));
        floors.store()
                .save(record.withDeniedSince(deniedSince).withDue(now.plus(wait).plus(jitter(wait))));
        floors.events()
                .publish(
                        EventKind.NOT_RENEWED,
                        name,
                        "not renewed: " + reason.what() + "; tried again in about " + words(wait) + ", served until "
                                + record.certificate().notAfter());
    }

    private void denied(ServerName name, StoredCertificate record, IssuanceException reason, Instant now)
            throws StoreException {
        Instant since = record.deniedSince().orElse(now);
        if (!now.isBefore(since.plus(config.withdrawAfter()))) {
            floors.store()
                    .save(record.withDeniedSince(Optional.of(since))
                            .withWithdrawn(Optional.of(now))
                            .withDue(forgottenAt(record)));
            floors.inventory().withdraw(record.certificate());
            floors.events()
                    .publish(
                            EventKind.WITHDRAWN,
                            name,
                            "withdrawn: denied at every ask since " + since + "; served again once it is granted");
            return;
        }
        Duration again = longest(
                shortest(
                        config.withdrawAfter().dividedBy(ASKED_PER_WITHDRAWAL),
                        ASKED_AGAIN_WITHIN,
                        RenewalTime.lifetime(record.certificate()).dividedBy(PART_OF_LIFE)),
                SHORTEST_RETRY);
        floors.store().save(record.withDeniedSince(Optional.of(since)).withDue(now.plus(again)));
        floors.events()
                .publish(
                        EventKind.NOT_RENEWED,
                        name,
                        "not renewed: " + reason.what() + "; asked again in " + words(again)
                                + ", withdrawn if it is denied at every ask until "
                                + since.plus(config.withdrawAfter()));
    }

    private void askAdvice(StoredCertificate record) {
        busy.add(record.firstName());
        onExecutor(record.firstName(), () -> {
            Instant now = ports.clock().instant();
            StoredCertificate advised = advised(record, now);
            try {
                floors.store().save(advised);
            } catch (StaleRevisionException e) {
                // A visit was written meanwhile: the record is still due, and asked for again.
            }
        });
    }

    // The record with its window, its moment and its next due time. Without an answer it goes on by what it knows.
    private StoredCertificate advised(StoredCertificate record, Instant now) {
        Optional<Authority> authority = floors.authorities().stream()
                .filter(ca -> ca.id().equals(record.issuer()) && ca.honoursReplaces())
                .findFirst();
        Duration every = partOfLife(record, ADVICE_EVERY);
        if (authority.isEmpty()) {
            return record.withDue(record.renew());
        }
        try {
            Optional<Authority.RenewalAdvice> advice =
                    authority.get().renewalAdvice(record.certificate().leaf());
            adviceOutage(record.issuer()).worked();
            if (advice.isEmpty()) {
                return dueNext(record, now.plus(every));
            }
            RenewalWindow window = advice.get().window();
            Optional<Instant> before = record.window().map(old -> record.renew());
            Instant renew = RenewalTime.inWindow(record.certificate(), window, before, now, ports.random());
            if (!renew.equals(record.renew())) {
                floors.events()
                        .publish(
                                EventKind.RENEWAL_WINDOW,
                                plainName(record.firstName()).orElse(null),
                                "to be renewed at " + renew + ": the CA suggests " + window.start() + " to "
                                        + window.end()
                                        + window.explanation()
                                                .map(link -> " (why: " + link + ")")
                                                .orElse(""));
            }
            return dueNext(
                    record.withWindow(Optional.of(window)).withRenew(renew),
                    now.plus(longest(every, advice.get().retryAfter())));
        } catch (IssuanceException e) {
            if (!(e instanceof IssuanceException.Stopping)) {
                adviceOutage(record.issuer())
                        .failed(plainName(record.firstName()).orElse(null), e.what() + "; it is renewed as planned");
            }
            return dueNext(record, now.plus(longest(every, e.retryAfter())));
        }
    }

    private Outage adviceOutage(String issuer) {
        return adviceOutages.computeIfAbsent(
                issuer,
                id -> new Outage(
                        floors.events(),
                        EventKind.RENEWAL_WINDOW,
                        "the renewal information of " + id,
                        ports.nanoTime()));
    }

    private StoredCertificate dueNext(StoredCertificate record, Instant advice) {
        return record.withDue(advice.isBefore(record.renew()) ? advice : record.renew());
    }

    private void obtainOwnNames() {
        long now = ports.nanoTime().getAsLong();
        for (ServerName name : ownNames) {
            Long notBefore = ownNotBefore.get(name);
            if (closed || (notBefore != null && now - notBefore < 0)) {
                continue;
            }
            ownNotBefore.put(name, Long.MAX_VALUE / 2 + now);
            floors.issuance().obtain(name, ClientBlock.LOCAL).whenComplete((certificate, failure) -> {
                if (failure == null) {
                    onExecutor(name.value(), () -> bringBack(name));
                    return;
                }
                Duration wait = longest(OWN_NAME_RETRY, floors.issuance().blockedFor(name));
                ownNotBefore.put(name, ports.nanoTime().getAsLong() + wait.toNanos());
            });
        }
    }

    // It may have been a visitor's, whom nobody missed, before it became the operator's own.
    private void bringBack(ServerName name) throws StoreException {
        Optional<StoredCertificate> left = floors.store().find(name).filter(this::isLeftAlone);
        if (left.isPresent()) {
            reschedule(left.get(), ports.clock().instant());
        }
    }

    private void forget(StoredCertificate record) throws StoreException {
        try {
            floors.store().forget(record);
        } catch (StaleRevisionException e) {
            return;
        }
        floors.inventory().withdraw(record.certificate());
        floors.events()
                .publish(
                        EventKind.FORGOTTEN,
                        plainName(record.firstName()).orElse(null),
                        "forgotten: expired at " + record.certificate().notAfter() + " and not visited since");
    }

    private void reschedule(StoredCertificate record, Instant due) throws StoreException {
        try {
            floors.store().save(record.withDue(due));
        } catch (StaleRevisionException e) {
            // Somebody else has been here: the next look sees what is to be done now.
        }
    }

    private void onExecutor(String name, Step step) {
        try {
            ports.executor().execute(() -> {
                try {
                    step.run();
                } catch (StoreException | RuntimeException e) {
                    troubled.failed(name, e);
                } finally {
                    busy.remove(name);
                    if (more) {
                        look();
                    }
                }
            });
        } catch (RejectedExecutionException e) {
            // The engine is stopping.
            busy.remove(name);
        }
    }

    // A visit, or what a CA advises, may be written between the look at a record and its save.
    private static void untilSaved(Step step) throws StoreException {
        for (int attempt = 1; ; attempt++) {
            try {
                step.run();
                return;
            } catch (StaleRevisionException e) {
                if (attempt == SAVE_ATTEMPTS) {
                    throw e;
                }
            }
        }
    }

    private void storeFailed(Exception e) {
        storeOutage.failed(null, Troubled.words(e));
    }

    private boolean isVisited(StoredCertificate record, Instant now) {
        return record.visited()
                .filter(at -> !at.isBefore(record.obtained()))
                .filter(at -> config.visitedWithin()
                        .map(within -> !at.plus(within).isBefore(now))
                        .orElse(true))
                .isPresent();
    }

    // Whoever noted it in memory may not have known: the certificate came from the store again, or another node wrote.
    // The
    // last visit to its predecessor is none to this one.
    private static boolean isNoted(StoredCertificate stored, Visits.Visit visit) {
        Duration interval = Visits.interval(stored.certificate());
        return stored.visited()
                .filter(at -> !at.isBefore(stored.obtained()))
                .filter(at -> Duration.between(at, visit.at()).abs().compareTo(interval) < 0)
                .isPresent();
    }

    // Its next due time is the one at which it is forgotten.
    private boolean isLeftAlone(StoredCertificate record) {
        return record.withdrawn().isEmpty()
                && record.due().isAfter(record.certificate().notAfter());
    }

    private Instant forgottenAt(StoredCertificate record) {
        return record.certificate().notAfter().plus(config.grace());
    }

    private Duration jitter(Duration wait) {
        return Duration.ofMillis((long) (wait.toMillis() / 10.0 * ports.random().getAsDouble()));
    }

    // A short life leaves less time for everything.
    private static Duration partOfLife(StoredCertificate record, Duration most) {
        return longest(
                shortest(most, RenewalTime.lifetime(record.certificate()).dividedBy(PART_OF_LIFE)), SHORTEST_RETRY);
    }

    private static Optional<ServerName> plainName(String name) {
        return name.startsWith("*") ? Optional.empty() : Optional.of(new ServerName(name));
    }

    private static Duration longest(Duration... durations) {
        return Stream.of(durations).max(Comparator.naturalOrder()).orElse(Duration.ZERO);
    }

    private static Duration shortest(Duration... durations) {
        return Stream.of(durations).min(Comparator.naturalOrder()).orElse(Duration.ZERO);
    }

    private static String words(Duration wait) {
        return wait.compareTo(Duration.ofMinutes(2)) < 0 ? wait.toSeconds() + " s" : wait.toMinutes() + " min";
    }

    @FunctionalInterface
    private interface Step {
        void run() throws StoreException;
    }
}
