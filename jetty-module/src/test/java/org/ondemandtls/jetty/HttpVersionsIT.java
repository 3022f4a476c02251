package org.ondemandtls.jetty;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.ondemandtls.testing.Curl;
import org.ondemandtls.testing.OpenSsl;

/** What an application behind the gate receives and sends, by every version of HTTP, from the first visit on. */
class HttpVersionsIT {

    private static final int OCTETS = 3 * 1024 * 1024;

    @TempDir
    Path directory;

    private ServerFixture fixture;

    @BeforeEach
    void start() throws Exception {
        fixture = new ServerFixture(directory);
        fixture.server.setHandler(new Handler.Abstract() {
            @Override
            public boolean handle(Request request, Response response, Callback callback) {
                fixture.requests.incrementAndGet();
                response.getHeaders().put("Seen-Host", Request.getServerName(request));
                response.getHeaders().put("Seen-Secure", Boolean.toString(request.isSecure()));
                Content.copy(request, response, callback);
                return true;
            }
        });
        fixture.start();
    }

    @AfterEach
    void stop() throws Exception {
        fixture.close();
    }

    @ParameterizedTest
    @CsvSource({"--http2, 2", "--http1.1, 1.1"})
    void largeContentGoesBothWaysUnchangedOnTheFirstVisitAndTheNext(String option, String version) throws Exception {
        byte[] content = new byte[OCTETS];
        new Random(OCTETS).nextBytes(content);
        Path sent = Files.write(directory.resolve("sent"), content);
        for (String visit : new String[] {"first", "second"}) {
            Path received = directory.resolve(visit);

            Curl.Visit answer = Curl.trusting(fixture.root())
                    .with(option, "--data-binary", "@" + sent, "--output", received.toString(), "--dump-header", "-")
                    .get("shop.customer.test", fixture.secure.getLocalPort(), "/echo");

            assertThat(answer.status()).as(answer.command().stderr()).isEqualTo(200);
            assertThat(answer.httpVersion()).isEqualTo(version);
            assertThat(answer.body().toLowerCase(java.util.Locale.ROOT))
                    .contains("seen-host: shop.customer.test", "seen-secure: true");
            assertThat(received).hasBinaryContent(content);
        }
        assertThat(fixture.requests).hasValue(2);
        assertThat(fixture.ask.questions()).hasSize(1);
    }

    @Test
    void theOctetsAClientSendsRightBehindItsHandshakeArriveByTls12AsWell() {
        for (String version : new String[] {"-tls1_2", "-tls1_3"}) {
            var answer = OpenSsl.get(fixture.secure.getLocalPort(), "shop.customer.test", fixture.root(), version);

            assertThat(answer.verified()).as(version).isTrue();
            assertThat(answer.command().stdout()).as(version).contains("HTTP/1.1 200 ");
        }
    }
}
