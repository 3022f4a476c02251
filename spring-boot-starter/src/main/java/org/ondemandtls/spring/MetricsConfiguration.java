package org.ondemandtls.spring;

import io.micrometer.core.instrument.MeterRegistry;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.micrometer.OnDemandTlsMetrics;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Binds the engine's figures to the application's registry, on both lines. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass(name = "io.micrometer.core.instrument.MeterRegistry")
class MetricsConfiguration {

    @Bean
    SmartLifecycle onDemandTlsMetrics(RunningEngine running, ObjectProvider<MeterRegistry> registries) {
        return new Binding(running, registries);
    }

    /** Binds once the server, and with it the engine, has started. Called by one thread at a time. */
    static final class Binding implements SmartLifecycle {

        // Web servers are started at 2048 and 1024 before the last phase, whatever the line.
        private static final int BEHIND_SERVERS = SmartLifecycle.DEFAULT_PHASE - 512;

        private final RunningEngine running;
        private final ObjectProvider<MeterRegistry> registries;
        private volatile @Nullable OnDemandTlsMetrics bound;

        Binding(RunningEngine running, ObjectProvider<MeterRegistry> registries) {
            this.running = running;
            this.registries = registries;
        }

        @Override
        public void start() {
            MeterRegistry registry = registries.getIfUnique();
            if (bound == null && registry != null) {
                running.find().ifPresent(engine -> {
                    OnDemandTlsMetrics metrics = new OnDemandTlsMetrics(engine.status());
                    metrics.bindTo(registry);
                    bound = metrics;
                });
            }
        }

        @Override
        public void stop() {
            OnDemandTlsMetrics metrics = bound;
            if (metrics != null) {
                metrics.close();
                bound = null;
            }
        }

        @Override
        public boolean isRunning() {
            return bound != null;
        }

        @Override
        public int getPhase() {
            return BEHIND_SERVERS;
        }
    }
}
