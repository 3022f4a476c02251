package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.ondemandtls.testing.AskEndpoint;
import org.ondemandtls.testing.TlsProbe;

/** A crowd of strangers at every real server almost with its defaults: what is asked, written and logged for them. */
@Tag("once")
@ParameterizedClass
@MethodSource("org.ondemandtls.distribution.ServerLine#tried")
class FloodIT {

    private static final int NAMES = 200;

    @Parameter
    private ServerLine line;

    @TempDir
    private Path directory;

    private AskEndpoint ask;
    private ServerProcess server;

    @BeforeEach
    void start() throws IOException {
        ask = AskEndpoint.granting("known.customer.example");
        server = line.layOut(directory.resolve("base"))
                .property("onDemandTls.issuer", "internal")
                .property("onDemandTls.permission.ask", ask.uri().toString())
                .property("onDemandTls.permission.askTimeout", "20s");
        server.start();
    }

    @AfterEach
    void stop() {
        server.close();
        ask.close();
    }

    @Test
    void strangersNamesAreAskedForOnceLoggedInPartAndLeaveNoFile() throws IOException {
        TlsProbe client = TlsProbe.trustingAnything();
        assertThat(client.handshake(server.tlsPort(), "known.customer.example").failure())
                .isEmpty();
        long files = files();

        long begin = System.nanoTime();
        for (int round = 0; round < 2; round++) {
            assertThat(IntStream.range(0, NAMES)
                            .mapToObj(i -> client.handshake(server.tlsPort(), "stranger" + i + ".example")))
                    .allSatisfy(outcome -> assertThat(outcome.alert()).contains("unrecognized_name"));
        }

        assertThat(ask.questions()).hasSize(NAMES + 1);
        assertThat(files()).isEqualTo(files);
        // Twenty in ten seconds of each kind; the rest is counted.
        int tens = (int) (TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begin) / 10);
        assertThat(server.log().lines().filter(logged -> logged.contains("name=stranger")))
                .hasSizeBetween(20, 20 * (7 + tens));
        assertThat(client.handshake(server.tlsPort(), "known.customer.example").failure())
                .isEmpty();
    }

    private long files() throws IOException {
        try (Stream<Path> all = Files.walk(server.base().resolve("ondemand-tls"))) {
            return all.filter(Files::isRegularFile).count();
        }
    }
}
