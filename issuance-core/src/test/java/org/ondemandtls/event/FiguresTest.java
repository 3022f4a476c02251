package org.ondemandtls.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** {@link Figures}: counts and times by bounded labels. */
class FiguresTest {

    private final Figures figures = new Figures();

    @Test
    void aCountHasOneSeriesForEachCombinationOfLabels() {
        figures.count(Figure.SERVED, "known");
        figures.count(Figure.SERVED, "known");
        figures.count(Figure.SERVED, "first");

        assertThat(figures.series())
                .containsExactly(
                        new Figures.Series(Figure.SERVED, List.of("first"), 1, 0, List.of()),
                        new Figures.Series(Figure.SERVED, List.of("known"), 2, 0, List.of()));
    }

    @Test
    void aTimeIsInTheFirstBucketItFitsAndInAllBehindIt() {
        Duration first = Figures.BUCKETS.get(0);
        figures.time(Figure.PERMISSION, first.toNanos(), "granted");
        figures.time(Figure.PERMISSION, first.toNanos() + 1, "granted");
        figures.time(Figure.PERMISSION, Duration.ofHours(1).toNanos(), "granted");

        Figures.Series series = figures.series().get(0);

        assertThat(series.count()).isEqualTo(3);
        assertThat(series.buckets().get(0)).isEqualTo(1);
        assertThat(series.buckets().get(1)).isEqualTo(2);
        assertThat(series.buckets().get(Figures.BUCKETS.size() - 1)).isEqualTo(2);
        assertThat(series.seconds()).isGreaterThan(3600);
    }

    @Test
    void whatIsBeyondTheMostSeriesIsCountedAsOther() {
        for (int at = 0; at < Figures.MOST_SERIES + 50; at++) {
            figures.count(Figure.REFUSED, "reason-" + at);
        }

        assertThat(figures.series()).hasSize(Figures.MOST_SERIES + 1);
        assertThat(figures.series())
                .filteredOn(series -> series.values().equals(List.of("other")))
                .singleElement()
                .extracting(Figures.Series::count)
                .isEqualTo(50L);
    }

    @Test
    void anObserverSeesNoMoreSeriesThanThereAre() {
        Set<List<String>> counted = new HashSet<>();
        Set<List<String>> timed = new HashSet<>();
        figures.observe(new Figures.Observer() {
            @Override
            public void counted(Figure figure, List<String> values) {
                counted.add(values);
            }

            @Override
            public void timed(Figure figure, long nanos, List<String> values) {
                timed.add(values);
            }
        });

        for (int at = 0; at < Figures.MOST_SERIES + 50; at++) {
            figures.count(Figure.REFUSED, "reason-" + at);
            figures.time(Figure.STEP, 1, "ca-" + at, "place");
        }

        assertThat(counted).hasSize(Figures.MOST_SERIES + 1).contains(List.of("other"));
        assertThat(timed).hasSize(Figures.MOST_SERIES + 1).contains(List.of("other", "other"));
    }

    @Test
    void aFigureIsGivenAValueForEachOfItsLabels() {
        assertThatThrownBy(() -> figures.count(Figure.SERVED)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void anObserverIsToldUntilHeIsForgotten() {
        List<String> told = new ArrayList<>();
        Figures.Observer observer = new Figures.Observer() {
            @Override
            public void counted(Figure figure, List<String> values) {
                told.add(figure + " " + values);
            }

            @Override
            public void timed(Figure figure, long nanos, List<String> values) {
                told.add(figure + " " + nanos + " " + values);
            }
        };
        figures.observe(observer);
        figures.count(Figure.SERVED, "first");
        figures.time(Figure.STORE, 5, "find", "done");
        figures.forget(observer);
        figures.count(Figure.SERVED, "first");

        assertThat(told).containsExactly("SERVED [first]", "STORE 5 [find, done]");
    }
}
