package org.ondemandtls.spring;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** {@link Issuing}. */
class IssuingTest {

    private final Map<String, Object> details = Map.of("issuer", "internal");

    @Test
    void isUpWhileNothingFails() {
        assertThat(Issuing.of(Map.of(), details)).isEqualTo(new Issuing("UP", details));
    }

    @Test
    void isDegradedWhileTheCaFailsBecauseNamesGoOnBeingServed() {
        Issuing issuing = Issuing.of(Map.of("the CA", "no connection"), details);

        assertThat(issuing.status()).isEqualTo("DEGRADED");
        assertThat(issuing.details())
                .containsEntry("issuer", "internal")
                .containsEntry("failing", Map.of("the CA", "no connection"));
    }

    @Test
    void isDownWhereNothingRuns() {
        assertThat(Issuing.of(Optional.empty()).status()).isEqualTo("DOWN");
    }
}
