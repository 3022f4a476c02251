package org.ondemandtls.testing;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** One connection speaks for one name: what it may ask for by {@code Host}. */
public abstract class VirtualHostContract<F extends HostFixture> extends HostContract<F> {

    /** The name of the certificate. */
    protected static final String NAME = "shop.customer.test";

    private static final String OTHER = "other.customer.test";

    @ParameterizedTest
    @ValueSource(strings = {"--http1.1", "--http2"})
    void aHostTheCertificateDoesNotCoverGets421AndReachesNoApplication(String version) throws Exception {
        fixture.launch();

        Curl.Visit visit = visit(version, "Host: " + OTHER);

        assertThat(visit.status()).as(visit.command().stderr()).isEqualTo(421);
        assertThat("--http" + visit.httpVersion()).isEqualTo(version);
        assertThat(fixture.requests).hasValue(0);
    }

    @Test
    void anAbsoluteFormThatHidesAnotherHostIsRefusedToo() throws Exception {
        fixture.launch();

        Curl.Visit visit = Curl.trusting(fixture.root())
                .http11()
                .with("--header", "Host: " + OTHER, "--request-target", "https://" + NAME + "/")
                .get(NAME, fixture.port(), "/");

        assertThat(visit.status()).isBetween(400, 499);
        assertThat(fixture.requests).hasValue(0);
    }

    @Test
    void caseAndPortOfTheHostDoNotMatter() throws Exception {
        fixture.launch();

        assertThat(visit("--http1.1", "Host: Shop.Customer.TEST:8443").status()).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(strings = {"--http1.1", "--http2"})
    void theHostCheckCanBeSwitchedOff(String version) throws Exception {
        fixture.keys.put("onDemandTls.handshake.hostCheck", "false");
        fixture.leaveHostsToUs();
        fixture.launch();

        assertThat(visit(version, "Host: " + OTHER).body()).startsWith("hello from " + OTHER);
    }

    @Test
    void aClientThatNamesNoServerMayAskForAnyHost() throws Exception {
        fixture.keys.put("onDemandTls.handshake.defaultName", "default.customer.test");
        fixture.leaveHostsToUs();
        fixture.launch();

        var visit = OpenSsl.get(fixture.port(), null, fixture.root());

        assertThat(visit.command().stdout()).contains("HTTP/1.1 200 ");
    }

    @Test
    void aConnectionOfAnotherNameIsNotMistakenForTheLastOne() throws Exception {
        fixture.launch();
        for (int i = 0; i < 5; i++) {
            assertThat(fixture.visit("one.customer.test")).startsWith("HTTP/1.1 200 ");
            assertThat(fixture.visit("two.customer.test")).startsWith("HTTP/1.1 200 ");
        }
    }

    private Curl.Visit visit(String version, String header) {
        return Curl.trusting(fixture.root()).with(version, "--header", header).get(NAME, fixture.port(), "/");
    }
}
