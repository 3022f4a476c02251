package org.ondemandtls.issuance;

import java.net.URI;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.DoubleSupplier;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.certificate.CertificateVerifier;
import org.ondemandtls.certificate.CertificationRequests;
import org.ondemandtls.certificate.InvalidCertificateException;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.event.Outage;
import org.ondemandtls.inventory.Inventory;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.Permission;
import org.ondemandtls.permission.PermissionPolicy.Purpose;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.OpenOrder;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;

/**
 * Obtains certificates: from the store where there is one, otherwise, with permission, from the authority.
 *
 * <p>One flight per name, whoever asks and however many. What the authority granted is in the store before anybody sees
 * it; what is needed to finish an order is in the store before the authority is asked.
 *
 * <p><b>Threads.</b> {@link #obtain} and {@link #remembered} never block and may be called on a server's thread;
 * futures complete on threads of the engine, or at once.
 *
 * <p><b>Cost.</b> A stranger's new name costs one flight: a look in the fingerprint of stored names, and a question to
 * permission. Orders in flight and queued are bounded; what overflows is refused at once.
 */
public final class Issuance {

    private static final Duration STORE_RETRY = Duration.ofSeconds(3);
    private static final int RESUMED_AT_ONCE = 4;

    /**
     * What runs the work.
     *
     * @param lookups runs store look-ups; bounded, rejects what does not fit
     * @param orders runs orders, as many at once as the configuration allows; rejects what does not fit its queue
     * @param clock the wall clock
     * @param nanoTime a monotonic clock in nanoseconds
     * @param random uniform in [0, 1), for jitter
     */
    public record Ports(Executor lookups, Executor orders, Clock clock, LongSupplier nanoTime, DoubleSupplier random) {}

    private final CertificateStore store;
    private final Permission permission;
    private final Authority authority;
    private final Inventory inventory;
    private final Supplier<KeyPair> keys;
    private final Events events;
    private final Ports ports;
    private final FailureMemory failures;
    private final Outage authorityOutage;
    private final Outage storeOutage;
    private final SingleFlight<ServerName, KeyedCertificate> flights = new SingleFlight<>();

    private volatile boolean stopping;

    /**
     * Joins the floors below.
     *
     * @param store what survives
     * @param permission who may have a certificate
     * @param authority who signs
     * @param inventory where certificates are published
     * @param keys gives a fresh key pair
     * @param rememberedFailures how many names' failures are remembered
     * @param events where everything is reported
     * @param ports what runs the work
     */
    public Issuance(
            CertificateStore store,
            Permission permission,
            Authority authority,
            Inventory inventory,
            Supplier<KeyPair> keys,
            int rememberedFailures,
            Events events,
            Ports ports) {
        this.store = store;
        this.permission = permission;
        this.authority = authority;
        this.inventory = inventory;
        this.keys = keys;
        this.events = events;
        this.ports = ports;
        this.authorityOutage =
                new Outage(events, EventKind.AUTHORITY_UNAVAILABLE, "the CA " + authority.id(), ports.nanoTime());
        this.storeOutage =
                new Outage(events, EventKind.STORE_FAILED, "the store " + store.location(), ports.nanoTime());
        this.failures = new FailureMemory(rememberedFailures, ports.nanoTime(), ports.random());
    }

    /**
     * Gets a servable certificate for a name, joining the flight that is already under way.
     *
     * @param name the name asked for
     * @param client who made us ask
     * @return a future of the caller's own; completes exceptionally with an {@link IssuanceException}, unwrapped
     */
    public CompletableFuture<KeyedCertificate> obtain(ServerName name, ClientBlock client) {
        if (stopping) {
            return CompletableFuture.failedFuture(new IssuanceException.Stopping(name));
        }
        return flights.join(
                name,
                key -> landed(
                        key,
                        stored(key)
                                .thenCompose(found -> found.map(CompletableFuture::completedFuture)
                                        .orElseGet(() -> permission
                                                .decide(key, Purpose.OBTAIN, client)
                                                .thenCompose(granted -> onOrders(key, () -> order(key)))))));
    }

    /**
     * Whether a name has a servable certificate, in memory or in the store; nothing is obtained. No I/O where the name is
     * in memory or has never been stored.
     *
     * @param name the name asked for
     * @return completes at once or on a thread of the engine; exceptionally with an {@link IssuanceException} where the
     *     store did not say
     */
    public CompletableFuture<Boolean> isServable(ServerName name) {
        if (inventory.find(name).isPresent()) {
            return CompletableFuture.completedFuture(true);
        }
        return stored(name).thenApply(Optional::isPresent);
    }

    /**
     * Why a name is not worth a flight now: a remembered denial or failure. Two look-ups, no I/O.
     *
     * @param name the name asked for
     * @return the reason, empty if the name may be tried
     */
    public Optional<IssuanceException> remembered(ServerName name) {
        Optional<IssuanceException> failed = failures.blocking(name);
        if (failed.isPresent()) {
            return failed;
        }
        return permission.remembered(name).map(IssuanceException.class::cast);
    }

    /**
     * Finishes the orders that an earlier life left open, a few at a time; returns at once.
     *
     * @return completes when each of them has ended, one way or the other
     */
    public CompletableFuture<Void> resumeOpenOrders() {
        CompletableFuture<Void> done = new CompletableFuture<>();
        try {
            ports.lookups().execute(() -> {
                try {
                    Queue<OpenOrder> open = new ArrayDeque<>(store.openOrders());
                    CompletableFuture<?>[] lanes = new CompletableFuture<?>[RESUMED_AT_ONCE];
                    for (int lane = 0; lane < lanes.length; lane++) {
                        lanes[lane] = resumeNext(open);
                    }
                    CompletableFuture.allOf(lanes).whenComplete((v, failure) -> done.complete(null));
                } catch (StoreException e) {
                    events.publish(EventKind.STORE_FAILED, String.valueOf(e.getMessage()));
                    done.complete(null);
                }
            });
        } catch (RejectedExecutionException e) {
            done.complete(null);
        }
        return done;
    }

    /** From now on nothing new is begun; flights under way end by themselves or are ended with their executors. */
    public void stop() {
        stopping = true;
    }

    /** How many flights are in the air. */
    public int inFlight() {
        return flights.size();
    }

    /** How many names' failures are remembered. */
    public long rememberedFailures() {
        return failures.size();
    }

    private CompletableFuture<Void> resumeNext(Queue<OpenOrder> open) {
        OpenOrder next;
        synchronized (open) {
            next = open.poll();
        }
        if (next == null || stopping) {
            return CompletableFuture.completedFuture(null);
        }
        ServerName name = next.name();
        CompletableFuture<KeyedCertificate> flight = next.url().isEmpty()
                ? obtain(name, ClientBlock.LOCAL)
                : flights.join(name, key -> landed(key, onOrders(key, () -> resume(key))));
        return flight.handle((certificate, failure) -> {
                    events.publish(
                            EventKind.RESUMED,
                            name,
                            failure == null
                                    ? "the order an earlier life left open is finished"
                                    : "the order an earlier life left open did not end in a certificate: "
                                            + failure.getMessage());
                    return failure;
                })
                .thenCompose(ended -> resumeNext(open));
    }

    private KeyedCertificate resume(ServerName name) throws IssuanceException {
        // The bundle may have been saved just before the end came.
        Optional<KeyedCertificate> found = load(name);
        if (found.isPresent()) {
            closeOrder(name);
            return found.get();
        }
        return order(name);
    }

    private CompletableFuture<Optional<KeyedCertificate>> stored(ServerName name) {
        if (!store.mayHold(name)) {
            return CompletableFuture.completedFuture(Optional.empty());
        }
        return on(ports.lookups(), name, "store look-ups", () -> load(name));
    }

    private Optional<KeyedCertificate> load(ServerName name) throws IssuanceException {
        try {
            Optional<StoredCertificate> found = store.find(name)
                    .filter(stored -> stored.isServableAt(ports.clock().instant()));
            found.ifPresent(stored -> {
                inventory.publish(stored.certificate());
                events.publish(
                        EventKind.LOADED,
                        name,
                        "served from the store, valid until "
                                + stored.certificate().notAfter());
            });
            return found.map(StoredCertificate::certificate);
        } catch (StoreException e) {
            throw storeFailed(name, e);
        }
    }

    private KeyedCertificate order(ServerName name) throws IssuanceException {
        long started = ports.nanoTime().getAsLong();
        OpenOrder open = openOrder(name);
        List<X509Certificate> chain;
        try {
            chain = authority.sign(
                    new Authority.Order(
                            name, open.key(), open.csr(), open.url(), Optional.empty(), Authority.LONGEST_ORDER),
                    url -> journalUrl(open, url));
        } catch (IssuanceException.Rejected e) {
            closeOrder(name);
            throw e;
        }
        Instant now = ports.clock().instant();
        try {
            CertificateVerifier.verify(chain, open.key().getPublic(), name, now);
        } catch (InvalidCertificateException e) {
            closeOrder(name);
            throw new IssuanceException.Rejected(
                    name, "badCertificate", "what it returned cannot be used: " + e.getMessage(), Duration.ZERO);
        }
        KeyedCertificate certificate = new KeyedCertificate(open.key().getPrivate(), chain);
        authorityOutage.worked();
        save(name, certificate, now);
        storeOutage.worked();
        inventory.publish(certificate);
        closeOrder(name);
        long millis = Duration.ofNanos(ports.nanoTime().getAsLong() - started).toMillis();
        events.publish(
                EventKind.OBTAINED,
                name,
                "obtained from " + authority.id() + " in " + millis + " ms, valid until " + certificate.notAfter());
        return certificate;
    }

    private OpenOrder openOrder(ServerName name) throws IssuanceException {
        try {
            Optional<OpenOrder> left =
                    store.openOrder(name).filter(open -> open.issuer().equals(authority.id()));
            if (left.isPresent()) {
                return left.get();
            }
            KeyPair key = keys.get();
            OpenOrder fresh = new OpenOrder(
                    name,
                    authority.id(),
                    ports.clock().instant(),
                    Optional.empty(),
                    key,
                    CertificationRequests.request(key, name));
            store.journal(fresh);
            return fresh;
        } catch (StoreException e) {
            throw storeFailed(name, e);
        }
    }

    private void journalUrl(OpenOrder open, URI url) throws IssuanceException.StoreFailed {
        try {
            store.journal(open.withUrl(url));
        } catch (StoreException e) {
            throw storeFailed(open.name(), e);
        }
    }

    private void save(ServerName name, KeyedCertificate certificate, Instant now) throws IssuanceException {
        try {
            // A certificate of several names is kept under its first one and stays as it is.
            long revision = store.find(name)
                    .filter(stored ->
                            stored.certificate().names().iterator().next().equals(name.value()))
                    .map(StoredCertificate::revision)
                    .orElse(0L);
            Instant due = due(certificate);
            store.save(new StoredCertificate(
                    certificate,
                    authority.id(),
                    now,
                    due,
                    due,
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    revision));
        } catch (StoreException e) {
            throw storeFailed(name, e);
        }
    }

    // What is left of a finished order is asked for again at the next start, at worst.
    private void closeOrder(ServerName name) {
        try {
            store.closeOrder(name);
        } catch (StoreException e) {
            events.publish(EventKind.STORE_FAILED, name, String.valueOf(e.getMessage()));
        }
    }

    private IssuanceException.StoreFailed storeFailed(ServerName name, StoreException e) {
        return new IssuanceException.StoreFailed(name, String.valueOf(e.getMessage()), STORE_RETRY, e);
    }

    private CompletableFuture<KeyedCertificate> onOrders(ServerName name, Work<KeyedCertificate> work) {
        return on(ports.orders(), name, "onDemandTls.shield.ordersQueued", work);
    }

    private <T> CompletableFuture<T> on(Executor executor, ServerName name, String bound, Work<T> work) {
        CompletableFuture<T> result = new CompletableFuture<>();
        try {
            executor.execute(() -> {
                if (stopping) {
                    result.completeExceptionally(new IssuanceException.Stopping(name));
                    return;
                }
                try {
                    result.complete(work.run());
                } catch (IssuanceException | RuntimeException | Error e) {
                    result.completeExceptionally(e);
                }
            });
        } catch (RejectedExecutionException e) {
            result.completeExceptionally(
                    stopping ? new IssuanceException.Stopping(name) : new IssuanceException.Overloaded(name, bound));
        }
        return result;
    }

    // The one place where failures are unwrapped, remembered and reported.
    private CompletableFuture<KeyedCertificate> landed(ServerName name, CompletableFuture<KeyedCertificate> flight) {
        CompletableFuture<KeyedCertificate> landed = new CompletableFuture<>();
        flight.whenComplete((certificate, thrown) -> {
            if (thrown == null) {
                failures.forget(name);
                landed.complete(certificate);
                return;
            }
            Throwable cause =
                    thrown instanceof CompletionException && thrown.getCause() != null ? thrown.getCause() : thrown;
            IssuanceException reason = cause instanceof IssuanceException known
                    ? known
                    : new IssuanceException.Unavailable(name, "a defect of ours: " + cause, STORE_RETRY, cause);
            report(name, reason, cause);
            failures.note(name, reason);
            landed.completeExceptionally(reason);
        });
        return landed;
    }

    private void report(ServerName name, IssuanceException reason, Throwable cause) {
        if (!(cause instanceof IssuanceException)) {
            events.publish(EventKind.DEFECT, name, "not obtained: " + cause);
        } else if (reason instanceof IssuanceException.Rejected) {
            events.publish(EventKind.REJECTED, name, "not obtained: " + words(reason));
        } else if (reason instanceof IssuanceException.Unavailable
                || reason instanceof IssuanceException.RateLimited
                || reason instanceof IssuanceException.AccountRefused) {
            authorityOutage.failed(name, "not obtained: " + words(reason));
        } else if (reason instanceof IssuanceException.StoreFailed) {
            storeOutage.failed(name, "not obtained: " + words(reason));
        } else if (reason instanceof IssuanceException.Overloaded) {
            events.publish(EventKind.OVERLOADED, name, "refused: " + words(reason));
        }
    }

    // The message starts with the name, which the event carries already.
    private static String words(IssuanceException reason) {
        String message = String.valueOf(reason.getMessage());
        String prefix = reason.name() + ": ";
        return message.startsWith(prefix) ? message.substring(prefix.length()) : message;
    }

    // At two thirds of the lifetime, at one half below ten days.
    private static Instant due(KeyedCertificate certificate) {
        Duration lifetime = Duration.between(certificate.notBefore(), certificate.notAfter());
        Duration used = lifetime.compareTo(Duration.ofDays(10)) < 0
                ? lifetime.dividedBy(2)
                : lifetime.multipliedBy(2).dividedBy(3);
        return certificate.notBefore().plus(used);
    }

    private interface Work<T> {
        T run() throws IssuanceException;
    }
}
