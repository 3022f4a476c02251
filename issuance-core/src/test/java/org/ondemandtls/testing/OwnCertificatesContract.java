package org.ondemandtls.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.name.ClientHellos;

/** A server with a certificate of its own: it wins, and every other name is on demand. */
public abstract class OwnCertificatesContract<F extends HostFixture> extends HostContract<F> {

    private static final String OWN = "own.operator.test";
    private static final int UNRECOGNIZED_NAME = 112;
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void itsNamesAreServedFromItWithoutAskingAndOthersAreOnDemand(String version) throws Exception {
        fixture.serveItself(OWN, "*.wild.operator.test");
        fixture.launch();

        assertThat(issuer(OWN, version)).isEqualTo(HostFixture.OWN_ISSUER);
        assertThat(issuer("any.wild.operator.test", version)).isEqualTo(HostFixture.OWN_ISSUER);
        assertThat(fixture.ask.questions()).isEmpty();
        assertThat(issuer("shop.customer.test", version)).isNotEqualTo(HostFixture.OWN_ISSUER);
        assertThat(fixture.ask.timesAsked("shop.customer.test")).isEqualTo(1);
        assertThat(fixture.visit("shop.customer.test")).startsWith("HTTP/1.1 200 ");
        assertThat(fixture.engine().status().explain("any.wild.operator.test"))
                .startsWith("served with a certificate of the server's own configuration, ");
        assertThat(fixture.engine().status().explain("shop.customer.test"))
                .startsWith("served with shop.customer.test#");
    }

    /** RFC 9525: a wildcard stands for one label, not for none. */
    @Test
    void theBareDomainOfAWildcardIsOnDemand() throws Exception {
        fixture.serveItself("*.wild.operator.test");
        fixture.launch();

        assertThat(issuer("wild.operator.test", "TLSv1.2")).isNotEqualTo(HostFixture.OWN_ISSUER);
        assertThat(issuer("wild.operator.test", "TLSv1.3")).isNotEqualTo(HostFixture.OWN_ISSUER);
        assertThat(fixture.ask.timesAsked("wild.operator.test")).isEqualTo(1);
        assertThat(fixture.visit("wild.operator.test")).startsWith("HTTP/1.1 200 ");
        assertThat(issuer("any.wild.operator.test", "TLSv1.3")).isEqualTo(HostFixture.OWN_ISSUER);
    }

    @ParameterizedTest
    @ValueSource(strings = {"999.999.999.999", "192.0.2.8", "1.2.3"})
    void whatResemblesAnAddressAndIsNotInItIsRefused(String name) throws Exception {
        fixture.serveItself(OWN, "192.0.2.7");
        fixture.launch();

        assertThat(TlsProbe.trustingAnything().handshake(fixture.port(), name).alert())
                .contains("unrecognized_name");
        assertThat(fixture.ask.questions()).isEmpty();
    }

    /** What no public CA certifies is nobody else's. */
    @ParameterizedTest
    @ValueSource(strings = {"localhost", "db", "intranet", "192.0.2.7"})
    void aNameOfOneLabelIsServedFromItToo(String name) throws Exception {
        fixture.serveItself("localhost", "db", "intranet", "192.0.2.7");
        fixture.launch();

        assertThat(issuer(name, "TLSv1.3")).isEqualTo(HostFixture.OWN_ISSUER);
        assertThat(fixture.visit(name)).startsWith("HTTP/1.1 200 ");
        assertThat(TlsProbe.trustingAnything().handshake(fixture.port(), "mail").alert())
                .contains("unrecognized_name");
        assertThat(fixture.ask.questions()).isEmpty();
    }

    /** The JDK takes neither, and would say something else of it. */
    @Test
    void aNameWithATrailingDotOrAnIpv6AddressIsRefusedAndCountedThoughItIsInIt() throws Exception {
        fixture.serveItself("localhost", OWN, "ip:2001:db8::7", "ip:::1");
        fixture.launch();

        for (String name : List.of("localhost", OWN)) {
            assertThat(RawTls.send(fixture.port(), PATIENCE, hello(name)).handshakes())
                    .as(name)
                    .isTrue();
        }
        for (String name :
                List.of("localhost.", OWN + ".", "2001:db8::7", "2001:DB8:0:0:0:0:0:7", "::1", "0:0:0:0:0:0:0:1")) {
            assertThat(RawTls.send(fixture.port(), PATIENCE, hello(name)).alert())
                    .as(name)
                    .hasValue(UNRECOGNIZED_NAME);
        }

        assertThat(fixture.engine().status().getRefusals())
                .containsEntry("trailingDot", 2L)
                .containsEntry("malformedName", 4L);
        assertThat(fixture.ask.questions()).isEmpty();
    }

    // A ClientHello of the JDK's with a name in it that the JDK would not send.
    private static byte[] hello(String name) {
        String proper = "x".repeat(name.length());
        String hello = new String(TlsProbe.trustingAnything().clientHello(proper), StandardCharsets.ISO_8859_1);
        assertThat(hello).contains(entry(proper));
        return hello.replace(entry(proper), entry(name)).getBytes(StandardCharsets.ISO_8859_1);
    }

    private static String entry(String name) {
        return new String(
                ClientHellos.nameEntry(0, name.getBytes(StandardCharsets.US_ASCII)), StandardCharsets.ISO_8859_1);
    }

    @Test
    void aClientThatNamesNoServerGetsIt() throws Exception {
        fixture.serveItself(OWN);
        fixture.launch();

        assertThat(issuer(null, "TLSv1.3")).isEqualTo(HostFixture.OWN_ISSUER);
    }

    @Test
    void aNameThatAReloadBringsIsServedFromItFromThenOnAndOneItTakesAwayIsOnDemand() throws Exception {
        fixture.serveItself(OWN);
        fixture.launch();
        assertThat(issuer("new.operator.test", "TLSv1.3")).isNotEqualTo(HostFixture.OWN_ISSUER);

        fixture.reloadItself("new.operator.test");

        assertThat(issuer("new.operator.test", "TLSv1.3")).isEqualTo(HostFixture.OWN_ISSUER);
        assertThat(issuer(OWN, "TLSv1.3")).isNotEqualTo(HostFixture.OWN_ISSUER);
        assertThat(fixture.visit("shop.customer.test")).startsWith("HTTP/1.1 200 ");
    }

    /** Who issued what is served for a name, null for none. */
    protected final String issuer(String name, String version) {
        return TlsProbe.trustingAnything()
                .protocols(version)
                .handshake(fixture.port(), name)
                .leaf()
                .getIssuerX500Principal()
                .getName();
    }
}
