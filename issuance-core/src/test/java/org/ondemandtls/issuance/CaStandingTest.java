package org.ondemandtls.issuance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.IssuanceException.RateLimited;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.IssuanceFixture;

/** {@link CaStanding}: what a CA asks for holds for whom it concerns, for no one else, and over a restart. */
class CaStandingTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");
    private static final ServerName OTHER = ServerName.parse("other.example.com");
    private static final ServerName STRANGER = ServerName.parse("shop.example.net");
    private static final String CA = "https://ca.example/directory";
    private static final String NEXT = "https://next.example/directory";
    private static final IssuanceException DOWN =
            IssuanceException.Unavailable.unwell(SHOP, "down", Duration.ZERO, null);

    @TempDir
    private Path directory;

    private IssuanceFixture house;
    private CaStanding holds;

    @BeforeEach
    void open() throws Exception {
        house = new IssuanceFixture(directory);
        holds = holds();
    }

    @AfterEach
    void close() {
        house.close();
    }

    private CaStanding holds() {
        return new CaStanding(house.store(), house.watch(), house.time().clock(), house.time()::nanoTime);
    }

    private void keep(Scope.OfLimit scope, Duration wait) throws Exception {
        holds.keep(CA, new RateLimited(SHOP, scope, "too many", wait));
    }

    @Test
    void ofAnAccountConcernsEveryNameAndNoOtherCa() throws Exception {
        keep(new Scope.Account(CA), Duration.ofMinutes(5));

        assertThat(holds.holding(CA, STRANGER).orElseThrow())
                .hasMessageContaining("shop.example.net: the CA limits the rate of the account (too many)");
        assertThat(holds.holding(NEXT, SHOP)).isEmpty();
    }

    @Test
    void ofADomainConcernsTheNamesAtAndBelowIt() throws Exception {
        keep(new Scope.Domain(CA, "example.com"), Duration.ofMinutes(5));

        assertThat(holds.holding(CA, OTHER)).isPresent();
        assertThat(holds.holding(CA, ServerName.parse("example.com"))).isPresent();
        assertThat(holds.holding(CA, ServerName.parse("myexample.com"))).isEmpty();
        assertThat(holds.holding(CA, STRANGER)).isEmpty();
    }

    @Test
    void ofANameConcernsThatNameAtThatCaOverARestart() throws Exception {
        keep(new Scope.NameAt(CA, SHOP), Duration.ofHours(5));
        house.reopenStore();
        holds = holds();
        holds.recall(CA, SHOP);

        assertThat(holds.holding(CA, SHOP).orElseThrow())
                .hasMessageContaining("the CA limits the rate of this name (too many)");
        assertThat(holds.holding(NEXT, SHOP)).isEmpty();
        assertThat(holds.holding(CA, ServerName.parse("www.shop.example.com"))).isEmpty();
        assertThat(holds.holding(CA, OTHER)).isEmpty();
    }

    @Test
    void endsWhenTheCaSaid() throws Exception {
        keep(new Scope.Account(CA), Duration.ofMinutes(5));
        house.time().advance(Duration.ofMinutes(5).minusNanos(1));
        assertThat(holds.holding(CA, SHOP)).isPresent();

        house.time().advance(Duration.ofNanos(1));

        assertThat(holds.holding(CA, SHOP)).isEmpty();
    }

    @Test
    void theLongerOfTwoCounts() throws Exception {
        keep(new Scope.Account(CA), Duration.ofHours(5));
        keep(new Scope.Account(CA), Duration.ofMinutes(5));

        assertThat(holds.holding(CA, SHOP).orElseThrow().retryAfter()).isEqualTo(Duration.ofHours(5));
    }

    @Test
    void isRecalledAfterARestart() throws Exception {
        keep(new Scope.Account(CA), Duration.ofHours(5));
        keep(new Scope.Domain(CA, "example.com"), Duration.ofHours(9));
        house.time().advance(Duration.ofHours(1));
        house.reopenStore();
        holds = holds();
        assertThat(holds.holding(CA, SHOP)).isEmpty();

        holds.recall(CA, SHOP);
        house.time().advance(Duration.ofHours(4));

        assertThat(holds.holding(CA, STRANGER)).isEmpty();
        assertThat(holds.holding(CA, SHOP).orElseThrow().retryAfter()).isEqualTo(Duration.ofHours(4));
    }

    @Test
    void isNotWrittenByAClockThatIsNotTrusted() throws Exception {
        house.time().jump(Duration.ofDays(90));
        keep(new Scope.Account(CA), Duration.ofHours(5));

        assertThat(holds.holding(CA, SHOP)).isPresent();
        assertThat(house.store().hold(new Scope.Account(CA))).isEmpty();
    }

    @Test
    void isNotDroppedByAClockThatIsNotTrustedAndHoldsOnceItIsBack() throws Exception {
        keep(new Scope.Account(CA), Duration.ofHours(5));
        keep(new Scope.Domain(CA, "example.com"), Duration.ofHours(3));
        house.reopenStore();
        holds = holds();
        house.time().jump(Duration.ofDays(90));

        holds.recall(CA, SHOP);

        assertThat(house.store().holds(10)).hasSize(2);
        house.time().jump(Duration.ofDays(-90));
        holds.recall(CA, SHOP);
        assertThat(holds.holding(CA, STRANGER)).isPresent();
        assertThat(holds.holding(CA, OTHER)).isPresent();
    }

    @Test
    void isNotDroppedByAProcessThatStartsUnderAWrongClockAndHoldsOnceItIsRight() throws Exception {
        keep(new Scope.Account(CA), Duration.ofHours(5));
        house.time().jump(Duration.ofDays(90));
        house.restartWatch();
        holds = holds();
        holds.recall(CA, SHOP);
        assertThat(holds.holding(CA, SHOP)).isEmpty();

        house.time().jump(Duration.ofDays(-90));
        holds.recall(CA, SHOP);

        assertThat(holds.holding(CA, SHOP)).isPresent();
    }

    @Test
    void isForgottenWhenAnOperatorWantsToTry() throws Exception {
        keep(new Scope.Account(CA), Duration.ofHours(5));
        keep(new Scope.Domain(CA, "example.com"), Duration.ofHours(5));

        holds.forget(CA, SHOP);

        assertThat(holds.holding(CA, SHOP)).isEmpty();
        assertThat(house.store().holds(10)).isEmpty();
    }

    @Test
    void ofAnotherServerIsObeyedThoughTheStoreWasAskedBefore() throws Exception {
        holds.recall(CA, SHOP);
        CaStanding other = holds();
        other.keep(CA, new RateLimited(SHOP, new Scope.Account(CA), "too many", Duration.ofHours(5)));

        holds.recall(CA, SHOP);

        assertThat(holds.holding(CA, STRANGER).orElseThrow().retryAfter()).isEqualTo(Duration.ofHours(5));
    }

    @Test
    void ofAnotherServerIsNotHiddenByAShorterOneInMemory() throws Exception {
        keep(new Scope.Domain(CA, "example.com"), Duration.ofMinutes(5));
        holds().keep(CA, new RateLimited(SHOP, new Scope.Domain(CA, "example.com"), "too many", Duration.ofHours(5)));

        holds.recall(CA, SHOP);

        assertThat(holds.holding(CA, SHOP).orElseThrow().retryAfter()).isEqualTo(Duration.ofHours(5));
    }

    @Test
    void endsEverywhereWhereAnOperatorRetriesOnAnotherServer() throws Exception {
        keep(new Scope.Account(CA), Duration.ofHours(5));
        holds().forget(CA, SHOP);
        assertThat(holds.holding(CA, SHOP)).isPresent();

        holds.recall(CA, SHOP);

        assertThat(holds.holding(CA, SHOP)).isEmpty();
    }

    @Test
    void isLookedUpAgainAfterNewsOfTheName() throws Exception {
        keep(new Scope.Account(CA), Duration.ofHours(5));

        holds.reconsider(CA, SHOP);

        assertThat(holds.holding(CA, SHOP)).isEmpty();
        holds.recall(CA, SHOP);
        assertThat(holds.holding(CA, SHOP)).isPresent();
    }

    @Test
    void thatIsNotInTheStoreOutlivesNewsAndALookAtIt() throws Exception {
        house.time().jump(Duration.ofDays(90));
        keep(new Scope.Account(CA), Duration.ofHours(5));

        holds.reconsider(CA, SHOP);
        holds.recall(CA, SHOP);

        assertThat(holds.holding(CA, SHOP)).isPresent();
    }

    @Test
    void aCaThatFailedIsUnwellForAMinuteOrUntilItWorks() {
        holds.failed(CA, DOWN);
        assertThat(holds.isWell(CA)).isFalse();
        assertThat(holds.health(CA).failingSince())
                .contains(house.time().clock().instant());
        assertThat(holds.health(NEXT).failingSince()).isEmpty();
        assertThat(holds.isWell(NEXT)).isTrue();
        holds.answered(CA);
        assertThat(holds.health(CA).failingSince()).as("a refusal is an answer").isEmpty();
        house.time().advance(Duration.ofMinutes(1));
        assertThat(holds.isWell(CA)).as("asked in its turn").isTrue();

        holds.failed(CA, DOWN);
        house.time().advance(Duration.ofHours(1));
        assertThat(holds.health(CA).isWell())
                .as("nobody has asked it meanwhile")
                .isFalse();
        assertThat(holds.health(CA).why()).isEqualTo("down");
        holds.worked(CA);

        assertThat(holds.isWell(CA)).isTrue();
        assertThat(holds.health(CA).isWell()).isTrue();
    }

    @Test
    void aCaIsUnwellUntilTheMinuteIsOver() {
        holds.failed(CA, DOWN);

        house.time().advance(Duration.ofMinutes(1).minusNanos(1));
        assertThat(holds.isWell(CA)).isFalse();
        house.time().advance(Duration.ofNanos(1));

        assertThat(holds.isWell(CA)).isTrue();
    }

    @Test
    void aCaFailsSinceTheFirstTimeByWhatItSaidLast() {
        Instant since = house.time().clock().instant();
        holds.failed(CA, DOWN);
        house.time().advance(Duration.ofHours(1));
        holds.failed(CA, IssuanceException.Unavailable.unwell(OTHER, "HTTP 500", Duration.ZERO, null));

        assertThat(holds.health(CA)).isEqualTo(new CaHealth(Optional.of(since), "HTTP 500"));
    }

    @Test
    void aCaThatWasNotAskedAgainFailsByWhatItSaidThen() {
        holds.failed(CA, DOWN);
        house.time().advance(Duration.ofHours(1));

        holds.refusesAll(CA, new IssuanceException.RefusesAll(OTHER, "not asked since 20:00: down", Duration.ZERO));

        assertThat(holds.health(CA).why()).isEqualTo("down");
    }

    @Test
    void isNoneWhereItIsOverAlready() throws Exception {
        keep(new Scope.Account(CA), Duration.ZERO);

        assertThat(holds.holding(CA, SHOP)).isEmpty();
        holds.recall(CA, SHOP);
        assertThat(holds.holding(CA, SHOP)).isEmpty();
    }

    @Test
    void lastsForADayAtMostWhateverTheCaSays() throws Exception {
        keep(new Scope.Account(CA), Duration.ofDays(30));

        assertThat(holds.holding(CA, SHOP).orElseThrow().retryAfter()).isEqualTo(Duration.ofDays(1));
        assertThat(house.store().hold(new Scope.Account(CA)).orElseThrow().until())
                .isEqualTo(house.time().clock().instant().plus(Duration.ofDays(1)));
    }

    @Test
    void isStillThatOfTheFirstWordsWhereTwoEndTogether() throws Exception {
        keep(new Scope.Account(CA), Duration.ofHours(5));

        holds.keep(CA, new RateLimited(SHOP, new Scope.Account(CA), "in other words", Duration.ofHours(5)));

        assertThat(holds.holding(CA, SHOP).orElseThrow()).hasMessageContaining("(too many)");
        assertThat(house.store().hold(new Scope.Account(CA)).orElseThrow().detail())
                .isEqualTo("too many");
    }

    @Test
    void isKeptHoweverManyThereAre() throws Exception {
        // Nothing is written by a clock that is not trusted.
        house.time().jump(Duration.ofDays(90));
        for (int i = 0; i <= 10_000; i++) {
            ServerName name = ServerName.parse("n" + i + ".example.net");
            holds.keep(CA, new RateLimited(name, new Scope.NameAt(CA, name), "too many", Duration.ofHours(5)));
        }

        assertThat(holds.holding(CA, ServerName.parse("n0.example.net"))).isPresent();
        assertThat(holds.holding(CA, ServerName.parse("n10000.example.net"))).isPresent();
    }
}
