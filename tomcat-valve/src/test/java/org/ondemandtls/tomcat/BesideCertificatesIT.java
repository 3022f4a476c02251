package org.ondemandtls.tomcat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.apache.catalina.LifecycleException;
import org.apache.tomcat.util.net.SSLHostConfig;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.testing.HostFixture;
import org.ondemandtls.testing.TlsProbe;

/** A connector with certificates of its own: they win, and every other name is on demand. */
class BesideCertificatesIT {

    private static final String OWN = "CN=test CA";

    @TempDir
    Path directory;

    private TomcatFixture fixture;

    @BeforeEach
    void prepare() throws Exception {
        fixture = new TomcatFixture(directory);
    }

    @AfterEach
    void stop() throws Exception {
        fixture.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void itsNameIsServedFromItWithoutAskingAndOthersAreOnDemand(String version) throws Exception {
        fixture.secure.addSslHostConfig(fixture.hostConfig("_default_", "own.operator.test", "*.wild.operator.test"));
        fixture.start();

        assertThat(issuer("own.operator.test", version)).isEqualTo(OWN);
        assertThat(issuer("any.wild.operator.test", version)).isEqualTo(OWN);
        assertThat(fixture.ask.questions()).isEmpty();
        assertThat(issuer("shop.customer.test", version)).isNotEqualTo(OWN);
        assertThat(fixture.ask.timesAsked("shop.customer.test")).isEqualTo(1);
        assertThat(fixture.visit("shop.customer.test")).startsWith("HTTP/1.1 200 ");
    }

    @Test
    void aHostConfigurationIsServedForItsHostNameAndForTheNamesInItsCertificate() throws Exception {
        fixture.secure.addSslHostConfig(
                fixture.hostConfig("one.operator.test", "one.operator.test", "two.operator.test"));
        fixture.secure.addSslHostConfig(fixture.hostConfig("*.sub.operator.test", "*.sub.operator.test"));
        fixture.start();

        assertThat(issuer("one.operator.test", "TLSv1.3")).isEqualTo(OWN);
        assertThat(issuer("two.operator.test", "TLSv1.3")).isEqualTo(OWN);
        assertThat(issuer("x.sub.operator.test", "TLSv1.3")).isEqualTo(OWN);
        assertThat(issuer("three.operator.test", "TLSv1.3")).isNotEqualTo(OWN);
    }

    @Test
    void aClientThatNamesNoServerGetsTheDefaultHostConfigurationsCertificate() throws Exception {
        fixture.secure.addSslHostConfig(fixture.hostConfig("_default_", "own.operator.test"));
        fixture.start();

        assertThat(issuer(null, "TLSv1.3")).isEqualTo(OWN);
    }

    @Test
    void aHostConfigurationWithoutCertificatesSetsTheTermsOfItsNames() throws Exception {
        SSLHostConfig strict = new SSLHostConfig();
        strict.setHostName("strict.customer.test");
        strict.setProtocols("TLSv1.3");
        fixture.secure.addSslHostConfig(strict);
        fixture.start();

        assertThat(issuer("strict.customer.test", "TLSv1.3")).isNotEqualTo(OWN);
        assertThat(TlsProbe.trustingAnything()
                        .protocols("TLSv1.2")
                        .handshake(fixture.port(), "strict.customer.test")
                        .alert())
                .contains("protocol_version");
        assertThat(issuer("shop.customer.test", "TLSv1.2")).isNotEqualTo(OWN);
    }

    @Test
    void aNameThatAReloadBringsIsServedFromTheCertificateFromThenOn() throws Exception {
        SSLHostConfig config = fixture.hostConfig("_default_", "own.operator.test");
        fixture.secure.addSslHostConfig(config);
        fixture.start();
        assertThat(issuer("new.operator.test", "TLSv1.3")).isNotEqualTo(OWN);

        Files.copy(
                fixture.keyStore("new.operator.test"),
                directory.resolve("own.operator.test.p12"),
                StandardCopyOption.REPLACE_EXISTING);
        ((OnDemandTlsProtocol) fixture.secure.getProtocolHandler())
                .addSslHostConfig(fixture.hostConfig("_default_", "new.operator.test"), true);

        assertThat(issuer("new.operator.test", "TLSv1.3")).isEqualTo(OWN);
        assertThat(issuer("own.operator.test", "TLSv1.3")).isNotEqualTo(OWN);
        assertThat(fixture.visit("shop.customer.test")).startsWith("HTTP/1.1 200 ");
    }

    @Test
    void everythingIsReloadedWithoutACertificateToo() throws Exception {
        fixture.start();
        fixture.visit("shop.customer.test");

        ((OnDemandTlsProtocol) fixture.secure.getProtocolHandler()).reloadSslHostConfigs();

        assertThat(fixture.visit("shop.customer.test")).startsWith("HTTP/1.1 200 ");
    }

    @Test
    void aCertificateThatCannotBeReadStopsTheConnectorWithTomcatsOwnMessage() throws Exception {
        SSLHostConfig config = fixture.hostConfig("_default_", "own.operator.test");
        Files.delete(directory.resolve("own.operator.test.p12"));
        fixture.secure.addSslHostConfig(config);

        assertThatThrownBy(fixture::start)
                .isInstanceOf(LifecycleException.class)
                .hasStackTraceContaining("own.operator.test.p12");
        assertThat(HostFixture.onDemandThreads()).isEmpty();
    }

    @Test
    void clientAuthenticationStaysInForce() throws Exception {
        SSLHostConfig config = new SSLHostConfig();
        config.setHostName("_default_");
        config.setCertificateVerification("required");
        config.setTruststoreFile(
                fixture.trustStore(fixture.keyStore("client.operator.test")).toString());
        config.setTruststoreType("PKCS12");
        config.setTruststorePassword(TomcatFixture.KEY_STORE_PASSWORD);
        fixture.secure.addSslHostConfig(config);
        fixture.start();

        var unknown = TlsProbe.trustingAnything().protocols("TLSv1.2").get(fixture.port(), "shop.customer.test", "/");

        assertThat(unknown.failure()).isPresent();
        assertThat(unknown.answer()).isEmpty();
    }

    private String issuer(String name, String version) {
        return TlsProbe.trustingAnything()
                .protocols(version)
                .handshake(fixture.port(), name)
                .leaf()
                .getIssuerX500Principal()
                .getName();
    }
}
