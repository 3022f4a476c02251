package org.ondemandtls.handshake;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@link HelloReading}: as large a ClientHello as the JVM's engines take, within bounds of ours. */
class HelloReadingTest {

    @ParameterizedTest
    @CsvSource({
        ", 32772",
        "32768, 32772",
        "50000, 50004",
        "65536, 65540",
        "65537, 65540",
        "2147483647, 65540",
        "16384, 16388",
        "16383, 16388",
        "0, 16388",
        "-1, 16388"
    })
    void readsWhatTheJvmTakes(Integer ofJvm, int most) {
        assertThat(HelloReading.most(ofJvm)).isEqualTo(most);
    }
}
