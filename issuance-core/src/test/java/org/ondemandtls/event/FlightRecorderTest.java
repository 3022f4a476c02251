package org.ondemandtls.event;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.name.ServerName;

/** {@link FlightRecorder}: a recording explains a visit. */
class FlightRecorderTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");

    @TempDir
    private Path directory;

    @Test
    void aRecordingHasOrdersPermissionTheStoreRefusalsAndSteps() throws Exception {
        Events events = new Events(event -> {}, () -> 0);
        Path file = directory.resolve("visit.jfr");
        try (Recording recording = new Recording()) {
            List.of("Order", "OrderStep", "Preflight", "Permission", "Store", "Refusal", "Step")
                    .forEach(name -> recording.enable("org.ondemandtls." + name).withoutThreshold());
            recording.start();
            FlightRecorder.order(SHOP, "internal", "obtain").end("obtained");
            FlightRecorder.orderStep(SHOP, "internal", "validate").end("failed");
            FlightRecorder.preflight(SHOP, "dns").end("nothing_found");
            FlightRecorder.permission(SHOP).end("granted");
            FlightRecorder.store("find").end("done");
            FlightRecorder.refusal("not_permitted");
            events.publish(EventKind.CHALLENGE, SHOP, "a proof is on display");
            events.publish(EventKind.STARTED, "started");
            recording.stop();
            recording.dump(file);
        }

        List<RecordedEvent> recorded = RecordingFile.readAllEvents(file);

        assertThat(one(recorded, "Order").getString("result")).isEqualTo("obtained");
        assertThat(one(recorded, "Order").getString("serverName")).isEqualTo("shop.example.com");
        assertThat(one(recorded, "OrderStep").getString("serverName")).isEqualTo("shop.example.com");
        assertThat(one(recorded, "OrderStep").getString("ca")).isEqualTo("internal");
        assertThat(one(recorded, "OrderStep").getString("step")).isEqualTo("validate");
        assertThat(one(recorded, "OrderStep").getString("result")).isEqualTo("failed");
        assertThat(one(recorded, "Preflight").getString("serverName")).isEqualTo("shop.example.com");
        assertThat(one(recorded, "Preflight").getString("look")).isEqualTo("dns");
        assertThat(one(recorded, "Preflight").getString("result")).isEqualTo("nothing_found");
        assertThat(one(recorded, "Permission").getString("answer")).isEqualTo("granted");
        assertThat(one(recorded, "Store").getString("operation")).isEqualTo("find");
        assertThat(one(recorded, "Refusal").getString("reason")).isEqualTo("not_permitted");
        assertThat(one(recorded, "Step").getString("text")).isEqualTo("a proof is on display");
    }

    private static RecordedEvent one(List<RecordedEvent> recorded, String name) {
        return recorded.stream()
                .filter(event -> event.getEventType().getName().equals("org.ondemandtls." + name))
                .findFirst()
                .orElseThrow();
    }
}
