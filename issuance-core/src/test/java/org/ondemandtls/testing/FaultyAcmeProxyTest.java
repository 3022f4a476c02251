package org.ondemandtls.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@link FaultyAcmeProxy}: what passes it together, and what alone. */
class FaultyAcmeProxyTest {

    private static final String NEW_ORDER = "/order-plz";

    @TempDir
    private Path directory;

    private FaultyAcmeProxy ca() throws Exception {
        LoopbackCertificate nobody = LoopbackCertificate.create(directory);
        return new FaultyAcmeProxy(
                URI.create("https://localhost:1/dir"), nobody.certificate(), directory.resolve("ca"));
    }

    private static FaultyAcmeProxy.Answer empty() {
        return new FaultyAcmeProxy.Answer(200, Map.of(), new byte[0]);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aNewOrderIsInsideTheCaWithoutAnyOtherSignedRequest(boolean keeping) throws Exception {
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger inCompany = new AtomicInteger();
        ExecutorService clients = Executors.newFixedThreadPool(6);
        try (FaultyAcmeProxy ca = ca();
                FaultyAcmeProxy proxy =
                        new FaultyAcmeProxy(ca.directory(), ca.trustedRoots(), directory.resolve("proxy"))) {
            ca.when(request -> true, (request, nobody) -> {
                int others = inside.getAndIncrement();
                Thread.yield();
                if (request.path().equals(NEW_ORDER) && (others > 0 || inside.get() > 1)) {
                    inCompany.incrementAndGet();
                }
                inside.decrementAndGet();
                return empty();
            });
            if (keeping) {
                proxy.keepingConnections();
            }
            List<Future<Integer>> asked = new ArrayList<>();
            for (int request = 0; request < 60; request++) {
                String path = request % 3 == 0 ? NEW_ORDER : "/authZ/" + request;
                asked.add(clients.submit(() -> post(proxy, path)));
            }
            for (Future<Integer> answer : asked) {
                assertThat(answer.get()).isEqualTo(200);
            }

            assertThat(inCompany).hasValue(0);
            assertThat(ca.requests()).hasSize(60);
        } finally {
            clients.shutdownNow();
        }
    }

    @Test
    void aConnectionThatTheCaHasEndedMeanwhileIsNoObstacle() throws Exception {
        try (FaultyAcmeProxy ca = ca();
                FaultyAcmeProxy proxy = new FaultyAcmeProxy(
                                ca.directory(), ca.trustedRoots(), directory.resolve("proxy"))
                        .keepingConnections()) {
            ca.when(
                    request -> true,
                    (request, nobody) ->
                            new FaultyAcmeProxy.Answer(200, Map.of(), "whole".getBytes(StandardCharsets.UTF_8)));
            assertThat(post(proxy, "/authZ/1")).isEqualTo(200);
            ca.first(1, request -> true, FaultyAcmeProxy.reset());

            assertThat(post(proxy, "/authZ/2")).isEqualTo(200);
            assertThat(ca.requests()).hasSize(3);
        }
    }

    private static int post(FaultyAcmeProxy proxy, String path) throws Exception {
        HttpClient client = HttpClient.newBuilder()
                .sslContext(LoopbackCertificate.trusting(proxy.trustedRoots()))
                .version(HttpClient.Version.HTTP_1_1)
                .build();
        return client.send(
                        HttpRequest.newBuilder(proxy.directory().resolve(path))
                                .POST(HttpRequest.BodyPublishers.ofString("{}"))
                                .build(),
                        BodyHandlers.discarding())
                .statusCode();
    }
}
