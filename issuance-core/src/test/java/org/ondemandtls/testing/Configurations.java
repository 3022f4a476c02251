package org.ondemandtls.testing;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.config.NamePattern;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.config.Rate;

/** Parts of a configuration for tests that build the floors by hand. */
public final class Configurations {

    private Configurations() {}

    /** Names and a file allowed without asking, and the defaults for the rest. */
    public static OnDemandTlsConfig.Permission permission(@Nullable Path file, String... names) {
        return new OnDemandTlsConfig.Permission(
                Optional.<URI>empty(),
                Duration.ofSeconds(2),
                List.of(names).stream().map(NamePattern::parse).toList(),
                Optional.ofNullable(file),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Duration.ofMinutes(5),
                Duration.ofMinutes(1));
    }

    /** So many questions at once and in the queue, and rates nobody reaches. */
    public static OnDemandTlsConfig.Shield shield(int askConcurrency, int askQueue) {
        return shield(askConcurrency, askQueue, often(), often());
    }

    /** So many questions at once, in the queue, in a time, and new names of one client block. */
    public static OnDemandTlsConfig.Shield shield(int askConcurrency, int askQueue, Rate askRate, Rate newNames) {
        return new OnDemandTlsConfig.Shield(
                askConcurrency,
                askQueue,
                16,
                256,
                1000,
                askRate,
                clients(newNames, 1000, 1000),
                new OnDemandTlsConfig.Lookups(4, 256, often()));
    }

    /** What one client block, and all who want one name, may do. */
    public static OnDemandTlsConfig.Clients clients(Rate newNames, int parkedPerName, int parkedPerClient) {
        return new OnDemandTlsConfig.Clients(newNames, often(), List.of(), parkedPerName, parkedPerClient);
    }

    /** A rate that is never reached. */
    public static Rate often() {
        return new Rate(1_000_000, Duration.ofSeconds(1));
    }
}
