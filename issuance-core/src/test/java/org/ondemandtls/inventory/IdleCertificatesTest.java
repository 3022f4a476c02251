package org.ondemandtls.inventory;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.TestLeaves;

/** {@link IdleCertificates}: what nobody visits is packed, what is visited is not. */
class IdleCertificatesTest {

    private static final Duration SECOND = Duration.ofSeconds(1);

    private final ManualTime time = new ManualTime();
    private final Inventory inventory = new Inventory(2000, time.clock());
    private final IdleCertificates idle = new IdleCertificates(inventory, time::nanoTime);
    private final KeyedCertificate shop = TestLeaves.leaf(time.clock().instant(), Duration.ofDays(9), "shop.example");

    @BeforeEach
    void publish() {
        inventory.publish(shop);
    }

    @Test
    void aCertificateThatNobodyUsesRestsAfterTenToTwentyMinutes() {
        idle.watch(time.scheduler(), Runnable::run);

        time.advance(Duration.ofMinutes(10).plus(SECOND));
        assertThat(shop.isResting()).isFalse();

        time.advance(Duration.ofMinutes(10).plus(SECOND));
        assertThat(shop.isResting()).isTrue();
    }

    @Test
    void oneThatIsUsedInEachRoundNeverRests() {
        idle.watch(time.scheduler(), Runnable::run);

        for (int minute = 0; minute < 60; minute++) {
            time.advance(Duration.ofMinutes(1));
            assertThat(shop.key()).isNotNull();
            assertThat(shop.isResting()).isFalse();
        }
    }

    @Test
    void oneOfSeveralNamesIsMetOnceInARound() {
        KeyedCertificate several =
                TestLeaves.leaf(time.clock().instant(), Duration.ofDays(9), "a.example", "b.example", "c.example");
        inventory.publish(several);
        idle.watch(time.scheduler(), Runnable::run);

        for (int minute = 0; minute < 60; minute++) {
            assertThat(several.key()).isNotNull();
            time.advance(Duration.ofMinutes(1));
            assertThat(several.isResting()).isFalse();
        }

        time.advance(Duration.ofMinutes(20));
        assertThat(several.isResting()).isTrue();
    }

    @Test
    void beingLookedUpForAReportIsNoUse() {
        idle.watch(time.scheduler(), Runnable::run);

        for (int minute = 0; minute < 22; minute++) {
            time.advance(Duration.ofMinutes(1));
            assertThat(inventory.all()).containsExactly(shop);
            assertThat(shop.id()).startsWith("shop.example#");
        }

        assertThat(shop.isResting()).isTrue();
    }

    @Test
    void aThousandAreGoneThroughAFewAtATime() {
        List<KeyedCertificate> others = new ArrayList<>();
        for (int number = 0; number < 1199; number++) {
            others.add(TestLeaves.leaf(
                    shop.leaf().getPublicKey(), shop.key(), time.clock().instant(), "n" + number + ".example"));
        }
        others.forEach(inventory::publish);
        idle.watch(time.scheduler(), Runnable::run);
        time.advance(Duration.ofMinutes(20).plus(SECOND));

        long before = others.stream().filter(KeyedCertificate::isResting).count();
        time.advance(SECOND);

        assertThat(others.stream().filter(KeyedCertificate::isResting).count() - before)
                .isBetween(1L, 3L);
        time.advance(Duration.ofMinutes(10));
        assertThat(others).allMatch(KeyedCertificate::isResting);
    }

    @Test
    void aWorkerWithoutRoomIsAskedAgain() {
        boolean[] busy = {true};
        idle.watch(time.scheduler(), task -> {
            if (busy[0]) {
                throw new RejectedExecutionException();
            }
            task.run();
        });
        time.advance(Duration.ofMinutes(30));
        assertThat(shop.isResting()).isFalse();

        busy[0] = false;
        time.advance(Duration.ofMinutes(20));

        assertThat(shop.isResting()).isTrue();
    }
}
