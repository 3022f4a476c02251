package org.ondemandtls.renewal;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.DoubleSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.authority.Revocations;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.event.Outage;
import org.ondemandtls.inventory.Inventory;
import org.ondemandtls.inventory.Visits;
import org.ondemandtls.issuance.ClockWatch;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.renewal.Entry.Kind;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.Retry;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;

/**
 * Does what is due about stored certificates: writes visits down, asks the CA when to renew, renews what is visited, asks
 * permission again for what is served, withdraws and forgets.
 *
 * <p>What is due is found through the store's index by time, read once, and kept by name until its turn has come: the most
 * urgent first, each kind of work and each CA with turns of its own, see {@link Backlog}. A record stays due until something
 * has come of it, so that whatever fails, or never ends, is looked at again, by whichever process lives. Nothing of it
 * concerns a client: what is valid goes on being served.
 *
 * <p><b>Threads.</b> One look at a time, on an executor of its own; a bounded number of turns at once.
 */
public final class Renewal implements AutoCloseable {

    private static final int PAGE = 256;
    private static final int MOST_PAGES_PER_LOOK = 16;
    // So many in one look are an outage, at which the rest need not be tried.
    private static final int MOST_TROUBLES_PER_LOOK = 8;
    // What others wrote behind the place where the last look ended is found by one from the beginning.
    private static final Duration FROM_THE_BEGINNING = Duration.ofMinutes(5);
    private static final int ASKED_AT_ONCE = 4;
    private static final int ADVISED_AT_ONCE = 4;
    private static final int OWN_NAMES_PART = 4;

    /**
     * What runs the work.
     *
     * @param executor runs looks at the store, one at a time, and what comes of a turn; blocks for I/O
     * @param advice asks CAs when to renew; blocks for them
     * @param scheduler wakes it
     * @param clock the wall clock
     * @param nanoTime a monotonic clock in nanoseconds
     * @param random uniform in [0, 1), for jitter
     * @param lookEvery how often visits are written down and the index is looked at
     */
    public record Ports(
            Executor executor,
            Executor advice,
            ScheduledExecutorService scheduler,
            Clock clock,
            LongSupplier nanoTime,
            DoubleSupplier random,
            Duration lookEvery) {}

    /**
     * What renewal joins.
     *
     * @param store what survives
     * @param orders what renews
     * @param authorities who signs, for their advice; not empty
     * @param revocations what CAs without advice have revoked
     * @param inventory what is served
     * @param visits what is visited
     * @param watch whether dates can be believed
     * @param events where everything is reported
     */
    public record Floors(
            CertificateStore store,
            Orders orders,
            List<Authority> authorities,
            Revocations revocations,
            Inventory inventory,
            Visits visits,
            ClockWatch watch,
            Events events) {}

    private final Desk desk;
    private final Outage storeOutage;
    private final Denials denials;
    private final DenialBrake brake;
    private final Advice advice;
    private final Asking asking;
    private final Succession succession;
    private final SeveralNames severalNames;
    private final OwnNames ownNames;
    private final VisitNotes visitNotes;
    private final Forgetting forgetting;
    private final ClockCheck clockCheck;
    private final AtomicBoolean looking = new AtomicBoolean();
    private final AtomicInteger beginning = new AtomicInteger();

    private volatile boolean closed;
    private volatile @Nullable ScheduledFuture<?> timer;

    // Up to where the index has been read; used by one look at a time.
    private Instant seen = Instant.EPOCH;
    private long fromTheBeginning;

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
        int renewals = Math.max(1, atOnce);
        Map<Kind, Integer> turns =
                new EnumMap<>(Map.of(Kind.RENEW, renewals, Kind.ASK, ASKED_AT_ONCE, Kind.ADVICE, ADVISED_AT_ONCE));
        this.desk = new Desk(
                floors,
                config,
                ports,
                new Records(floors.store(), config, Set.copyOf(ownNames)),
                new Backlog(turns, floors.authorities().size() > 1),
                new Troubled(floors.events(), ports.nanoTime()),
                new Rechecks(config.recheck()),
                this::beginMore);
        this.storeOutage =
                new Outage(floors.events(), EventKind.STORE_FAILED, "the store, for renewals,", ports.nanoTime());
        this.brake =
                new DenialBrake(floors.store(), config.recheck(), ports.clock(), ports.nanoTime(), floors.events());
        this.denials = new Denials(desk, brake);
        this.advice = new Advice(desk);
        this.asking = new Asking(desk, denials, advice);
        this.succession = new Succession(desk, denials);
        this.severalNames = new SeveralNames(desk, denials, succession, advice, this::dueNow);
        this.ownNames = new OwnNames(desk, ownNames, Math.max(1, renewals / OWN_NAMES_PART), storeOutage, this::dueNow);
        this.visitNotes = new VisitNotes(desk, storeOutage, this::dueNow, this::served);
        this.forgetting = new Forgetting(desk);
        this.clockCheck = new ClockCheck(desk);
        this.fromTheBeginning = ports.nanoTime().getAsLong();
    }

    /** Begins: now, and then again and again. */
    public void start() {
        long every = desk.ports().lookEvery().toNanos();
        look();
        timer = desk.ports().scheduler().scheduleWithFixedDelay(this::look, every, every, TimeUnit.NANOSECONDS);
    }

    /** How many renewals are under way. */
    public int inFlight() {
        return desk.backlog().running(Kind.RENEW);
    }

    /** When each CA answered with renewal information last on this server, by the CA's id; no I/O. */
    public Map<String, Instant> lastAdvice() {
        return advice.last();
    }

    /**
     * Has a name's certificate renewed now, whenever that was planned for; of one of several names, the name gets its own.
     * Blocks for the store.
     *
     * @param name the name of a certificate; one without is left alone
     * @return whether a renewal begins; not where what serves the name is a wildcard's, which cannot be renewed here
     * @throws StoreException if the store could not be written
     */
    public boolean retry(ServerName name) throws StoreException {
        ownNames.retry(name);
        List<Entry> turns = new ArrayList<>();
        Retry.stepIfStale(() -> {
            turns.clear();
            Instant now = desk.now();
            Optional<StoredCertificate> stored =
                    desk.floors().store().find(name).filter(record -> record.isServableAt(now));
            if (stored.isPresent()) {
                turns.addAll(turnsNow(name, stored.get(), now));
            }
        });
        return !turns.isEmpty()
                && onExecutor(() -> {
                    // One out of its turn; where more come before it, they have the next turns.
                    turns.subList(1, turns.size()).forEach(desk.backlog()::offer);
                    desk.backlog().takeNow(turns.get(0)).ifPresent(this::begin);
                    beginMore();
                });
    }

    private List<Entry> turnsNow(ServerName name, StoredCertificate record, Instant now) throws StoreException {
        boolean first = record.firstName().equals(name.value());
        if (record.certificate().names().size() > 1) {
            List<Entry> turns = severalNames.turns(record);
            if (first && !turns.isEmpty()) {
                // Its own takes this one's place, so the others come before it.
                desk.floors().store().save(record.withRenew(now).withDue(now));
                return turns;
            }
            return turns.stream()
                    .filter(turn -> turn.name().equals(name.value()))
                    .toList();
        }
        if (!first) {
            // A wildcard's.
            return List.of();
        }
        StoredCertificate due = desk.floors().store().save(record.withRenew(now).withDue(now));
        return List.of(Entry.of(due, Kind.RENEW, desk.caOf(due)));
    }

    /**
     * An operator says that the denials because of which nothing is withdrawn are meant. Blocks for the store.
     *
     * @return whether anything was held back because of them
     * @throws StoreException if the store failed
     */
    public boolean confirmDenials() throws StoreException {
        return brake.confirm();
    }

    /**
     * Until when nothing is withdrawn because so many names are denied at once. Blocks for the store.
     *
     * @return the moment, empty where withdrawals go on
     * @throws StoreException if the store failed
     */
    public Optional<Instant> nothingWithdrawnUntil() throws StoreException {
        return brake.until();
    }

    /**
     * A record as it concerns one of its names: since when that is denied, which of several names is not what the first one
     * is. Blocks for the store where there are several.
     *
     * @throws StoreException if the store failed
     */
    public StoredCertificate concerning(ServerName name, StoredCertificate record) throws StoreException {
        return record.certificate().names().size() == 1 || record.firstName().equals(name.value())
                ? record
                : record.withDeniedSince(DeniedName.since(desk.floors().store(), name));
    }

    /** When a certificate that is denied is withdrawn if every answer is a denial until then; empty where it is not denied. */
    public Optional<Instant> withdrawnAt(StoredCertificate record) {
        return record.deniedSince().map(denials::withdrawnAt);
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
        visitNotes.write(atMost);
    }

    private void look() {
        if (closed || !looking.compareAndSet(false, true)) {
            return;
        }
        boolean accepted = onExecutor(() -> {
            try {
                writeVisits(desk.ports().lookEvery());
                tried(forgetting::look);
                if (desk.floors().watch().isTrusted()) {
                    ownNames.look();
                    readWhatIsDue();
                    tried(desk.floors().orders()::sweepHolds);
                } else {
                    clockCheck.look();
                }
            } finally {
                looking.set(false);
            }
            beginMore();
        });
        if (!accepted) {
            looking.set(false);
        }
    }

    private void tried(Retry.Step step) {
        try {
            step.run();
        } catch (StoreException | RuntimeException | Error e) {
            storeFailed(e);
        }
    }

    private void readWhatIsDue() {
        Instant now = desk.now();
        if (now.isBefore(seen)
                || desk.nanos() - fromTheBeginning >= FROM_THE_BEGINNING.toNanos()
                || desk.backlog().takesDroppedBack()) {
            seen = Instant.EPOCH;
            fromTheBeginning = desk.nanos();
        }
        try {
            int limit = PAGE;
            int troubles = 0;
            for (int page = 0; page < MOST_PAGES_PER_LOOK && !closed; page++) {
                List<StoredCertificate> due = desk.floors().store().due(seen, now, limit);
                storeOutage.worked();
                for (StoredCertificate record : due) {
                    troubles += enters(record, now) ? 0 : 1;
                    if (troubles == MOST_TROUBLES_PER_LOOK) {
                        return;
                    }
                }
                if (due.size() < limit) {
                    seen = now;
                    return;
                }
                Instant last = due.get(due.size() - 1).due();
                // Where a whole page is due at one moment, only a larger one leads beyond it.
                limit = last.equals(seen) ? 2 * limit : PAGE;
                seen = last;
            }
        } catch (StoreException | RuntimeException | Error e) {
            storeFailed(e);
        }
    }

    // One record's trouble never keeps another from its turn.
    private boolean enters(StoredCertificate record, Instant now) {
        String name = record.firstName();
        try {
            if (!desk.backlog().knows(name) && !desk.troubled().isLeftAlone(name)) {
                enter(record, now);
            }
            return true;
        } catch (StoreException | RuntimeException | Error e) {
            desk.troubled().failed(name, e);
            return false;
        }
    }

    /** What needs nobody's answer is done at once; the rest waits for its turn. */
    private void enter(StoredCertificate record, Instant now) throws StoreException {
        boolean plain = Records.plainName(record.firstName()).isPresent();
        boolean own = desk.records().isOwn(record);
        boolean over = now.isAfter(record.certificate().notAfter());
        boolean several = record.certificate().names().size() > 1;
        if (record.withdrawn().isPresent() || (over && !own)) {
            forgetting.over(record, now);
        } else if (!(several || plain) || !(own || desk.records().isVisited(record, now))) {
            desk.records().reschedule(record, desk.records().forgottenAt(record));
        } else if (several) {
            severalNames.enter(record, now);
        } else {
            Optional<Kind> kind = kindOf(record, now);
            if (kind.isPresent()) {
                desk.backlog().offer(Entry.of(record, kind.get(), desk.caOf(record)));
            } else {
                desk.records().reschedule(record, advice.next(record, now));
            }
        }
    }

    private Optional<Kind> kindOf(StoredCertificate record, Instant now) {
        if (!record.renew().isAfter(now)) {
            return Optional.of(Kind.RENEW);
        }
        if (record.deniedSince().isPresent() || desk.rechecks().isDue(record, now)) {
            return Optional.of(Kind.ASK);
        }
        return advice.isDue(record, now) ? Optional.of(Kind.ADVICE) : Optional.empty();
    }

    // Called at the end of each turn, by whichever thread: one of them begins what may be begun, and never within
    // another.
    private void beginMore() {
        if (beginning.getAndIncrement() > 0) {
            return;
        }
        try {
            int calls;
            do {
                calls = beginning.get();
                if (desk.floors().watch().isTrusted()) {
                    for (Kind kind : Kind.values()) {
                        beginMore(kind);
                    }
                }
            } while (beginning.addAndGet(-calls) > 0);
        } catch (RuntimeException | Error e) {
            // Whoever called meanwhile is served by the next look.
            beginning.set(0);
            interrupted(e);
        }
    }

    private void beginMore(Kind kind) {
        while (!closed) {
            Optional<Entry> next = desk.backlog().take(kind, desk.now(), desk.nanos());
            if (next.isEmpty()) {
                return;
            }
            begin(next.get());
        }
    }

    private void begin(Entry entry) {
        desk.endNow(entry, () -> {
            if (entry.several().isPresent()) {
                severalNames.begin(entry);
                return;
            }
            Instant now = desk.now();
            Optional<StoredCertificate> stored = desk.records()
                    .under(entry.name())
                    .filter(record ->
                            record.withdrawn().isEmpty() && !record.due().isAfter(now));
            if (stored.isEmpty()) {
                // Somebody else has been here.
                desk.backlog().done(entry);
                return;
            }
            StoredCertificate record = stored.get();
            boolean renewalDue = !record.renew().isAfter(now);
            boolean several = record.certificate().names().size() > 1;
            if (renewalDue != (entry.kind() == Kind.RENEW) || (several && entry.kind() != Kind.ADVICE)) {
                desk.backlog().done(entry);
                enter(record, now);
                return;
            }
            switch (entry.kind()) {
                case RENEW -> succession.begin(entry, record);
                case ASK -> asking.begin(entry, record);
                case ADVICE -> advice.begin(entry, record);
            }
        });
    }

    // Written by ourselves, perhaps behind the place where the last look ended.
    private void dueNow(StoredCertificate record) {
        enters(record, desk.now());
    }

    private void served(StoredCertificate record) {
        if (record.withdrawn().isEmpty() && record.deniedSince().isEmpty()) {
            brake.served(record.firstName());
        }
    }

    private boolean onExecutor(Runnable task) {
        try {
            desk.ports().executor().execute(task);
            return true;
        } catch (RejectedExecutionException e) {
            // The engine is stopping.
            return false;
        } catch (RuntimeException | Error e) {
            // A timer whose task throws never comes again.
            interrupted(e);
            return false;
        }
    }

    private void storeFailed(Throwable e) {
        storeOutage.failed(null, Troubled.words(e));
    }

    private void interrupted(Throwable e) {
        desk.floors().events().publish(EventKind.DEFECT, "renewal was interrupted and goes on: " + e);
    }
}
