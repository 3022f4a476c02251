package org.ondemandtls.preflight;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;

/**
 * Keeps a zone whose servers are slow from holding all threads: few looks at the names of one registered domain at a time,
 * and none for half a minute after one of them took too long. Bounded in memory; safe for use by many threads.
 */
final class SlowZones {

    static final int AT_ONCE = 4;
    static final Duration LEFT_ALONE = Duration.ofSeconds(30);

    private static final int MOST = 10_000;

    private final Map<String, Integer> looking = new ConcurrentHashMap<>();
    private final Cache<String, Boolean> slow;

    SlowZones(LongSupplier nanoTime) {
        this.slow = Caffeine.newBuilder()
                .maximumSize(MOST)
                .expireAfterWrite(LEFT_ALONE)
                .ticker(nanoTime::getAsLong)
                .executor(Runnable::run)
                .build();
    }

    /** Begins a look; false if there is none to be made now. Every true is followed by {@link #end}. */
    boolean tryBegin(String domain) {
        if (slow.getIfPresent(domain) != null) {
            return false;
        }
        boolean[] begun = {false};
        looking.compute(domain, (key, count) -> {
            int before = count == null ? 0 : count;
            begun[0] = before < AT_ONCE;
            return begun[0] ? Integer.valueOf(before + 1) : count;
        });
        return begun[0];
    }

    /** Ends a look. */
    void end(String domain) {
        looking.computeIfPresent(domain, (key, count) -> count == 1 ? null : count - 1);
    }

    /** A look at a name of this domain took too long, with a resolver that is there. */
    void tooSlow(String domain) {
        slow.put(domain, Boolean.TRUE);
    }
}
