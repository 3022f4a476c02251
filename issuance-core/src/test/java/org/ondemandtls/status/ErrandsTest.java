package org.ondemandtls.status;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.TestLeaves;

/** {@link Errands}: of an operator's list some names are obtained at the same time, and none is dropped. */
class ErrandsTest {

    private final ManualTime time = new ManualTime();
    private final List<ServerName> begun = new ArrayList<>();
    private final List<CompletableFuture<KeyedCertificate>> flights = new ArrayList<>();
    private Function<ServerName, CompletableFuture<KeyedCertificate>> answer = name -> new CompletableFuture<>();
    private final Errands errands = new Errands(this::begin, time.scheduler());

    private CompletableFuture<KeyedCertificate> begin(ServerName name) {
        begun.add(name);
        CompletableFuture<KeyedCertificate> flight = answer.apply(name);
        flights.add(flight);
        return flight;
    }

    private static ServerName name(int number) {
        return ServerName.parse("shop" + number + ".example.com");
    }

    private void add(int count) {
        for (int number = 0; number < count; number++) {
            assertThat(errands.add(name(number))).isTrue();
        }
    }

    private KeyedCertificate certificate() {
        return TestLeaves.leaf(time.clock().instant(), Duration.ofDays(90), "shop.example.com");
    }

    @Test
    void aThousandNamesAreObtainedSixtyFourAtATime() {
        add(1_000);
        KeyedCertificate certificate = certificate();

        assertThat(begun).hasSize(Errands.AT_ONCE);
        assertThat(errands.has(name(999))).isTrue();
        for (int number = 0; number < 1_000; number++) {
            assertThat(begun.size()).isEqualTo(Math.min(1_000, number + Errands.AT_ONCE));
            flights.get(number).complete(certificate);
        }
        assertThat(begun).hasSize(1_000).doesNotHaveDuplicates();
        assertThat(errands.has(name(999))).isFalse();
    }

    @Test
    void manyThatEndAtOnceAreNoDeepStack() {
        answer = name ->
                CompletableFuture.failedFuture(new IssuanceException.NotPermitted(name, "not ours", Duration.ZERO));

        add(Errands.MOST);

        assertThat(begun).hasSize(Errands.MOST);
        assertThat(errands.has(name(0))).isFalse();
    }

    @Test
    void theOneThatFoundAQueueFullIsTriedAgain() {
        answer = name -> CompletableFuture.failedFuture(new IssuanceException.Overloaded(name, "a.bound"));
        add(1);
        time.advance(Duration.ofSeconds(3));
        assertThat(begun).hasSize(4);
        assertThat(errands.has(name(0))).isTrue();
        answer = name -> CompletableFuture.completedFuture(certificate());

        time.advance(Duration.ofSeconds(1));

        assertThat(begun).hasSize(5);
        assertThat(errands.has(name(0))).isFalse();
    }

    @Test
    void aNameOfTwoListsIsObtainedOnce() {
        add(Errands.AT_ONCE + 1);
        add(Errands.AT_ONCE + 1);

        assertThat(begun).hasSize(Errands.AT_ONCE);
        flights.get(0).complete(certificate());
        flights.get(1).complete(certificate());
        assertThat(begun).hasSize(Errands.AT_ONCE + 1);
    }

    @Test
    void moreThanABoundDoNotWait() {
        add(Errands.MOST);

        assertThat(errands.add(name(Errands.MOST))).isFalse();
        assertThat(errands.add(name(0))).isTrue();
    }
}
