package org.ondemandtls.jetty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server without a key store: what its first visitors get. */
class FirstVisitIT {

    @TempDir
    Path directory;

    private ServerFixture fixture;

    @BeforeEach
    void start() throws Exception {
        fixture = new ServerFixture(directory);
        fixture.start();
    }

    @AfterEach
    void stop() throws Exception {
        fixture.close();
    }

    @Test
    void aNameNobodyConfiguredGetsItsCertificate() throws Exception {
        String answer = fixture.client().get("shop.customer.test");

        assertThat(answer).startsWith("HTTP/1.1 200 ").endsWith("hello from shop.customer.test");
    }

    @Test
    void theProtocolIsNegotiatedAsOnAnyOtherConnection() throws Exception {
        try (SSLSocket h2 = fixture.client().connect("shop.customer.test", "TLSv1.3", "h2", "http/1.1");
                SSLSocket http1 = fixture.client().connect("shop.customer.test", "TLSv1.2", "http/1.1");
                SSLSocket none = fixture.client().connect("shop.customer.test", "TLSv1.2")) {

            assertThat(h2.getApplicationProtocol()).isEqualTo("h2");
            assertThat(http1.getApplicationProtocol()).isEqualTo("http/1.1");
            assertThat(Client.get(none, "shop.customer.test")).startsWith("HTTP/1.1 200 ");
        }
    }

    @Test
    void aDeniedNameGetsTheAlertUnrecognizedName() {
        assertThatThrownBy(() -> fixture.client().get("denied.customer.test"))
                .hasMessageContaining("unrecognized_name");
    }

    @Test
    void aClientThatNamesNoServerGetsTheAlertUnrecognizedName() {
        assertThatThrownBy(() -> fixture.client().connect(null, "TLSv1.3")).hasMessageContaining("unrecognized_name");
    }
}
