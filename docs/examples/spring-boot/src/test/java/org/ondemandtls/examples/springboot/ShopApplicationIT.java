package org.ondemandtls.examples.springboot;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.testing.Curl;
import org.ondemandtls.testing.FreePorts;
import org.ondemandtls.testing.TlsProbe;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ConfigurableApplicationContext;

/** {@link ShopApplication}, visited. */
class ShopApplicationIT {

    private static final String NAME = "shop.customer.example";

    @TempDir
    Path directory;

    private final int httpPort = FreePorts.next();
    private final int tlsPort = FreePorts.next();
    private ConfigurableApplicationContext application;
    private Path root;

    @BeforeEach
    void start() {
        application = SpringApplication.run(
                ShopApplication.class,
                "--server.address=127.0.0.1",
                "--server.port=" + httpPort,
                "--server.http2.enabled=true",
                "--ondemand-tls.port=" + tlsPort,
                "--ondemand-tls.store=" + directory.resolve("ondemand-tls"),
                "--shop.customers=" + NAME + ",www.customer.example");
        root = directory.resolve("ondemand-tls/internal-ca/root.pem");
    }

    @AfterEach
    void stop() {
        application.close();
    }

    @Test
    void aPermittedNameIsGreetedByHttpsAndFromThenOnRedirectedThere() {
        var before = Curl.trusting(root).getPlain(NAME, httpPort, "/");
        var visit = Curl.trusting(root).http2().get(NAME, tlsPort, "/");
        var after = Curl.trusting(root).getPlain(NAME, httpPort, "/?a=b");

        assertThat(before.status()).isEqualTo(200);
        assertThat(visit.status()).as(visit.command().stderr()).isEqualTo(200);
        assertThat(visit.httpVersion()).isEqualTo("2");
        assertThat(visit.body()).isEqualTo("Welcome to " + NAME);
        assertThat(after.status()).isEqualTo(308);
        assertThat(after.location()).contains("https://" + NAME + ":" + tlsPort + "/?a=b");
    }

    @Test
    void aStrangerGetsNoCertificateAndStaysOnHttp() {
        assertThat(TlsProbe.trusting(root)
                        .handshake(tlsPort, "stranger.example")
                        .alert())
                .contains("unrecognized_name");
        assertThat(Curl.trusting(root)
                        .getPlain("stranger.example", httpPort, "/")
                        .body())
                .isEqualTo("Welcome to stranger.example");
    }

    @Test
    void whenTheApplicationEndsTheEngineEndsWithIt() {
        Curl.trusting(root).get(NAME, tlsPort, "/");

        application.close();

        assertThat(Thread.getAllStackTraces().keySet())
                .noneMatch(thread -> thread.isAlive() && thread.getName().startsWith("ondemand-tls"));
    }
}
