package org.ondemandtls.issuance;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.config.Rate;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.Allowance;
import org.ondemandtls.store.CertificateStore;

/**
 * What stands between strangers and the store's I/O: the fingerprint of the stored names, one look-up at a time for each
 * name, misses that are remembered for some seconds, and, as long as there is no fingerprint, a rate.
 *
 * <p>Bounded in memory; safe for use by many threads.
 */
final class StoreLookups {

    static final String RATE = "onDemandTls.shield.lookupRate";

    // As long as another node's new certificate may take to be noticed here.
    private static final Duration MISS = Duration.ofSeconds(5);

    private final CertificateStore store;
    private final Allowance rate;
    private final Cache<ServerName, Boolean> misses;
    private final SingleFlight<ServerName, Optional<KeyedCertificate>> flights = new SingleFlight<>();

    /**
     * Guards one store.
     *
     * @param store the store
     * @param rate how many look-ups are begun in a time while it does not know its names
     * @param remembered how many misses are remembered
     * @param nanoTime a monotonic clock in nanoseconds
     */
    StoreLookups(CertificateStore store, Rate rate, int remembered, LongSupplier nanoTime) {
        this.store = store;
        this.rate = new Allowance(rate, nanoTime);
        this.misses = Caffeine.newBuilder()
                .maximumSize(remembered)
                .expireAfterWrite(MISS)
                .ticker(nanoTime::getAsLong)
                .executor(Runnable::run)
                .build();
    }

    /**
     * Looks a name up, unless it is known already that there is nothing.
     *
     * @param name the name asked for
     * @param lookup begins the look-up and returns at once
     * @return what was found; exceptionally with {@link IssuanceException.Overloaded} where the rate is reached
     */
    CompletableFuture<Optional<KeyedCertificate>> find(
            ServerName name, Supplier<CompletableFuture<Optional<KeyedCertificate>>> lookup) {
        if (!store.mayHold(name) || misses.getIfPresent(name) != null) {
            return CompletableFuture.completedFuture(Optional.empty());
        }
        return flights.join(name, key -> {
            if (!store.knowsItsNames() && !rate.tryTake()) {
                return CompletableFuture.failedFuture(new IssuanceException.Overloaded(name, RATE));
            }
            return lookup.get().thenApply(found -> {
                if (found.isEmpty()) {
                    misses.put(name, Boolean.TRUE);
                }
                return found;
            });
        });
    }

    /** Forgets that there was nothing: a certificate was saved. */
    void saved(ServerName name) {
        misses.invalidate(name);
    }
}
