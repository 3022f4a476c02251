package org.ondemandtls.issuance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.DirectExecutor;
import org.ondemandtls.testing.IssuanceFixture;

/** {@link Issuance} under a recording: permission and the order, each with what came of it. */
class RecordedFlightTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");

    @Test
    void aVisitIsRecordedWithTheAnswerOfPermissionAndTheEndOfItsOrder(@TempDir Path directory) throws Exception {
        Path file = directory.resolve("visit.jfr");
        try (IssuanceFixture house = new IssuanceFixture(directory, true);
                Recording recording = new Recording()) {
            Issuance issuance = house.issuance(new DirectExecutor(), new DirectExecutor());
            List.of("Order", "Permission")
                    .forEach(name -> recording.enable("org.ondemandtls." + name).withoutThreshold());
            recording.start();
            issuance.obtain(SHOP, ClientBlock.LOCAL).join();
            recording.stop();
            recording.dump(file);
        }

        assertThat(one(file, "Permission").getString("answer")).isEqualTo("granted");
        assertThat(one(file, "Order").getString("result")).isEqualTo("obtained");
        assertThat(one(file, "Order").getString("purpose")).isEqualTo("obtain");
    }

    private static RecordedEvent one(Path file, String kind) throws Exception {
        return RecordingFile.readAllEvents(file).stream()
                .filter(event -> event.getEventType().getName().equals("org.ondemandtls." + kind))
                .filter(event -> event.getString("serverName").equals(SHOP.value()))
                .findFirst()
                .orElseThrow();
    }
}
