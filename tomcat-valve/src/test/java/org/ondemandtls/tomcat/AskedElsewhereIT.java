package org.ondemandtls.tomcat;

import static org.assertj.core.api.Assertions.assertThat;

import jakarta.servlet.ServletException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.apache.catalina.Pipeline;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ValveBase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Requests for which other servers are asked: each ends, whatever is thrown. */
class AskedElsewhereIT {

    private static final String REQUEST =
            "GET /.well-known/acme-challenge/token HTTP/1.1\r\nHost: shop.customer.test\r\nConnection: close\r\n\r\n";

    @TempDir
    private Path directory;

    private TomcatFixture fixture;
    private Supplier<Throwable> thrown = () -> null;
    private Optional<String> found = Optional.empty();

    @BeforeEach
    void start() throws Exception {
        fixture = new TomcatFixture(directory);
        Pipeline pipeline = fixture.tomcat.getEngine().getPipeline();
        pipeline.addValve(new AcmeChallengeValve() {
            @Override
            CompletableFuture<Optional<String>> elsewhere(Request request) {
                return CompletableFuture.completedFuture(found);
            }
        });
        pipeline.addValve(new ValveBase(true) {
            @Override
            public void invoke(Request request, Response response) throws IOException, ServletException {
                Throwable now = thrown.get();
                if (now instanceof Error error) {
                    throw error;
                } else if (now instanceof RuntimeException defect) {
                    throw defect;
                }
                getNext().invoke(request, response);
            }
        });
        fixture.launch();
    }

    @AfterEach
    void stop() throws Exception {
        fixture.close();
    }

    @Test
    void aProofOfAnotherServersIsTheAnswer() throws Exception {
        found = Optional.of("token.thumbprint");

        assertThat(fixture.plain(REQUEST)).startsWith("HTTP/1.1 200 ").endsWith("token.thumbprint");
    }

    @Test
    void whatNobodyShowsGoesOnToTheApplication() throws Exception {
        assertThat(fixture.plain(REQUEST)).startsWith("HTTP/1.1 200 ").contains("hello from");
    }

    @Test
    void whatIsThrownIsNotAnsweredAsIfAllWereWell() throws Exception {
        thrown = () -> new IllegalStateException("a defect of the application");
        assertThat(fixture.plain(REQUEST)).startsWith("HTTP/1.1 500 ");

        thrown = () -> new AssertionError("an error of the application");
        assertThat(fixture.plain(REQUEST)).startsWith("HTTP/1.1 500 ");
    }
}
