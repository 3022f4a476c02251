package org.ondemandtls.tomcat;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import javax.management.ObjectName;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.testing.TlsProbe;

/** A connector without any certificate: what its first visitors get. */
class FirstVisitIT {

    @TempDir
    Path directory;

    private TomcatFixture fixture;

    @BeforeEach
    void start() throws Exception {
        fixture = new TomcatFixture(directory);
        fixture.start();
    }

    @AfterEach
    void stop() throws Exception {
        fixture.close();
    }

    @Test
    void aNameNobodyConfiguredGetsItsCertificate() {
        var visit = TlsProbe.trusting(directory.resolve("ondemand-tls/internal-ca/root.pem"))
                .get(fixture.port(), "shop.customer.test", "/");

        assertThat(visit.failure()).isEmpty();
        assertThat(visit.answer())
                .startsWith("HTTP/1.1 200 ")
                .contains("hello from shop.customer.test by https, secure");
    }

    @Test
    void theProtocolIsNegotiatedAsOnAnyOtherConnection() {
        var h2 = TlsProbe.trustingAnything().alpn("h2", "http/1.1").handshake(fixture.port(), "shop.customer.test");
        var http1 = TlsProbe.trustingAnything()
                .protocols("TLSv1.2")
                .alpn("http/1.1")
                .handshake(fixture.port(), "shop.customer.test");
        var none = TlsProbe.trustingAnything().protocols("TLSv1.2").get(fixture.port(), "shop.customer.test", "/");

        assertThat(h2.alpn()).isEqualTo("h2");
        // Tomcat agrees on none where HTTP/1.1 is all that is common.
        assertThat(http1.failure()).isEmpty();
        assertThat(none.answer()).startsWith("HTTP/1.1 200 ");
    }

    @Test
    void aDeniedNameGetsTheAlertUnrecognizedName() {
        assertThat(TlsProbe.trustingAnything()
                        .handshake(fixture.port(), "denied.customer.test")
                        .alert())
                .contains("unrecognized_name");
    }

    @Test
    void aNameNobodyAnswersForGetsTheAlertInternalError() {
        assertThat(TlsProbe.trustingAnything()
                        .handshake(fixture.port(), "broken.customer.test")
                        .alert())
                .contains("internal_error");
    }

    @Test
    void aClientThatNamesNoServerGetsTheAlertUnrecognizedName() {
        assertThat(TlsProbe.trustingAnything().handshake(fixture.port(), null).alert())
                .contains("unrecognized_name");
    }

    @Test
    void theBeansOfTomcatAndOurOwnAreThere() throws Exception {
        fixture.visit("shop.customer.test");
        var beans = ManagementFactory.getPlatformMBeanServer();
        String threadPool = "Tomcat:type=ThreadPool,name=\"https-jsse-nio-127.0.0.1-auto-*\",*";

        ObjectName found = beans.queryNames(new ObjectName(threadPool), null).stream()
                .findFirst()
                .orElseThrow();

        assertThat(beans.getAttribute(found, "maxThreads")).isEqualTo(TomcatFixture.THREADS);
        assertThat(beans.getAttribute(found, "connectionCount")).isInstanceOf(Long.class);
        assertThat(beans.getAttribute(new ObjectName("org.ondemandtls:type=OnDemandTls"), "InventorySize"))
                .isEqualTo(1L);
    }
}
