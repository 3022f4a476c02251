package org.ondemandtls.handshake;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.issuance.LeavableFuture;
import org.ondemandtls.name.AddressBlock;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ServerName;

/**
 * Where handshakes wait for their certificate: a bounded number of futures, each with a deadline; no thread.
 *
 * <p>A handshake leaves exactly once: with its certificate, with the failure of its flight, at its deadline, when
 * its client has gone away (the future is cancelled), or when the lot is closed.
 */
public final class ParkingLot {

    /**
     * What a parked handshake leaves with: a certificate, or the failure that kept it from one, or neither at its
     * deadline.
     *
     * @param certificate what came, null if nothing did
     * @param failure why nothing came, null at the deadline
     */
    record Outcome(
            @Nullable KeyedCertificate certificate,
            @Nullable IssuanceException failure) {}

    /** What becomes of a handshake that leaves. */
    interface Exit {

        /**
         * Turns an outcome into an answer, and does nothing else: the handshake may have left in another way meanwhile.
         *
         * @param name the name it waited for
         * @param outcome what it leaves with
         */
        Admission.Settled settle(ServerName name, Outcome outcome);

        /** Counts that its flight has ended with neither a certificate nor a failure that is known; once for each. */
        void nothingCame();
    }

    /** Told from every other one by being itself. */
    private static final class Place {
        private final CompletableFuture<Admission.Settled> outcome = new LeavableFuture<>();
        private final AtomicBoolean ended = new AtomicBoolean();

        /** Whether the caller is the one who ends it: then it counts first, so that who reads the alert finds it counted. */
        private boolean end() {
            return !outcome.isDone() && ended.compareAndSet(false, true);
        }
    }

    /** What the overflow of a connector's share of its own connections is counted under. */
    public static final String CONNECTOR = "onDemandTls.handshake.parked of the connector";

    private static final Outcome NOTHING = new Outcome(null, null);
    private static final String PARKED = "onDemandTls.handshake.parked";
    private static final String PARKED_PER_NAME = "onDemandTls.shield.parkedPerName";
    private static final String PARKED_PER_CLIENT = "onDemandTls.shield.parkedPerClient";

    private final int capacity;
    private final HelloOctets hellos;
    private final OnDemandTlsConfig.Clients clients;
    private final Duration deadline;
    private final ScheduledExecutorService scheduler;
    private final Events events;
    private final Set<Place> waiting = ConcurrentHashMap.newKeySet();
    private final AtomicInteger parked = new AtomicInteger();
    private final RefusalCounts refusals;
    private final Map<ServerName, Integer> byName = new ConcurrentHashMap<>();
    private final Map<ClientBlock, Integer> byClient = new ConcurrentHashMap<>();

    private volatile IntSupplier onConnectors = () -> 0;
    private volatile boolean closed;

    /**
     * Opens a lot.
     *
     * @param capacity how many handshakes may wait at the same time
     * @param helloOctets how many octets may be held of ClientHellos that are not whole, and of large ones that wait
     * @param clients how many of them for one name, and of one client block
     * @param deadline how long each may wait
     * @param scheduler runs the deadlines; what it runs is short
     * @param events where overflow and deadlines are reported
     */
    public ParkingLot(
            int capacity,
            int helloOctets,
            OnDemandTlsConfig.Clients clients,
            Duration deadline,
            ScheduledExecutorService scheduler,
            Events events) {
        this.capacity = capacity;
        this.hellos = new HelloOctets(helloOctets, HelloReading.MOST_HELD);
        this.clients = clients;
        this.deadline = deadline;
        this.scheduler = scheduler;
        this.events = events;
        this.refusals = new RefusalCounts(events.figures());
    }

    /** How many handshakes wait now. */
    public int parked() {
        return parked.get();
    }

    /** How many may wait, in the lot and on the connectors. */
    public int capacity() {
        int connectors = onConnectors.getAsInt();
        return connectors > 0 ? Math.min(capacity, connectors) : capacity;
    }

    /**
     * Learns what the server's connectors allow.
     *
     * @param most how many may wait on all of them, 0 where that is not bounded
     */
    public void boundBy(IntSupplier most) {
        onConnectors = most;
    }

    /** What is held of ClientHellos that are not whole, and of large ones that wait. */
    HelloOctets hellos() {
        return hellos;
    }

    /** Where what happens is reported. */
    Events events() {
        return events;
    }

    /** Where refusals are counted. */
    RefusalCounts refusals() {
        return refusals;
    }

    /** Ends every handshake that waits with {@code internal_error}, and refuses all that come. */
    public void close() {
        closed = true;
        waiting.forEach(this::stop);
    }

    private void stop(Place place) {
        if (place.end()) {
            refusals.count(Refusal.STOPPING);
            place.outcome.complete(new Admission.Refuse(Alert.INTERNAL_ERROR));
        }
    }

    /** Whose addresses are not counted. */
    List<AddressBlock> trusted() {
        return clients.trusted();
    }

    /** The exit of handshakes for which nothing special is to be done where nothing came. */
    Exit exit(BiFunction<ServerName, Outcome, Admission.Settled> settle) {
        return new Exit() {
            @Override
            public Admission.Settled settle(ServerName name, Outcome outcome) {
                return settle.apply(name, outcome);
            }

            @Override
            public void nothingCame() {
                refusals.count(Refusal.FAILED);
            }
        };
    }

    /**
     * Lets a handshake wait, if there is a place for it.
     *
     * @param name the name it waits for
     * @param guest whose it is
     * @param flight begins what it waits for: the handshake's own, cancelled when it leaves
     * @param exit what becomes of it
     */
    Admission park(ServerName name, Guest guest, Supplier<CompletableFuture<KeyedCertificate>> flight, Exit exit) {
        if (closed) {
            refusals.count(Refusal.STOPPING);
            return exit.settle(name, NOTHING);
        }
        String full = guest.connectorFull().getAsBoolean() ? CONNECTOR : enter(name, guest);
        if (full != null) {
            refusals.count(Refusal.TOO_MANY);
            events.overflowed(full, name);
            return exit.settle(name, NOTHING);
        }
        Place place = new Place();
        waiting.add(place);
        // First of all, so that the place is given back whatever is thrown.
        AtEnd.of(place.outcome, (settled, gone) -> {
            leave(name, guest);
            waiting.remove(place);
        });
        try {
            limit(place, name, exit);
            if (closed) {
                // Closed since the look above: whoever closed may not have seen this one.
                stop(place);
            }
            await(flight.get(), place, name, exit);
        } catch (RuntimeException | Error thrown) {
            // A thread that cannot be started, for example; the host would keep the connection.
            if (place.end()) {
                refusals.count(closed ? Refusal.STOPPING : Refusal.FAILED);
                events.publish(EventKind.DEFECT, name, "a handshake cannot wait for its certificate: " + thrown);
                place.outcome.complete(exit.settle(name, NOTHING));
            }
        }
        return new Admission.Park(place.outcome, () -> stop(place));
    }

    private void limit(Place place, ServerName name, Exit exit) {
        ScheduledFuture<?> timer = scheduler.schedule(
                () -> {
                    Admission.Settled late = exit.settle(name, NOTHING);
                    if (place.end()) {
                        refusals.count(Refusal.DEADLINE);
                        place.outcome.complete(late);
                        events.publish(
                                EventKind.DEADLINE,
                                name,
                                "not served in time: waited " + deadline.toMillis()
                                        + " ms (onDemandTls.handshake.deadline); the order goes on");
                    }
                },
                deadline.toNanos(),
                TimeUnit.NANOSECONDS);
        AtEnd.of(place.outcome, (settled, gone) -> timer.cancel(false));
    }

    private void await(CompletableFuture<KeyedCertificate> awaited, Place place, ServerName name, Exit exit) {
        AtEnd.of(awaited, (certificate, failure) -> {
            if (place.outcome.isDone()) {
                return;
            }
            IssuanceException reason = failure instanceof IssuanceException known ? known : null;
            Admission.Settled settled = exit.settle(name, new Outcome(certificate, reason));
            if (!place.end()) {
                return;
            }
            if (reason != null) {
                refusals.count(HandshakeGate.refusalFor(reason));
            } else if (certificate == null) {
                exit.nothingCame();
            }
            place.outcome.complete(settled);
        });
        // Who has left keeps nothing waiting for him.
        AtEnd.of(place.outcome, (settled, gone) -> awaited.cancel(false));
    }

    // Returns the bound that is reached, null if there is a place.
    private @Nullable String enter(ServerName name, Guest guest) {
        if (parked.incrementAndGet() > capacity) {
            parked.decrementAndGet();
            return PARKED;
        }
        ClientBlock client = guest.client();
        boolean nameFull = byName.merge(name, 1, Integer::sum) > clients.parkedPerName();
        boolean clientFull = counts(client) && byClient.merge(client, 1, Integer::sum) > clients.parkedPerClient();
        if (!nameFull && !clientFull) {
            if (hellos.take(client, large(guest), guest.helloOctets())) {
                return null;
            }
            leavePlace(name, client);
            return HelloOctets.BOUND;
        }
        leavePlace(name, client);
        return clientFull ? PARKED_PER_CLIENT : PARKED_PER_NAME;
    }

    private void leave(ServerName name, Guest guest) {
        hellos.give(guest.client(), large(guest));
        leavePlace(name, guest.client());
    }

    // A small ClientHello is bounded by the number of places.
    private static int large(Guest guest) {
        return Math.max(0, guest.helloOctets() - HelloOctets.SMALL);
    }

    private void leavePlace(ServerName name, ClientBlock client) {
        parked.decrementAndGet();
        byName.computeIfPresent(name, (n, count) -> count == 1 ? null : count - 1);
        if (counts(client)) {
            byClient.computeIfPresent(client, (c, count) -> count == 1 ? null : count - 1);
        }
    }

    private static boolean counts(ClientBlock client) {
        return client.isCounted();
    }
}
