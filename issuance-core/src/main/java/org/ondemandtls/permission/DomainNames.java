package org.ondemandtls.permission;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.ondemandtls.config.Rate;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ServerName;

/**
 * How many new names of one registered domain are ordered for strangers: where its DNS has a wildcard and permission grants
 * what is asked, strangers guess names by the hundred, {@code www.www.shop.example} and {@code autodiscover.shop.example}
 * among them. A name that was counted is not new again for as long.
 *
 * <p>Bounded in memory; safe for use by many threads.
 */
final class DomainNames {

    static final String KEY = "onDemandTls.shield.newNamesPerDomain";

    private final Cache<String, Allowance> domains;
    private final Cache<ServerName, Boolean> counted;
    private final Cache<String, Boolean> told;
    private final Rate rate;
    private final Function<ServerName, String> registeredDomain;
    private final LongSupplier nanoTime;
    private final Events events;

    /**
     * Makes it empty.
     *
     * @param rate how many names of one domain, and over which time
     * @param capacity how many names, and domains, are remembered
     * @param registeredDomain what the public suffix list makes of a name
     * @param nanoTime a monotonic clock in nanoseconds
     * @param events told, once for each domain and time, when it is too many
     */
    DomainNames(
            Rate rate,
            int capacity,
            Function<ServerName, String> registeredDomain,
            LongSupplier nanoTime,
            Events events) {
        this.rate = rate;
        this.registeredDomain = registeredDomain;
        this.nanoTime = nanoTime;
        this.events = events;
        this.domains = remembered(capacity);
        this.counted = remembered(capacity);
        this.told = remembered(capacity);
    }

    private <K, V> Cache<K, V> remembered(int capacity) {
        return Caffeine.newBuilder()
                .maximumSize(capacity)
                .expireAfterWrite(rate.per().toNanos(), TimeUnit.NANOSECONDS)
                .ticker(nanoTime::getAsLong)
                .executor(Runnable::run)
                .build();
    }

    /** Counts a name that is granted to a stranger, also to one behind a balancer; false if its domain had too many. */
    boolean admit(ServerName name, ClientBlock client) {
        if (client.equals(ClientBlock.LOCAL) || counted.getIfPresent(name) != null) {
            return true;
        }
        String domain = registeredDomain.apply(name);
        if (domains.get(domain, key -> new Allowance(rate, nanoTime)).tryTake()) {
            counted.put(name, Boolean.TRUE);
            return true;
        }
        if (told.asMap().putIfAbsent(domain, Boolean.TRUE) == null) {
            events.publish(
                    EventKind.MANY_NAMES,
                    name,
                    "refused: permission has granted " + rate.count() + " new names of " + domain
                            + " in a short time; strangers seem to guess names below a wildcard in its DNS:"
                            + " let permission grant only names that exist, or raise " + KEY);
        }
        return false;
    }
}
