package org.ondemandtls.renewal;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.event.Outage;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;

/**
 * Sees to it that each of the operator's own names has a certificate: at the start, and every now and then, for a record may
 * have been set aside as damaged.
 *
 * <p>A few are obtained at once, so that a long list keeps nobody else from his turn. Looks are made by one thread at a time;
 * they block for the store.
 */
final class OwnNames {

    private static final Duration RETRY = Duration.ofMinutes(1);
    private static final Duration LOOKED_AT_AGAIN = Duration.ofMinutes(10);
    private static final Duration LAST_MOMENT = Duration.ofHours(1);

    private final Desk desk;
    private final int atOnce;
    private final Outage outage;
    private final Consumer<StoredCertificate> dueNow;
    private final Deque<ServerName> turns;
    private final Map<ServerName, Long> notBefore = new ConcurrentHashMap<>();
    private final AtomicInteger running = new AtomicInteger();

    /**
     * Makes it.
     *
     * @param desk what to work with
     * @param names the operator's own names
     * @param atOnce how many are obtained at the same time, at least 1
     * @param outage told where the store fails
     * @param dueNow told of records that were left alone and are not any more
     */
    OwnNames(Desk desk, List<ServerName> names, int atOnce, Outage outage, Consumer<StoredCertificate> dueNow) {
        this.desk = desk;
        this.turns = new ArrayDeque<>(names);
        this.atOnce = atOnce;
        this.outage = outage;
        this.dueNow = dueNow;
    }

    /** Begins with those that have none. */
    void look() {
        for (int left = turns.size(); left > 0 && running.get() < atOnce; left--) {
            ServerName name = turns.remove();
            turns.add(name);
            Long wait = notBefore.get(name);
            if (wait != null && desk.nanos() - wait < 0) {
                continue;
            }
            try {
                look(name);
            } catch (StoreException | RuntimeException | Error e) {
                after(name, RETRY);
                outage.failed(name, Troubled.words(e));
            }
        }
    }

    /** Has a name tried at the next look, as an operator wants. */
    void retry(ServerName name) {
        notBefore.remove(name);
    }

    private void look(ServerName name) throws StoreException {
        Optional<StoredCertificate> stored =
                desk.floors().store().find(name).filter(record -> record.isServableAt(desk.now()));
        boolean needsOwn = stored.isPresent() && needsOwn(name, stored.get());
        if (stored.isPresent() && !needsOwn && notBefore.containsKey(name)) {
            after(name, LOOKED_AT_AGAIN);
            return;
        }
        after(name, Duration.ofDays(1));
        Orders orders = desk.floors().orders();
        begun(needsOwn ? () -> orders.renew(name) : () -> orders.obtain(name)).whenComplete((certificate, failure) -> {
            after(name, failure == null ? LOOKED_AT_AGAIN : RETRY);
            if (failure == null) {
                bringBack(name);
            } else {
                after(name, Waits.longest(RETRY, orders.blockedFor(name)));
            }
        });
    }

    private CompletableFuture<KeyedCertificate> begun(Supplier<CompletableFuture<KeyedCertificate>> order) {
        running.incrementAndGet();
        CompletableFuture<KeyedCertificate> flight;
        try {
            flight = order.get();
        } catch (RuntimeException | Error e) {
            running.decrementAndGet();
            throw e;
        }
        return flight.whenComplete((certificate, failure) -> running.decrementAndGet());
    }

    // A wildcard's certificate is not renewed. Beside a wildcard, the name's own takes the place of what serves other
    // names, so it waits to the last.
    private boolean needsOwn(ServerName name, StoredCertificate record) {
        Instant now = desk.now();
        Set<String> names = record.certificate().names();
        if (!names.contains(name.value())) {
            return !record.renew().isAfter(now);
        }
        return record.firstName().equals(name.value())
                && names.stream().anyMatch(each -> Records.plainName(each).isEmpty())
                && !record.certificate().notAfter().minus(LAST_MOMENT).isAfter(now);
    }

    // It may have been a visitor's, whom nobody missed, before it became the operator's own.
    private void bringBack(ServerName name) {
        try {
            desk.ports().executor().execute(() -> {
                try {
                    Optional<StoredCertificate> left =
                            desk.floors().store().find(name).filter(StoredCertificate::isLeftAlone);
                    if (left.isPresent()) {
                        desk.records().save(left.get().withDue(desk.now())).ifPresent(dueNow);
                    }
                } catch (StoreException | RuntimeException | Error e) {
                    desk.troubled().failed(name.value(), e);
                }
            });
        } catch (RejectedExecutionException e) {
            // Stopping; the next start brings it back.
        }
    }

    private void after(ServerName name, Duration wait) {
        notBefore.put(name, desk.nanos() + wait.toNanos());
    }
}
