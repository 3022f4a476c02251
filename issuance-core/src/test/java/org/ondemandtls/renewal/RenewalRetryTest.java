package org.ondemandtls.renewal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ondemandtls.renewal.RenewalFixture.DAY;
import static org.ondemandtls.renewal.RenewalFixture.SHOP;
import static org.ondemandtls.renewal.RenewalFixture.name;

import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.ManualTime;

/** {@link Renewal}: an operator who wants a certificate renewed now has his way. */
class RenewalRetryTest {

    @TempDir
    private Path directory;

    private RenewalFixture fixture;
    private ManualTime time;

    @BeforeEach
    void open() throws Exception {
        fixture = new RenewalFixture(directory);
        time = fixture.time;
    }

    @AfterEach
    void close() {
        fixture.close();
    }

    @Nested
    class AnOperator {

        @Test
        void hasNothingBegunForANameWithoutACertificate() throws Exception {
            Renewal renewal = fixture.begin();

            assertThat(renewal.retry(SHOP)).isFalse();
            assertThat(fixture.orders.renewed).isEmpty();
        }

        @Test
        void hasNothingBegunForACertificateThatIsOver() throws Exception {
            fixture.house.store().save(fixture.record(SHOP.value()));
            Renewal renewal = fixture.begin();
            time.jump(Duration.ofDays(91));

            assertThat(renewal.retry(SHOP)).isFalse();
        }

        @Test
        void hasTheRenewalPlannedForNow() throws Exception {
            fixture.house.store().save(fixture.record(SHOP.value()));
            fixture.orders.hold();
            Renewal renewal = fixture.begin();
            time.advance(DAY);

            assertThat(renewal.retry(SHOP)).isTrue();

            assertThat(fixture.stored(SHOP).renew()).isEqualTo(fixture.now());
            assertThat(fixture.stored(SHOP).due()).isEqualTo(fixture.now());
            assertThat(fixture.orders.renewed).containsExactly(SHOP);
        }

        @Test
        void hasNoSecondOneBegunWhileOneIsUnderWay() throws Exception {
            fixture.house.store().save(fixture.record(SHOP.value()));
            fixture.orders.hold();
            Renewal renewal = fixture.begin();

            renewal.retry(SHOP);
            renewal.retry(SHOP);

            assertThat(fixture.orders.underWay).hasSize(1);
        }

        @Test
        void comesBeforeWhoHasWaitedLonger() throws Exception {
            fixture.house.store().save(fixture.record(SHOP.value()));
            fixture.orders.hold();
            fixture.atOnce = 1;
            fixture.keepDue(name(0));
            fixture.keepDue(name(1));
            Renewal renewal = fixture.begin();

            renewal.retry(SHOP);

            assertThat(fixture.orders.renewed).containsExactly(name(0), SHOP);
        }

        @Test
        void isToldThatNothingBeginsWhereTheExecutorHasNoRoom() throws Exception {
            fixture.house.store().save(fixture.record(SHOP.value()));
            AtomicBoolean full = new AtomicBoolean();
            fixture.executor = task -> {
                if (full.get()) {
                    throw new RejectedExecutionException("stopping");
                }
                task.run();
            };
            Renewal renewal = fixture.begin();
            full.set(true);

            assertThat(renewal.retry(SHOP)).isFalse();
        }

        @Test
        void whoRetriesTheFirstOfSeveralNamesHasTheOthersTheirTurnBeforeIt() throws Exception {
            fixture.house.store().save(fixture.record("first.example.com", name(1).value(), name(2).value()));
            Renewal renewal = fixture.begin();
            time.advance(DAY);

            assertThat(renewal.retry(ServerName.parse("first.example.com"))).isTrue();

            assertThat(fixture.orders.renewed)
                    .extracting(Object::toString)
                    .containsExactly("n1.example.com", "n2.example.com", "first.example.com");
        }
    }
}
