package org.ondemandtls;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.ondemandtls.config.ConfigException;
import org.ondemandtls.config.ConfigReader;
import org.ondemandtls.config.OnDemandTlsConfig;

/** {@link PortAdvice}: ports a CA does not look at. */
class PortAdviceTest {

    private final PortAdvice advice = new PortAdvice();

    @Test
    void portsAPublicCaDoesNotLookAtAreNamedInOneLine() throws Exception {
        advice.tls(8443);
        advice.plain(8080);

        assertThat(advice.line(config("letsencrypt"), "change them"))
                .contains("a public CA looks at ports 80 and 443 only; this server listens on http 8080, https 8443:"
                        + " forward those ports to it, or change them");
    }

    @Test
    void theCasOwnPortsAreWorthNoLine() throws Exception {
        advice.plain(80);
        advice.tls(443);

        assertThat(advice.line(config("letsencrypt"), "change them")).isEmpty();
    }

    @Test
    void onlyThePortThatIsElsewhereIsNamedAndNoneThatIsNotOpen() throws Exception {
        advice.plain(80);
        advice.plain(0);
        advice.tls(-1);
        advice.tls(444);

        assertThat(advice.line(config("letsencrypt-staging"), "change them"))
                .hasValueSatisfying(line -> assertThat(line).contains("listens on https 444:"));
    }

    @Test
    void aPrivateCaMayLookAnywhere() throws Exception {
        advice.tls(8443);

        assertThat(advice.line(config("https://ca.operator.test/directory"), "change them"))
                .isEmpty();
    }

    private static OnDemandTlsConfig config(String directory) throws ConfigException {
        return ConfigReader.read(
                Map.of("onDemandTls.permission.names", "a.customer.test", "onDemandTls.acme.directory", directory),
                Path.of("").toAbsolutePath());
    }
}
