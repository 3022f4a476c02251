package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.ondemandtls.event.Figure;
import org.ondemandtls.event.Figures;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.ManualTime;

/** {@link Steps}: what is done counts, what failed does not. */
class StepsTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");

    private final ManualTime time = new ManualTime();
    private final Figures figures = new Figures();
    private final Steps steps = new Steps("https://ca.example/directory", figures, time::nanoTime);

    @Test
    void aStepThatIsDoneIsTimed() {
        try (Steps.Running placing = steps.begin(Steps.Step.PLACE, SHOP)) {
            time.advance(Duration.ofSeconds(3));
            placing.done();
        }

        assertThat(figures.series()).singleElement().satisfies(series -> {
            assertThat(series.figure()).isEqualTo(Figure.STEP);
            assertThat(series.values()).isEqualTo(List.of("https://ca.example/directory", "place"));
            assertThat(series.seconds()).isEqualTo(3);
        });
    }

    @Test
    void aStepThatFailedOrSaysNothingOfTheNextOneIsNotTimed() {
        steps.begin(Steps.Step.VALIDATE, SHOP).close();
        try (Steps.Running finalizing = steps.begin(Steps.Step.FINALIZE, SHOP)) {
            finalizing.doneUncounted();
        }

        assertThat(figures.series()).isEmpty();
    }
}
