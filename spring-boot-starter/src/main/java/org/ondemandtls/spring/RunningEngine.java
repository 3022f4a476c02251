package org.ondemandtls.spring;

import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.OnDemandTls;

/** Finds the engine in the server that runs it. Safe for use by many threads. */
final class RunningEngine {

    private volatile @Nullable Supplier<@Nullable OnDemandTls> source;

    /** Says where the engine is, once the server is made. */
    void isIn(Supplier<@Nullable OnDemandTls> server) {
        source = server;
    }

    /** The engine; empty while the server does not run. */
    Optional<OnDemandTls> find() {
        Supplier<@Nullable OnDemandTls> known = source;
        return known == null ? Optional.empty() : Optional.ofNullable(known.get());
    }
}
