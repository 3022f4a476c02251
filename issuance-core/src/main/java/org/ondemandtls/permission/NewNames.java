package org.ondemandtls.permission;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.util.function.LongSupplier;
import org.ondemandtls.config.Rate;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ServerName;

/**
 * How many new names each client block may make us ask for. A name that was counted is not new again for as long, whoever
 * comes for it: who waits for a certificate and tries again is not counted twice.
 *
 * <p>Bounded in memory; safe for use by many threads.
 */
final class NewNames {

    private final Cache<ClientBlock, Allowance> blocks;
    private final Cache<ServerName, Boolean> counted;
    private final Rate rate;
    private final LongSupplier nanoTime;

    NewNames(Rate rate, int capacity, LongSupplier nanoTime) {
        this.rate = rate;
        this.nanoTime = nanoTime;
        this.blocks = Caffeine.newBuilder()
                .maximumSize(capacity)
                .expireAfterAccess(rate.per())
                .ticker(nanoTime::getAsLong)
                .executor(Runnable::run)
                .build();
        this.counted = Caffeine.newBuilder()
                .maximumSize(capacity)
                .expireAfterWrite(rate.per())
                .ticker(nanoTime::getAsLong)
                .executor(Runnable::run)
                .build();
    }

    /** Counts a name against the block that came with it; false if it had too many. */
    boolean admit(ServerName name, ClientBlock client) {
        if (!client.isCounted() || counted.getIfPresent(name) != null) {
            return true;
        }
        if (!blocks.get(client, block -> new Allowance(rate, nanoTime)).tryTake()) {
            return false;
        }
        counted.put(name, Boolean.TRUE);
        return true;
    }
}
