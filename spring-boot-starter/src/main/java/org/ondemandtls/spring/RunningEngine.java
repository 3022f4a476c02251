package org.ondemandtls.spring;

import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.OnDemandTls;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.context.SmartLifecycle;

/**
 * Finds the engine in the server that runs it, and has it end before the beans that it works with: after the web server
 * has stopped, and where the application could not start. Safe for use by many threads.
 */
final class RunningEngine implements SmartLifecycle, DisposableBean {

    // Of the web server, on both lines; what is started before it is stopped after it.
    private static final int WEB_SERVER = SmartLifecycle.DEFAULT_PHASE - 2048;

    /** The server. */
    @FunctionalInterface
    interface Host {

        /** The engine; null while the server does not run. */
        @Nullable
        OnDemandTls engine();

        /** Whether the server has been made; a factory of servers may be there without making one. */
        default boolean isMade() {
            return true;
        }

        /** Closes the engine, where a stop of the web server does not. */
        default void suspend() throws Exception {}

        /** Opens the engine that {@link #suspend} has closed. */
        default void resume() throws Exception {}

        /** Closes the engine for good, whether the server has started or not. */
        default void discard() throws Exception {}
    }

    private volatile @Nullable Host host;
    private volatile boolean suspended;

    /** Says where the engine is, once the server is made. */
    void isIn(Host server) {
        host = server;
    }

    /** The engine; empty while the server does not run. */
    Optional<OnDemandTls> find() {
        Host known = host;
        return known == null ? Optional.empty() : Optional.ofNullable(known.engine());
    }

    /** Whether a server runs the engine or will. */
    boolean hasHost() {
        Host known = host;
        return known != null && known.isMade();
    }

    @Override
    public void start() {
        Host known = host;
        if (known != null && suspended) {
            carryOut(known::resume);
            suspended = false;
        }
    }

    @Override
    public void stop() {
        Host known = host;
        if (known != null) {
            suspended = true;
            carryOut(known::suspend);
        }
    }

    @Override
    public boolean isRunning() {
        return host != null && !suspended;
    }

    @Override
    public int getPhase() {
        return WEB_SERVER - 1;
    }

    @Override
    public void destroy() {
        Host known = host;
        if (known != null) {
            carryOut(known::discard);
        }
    }

    private interface Step {
        void run() throws Exception;
    }

    private static void carryOut(Step step) {
        try {
            step.run();
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e.getMessage(), e);
        }
    }
}
