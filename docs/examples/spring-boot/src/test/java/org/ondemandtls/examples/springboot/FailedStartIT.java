package org.ondemandtls.examples.springboot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.testing.Curl;
import org.ondemandtls.testing.FreePorts;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;

/** {@link ShopApplication} where it cannot start, and started again in the same process. */
@Tag("once")
class FailedStartIT {

    private static final String NAME = "shop.customer.example";

    @TempDir
    Path directory;

    private final int tlsPort = FreePorts.next();

    private ConfigurableApplicationContext start(int httpPort, Class<?>... sources) {
        return SpringApplication.run(sources, new String[] {
            "--server.address=127.0.0.1",
            "--server.port=" + httpPort,
            "--server.server-header=Shop",
            "--server.http2.enabled=true",
            "--ondemand-tls.port=" + tlsPort,
            "--ondemand-tls.redirect-port=443",
            "--ondemand-tls.store=" + directory.resolve("ondemand-tls"),
            "--shop.customers=" + NAME
        });
    }

    @Test
    void afterEachFailureTheNextStartHasTheStoreAndThePort() throws Exception {
        assertThatThrownBy(() -> start(FreePorts.next(), ShopApplication.class, Broken.class))
                .hasStackTraceContaining("this bean is broken");
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            int port = taken.getLocalPort();
            assertThatThrownBy(() -> start(port, ShopApplication.class)).hasStackTraceContaining(String.valueOf(port));
        }
        assertThatThrownBy(() -> SpringApplication.run(
                        ShopApplication.class,
                        "--server.port=" + FreePorts.next(),
                        "--server.ssl.bundle=own",
                        "--ondemand-tls.port=" + tlsPort,
                        "--ondemand-tls.store=" + directory.resolve("ondemand-tls"),
                        "--shop.customers=" + NAME))
                .hasStackTraceContaining("server.ssl: remove it");
        int httpPort = FreePorts.next();
        try (ConfigurableApplicationContext application = start(httpPort, ShopApplication.class)) {
            assertThat(application.isRunning()).isTrue();
            Path root = directory.resolve("ondemand-tls/internal-ca/root.pem");
            Path headers = directory.resolve("headers");

            var visit = Curl.trusting(root)
                    .http2()
                    .with("--dump-header", headers.toString())
                    .get(NAME, tlsPort, "/");

            assertThat(visit.body()).as(visit.command().stderr()).isEqualTo("Welcome to " + NAME);
            assertThat(headers).content().containsIgnoringCase("server: Shop");
            assertThat(Curl.trusting(root).getPlain(NAME, httpPort, "/a").location())
                    .contains("https://" + NAME + "/a");
            application.stop();
            application.start();
            assertThat(Curl.trusting(root).get(NAME, tlsPort, "/").body()).isEqualTo("Welcome to " + NAME);
        }
        assertThat(Thread.getAllStackTraces().keySet())
                .noneMatch(thread -> thread.isAlive() && thread.getName().startsWith("ondemand-tls"));
    }

    /** A bean that fails when the server is made; without an annotation, so that no other test finds it. */
    static class Broken {

        @Bean
        Object broken() {
            throw new IllegalStateException("this bean is broken");
        }
    }
}
