package org.ondemandtls.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@link Pebble}: the CA of the tests starts, answers, stops and comes back on the same ports. */
@Tag("once")
class PebbleIT {

    @TempDir
    private Path directory;

    @Test
    void itsDirectoryIsReachedWithItsOwnRootsAndOffersTheProfilesAskedFor() throws Exception {
        try (var pebble =
                Pebble.options().profile("brief", Duration.ofSeconds(120)).start(directory)) {
            String body = read(pebble.directory(), pebble.trustedRoots());

            assertThat(body).contains("newOrder", "\"brief\"");
            assertThat(Files.readString(pebble.issuerRoot())).startsWith("-----BEGIN CERTIFICATE-----");
            assertThat(pebble.requests()).containsExactly("GET /dir");
            assertThat(pebble.orders()).isZero();
        }
    }

    @Test
    void stoppedItRefusesConnectionsAndStartedAgainItAnswersAtTheSameAddressWithAnotherRoot() throws Exception {
        try (var pebble = Pebble.options().start(directory)) {
            String before = Files.readString(pebble.issuerRoot());

            pebble.stop();
            assertThatThrownBy(() -> read(pebble.directory(), pebble.trustedRoots()))
                    .isInstanceOf(java.net.ConnectException.class);

            pebble.start();
            assertThat(read(pebble.directory(), pebble.trustedRoots())).contains("newOrder");
            assertThat(Files.readString(pebble.issuerRoot())).isNotEqualTo(before);
        }
    }

    @Test
    void whatFailsWhileItStandsStillIsTriedAgainWithAFreshOne() throws Exception {
        try (var pebble = Pebble.options().start(directory)) {
            String before = Files.readString(pebble.issuerRoot());
            List<Integer> attempts = new ArrayList<>();

            pebble.unlessItStandsStill(number -> {
                attempts.add(number);
                if (number == 1) {
                    pebble.freeze();
                    throw new AssertionError("no answer");
                }
            });

            assertThat(attempts).containsExactly(1, 2);
            assertThat(Files.readString(pebble.issuerRoot())).isNotEqualTo(before);
        }
    }

    private static String read(URI uri, Path roots) throws Exception {
        var client = HttpClient.newBuilder()
                .sslContext(LoopbackCertificate.trusting(roots))
                .build();
        return client.send(
                        HttpRequest.newBuilder(uri)
                                .timeout(Duration.ofSeconds(10))
                                .build(),
                        BodyHandlers.ofString())
                .body();
    }
}
