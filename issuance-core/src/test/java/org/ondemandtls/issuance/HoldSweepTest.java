package org.ondemandtls.issuance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.Hold;
import org.ondemandtls.testing.Except;
import org.ondemandtls.testing.IssuanceFixture;
import org.ondemandtls.testing.ManualTime;

/** {@link HoldSweep}: what is long over goes, by a clock that has been right for a day. */
class HoldSweepTest {

    @TempDir
    private Path directory;

    private IssuanceFixture house;
    private ManualTime time;
    private HoldSweep sweep;

    @BeforeEach
    void open() throws Exception {
        house = new IssuanceFixture(directory);
        time = house.time();
        sweep = sweep();
    }

    @AfterEach
    void close() {
        house.close();
    }

    private HoldSweep sweep() {
        return new HoldSweep(house.store(), house.watch(), time.clock(), time::nanoTime);
    }

    private void hold(Scope scope, Duration left) throws Exception {
        house.store().keepHold(hold(scope, left, house));
    }

    private static Scope name(String name) {
        return new Scope.Name(ServerName.parse(name));
    }

    private boolean isThere(Scope scope) throws Exception {
        return house.store().hold(scope).isPresent();
    }

    @Test
    void dropsWhatHasBeenOverForTwoDaysAndNothingElse() throws Exception {
        hold(name("old.example"), HoldSweep.EVERY.minus(HoldSweep.KEPT_AFTER).minusSeconds(1));
        hold(name("young.example"), HoldSweep.EVERY.minus(HoldSweep.KEPT_AFTER));
        hold(new Scope.Account("now"), Duration.ofDays(30));

        time.advance(HoldSweep.EVERY);
        sweep.sweepIfDue();

        assertThat(isThere(name("old.example"))).isFalse();
        assertThat(isThere(name("young.example"))).isTrue();
        assertThat(isThere(new Scope.Account("now"))).isTrue();
    }

    @Test
    void waitsADayFromTheStartAndADayBetweenSweeps() throws Exception {
        hold(name("a.example"), Duration.ofDays(-30));
        time.advance(HoldSweep.EVERY.minusNanos(1));
        sweep.sweepIfDue();
        assertThat(isThere(name("a.example"))).isTrue();
        time.advance(Duration.ofNanos(1));
        sweep.sweepIfDue();
        assertThat(isThere(name("a.example"))).isFalse();

        hold(name("b.example"), Duration.ofDays(-30));
        time.advance(HoldSweep.EVERY.minusNanos(1));
        sweep.sweepIfDue();

        assertThat(isThere(name("b.example"))).isTrue();
    }

    @Test
    void dropsNothingByAClockThatIsNotTrusted() throws Exception {
        hold(name("a.example"), Duration.ofDays(-30));
        time.advance(HoldSweep.EVERY);
        time.jump(Duration.ofDays(90));

        sweep.sweepIfDue();

        assertThat(isThere(name("a.example"))).isTrue();
        time.jump(Duration.ofDays(-90));
        sweep.sweepIfDue();
        assertThat(isThere(name("a.example"))).isFalse();
    }

    @Test
    void dropsNothingForADayUnderAClockThatIsWrongFromTheStartOn() throws Exception {
        hold(new Scope.Account("now"), Duration.ofHours(30));
        time.jump(Duration.ofDays(90));
        house.restartWatch();
        sweep = sweep();
        time.advance(Duration.ofHours(23));

        sweep.sweepIfDue();
        time.jump(Duration.ofDays(-90));
        time.advance(Duration.ofHours(2));
        sweep.sweepIfDue();

        assertThat(isThere(new Scope.Account("now"))).isTrue();
    }

    @Test
    void tellsWhetherItSwept() throws Exception {
        assertThat(sweep.sweepIfDue()).isFalse();
        time.advance(HoldSweep.LOOK);
        assertThat(sweep.sweepIfDue()).as("nobody was before it").isFalse();

        time.advance(HoldSweep.EVERY.minus(HoldSweep.LOOK));

        assertThat(sweep.sweepIfDue()).isTrue();
        assertThat(sweep.sweepIfDue()).as("a moment ago").isFalse();
    }

    @Test
    void looksAtTheClockOfThoseBeforeItOnceAnHour() throws Exception {
        AtomicInteger looks = new AtomicInteger();
        CertificateStore store = Except.of(CertificateStore.class, house.store(), "keepHold", through -> {
            looks.incrementAndGet();
            return through.call();
        });
        sweep = new HoldSweep(store, house.watch(), time.clock(), time::nanoTime);

        time.advance(HoldSweep.LOOK.minusNanos(1));
        sweep.sweepIfDue();
        assertThat(looks).hasValue(0);
        time.advance(Duration.ofNanos(1));
        sweep.sweepIfDue();
        int each = looks.get();
        assertThat(each).isPositive();
        time.advance(HoldSweep.LOOK.minusNanos(1));
        sweep.sweepIfDue();

        assertThat(looks).hasValue(each);
    }

    private void liveFor(Duration time) throws Exception {
        house.restartWatch();
        sweep = sweep();
        for (Duration lived = Duration.ZERO; lived.compareTo(time) < 0; lived = lived.plusMinutes(10)) {
            sweep.sweepIfDue();
            this.time.advance(Duration.ofMinutes(10));
        }
    }

    @Test
    void sweepsInAProcessThatLivesForLessThanADayWhereOthersWereBeforeIt() throws Exception {
        hold(name("a.example"), Duration.ofDays(-30));
        liveFor(Duration.ofHours(14));
        time.advance(Duration.ofHours(9));
        assertThat(isThere(name("a.example"))).isTrue();

        liveFor(Duration.ofHours(3));

        assertThat(isThere(name("a.example"))).isFalse();
    }

    @Test
    void seesWhetherTheDayOfThoseBeforeItIsOverOnceAnHour() throws Exception {
        // Begins to count when it has lived for an hour.
        liveFor(Duration.ofHours(22));
        time.advance(Duration.ofMinutes(30));
        house.restartWatch();
        sweep = sweep();
        for (int hour = 1; hour <= 2; hour++) {
            time.advance(HoldSweep.LOOK);
            assertThat(sweep.sweepIfDue()).isFalse();
        }
        time.advance(Duration.ofMinutes(45));
        assertThat(sweep.sweepIfDue()).as("over, and not looked at again yet").isFalse();

        time.advance(Duration.ofMinutes(15));

        assertThat(sweep.sweepIfDue()).isTrue();
    }

    @Test
    void takesNoOtherProcessesWordForAClockThatHasLeaptSince() throws Exception {
        hold(new Scope.Account("now"), Duration.ofHours(30));
        liveFor(Duration.ofHours(14));
        time.jump(Duration.ofDays(90));

        liveFor(Duration.ofHours(23));

        assertThat(isThere(new Scope.Account("now"))).isTrue();
    }

    @Test
    void reachesWhatIsOverBehindAnyNumberThatLasts() throws Exception {
        IssuanceFixture many = new IssuanceFixture(directory, true);
        for (int i = 0; i <= HoldSweep.PAGE; i++) {
            many.store().keepHold(hold(name("lasts-" + i + ".example"), Duration.ofDays(100), many));
        }
        many.store().keepHold(hold(name("z-over.example"), Duration.ofSeconds(1), many));
        HoldSweep all = new HoldSweep(many.store(), many.watch(), many.time().clock(), many.time()::nanoTime);
        many.time().advance(HoldSweep.KEPT_AFTER.plusDays(1));

        all.sweepIfDue();

        assertThat(many.store().hold(name("z-over.example"))).isEmpty();
        assertThat(many.store().holds(Integer.MAX_VALUE)).hasSize(HoldSweep.PAGE + 1);
        many.close();
    }

    private static Hold hold(Scope scope, Duration left, IssuanceFixture in) {
        return new Hold(
                scope,
                "https://ca.example/directory",
                1,
                in.time().clock().instant().plus(left),
                "caa",
                "no",
                Optional.empty());
    }
}
