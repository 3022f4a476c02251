package org.ondemandtls.handshake;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** {@link Alert}: what a refused peer reads. */
class AlertTest {

    @ParameterizedTest
    @CsvSource({"DECODE_ERROR, 50", "INTERNAL_ERROR, 80", "UNRECOGNIZED_NAME, 112", "NO_APPLICATION_PROTOCOL, 120"})
    void hasTheNumberOfTheRfc(Alert alert, int code) {
        assertThat(alert.code()).isEqualTo(code);
    }

    @ParameterizedTest
    @EnumSource
    void isOneFatalRecord(Alert alert) {
        ByteBuffer record = alert.record();

        byte[] octets = new byte[record.remaining()];
        record.get(octets);
        assertThat(octets).containsExactly(21, 3, 3, 0, 2, 2, alert.code());
    }

    @Test
    void canBeSentToManyPeers() {
        Alert.INTERNAL_ERROR.record().get();

        assertThat(Alert.INTERNAL_ERROR.record().remaining()).isEqualTo(7);
    }
}
