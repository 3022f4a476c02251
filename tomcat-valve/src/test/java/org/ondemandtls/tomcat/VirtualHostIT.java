package org.ondemandtls.tomcat;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.apache.tomcat.util.net.SSLHostConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.testing.Curl;
import org.ondemandtls.testing.HostFixture;
import org.ondemandtls.testing.VirtualHostContract;

class VirtualHostIT extends VirtualHostContract<TomcatFixture> {

    @Override
    protected TomcatFixture fixture(Path directory) throws IOException {
        return new TomcatFixture(directory);
    }

    /** Also on a Tomcat that does not look itself whether a request's host has other terms than its connection. */
    @Test
    void aHostThatWantsAClientsCertificateIsNotReachedWithoutOne() throws Exception {
        fixture.keys.put("onDemandTls.handshake.defaultName", "admin.customer.test");
        for (String host : new String[] {"admin.customer.test", "admin.operator.test"}) {
            SSLHostConfig strict = new SSLHostConfig();
            strict.setHostName(host);
            strict.setCertificateVerification("required");
            Path clients = fixture.keyStore("client." + host);
            strict.setTruststoreFile(fixture.trustStore(clients).toString());
            strict.setTruststoreType("PKCS12");
            strict.setTruststorePassword(HostFixture.PASSWORD);
            fixture.secure.addSslHostConfig(strict);
        }
        fixture.secure.addSslHostConfig(fixture.hostConfig("shop.operator.test", "*.operator.test"));
        fixture.launch();

        var nameless = Curl.trusting(fixture.root())
                .http11()
                .with("--insecure", "--header", "Host: admin.customer.test")
                .get("127.0.0.1", fixture.port(), "/");
        var sameCertificate = Curl.trusting(fixture.root())
                .http11()
                .with("--insecure", "--header", "Host: admin.operator.test")
                .get("shop.operator.test", fixture.port(), "/");

        assertThat(nameless.status()).isEqualTo(421);
        // A Tomcat that looks itself answers 400.
        assertThat(sameCertificate.status()).isIn(421, 400);
        assertThat(fixture.requests).hasValue(0);
    }

    @Test
    void aHostThatWantsAClientsCertificateIsReachedWithOne() throws Exception {
        SSLHostConfig strict = new SSLHostConfig();
        strict.setHostName("admin.customer.test");
        strict.setCertificateVerification("required");
        Path clients = fixture.keyStore("client.operator.test");
        strict.setTruststoreFile(fixture.trustStore(clients).toString());
        strict.setTruststoreType("PKCS12");
        strict.setTruststorePassword(HostFixture.PASSWORD);
        fixture.secure.addSslHostConfig(strict);
        fixture.launch();

        var known = Curl.trusting(fixture.root())
                .http11()
                .with("--cert-type", "P12", "--cert", clients + ":" + HostFixture.PASSWORD)
                .get("admin.customer.test", fixture.port(), "/");
        var unknown = Curl.trusting(fixture.root()).http11().get("admin.customer.test", fixture.port(), "/");
        var elsewhere = Curl.trusting(fixture.root()).http11().get(NAME, fixture.port(), "/");

        assertThat(known.status()).as(known.command().stderr()).isEqualTo(200);
        assertThat(unknown.exitCode()).isNotZero();
        assertThat(elsewhere.status()).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "[::1]", "[0:0::1]:8443", "localhost"})
    void anAddressInTheServersOwnCertificateIsAHostInEachOfItsSpellings(String host) throws Exception {
        fixture.serveItself("localhost", "ip:127.0.0.1", "ip:::1");
        fixture.launch();

        var nameless = Curl.trusting(fixture.root())
                .http11()
                .with("--insecure", "--header", "Host: " + host)
                .get("127.0.0.1", fixture.port(), "/");

        assertThat(nameless.status()).as(nameless.command().stderr()).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(strings = {"--http1.1", "--http2"})
    void aConnectionServedByTheServersOwnCertificateIsCheckedTheSameWay(String version) throws Exception {
        fixture.serveItself(NAME);
        fixture.launch();

        var visit = Curl.trusting(fixture.root())
                .with(version, "--insecure", "--header", "Host: other.customer.test")
                .get(NAME, fixture.port(), "/");

        assertThat(visit.status()).as(visit.command().stderr()).isEqualTo(421);
        assertThat(fixture.ask.questions()).isEmpty();
    }
}
