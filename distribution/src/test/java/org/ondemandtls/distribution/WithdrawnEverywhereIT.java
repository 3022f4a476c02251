package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.testing.AskEndpoint;
import org.ondemandtls.testing.Database;
import org.ondemandtls.testing.TlsProbe;

/** A name that an operator takes away on one of three servers on one database, over JMX. */
@Tag("once")
class WithdrawnEverywhereIT {

    private static final String NAME = "shop.customer.example";
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    @TempDir
    private Path directory;

    private final AskEndpoint ask = AskEndpoint.granting("*.customer.example");
    private final List<ServerProcess> servers = new ArrayList<>();

    @AfterEach
    void stop() {
        servers.forEach(ServerProcess::close);
        ask.close();
    }

    private static boolean isServed(ServerProcess server) {
        return TlsProbe.trustingAnything()
                .handshake(server.tlsPort(), NAME)
                .failure()
                .isEmpty();
    }

    private void whatHappenedOnOneIsToldByAnother() throws Exception {
        TlsProbe.trustingAnything().handshake(servers.get(0).tlsPort(), "stranger.example");
        try (var connector = servers.get(2).management()) {
            var engine = ServerProcess.engine(connector);
            Awaitility.await()
                    .atMost(PATIENCE)
                    .until(() -> engine.lookUp("stranger.example").contains("\"kind\":\"denied\""));
            assertThat(engine.server()).containsPattern("\"members\":\\[\"[^\"]+\",\"[^\"]+\",\"[^\"]+\"\\]");
        }
    }

    @Test
    void isRefusedByAllOfThemUntilItIsObtainedAgain() throws Exception {
        try (Database database = Database.start(Database.Kind.POSTGRESQL)) {
            String store = database.fresh();
            for (ServerLine line : List.of(ServerLine.JETTY_12_1, ServerLine.TOMCAT_11, ServerLine.JETTY_12_1)) {
                ServerProcess server = line.layOut(directory.resolve("base" + servers.size()));
                servers.add(server.withDriver(org.postgresql.Driver.class)
                        .property("onDemandTls.store", store)
                        .property("onDemandTls.issuer", "internal")
                        .property("onDemandTls.permission.ask", ask.uri().toString())
                        .property("onDemandTls.permission.askTimeout", "20s")
                        .managed());
                server.start();
            }
            servers.forEach(server -> Awaitility.await().atMost(PATIENCE).until(() -> isServed(server)));
            whatHappenedOnOneIsToldByAnother();
            try (var connector = servers.get(1).management()) {
                var engine = ServerProcess.engine(connector);

                assertThat(engine.withdraw(NAME)).startsWith(NAME + " is withdrawn");

                servers.forEach(server -> Awaitility.await().atMost(PATIENCE).until(() -> !isServed(server)));
                assertThat(servers).noneMatch(WithdrawnEverywhereIT::isServed);
                assertThat(engine.lookUp(NAME)).contains("\"state\":\"withdrawn\"");

                assertThat(engine.obtain(NAME)).startsWith(NAME);
                servers.forEach(server -> Awaitility.await().atMost(PATIENCE).until(() -> isServed(server)));
            }
        }
    }
}
