package org.ondemandtls.testing;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the first visitors of a host without any certificate get. */
public abstract class FirstVisitContract<F extends HostFixture> extends HostContract<F> {

    @BeforeEach
    void launch() throws Exception {
        fixture.launch();
    }

    @Test
    void aNameNobodyConfiguredGetsItsCertificate() {
        var visit = TlsProbe.trusting(fixture.root()).get(fixture.port(), "shop.customer.test", "/");

        assertThat(visit.failure()).isEmpty();
        assertThat(visit.answer()).startsWith("HTTP/1.1 200 ").contains("hello from shop.customer.test");
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
        assertThat(http1.failure()).isEmpty();
        // Tomcat agrees on none where HTTP/1.1 is all that is common.
        assertThat(http1.alpn()).isIn("http/1.1", "");
        assertThat(none.answer()).startsWith("HTTP/1.1 200 ");
    }

    @Test
    void aDeniedNameGetsTheAlertUnrecognizedName() {
        assertThat(alert("denied.customer.test")).isEqualTo("unrecognized_name");
    }

    @Test
    void aNameNobodyAnswersForGetsTheAlertInternalError() {
        assertThat(alert("broken.customer.test")).isEqualTo("internal_error");
    }

    @Test
    void aClientThatNamesNoServerGetsTheAlertUnrecognizedName() {
        assertThat(alert(null)).isEqualTo("unrecognized_name");
        assertThat(fixture.ask.questions()).isEmpty();
    }

    private String alert(String name) {
        return TlsProbe.trustingAnything()
                .handshake(fixture.port(), name)
                .alert()
                .orElse("none");
    }
}
