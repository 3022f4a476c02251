package org.ondemandtls.testing;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.event.EventKind;

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

    @ParameterizedTest
    @ValueSource(strings = {"--http1.1", "--http2"})
    void aClientThatNamesNoServerMayAskForWhatItWasServedAndNothingElse(String version) throws Exception {
        fixture.keys.put("onDemandTls.handshake.defaultName", "default.customer.test");
        fixture.launch();

        assertThat(nameless(version, "Host: default.customer.test").status()).isEqualTo(200);
        assertThat(nameless(version, "Host: " + OTHER).status()).isEqualTo(421);
        assertThat(fixture.requests).hasValue(1);
    }

    @Test
    void aClientThatNamesNoServerMayAskForAnyHostWhereNothingIsChecked() throws Exception {
        fixture.keys.put("onDemandTls.handshake.defaultName", "default.customer.test");
        fixture.keys.put("onDemandTls.handshake.hostCheck", "false");
        fixture.leaveHostsToUs();
        fixture.launch();

        assertThat(nameless("--http1.1", "Host: " + OTHER).status()).isEqualTo(200);
    }

    @Test
    void aClientThatNamesNoServerIsRefusedWhereTheCheckIsStrict() throws Exception {
        fixture.keys.put("onDemandTls.handshake.defaultName", "default.customer.test");
        fixture.keys.put("onDemandTls.handshake.hostCheck", "strict");
        fixture.launch();

        assertThat(TlsProbe.trustingAnything().handshake(fixture.port(), null).alert())
                .contains("unrecognized_name");
        assertThat(visit("--http1.1", "Host: " + NAME).status()).isEqualTo(200);
        assertThat(visit("--http1.1", "Host: " + OTHER).status()).isEqualTo(421);
        assertThat(fixture.engine().status().getRefusals()).containsEntry("noName", 1L);
    }

    @ParameterizedTest
    @ValueSource(strings = {"--http1.1", "--http2"})
    void aHostWithATrailingDotIsTheSameName(String version) throws Exception {
        fixture.launch();

        Curl.Visit visit = visit(version, "Host: " + NAME + "." + ":" + fixture.port());

        assertThat(visit.status()).isEqualTo(200);
        assertThat(visit.body()).startsWith("hello from " + NAME).doesNotContain(NAME + ".");
        assertThat(visit(version, "Host: " + OTHER + ".").status()).isEqualTo(421);
    }

    @ParameterizedTest
    @ValueSource(strings = {"--http1.1", "--http2"})
    void a421SaysWhatAProxyHasToDoAndIsCounted(String version) throws Exception {
        fixture.launch();

        Curl.Visit visit = visit(version, "Host: " + OTHER);

        assertThat(visit.body()).contains("proxy_ssl_server_name on");
        assertThat(fixture.engine().events().count(EventKind.MISDIRECTED)).isEqualTo(1);
    }

    @Test
    void aConnectionOfAnotherNameIsNotMistakenForTheLastOne() throws Exception {
        fixture.launch();
        for (int i = 0; i < 5; i++) {
            assertThat(fixture.visit("one.customer.test")).startsWith("HTTP/1.1 200 ");
            assertThat(fixture.visit("two.customer.test")).startsWith("HTTP/1.1 200 ");
        }
    }

    // By its address: then curl sends no server name.
    private Curl.Visit nameless(String version, String header) {
        return Curl.trusting(fixture.root())
                .with(version, "--insecure", "--header", header)
                .get("127.0.0.1", fixture.port(), "/");
    }

    private Curl.Visit visit(String version, String header) {
        return Curl.trusting(fixture.root()).with(version, "--header", header).get(NAME, fixture.port(), "/");
    }
}
