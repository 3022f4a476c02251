package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.ondemandtls.testing.CaShapes;
import org.ondemandtls.testing.CaShapes.Shape;
import org.ondemandtls.testing.Curl;
import org.ondemandtls.testing.FaultyAcmeProxy;
import org.ondemandtls.testing.Pebble;

/** First visits by curl to real servers whose CA answers in each of the shapes of {@link CaShapes}. */
class CaShapesOnServersIT {

    /** Every so many of the shapes are the sample of the normal run. */
    private static final int SAMPLE = 11;

    @TempDir
    private Path directory;

    private ServerProcess server;

    @AfterEach
    void stop() {
        if (server != null) {
            server.close();
        }
    }

    private static List<Shape> all() {
        List<Shape> all = new ArrayList<>(CaShapes.passing());
        all.addAll(CaShapes.lasting());
        return all;
    }

    private void aFirstVisitSurvives(ServerLine line, List<Shape> shapes) throws Exception {
        server = line.layOut(directory.resolve("base")).property("onDemandTls.permission.names", "*.customer.example");
        try (Pebble pebble = Pebble.options().tlsPort(server.tlsPort()).start(directory.resolve("pebble"));
                FaultyAcmeProxy proxy =
                        new FaultyAcmeProxy(pebble.directory(), pebble.trustedRoots(), directory.resolve("proxy"))) {
            server.property("onDemandTls.acme.directory", proxy.directory().toString())
                    .property(
                            "onDemandTls.acme.trustedRoots",
                            proxy.trustedRoots().toString())
                    .start();
            Curl curl = Curl.trusting(pebble.issuerRoot());
            List<String> failed = new ArrayList<>();
            for (int i = 0; i < shapes.size(); i++) {
                long before = orders(proxy);
                shapes.get(i).in(proxy);

                Curl.Visit visit = curl.get("shape" + i + ".customer.example", server.tlsPort(), "/");

                proxy.heal();
                long orders = orders(proxy) - before;
                if (visit.exitCode() != 0 || orders > 2) {
                    failed.add(
                            shapes.get(i) + ": curl ended with " + visit.exitCode() + " after " + orders + " orders");
                }
            }
            assertThat(failed).as(server.log()).isEmpty();
        }
    }

    private static long orders(FaultyAcmeProxy proxy) {
        return proxy.requests().stream()
                .filter(request -> request.path().contains(CaShapes.NEW_ORDER))
                .count();
    }

    @ParameterizedTest
    @MethodSource("org.ondemandtls.distribution.ServerLine#tried")
    @Tag("once")
    void aSampleOfTheShapesIsSurvivedByFirstVisits(ServerLine line) throws Exception {
        List<Shape> all = all();
        aFirstVisitSurvives(
                line,
                IntStream.range(0, all.size())
                        .filter(i -> i % SAMPLE == 0)
                        .mapToObj(all::get)
                        .toList());
    }

    @ParameterizedTest
    @MethodSource("org.ondemandtls.distribution.ServerLine#tried")
    @Tag("long")
    void everyShapeIsSurvivedByFirstVisits(ServerLine line) throws Exception {
        aFirstVisitSurvives(line, all());
    }
}
