package org.ondemandtls.jetty;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.StartException;

/** {@link JettyFloor}: the oldest of each line. */
class JettyFloorTest {

    @ParameterizedTest
    @ValueSource(strings = {"12.0.28", "12.1.9", "12.0.9-SNAPSHOT", "11.0.24", "9.4.57.v20241219"})
    void anOlderJettyIsRefusedByName(String version) {
        assertThatThrownBy(() -> JettyFloor.require(version))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("Jetty " + version)
                .hasMessageContaining("12.0.29")
                .hasMessageContaining("12.1.10");
    }

    @ParameterizedTest
    @ValueSource(strings = {"12.0.29", "12.0.40", "12.1.10", "12.1.10-SNAPSHOT", "12.2.0", "13.0.0", "unknown"})
    void anythingElseMayTry(String version) {
        assertThatCode(() -> JettyFloor.require(version)).doesNotThrowAnyException();
    }
}
