package org.ondemandtls.issuance;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.event.Outage;
import org.ondemandtls.inventory.Inventory;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.RecordUnreadableException;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.store.Troubles;

/**
 * Makes what is served here follow the store after another server has changed it.
 *
 * <p>A name that could not be looked up is looked up again until it could, at a growing pace: a certificate that was
 * withdrawn or replaced is not served on because one notice was lost. What is remembered meanwhile is bounded by what is
 * served. One whose record cannot be read is told of once and keeps no other from being followed. Safe for use by many
 * threads.
 */
final class Following {

    private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

    /**
     * What runs it.
     *
     * @param lookups runs look-ups in the store; may reject
     * @param scheduler wakes it after a failure
     * @param now the wall clock
     * @param stopping whether nothing is to be begun any more
     */
    record Ports(Executor lookups, ScheduledExecutorService scheduler, Clock now, BooleanSupplier stopping) {}

    private final CertificateStore store;
    private final Inventory inventory;
    private final Ports ports;
    private final Outage outage;
    private final Troubles troubles;
    private final Set<String> pending = ConcurrentHashMap.newKeySet();
    private final Set<String> unreadable = ConcurrentHashMap.newKeySet();
    private final AtomicBoolean everything = new AtomicBoolean();
    private final AtomicBoolean atWork = new AtomicBoolean();
    private final AtomicBoolean comesBack = new AtomicBoolean();

    private volatile long pauseNanos = FIRST_PAUSE.toNanos();

    Following(CertificateStore store, Inventory inventory, Ports ports, Events events, LongSupplier nanoTime) {
        this.store = store;
        this.inventory = inventory;
        this.ports = ports;
        this.outage = new Outage(events, EventKind.STORE_FAILED, "following the changes of other servers", nanoTime);
        this.troubles = new Troubles(events);
    }

    /** Has names looked up again of which a certificate is served here. Does not block. */
    void changed(Collection<String> names) {
        names.forEach(inventory::reconsider);
        names.stream().filter(name -> inventory.heldUnder(name).isPresent()).forEach(pending::add);
        if (!pending.isEmpty()) {
            work();
        }
    }

    /** Has every name looked up again of which a certificate is served here. Does not block. */
    void missed() {
        everything.set(true);
        work();
    }

    private void work() {
        if (!ports.stopping().getAsBoolean() && atWork.compareAndSet(false, true)) {
            try {
                ports.lookups().execute(this::run);
            } catch (RejectedExecutionException e) {
                later("too much is looked up in the store");
            }
        }
    }

    private void run() {
        @Nullable String failure = null;
        try {
            follow();
        } catch (StoreException e) {
            failure = String.valueOf(e.getMessage());
        } catch (RuntimeException | Error e) {
            failure = "a defect: " + e;
        }
        if (failure != null) {
            later(failure);
            return;
        }
        pauseNanos = FIRST_PAUSE.toNanos();
        outage.worked();
        atWork.set(false);
        if (!unreadable.isEmpty()) {
            comeBack();
        }
        // News that came while this was seen to be at work.
        if (everything.get() || !pending.isEmpty()) {
            work();
        }
    }

    private void follow() throws StoreException {
        if (everything.getAndSet(false)) {
            inventory.reconsiderAll();
            inventory.all().forEach(served -> pending.addAll(served.names()));
        }
        for (String name : List.copyOf(pending)) {
            if (ports.stopping().getAsBoolean()) {
                return;
            }
            // Before it is looked up: a change meanwhile puts it there again.
            pending.remove(name);
            boolean done = false;
            try {
                follow(name);
                done = true;
            } catch (RecordUnreadableException e) {
                unreadable.add(name);
                troubles.tell("the certificate of " + name, e);
                done = true;
            } finally {
                if (!done) {
                    pending.add(name);
                }
            }
        }
    }

    private void follow(String name) throws StoreException {
        Optional<KeyedCertificate> served = inventory.heldUnder(name);
        if (served.isEmpty()) {
            return;
        }
        Optional<StoredCertificate> stored = store.find(ServerName.answeredBy(name));
        Instant now = ports.now().instant();
        if (stored.isEmpty() || !stored.get().isServableAt(now)) {
            inventory.withdraw(served.get());
        } else if (!stored.get().certificate().id().equals(served.get().id())) {
            inventory.publish(stored.get().certificate().inOrder(now), ServerName.answeredBy(name));
        }
    }

    // Apart from what is at work, so that other news does not wait for it.
    private void comeBack() {
        if (comesBack.compareAndSet(false, true)) {
            schedule(LONGEST_PAUSE.toNanos(), comesBack, () -> {
                List<String> names = List.copyOf(unreadable);
                pending.addAll(names);
                names.forEach(unreadable::remove);
                work();
            });
        }
    }

    // Still at work until then, so that news meanwhile does not hurry it.
    private void later(String why) {
        outage.failed(null, "changes of other servers cannot be followed: " + why + "; tried again");
        long pause = pauseNanos;
        pauseNanos = Math.min(2 * pause, LONGEST_PAUSE.toNanos());
        schedule(pause, atWork, this::work);
    }

    private void schedule(long nanos, AtomicBoolean until, Runnable task) {
        try {
            ports.scheduler()
                    .schedule(
                            () -> {
                                until.set(false);
                                task.run();
                            },
                            nanos,
                            TimeUnit.NANOSECONDS);
        } catch (RejectedExecutionException e) {
            // Stopping.
            until.set(false);
        }
    }
}
