package org.ondemandtls.jetty;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.List;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** One connection speaks for one name: in its requests, and in the sessions that are resumed. */
class VirtualHostIT {

    private static final String HOST_OTHER = "GET / HTTP/1.1\r\nHost: other.customer.test\r\nConnection: close\r\n\r\n";

    @TempDir
    Path directory;

    private ServerFixture fixture;

    @BeforeEach
    void prepare() throws Exception {
        fixture = new ServerFixture(directory);
    }

    @AfterEach
    void stop() throws Exception {
        fixture.close();
    }

    @Test
    void aHostTheCertificateDoesNotCoverGets421AndReachesNoApplication() throws Exception {
        fixture.start();
        try (SSLSocket socket = fixture.client().connect("shop.customer.test")) {

            assertThat(Client.exchange(socket, HOST_OTHER)).startsWith("HTTP/1.1 421 ");
        }
        assertThat(fixture.requests).hasValue(0);
    }

    @Test
    void anAbsoluteFormThatHidesAnotherHostIsRefusedToo() throws Exception {
        fixture.start();
        try (SSLSocket socket = fixture.client().connect("shop.customer.test")) {

            assertThat(
                            Client.exchange(
                                    socket,
                                    "GET https://shop.customer.test/ HTTP/1.1\r\nHost: other.customer.test\r\nConnection: close\r\n\r\n"))
                    .startsWith("HTTP/1.1 4");
        }
        assertThat(fixture.requests).hasValue(0);
    }

    @Test
    void caseAndPortAndTrailingDotOfTheHostDoNotMatter() throws Exception {
        fixture.start();
        try (SSLSocket socket = fixture.client().connect("shop.customer.test")) {

            assertThat(Client.get(socket, "Shop.Customer.TEST:8443")).startsWith("HTTP/1.1 200 ");
        }
    }

    @Test
    void theHostCheckCanBeSwitchedOffButJettysOwnStays() throws Exception {
        fixture.keys.put("onDemandTls.handshake.hostCheck", "false");
        fixture.start();
        try (SSLSocket socket = fixture.client().connect("shop.customer.test")) {

            assertThat(Client.exchange(socket, HOST_OTHER)).startsWith("HTTP/1.1 400 ");
        }
    }

    @Test
    void anAuthorityOfHttp2ThatTheCertificateDoesNotCoverGets421() throws Exception {
        fixture.start();
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {new Client.TrustAnybody()}, new SecureRandom());
        SSLParameters parameters = context.getDefaultSSLParameters();
        parameters.setServerNames(List.of(new SNIHostName("shop.customer.test")));
        HttpClient client = HttpClient.newBuilder()
                .sslContext(context)
                .sslParameters(parameters)
                .version(HttpClient.Version.HTTP_2)
                .build();

        HttpResponse<String> answer = client.send(
                java.net.http.HttpRequest.newBuilder(
                                URI.create("https://127.0.0.1:" + fixture.secure.getLocalPort() + "/"))
                        .build(),
                HttpResponse.BodyHandlers.ofString());

        assertThat(answer.version()).isEqualTo(HttpClient.Version.HTTP_2);
        assertThat(answer.statusCode()).isEqualTo(421);
        assertThat(fixture.requests).hasValue(0);
    }

    @Test
    void theDefaultNameAnswersAClientThatNamesNoServerWhateverItsHost() throws Exception {
        fixture.keys.put("onDemandTls.handshake.defaultName", "default.customer.test");
        fixture.secureRequests.setSniHostCheck(false);
        fixture.start();
        try (SSLSocket socket = fixture.client().connect(null, "TLSv1.3", "http/1.1")) {

            assertThat(Client.exchange(socket, HOST_OTHER)).contains("hello from other.customer.test");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void aSessionIsResumedUnderItsOwnName(String version) throws Exception {
        fixture.start();
        Client client = fixture.client();
        byte[] first = session(client, "shop.customer.test", version);

        byte[] second = session(client, "shop.customer.test", version);

        // TLS 1.3 has no session id of its own: the JDK keeps the creation time of what it resumes.
        assertThat(second).isEqualTo(first);
    }

    private static byte[] session(Client client, String name, String version) throws Exception {
        try (SSLSocket socket = client.connect(name, version, "http/1.1")) {
            Client.get(socket, name);
            long created = socket.getSession().getCreationTime();
            byte[] id = version.equals("TLSv1.2") ? socket.getSession().getId() : new byte[0];
            byte[] both = Arrays.copyOf(id, id.length + Long.BYTES);
            java.nio.ByteBuffer.wrap(both, id.length, Long.BYTES).putLong(created);
            return both;
        }
    }
}
