package org.ondemandtls.issuance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.certificate.IssuanceException.Overloaded;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.config.Rate;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.testing.Except;
import org.ondemandtls.testing.IssuanceFixture;
import org.ondemandtls.testing.TestLeaves;

/** {@link StoreLookups}: strangers' names cost the store few looks, and what was saved is found at once. */
class StoreLookupsTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");

    private final List<CompletableFuture<Optional<KeyedCertificate>>> looks = new ArrayList<>();

    private IssuanceFixture house;
    private StoreLookups lookups;
    private boolean mayHold = true;
    private boolean knowsItsNames = true;

    @BeforeEach
    void open(@TempDir Path directory) throws Exception {
        house = new IssuanceFixture(directory, true);
        CertificateStore full = Except.of(CertificateStore.class, house.store(), "mayHold", through -> mayHold);
        lookups = new StoreLookups(
                Except.of(CertificateStore.class, full, "knowsItsNames", through -> knowsItsNames),
                new Rate(2, Duration.ofSeconds(1)),
                100,
                house.time()::nanoTime);
    }

    @AfterEach
    void close() {
        house.close();
    }

    private CompletableFuture<Optional<KeyedCertificate>> ask(String name) {
        return lookups.find(ServerName.parse(name), () -> {
            looks.add(new CompletableFuture<>());
            return looks.get(looks.size() - 1);
        });
    }

    private CompletableFuture<Optional<KeyedCertificate>> miss(String name) {
        CompletableFuture<Optional<KeyedCertificate>> answer = ask(name);
        looks.get(looks.size() - 1).complete(Optional.empty());
        return answer;
    }

    @Test
    void aNameThatWasNeverStoredIsNotLookedFor() {
        mayHold = false;

        assertThat(ask("shop.example.com")).isCompletedWithValue(Optional.empty());

        assertThat(looks).isEmpty();
    }

    @Test
    void whatIsNotThereIsLookedForOnceInFiveSeconds() {
        assertThat(miss("shop.example.com")).isCompletedWithValue(Optional.empty());

        house.time().advance(Duration.ofSeconds(5).minusNanos(1));
        assertThat(ask("shop.example.com")).isCompletedWithValue(Optional.empty());
        assertThat(looks).hasSize(1);
        house.time().advance(Duration.ofNanos(1));
        assertThat(ask("shop.example.com")).isNotDone();

        assertThat(looks).hasSize(2);
    }

    @Test
    void whatIsThereIsFoundHoweverOftenItIsAskedFor() {
        KeyedCertificate stored = TestLeaves.leaf(house.time().clock().instant(), Duration.ofDays(90), SHOP.value());
        for (int i = 0; i < 3; i++) {
            CompletableFuture<Optional<KeyedCertificate>> answer = ask("shop.example.com");
            looks.get(i).complete(Optional.of(stored));

            assertThat(answer).isCompletedWithValue(Optional.of(stored));
        }
    }

    @Test
    void whatWasSavedIsLookedForThoughItWasNotThereAMomentAgo() {
        miss("shop.example.com");
        miss("other.example.com");

        lookups.saved(SHOP);

        assertThat(ask("shop.example.com")).isNotDone();
        assertThat(ask("other.example.com")).isCompletedWithValue(Optional.empty());
        assertThat(looks).hasSize(3);
    }

    @Test
    void whoAsksForTheSameNameMeanwhileWaitsForTheSameLook() {
        CompletableFuture<Optional<KeyedCertificate>> first = ask("shop.example.com");
        CompletableFuture<Optional<KeyedCertificate>> second = ask("shop.example.com");
        assertThat(looks).hasSize(1);

        looks.get(0).complete(Optional.empty());

        assertThat(first).isCompletedWithValue(Optional.empty());
        assertThat(second).isCompletedWithValue(Optional.empty());
    }

    @Test
    void aStoreThatDoesNotKnowItsNamesYetIsLookedIntoAtARate() {
        knowsItsNames = false;
        ask("a.example.com");
        ask("b.example.com");

        CompletableFuture<Optional<KeyedCertificate>> third = ask("c.example.com");

        assertThat(third).isCompletedExceptionally();
        assertThat(third.handle((found, failure) -> failure).join())
                .isInstanceOfSatisfying(
                        Overloaded.class,
                        refusal -> assertThat(refusal.bound()).isEqualTo("onDemandTls.shield.lookupRate"));
        assertThat(looks).hasSize(2);
        house.time().advance(Duration.ofSeconds(1));
        assertThat(ask("c.example.com")).isNotDone();
    }

    @Test
    void aStoreThatKnowsItsNamesIsLookedIntoWithoutARate() {
        for (int i = 0; i < 10; i++) {
            assertThat(ask("n" + i + ".example.com")).isNotDone();
        }

        assertThat(looks).hasSize(10);
    }
}
