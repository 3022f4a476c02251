package org.ondemandtls;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.config.OnDemandTlsConfig.Issuer;

/**
 * What an engine does ahead of its first visitors, on threads of its own while the server starts its applications: its CAs
 * are made ready, and first visits are rehearsed.
 *
 * <p>Where something is stored, the rehearsal comes {@link #REHEARSED_LATER} after the start: those who visit what is there
 * come first. The internal CA is ready so soon that a start need not share the processor with it.
 *
 * <p><b>Threads.</b> Called by the one thread that starts the engine.
 */
final class Preparation {

    private static final Duration REHEARSED_LATER = Duration.ofSeconds(3);

    /** How long a connector waits at most; a rehearsal takes about a second, or two on a busy machine. */
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(5);

    private final Issuer issuer;
    private final List<Authority> authorities;
    private final Runnable rehearsal;
    private final Runnable afterwards;
    private final Executor executor;

    private @Nullable CompletableFuture<Void> rehearsed;
    private volatile boolean awaited;

    /**
     * Begins nothing yet.
     *
     * @param issuer the kind of CA
     * @param authorities the CAs
     * @param rehearsal rehearses first visits; fails never
     * @param afterwards rehearses what nobody waits for; fails never
     * @param executor runs each by itself: a CA that hangs must not keep the next from being ready
     */
    Preparation(
            Issuer issuer, List<Authority> authorities, Runnable rehearsal, Runnable afterwards, Executor executor) {
        this.issuer = issuer;
        this.authorities = authorities;
        this.rehearsal = rehearsal;
        this.afterwards = afterwards;
        this.executor = executor;
    }

    /**
     * Begins; returns at once.
     *
     * @param isStoreEmpty whether nobody can come who would have to wait for the rehearsal
     */
    void begin(boolean isStoreEmpty) {
        if (issuer == Issuer.INTERNAL) {
            return;
        }
        prepareAuthorities();
        if (isStoreEmpty) {
            rehearsed = CompletableFuture.runAsync(rehearsal, executor);
            rehearsed.thenRunAsync(afterwards, executor);
        }
    }

    /** Waits for a rehearsal that is under way, so that the first visitors meet what has been rehearsed. */
    void await() {
        CompletableFuture<Void> running = awaited ? null : rehearsed;
        // Several connectors wait once.
        awaited = true;
        if (running == null) {
            return;
        }
        // Whatever becomes of it, the server serves: its first visitors may have to wait.
        try {
            running.get(LONGEST_WAIT.toNanos(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException | TimeoutException ignored) {
            return;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * Does what was left for later.
     *
     * @param timer runs it later
     */
    void serve(ScheduledExecutorService timer) {
        if (issuer == Issuer.INTERNAL) {
            prepareAuthorities();
        } else if (rehearsed == null) {
            timer.schedule(() -> executor.execute(this::rehearse), REHEARSED_LATER.toNanos(), TimeUnit.NANOSECONDS);
        }
    }

    private void rehearse() {
        rehearsal.run();
        afterwards.run();
    }

    private void prepareAuthorities() {
        authorities.forEach(authority -> executor.execute(authority::prepare));
    }
}
