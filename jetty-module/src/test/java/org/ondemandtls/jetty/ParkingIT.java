package org.ondemandtls.jetty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.eclipse.jetty.server.ConnectionLimit;
import org.eclipse.jetty.server.NetworkConnectionLimit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.handshake.ParkingLot;
import org.ondemandtls.testing.ParkingContract;
import org.ondemandtls.testing.TlsProbe;

class ParkingIT extends ParkingContract<ServerFixture> {

    @Override
    protected ServerFixture fixture(Path directory) throws IOException {
        return new ServerFixture(directory);
    }

    @ParameterizedTest
    @SuppressWarnings("removal")
    @ValueSource(booleans = {false, true})
    void aHalfOfTheConnectionsThatAreTakenMayWaitSoThatKnownNamesAreServedMeanwhile(boolean module) throws Exception {
        // The first is what the module connection-limit makes.
        fixture.server.addBean(
                module ? new ConnectionLimit(8, fixture.server) : new NetworkConnectionLimit(8, fixture.server));
        fixture.launch();
        fixture.visit("known.customer.test");
        List<CompletableFuture<String>> visits = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            visits.add(visit("slow" + i + ".customer.test"));
        }
        await().atMost(Duration.ofMinutes(2)).until(() -> fixture.parked() == 4 && fixture.busyThreads() == 0);

        var fifth = TlsProbe.trustingAnything().handshake(fixture.port(), "slow4.customer.test");
        String known = fixture.visit("known.customer.test");

        assertThat(fifth.alert()).contains("internal_error");
        assertThat(fixture.engine().status().getOverflows()).containsEntry(ParkingLot.CONNECTOR, 1L);
        assertThat(fixture.engine().status().getParkedLimit()).isEqualTo(4);
        assertThat(known).startsWith("HTTP/1.1 200 ");
        fixture.slowAnswers.countDown();
        for (CompletableFuture<String> visit : visits) {
            assertThat(visit.get(2, TimeUnit.MINUTES)).startsWith("HTTP/1.1 200 ");
        }
    }
}
