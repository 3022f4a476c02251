package com.example.shop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import javax.management.JMException;
import javax.management.ObjectName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;

/** When the engine of an application ends: always before the beans it works with, and with a start that fails. */
class LifeTest {

    @TempDir
    Path store;

    @Test
    void theEngineEndsWithAStartThatFailsAndBeforeTheBeansItUses() throws Exception {
        assertThatThrownBy(() -> start(Broken.class)).hasStackTraceContaining("this bean is broken");
        assertThat(engines()).isEmpty();
        List<Integer> seen = new ArrayList<>();
        try (ConfigurableApplicationContext application = start(Pool.class)) {
            application.getBean(Pool.Watched.class).seen = seen;
            application.stop();
            assertThat(engines()).isEmpty();
            application.start();
            assertThat(engines()).hasSize(1);
        }
        assertThat(seen).containsExactly(0);
    }

    private ConfigurableApplicationContext start(Class<?> more) {
        // What Maven was told on its command line is no key of the application.
        System.clearProperty("ondemandtls.version");
        return SpringApplication.run(new Class<?>[] {Shop.class, more}, new String[] {
            "--server.port=0",
            "--ondemand-tls.port=0",
            "--ondemand-tls.issuer=internal",
            "--ondemand-tls.acme.directory=",
            "--ondemand-tls.store=" + store.resolve("ondemand-tls")
        });
    }

    private static Set<ObjectName> engines() throws JMException {
        return ManagementFactory.getPlatformMBeanServer().queryNames(new ObjectName("org.ondemandtls:*"), null);
    }

    /** Fails when the server is made; without an annotation, so that no other test finds it. */
    static class Broken {

        @Bean
        Object brokenBean() {
            throw new IllegalStateException("this bean is broken");
        }
    }

    /** What an application's pool is to the engine. */
    static class Pool {

        @Bean
        Watched watched() {
            return new Watched();
        }

        /** Counts the engines that are left when it is destroyed. */
        static class Watched implements DisposableBean {

            private List<Integer> seen = new ArrayList<>();

            @Override
            public void destroy() throws JMException {
                seen.add(engines().size());
            }
        }
    }
}
