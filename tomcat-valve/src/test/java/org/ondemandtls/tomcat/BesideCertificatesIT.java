package org.ondemandtls.tomcat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import org.apache.catalina.LifecycleException;
import org.apache.tomcat.util.net.SSLHostConfig;
import org.junit.jupiter.api.Test;
import org.ondemandtls.testing.HostFixture;
import org.ondemandtls.testing.OwnCertificatesContract;
import org.ondemandtls.testing.TlsProbe;

class BesideCertificatesIT extends OwnCertificatesContract<TomcatFixture> {

    @Override
    protected TomcatFixture fixture(Path directory) throws IOException {
        return new TomcatFixture(directory);
    }

    @Test
    void aHostConfigurationIsServedForItsHostNameAndForTheNamesInItsCertificate() throws Exception {
        fixture.secure.addSslHostConfig(
                fixture.hostConfig("one.operator.test", "one.operator.test", "two.operator.test"));
        fixture.secure.addSslHostConfig(fixture.hostConfig("*.sub.operator.test", "*.sub.operator.test"));
        fixture.start();

        assertThat(issuer("one.operator.test", "TLSv1.3")).isEqualTo(HostFixture.OWN_ISSUER);
        assertThat(issuer("two.operator.test", "TLSv1.3")).isEqualTo(HostFixture.OWN_ISSUER);
        assertThat(issuer("x.sub.operator.test", "TLSv1.3")).isEqualTo(HostFixture.OWN_ISSUER);
        assertThat(issuer("three.operator.test", "TLSv1.3")).isNotEqualTo(HostFixture.OWN_ISSUER);
    }

    @Test
    void aHostConfigurationWithoutCertificatesSetsTheTermsOfItsNames() throws Exception {
        SSLHostConfig strict = new SSLHostConfig();
        strict.setHostName("strict.customer.test");
        strict.setProtocols("TLSv1.3");
        fixture.secure.addSslHostConfig(strict);
        fixture.start();

        assertThat(issuer("strict.customer.test", "TLSv1.3")).isNotEqualTo(HostFixture.OWN_ISSUER);
        assertThat(TlsProbe.trustingAnything()
                        .protocols("TLSv1.2")
                        .handshake(fixture.port(), "strict.customer.test")
                        .alert())
                .contains("protocol_version");
        assertThat(issuer("shop.customer.test", "TLSv1.2")).isNotEqualTo(HostFixture.OWN_ISSUER);
    }

    @Test
    void aKeyStoreThatHasChangedIsServedAfterEverythingIsReloaded() throws Exception {
        fixture.serveItself("own.operator.test");
        fixture.start();
        X509Certificate served = leaf("own.operator.test");
        for (String added : new String[] {"new.operator.test", "newer.operator.test"}) {
            fixture.keyStore("own.operator.test", added);

            ((OnDemandTlsProtocol) fixture.secure.getProtocolHandler()).reloadSslHostConfigs();

            assertThat(leaf("own.operator.test")).isNotEqualTo(served);
            served = leaf("own.operator.test");
            assertThat(leaf(added)).isEqualTo(served);
        }
        assertThat(fixture.ask.questions()).isEmpty();
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
        assertNoThreadIsLeft();
    }

    @Test
    void clientAuthenticationStaysInForce() throws Exception {
        SSLHostConfig config = new SSLHostConfig();
        config.setHostName("_default_");
        config.setCertificateVerification("required");
        config.setTruststoreFile(
                fixture.trustStore(fixture.keyStore("client.operator.test")).toString());
        config.setTruststoreType("PKCS12");
        config.setTruststorePassword(HostFixture.PASSWORD);
        fixture.secure.addSslHostConfig(config);
        fixture.start();

        var unknown = TlsProbe.trustingAnything().protocols("TLSv1.2").get(fixture.port(), "shop.customer.test", "/");

        assertThat(unknown.failure()).isPresent();
        assertThat(unknown.answer()).isEmpty();
    }

    @Test
    void clientsMayBeAskedForACertificateThatTheJvmTrusts() throws Exception {
        SSLHostConfig config = new SSLHostConfig();
        config.setHostName("_default_");
        config.setCertificateVerification("optional");
        fixture.secure.addSslHostConfig(config);
        fixture.start();

        assertThat(fixture.visit("shop.customer.test")).startsWith("HTTP/1.1 200 ");
    }

    private X509Certificate leaf(String name) {
        return TlsProbe.trustingAnything().handshake(fixture.port(), name).leaf();
    }
}
