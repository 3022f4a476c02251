package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.ManualTime;

/** {@link CaPause}: who waits for a CA that could not be reached, and who is told so at once. */
class CaPauseTest {

    private static final ServerName NAME = ServerName.parse("shop.customer.example");
    private static final IssuanceException GONE =
            IssuanceException.Unavailable.unwell(NAME, "no connection", CaFailures.NO_CONNECTION, null);

    private final ManualTime time = new ManualTime();
    private Runnable whileWaiting = () -> {};
    private boolean closes;
    private final CountDownLatch closed = new CountDownLatch(1) {
        @Override
        public boolean await(long wait, TimeUnit unit) {
            time.advance(Duration.ofNanos(unit.toNanos(wait)));
            whileWaiting.run();
            return closes;
        }
    };
    private final CaPause pause = new CaPause(time::nanoTime, closed);

    private void pass(boolean isWorthAWait) throws IssuanceException {
        pause.pass(NAME, isWorthAWait, Deadline.in(Duration.ofSeconds(25), time::nanoTime));
    }

    @Test
    void nobodyWaitsWhereThereIsNone() throws IssuanceException {
        long before = time.nanoTime();

        pass(true);

        assertThat(time.nanoTime()).isEqualTo(before);
    }

    @Test
    void aShortOneIsWaitedOutWhereThereIsNobodyElse() {
        pause.begin(CaFailures.NO_CONNECTION, true, GONE);
        long before = time.nanoTime();

        assertThatCode(() -> pass(true)).doesNotThrowAnyException();

        assertThat(time.nanoTime() - before).isEqualTo(CaFailures.NO_CONNECTION.toNanos());
    }

    @Test
    void aShortOneIsToldAtOnceWhereAnotherCaCanBeAsked() {
        pause.begin(CaFailures.NO_CONNECTION, true, GONE);

        assertThatThrownBy(() -> pass(false)).hasMessageContaining("not asked for 3 s more: no connection");
    }

    @Test
    void aLongOneAndARefusedAccountAreToldAtOnce() {
        pause.begin(Duration.ofSeconds(8), false, GONE);
        assertThatThrownBy(() -> pass(true)).isInstanceOf(IssuanceException.Unavailable.class);
        time.advance(Duration.ofSeconds(8));

        pause.begin(
                CaFailures.NO_CONNECTION,
                false,
                new IssuanceException.AccountRefused(NAME, "deactivated", CaFailures.NO_CONNECTION));
        assertThatThrownBy(() -> pass(true)).isInstanceOf(IssuanceException.AccountRefused.class);
    }

    @Test
    void whoeverWaitedIsToldWhereTheNextTryFailedToo() {
        pause.begin(CaFailures.NO_CONNECTION, true, GONE);
        whileWaiting = () -> pause.begin(CaFailures.NO_CONNECTION, true, GONE);

        assertThatThrownBy(() -> pass(true)).isInstanceOf(IssuanceException.Unavailable.class);
    }

    @Test
    void nobodyWaitsLongerThanHisOwnTime() {
        pause.begin(CaFailures.NO_CONNECTION, true, GONE);

        assertThatThrownBy(() -> pause.pass(NAME, true, Deadline.in(Duration.ofSeconds(3), time::nanoTime)))
                .isInstanceOf(IssuanceException.Unavailable.class);
    }

    @Test
    void theEndOfTheServerEndsTheWait() {
        pause.begin(CaFailures.NO_CONNECTION, true, GONE);
        closes = true;

        assertThatThrownBy(() -> pass(true)).isInstanceOf(IssuanceException.Stopping.class);
    }

    @Test
    void aCaThatCouldNotBeReachedIsTakenForDownForAMinuteOrUntilItWorks() {
        assertThat(pause.isDown()).isFalse();
        pause.begin(CaFailures.NO_CONNECTION, true, GONE);
        assertThat(pause.isDown()).isTrue();
        pause.worked();
        assertThat(pause.isDown()).isFalse();

        pause.begin(CaFailures.NO_CONNECTION, true, GONE);
        time.advance(Duration.ofMinutes(1).minusNanos(1));
        assertThat(pause.isDown()).isTrue();
        time.advance(Duration.ofNanos(1));
        assertThat(pause.isDown()).isFalse();
    }
}
