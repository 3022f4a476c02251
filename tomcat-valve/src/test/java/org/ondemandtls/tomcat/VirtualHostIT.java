package org.ondemandtls.tomcat;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.List;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManager;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.testing.TlsProbe;

/** One connection speaks for one name: in its requests, and in the sessions that are resumed. */
class VirtualHostIT {

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

    // The authority is 127.0.0.1 whatever the server name.
    @ParameterizedTest
    @EnumSource(HttpClient.Version.class)
    void anAuthorityTheCertificateDoesNotCoverGets421AndReachesNoApplication(HttpClient.Version version)
            throws Exception {
        fixture.start();

        HttpResponse<String> answer = visit(version, "shop.customer.test", "127.0.0.1");

        assertThat(answer.version()).isEqualTo(version);
        assertThat(answer.statusCode()).isEqualTo(421);
        assertThat(fixture.requests).hasValue(0);
    }

    @ParameterizedTest
    @EnumSource(HttpClient.Version.class)
    void theHostCheckCanBeSwitchedOff(HttpClient.Version version) throws Exception {
        fixture.keys.put("onDemandTls.handshake.hostCheck", "false");
        fixture.start();

        assertThat(visit(version, "shop.customer.test", "127.0.0.1").statusCode())
                .isEqualTo(200);
    }

    @ParameterizedTest
    @EnumSource(HttpClient.Version.class)
    void aConnectionServedByTheServersOwnCertificateIsCheckedTheSameWay(HttpClient.Version version) throws Exception {
        fixture.secure.addSslHostConfig(fixture.hostConfig("_default_", "own.operator.test"));
        fixture.start();

        assertThat(visit(version, "own.operator.test", "127.0.0.1").statusCode())
                .isEqualTo(421);
    }

    @ParameterizedTest
    @EnumSource(HttpClient.Version.class)
    void aClientThatNamesNoServerMayAskForAnyHost(HttpClient.Version version) throws Exception {
        fixture.keys.put("onDemandTls.handshake.defaultName", "default.customer.test");
        fixture.start();

        assertThat(visit(version, null, "127.0.0.1").body()).startsWith("hello from 127.0.0.1 by https, secure");
    }

    @Test
    void aKeptConnectionOfAnotherNameIsNotMistakenForTheLastOne() throws Exception {
        fixture.start();
        for (int i = 0; i < 5; i++) {
            assertThat(fixture.visit("one.customer.test")).startsWith("HTTP/1.1 200 ");
            assertThat(fixture.visit("two.customer.test")).startsWith("HTTP/1.1 200 ");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void aSessionIsResumedUnderItsOwnName(String version) throws Exception {
        fixture.start();
        TlsProbe client = TlsProbe.trustingAnything().protocols(version);

        var first = client.get(fixture.port(), "shop.customer.test", "/");
        var again = client.get(fixture.port(), "shop.customer.test", "/");

        assertThat(first.resumed()).isFalse();
        assertThat(again.resumed()).isTrue();
        assertThat(again.answer()).startsWith("HTTP/1.1 200 ");
    }

    private HttpResponse<String> visit(HttpClient.Version version, String serverName, String authority)
            throws Exception {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {new TrustAnybody()}, new SecureRandom());
        SSLParameters parameters = context.getDefaultSSLParameters();
        parameters.setServerNames(serverName == null ? List.of() : List.of(new SNIHostName(serverName)));
        HttpClient client = HttpClient.newBuilder()
                .sslContext(context)
                .sslParameters(parameters)
                .version(version)
                .build();
        URI uri = URI.create("https://" + authority + ":" + fixture.port() + "/");
        return client.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString());
    }
}
