package org.ondemandtls.permission;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.ondemandtls.config.Rate;
import org.ondemandtls.name.ClientBlock;

/**
 * How often each client block, and all of them together, may make us do something. Bounded in memory; safe for use by many
 * threads.
 */
public final class ClientAllowances {

    private final Bound each;
    private final Bound all;
    private final Cache<ClientBlock, Allowance> blocks;
    private final Allowance total;
    private final LongSupplier nanoTime;

    /**
     * A bound that an operator can set.
     *
     * @param key its key
     * @param rate its value
     */
    public record Bound(String key, Rate rate) {}

    /**
     * Makes them full.
     *
     * @param each what one block may; one that {@link ClientBlock#isCounted} says is not is not counted
     * @param all what all may together, local ones included
     * @param blocks how many blocks are remembered
     * @param nanoTime a monotonic clock in nanoseconds
     */
    public ClientAllowances(Bound each, Bound all, int blocks, LongSupplier nanoTime) {
        this.each = each;
        this.all = all;
        this.nanoTime = nanoTime;
        this.total = new Allowance(all.rate(), nanoTime);
        this.blocks = Caffeine.newBuilder()
                .maximumSize(blocks)
                .expireAfterAccess(each.rate().per())
                .ticker(nanoTime::getAsLong)
                .executor(Runnable::run)
                .build();
    }

    /**
     * Takes one for a client.
     *
     * @param client whom it is counted against
     * @return empty if there was one, otherwise the key of the bound that was reached
     */
    public Optional<String> tryTake(ClientBlock client) {
        if (client.isCounted()
                && !blocks.get(client, block -> new Allowance(each.rate(), nanoTime))
                        .tryTake()) {
            return Optional.of(each.key());
        }
        return total.tryTake() ? Optional.empty() : Optional.of(all.key());
    }
}
