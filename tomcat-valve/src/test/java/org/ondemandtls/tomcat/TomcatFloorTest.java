package org.ondemandtls.tomcat;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.StartException;

/** {@link TomcatFloor}: which Tomcats are too old. */
class TomcatFloorTest {

    @ParameterizedTest
    @ValueSource(strings = {"9.0.99.0", "10.0.27.0", "10.1.18.0"})
    void anOlderOneIsRefusedByName(String version) {
        assertThatThrownBy(() -> TomcatFloor.require(version))
                .isInstanceOf(StartException.class)
                .hasMessageContaining(version)
                .hasMessageContaining("10.1.19")
                .hasMessageContaining("11.0.0");
    }

    @ParameterizedTest
    @ValueSource(strings = {"10.1.19.0", "10.1.59.0", "11.0.0.0", "11.0.24.0", "11.0.0-M1", "12.0.0", "unknown"})
    void anyOtherPasses(String version) {
        assertThatCode(() -> TomcatFloor.require(version)).doesNotThrowAnyException();
    }

    @ParameterizedTest
    @ValueSource(strings = {"10.1.19.0", "10.1.54.0", "11.0.0.0", "11.0.21.0"})
    void oneThatLosesMemoryByOpenSslIsRefusedByTheKey(String version) {
        assertThatThrownBy(() -> TomcatFloor.requireForOpenSsl(version))
                .isInstanceOf(StartException.class)
                .hasMessageStartingWith("onDemandTls.tls.provider: \"openssl\" cannot be used: Tomcat " + version)
                .hasMessageContaining("10.1.55")
                .hasMessageContaining("11.0.22");
    }

    @ParameterizedTest
    @ValueSource(strings = {"10.1.55.0", "11.0.22.0", "11.1.0.0", "12.0.0", "unknown"})
    void anyOtherTakesOpenSsl(String version) {
        assertThatCode(() -> TomcatFloor.requireForOpenSsl(version)).doesNotThrowAnyException();
    }
}
