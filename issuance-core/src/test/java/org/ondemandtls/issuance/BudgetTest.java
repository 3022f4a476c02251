package org.ondemandtls.issuance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.ondemandtls.certificate.IssuanceException.OverBudget;
import org.ondemandtls.config.ConfigReader;
import org.ondemandtls.config.OnDemandTlsConfig.Allowance;
import org.ondemandtls.config.Rate;
import org.ondemandtls.issuance.Budget.Exemption;
import org.ondemandtls.name.PublicSuffixes;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.PermissionPolicy.Purpose;
import org.ondemandtls.testing.IssuanceFixture;

/** {@link Budget}: the CA's own limits are never run into, and renewals and new names do not starve each other. */
class BudgetTest {

    private static final String LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory";
    private static final String OWN = "https://ca.example/directory";

    @TempDir
    private Path directory;

    private IssuanceFixture house;

    @BeforeEach
    void open() throws Exception {
        house = new IssuanceFixture(directory);
    }

    @AfterEach
    void close() {
        house.close();
    }

    private Budget budget(String... keysAndTexts) throws Exception {
        Map<String, String> properties =
                new java.util.HashMap<>(Map.of("onDemandTls.permission.names", "*.example.com"));
        for (int i = 0; i < keysAndTexts.length; i += 2) {
            properties.put("onDemandTls." + keysAndTexts[i], keysAndTexts[i + 1]);
        }
        return Budget.of(
                house.store().ledger(),
                ConfigReader.read(properties, directory),
                house.time().clock());
    }

    private static ServerName name(String text) {
        return ServerName.parse(text);
    }

    private static void use(Budget budget, String issuer, Purpose purpose, int times, String pattern) throws Exception {
        for (int i = 0; i < times; i++) {
            budget.issued(
                    budget.reserve(issuer, name(pattern.replace("#", Integer.toString(i))), purpose, Exemption.NONE));
        }
    }

    private static void assertSpent(Budget budget, String issuer, String name, Purpose purpose, String key) {
        assertThatThrownBy(() -> budget.reserve(issuer, name(name), purpose, Exemption.NONE))
                .isInstanceOf(OverBudget.class)
                .hasMessageStartingWith(name + ": over budget: ")
                .hasMessageContaining("(onDemandTls.budget." + key + "), it fits again at 2026-");
    }

    @Test
    void tellsHowFarItIsUsedUpAndWhenThereIsRoomAgain() throws Exception {
        Budget budget = budget("budget.orders", "4/1h", "budget.name", "1/1d", "acme.directory", OWN);
        use(budget, OWN, Purpose.OBTAIN, 2, "a.example#.com");

        assertThat(budget.used(OWN))
                .containsExactly(
                        new BudgetUse(
                                "orders for new names",
                                2,
                                "1 h",
                                2,
                                Optional.of(house.time().clock().instant().plus(Duration.ofHours(1)))),
                        new BudgetUse("orders for renewals", 2, "1 h", 0, Optional.empty()));
        assertThat(budget.used(OWN, name("a.example0.com")))
                .extracting(BudgetUse::budget, BudgetUse::used)
                .containsExactly(tuple("certificates of a.example0.com", 1));
        assertThat(budget.used("internal")).isEmpty();
    }

    @Nested
    class LetsEncrypt {

        @Test
        void takesHalfOfTheAccountsOrdersForNewNamesAndHalfForRenewals() throws Exception {
            Budget budget = budget();
            use(budget, LETS_ENCRYPT, Purpose.OBTAIN, 149, "a.example#.com");
            budget.reserve(LETS_ENCRYPT, name("last.example.net"), Purpose.OBTAIN, Exemption.NONE);
            assertSpent(budget, LETS_ENCRYPT, "more.example.org", Purpose.OBTAIN, "orders");

            use(budget, LETS_ENCRYPT, Purpose.RENEW, 150, "b.example#.org");
            assertSpent(budget, LETS_ENCRYPT, "more.example.org", Purpose.RENEW, "orders");

            house.time().advance(Duration.ofHours(3).minusMillis(1));
            assertSpent(budget, LETS_ENCRYPT, "more.example.org", Purpose.OBTAIN, "orders");
            house.time().advance(Duration.ofMillis(1));
            budget.reserve(LETS_ENCRYPT, name("more.example.org"), Purpose.OBTAIN, Exemption.NONE);
        }

        @Test
        void takesFiftyCertificatesPerRegisteredDomainInAWeek() throws Exception {
            Budget budget = budget();
            use(budget, LETS_ENCRYPT, Purpose.OBTAIN, 50, "n#.example.co.uk");

            assertSpent(budget, LETS_ENCRYPT, "n50.example.co.uk", Purpose.OBTAIN, "domain");
            budget.reserve(LETS_ENCRYPT, name("n.other.co.uk"), Purpose.OBTAIN, Exemption.NONE);
            // Private suffixes are the customers' own domains.
            use(budget, LETS_ENCRYPT, Purpose.OBTAIN, 60, "n#.github.io");

            house.time().advance(Duration.ofDays(7));
            budget.reserve(LETS_ENCRYPT, name("n50.example.co.uk"), Purpose.OBTAIN, Exemption.NONE);
        }

        @Test
        void takesFivePerNameInAWeek() throws Exception {
            Budget budget = budget();
            use(budget, LETS_ENCRYPT, Purpose.OBTAIN, 5, "same.example.com");

            assertSpent(budget, LETS_ENCRYPT, "same.example.com", Purpose.OBTAIN, "name");
            assertSpent(budget, LETS_ENCRYPT, "same.example.com", Purpose.RENEW, "name");
        }

        @Test
        void takesFiveFailedValidationsPerNameInAnHour() throws Exception {
            Budget budget = budget();
            for (int i = 0; i < 4; i++) {
                budget.authorizationFailed(LETS_ENCRYPT, name("bad.example.com"));
            }
            budget.reserve(LETS_ENCRYPT, name("bad.example.com"), Purpose.OBTAIN, Exemption.NONE);
            budget.authorizationFailed(LETS_ENCRYPT, name("bad.example.com"));

            assertSpent(budget, LETS_ENCRYPT, "bad.example.com", Purpose.OBTAIN, "failures");
            budget.reserve(LETS_ENCRYPT, name("good.example.com"), Purpose.OBTAIN, Exemption.NONE);
            house.time().advance(Duration.ofHours(1));
            budget.reserve(LETS_ENCRYPT, name("bad.example.com"), Purpose.OBTAIN, Exemption.NONE);
        }

        @Test
        void doesNotCountARenewalThatSaysWhatItReplaces() throws Exception {
            Budget budget = budget();
            for (int i = 0; i < 400; i++) {
                assertThat(budget.reserve(LETS_ENCRYPT, name("same.example.com"), Purpose.RENEW, Exemption.REPLACES))
                        .isEqualTo(Budget.Reservation.NONE);
            }
            use(budget, LETS_ENCRYPT, Purpose.OBTAIN, 5, "same.example.com");
        }

        @Test
        void isGivenBackWhatNoOrderWasPlacedFor() throws Exception {
            Budget budget = budget();
            for (int i = 0; i < 200; i++) {
                budget.notIssued(
                        budget.reserve(LETS_ENCRYPT, name("same.example.com"), Purpose.OBTAIN, Exemption.NONE), false);
            }
        }

        @Test
        void spendsNoCertificateOnAnOrderThatFails() throws Exception {
            Budget budget = budget();
            for (int i = 0; i < 60; i++) {
                budget.notIssued(
                        budget.reserve(LETS_ENCRYPT, name("same.example.com"), Purpose.OBTAIN, Exemption.NONE), true);
            }

            use(budget, LETS_ENCRYPT, Purpose.OBTAIN, 5, "same.example.com");
        }

        @Test
        void spendsAnOrderThatFailsOnceItIsPlaced() throws Exception {
            Budget budget = budget();
            for (int i = 0; i < 150; i++) {
                budget.notIssued(
                        budget.reserve(LETS_ENCRYPT, name("same.example.com"), Purpose.OBTAIN, Exemption.NONE), true);
            }

            assertSpent(budget, LETS_ENCRYPT, "same.example.com", Purpose.OBTAIN, "orders");
        }

        @Test
        void promisesNoMoreCertificatesThanThereAreLeft() throws Exception {
            Budget budget = budget();
            use(budget, LETS_ENCRYPT, Purpose.OBTAIN, 4, "same.example.com");
            Budget.Reservation last =
                    budget.reserve(LETS_ENCRYPT, name("same.example.com"), Purpose.OBTAIN, Exemption.NONE);

            assertThatThrownBy(() ->
                            budget.reserve(LETS_ENCRYPT, name("same.example.com"), Purpose.OBTAIN, Exemption.NONE))
                    .isInstanceOfSatisfying(
                            OverBudget.class,
                            over -> assertThat(over.retryAfter()).isEqualTo(Duration.ofSeconds(10)))
                    .hasMessageContaining(
                            "5 in 7 d are used up (onDemandTls.budget.name) once the orders under way end");
            budget.notIssued(last, true);
            use(budget, LETS_ENCRYPT, Purpose.OBTAIN, 1, "same.example.com");
            assertSpent(budget, LETS_ENCRYPT, "same.example.com", Purpose.OBTAIN, "name");
        }

        @Test
        void countsARenewalOfExactlyTheSameNamesAgainstTheNameOnly() throws Exception {
            Budget budget = budget("budget.orders", "2/3h", "budget.domain", "1/7d");
            for (int i = 0; i < 5; i++) {
                budget.issued(
                        budget.reserve(LETS_ENCRYPT, name("same.example.com"), Purpose.RENEW, Exemption.SAME_NAMES));
            }

            assertThatThrownBy(() ->
                            budget.reserve(LETS_ENCRYPT, name("same.example.com"), Purpose.RENEW, Exemption.SAME_NAMES))
                    .isInstanceOf(OverBudget.class)
                    .hasMessageContaining("onDemandTls.budget.name");
            use(budget, LETS_ENCRYPT, Purpose.OBTAIN, 1, "other.example.com");
        }

        @Test
        void placesTheNextOrderForANameThatAnOperatorRetriesWhateverFailedBefore() throws Exception {
            Budget budget = budget();
            for (int i = 0; i < 6; i++) {
                budget.authorizationFailed(LETS_ENCRYPT, name("bad.example.com"));
            }

            budget.pardon(name("bad.example.com"));

            use(budget, LETS_ENCRYPT, Purpose.OBTAIN, 1, "bad.example.com");
            assertSpent(budget, LETS_ENCRYPT, "bad.example.com", Purpose.OBTAIN, "failures");
        }

        @Test
        void countsTheCertificateOfAnOrderThatAnEarlierLifePlaced() throws Exception {
            Budget budget = budget();
            for (int i = 0; i < 5; i++) {
                budget.issued(budget.resumed(LETS_ENCRYPT, name("same.example.com"), Exemption.NONE));
            }

            assertSpent(budget, LETS_ENCRYPT, "same.example.com", Purpose.OBTAIN, "name");
        }

        @Test
        void isRememberedOverARestart() throws Exception {
            use(budget(), LETS_ENCRYPT, Purpose.OBTAIN, 5, "same.example.com");
            house.reopenStore();

            assertSpent(budget(), LETS_ENCRYPT, "same.example.com", Purpose.OBTAIN, "name");
        }

        @Test
        void losesNothingToWhatOneLimitRefuses() throws Exception {
            Budget budget = budget("budget.orders", "12/3h");
            use(budget, LETS_ENCRYPT, Purpose.OBTAIN, 5, "same.example.com");
            for (int i = 0; i < 30; i++) {
                assertSpent(budget, LETS_ENCRYPT, "same.example.com", Purpose.OBTAIN, "name");
            }

            budget.reserve(LETS_ENCRYPT, name("other.example.com"), Purpose.OBTAIN, Exemption.NONE);
        }
    }

    @ParameterizedTest
    @CsvSource({OWN, "https://acme.zerossl.com/v2/DV90", "https://dv.acme-v02.api.pki.goog/directory"})
    void aCaWithoutPublishedFiguresHasNoLimits(String issuer) throws Exception {
        Budget budget = issuer.equals(OWN)
                ? budget("acme.directory", issuer)
                : budget("acme.directory", issuer, "acme.eab", "kid:" + "A".repeat(43));
        for (int i = 0; i < 500; i++) {
            assertThat(budget.reserve(issuer, name("same.example.com"), Purpose.OBTAIN, Exemption.NONE))
                    .isEqualTo(Budget.Reservation.NONE);
        }
    }

    @Test
    void theInternalCaHasNoLimits() throws Exception {
        Budget budget = budget("issuer", "internal", "budget.orders", "2/1h");

        use(budget, "internal", Purpose.OBTAIN, 100, "a#.example.com");
    }

    @Test
    void anExplicitLimitHoldsForEveryCaAndNoneForNone() throws Exception {
        Budget own = budget("acme.directory", OWN, "budget.orders", "5/1h");
        use(own, OWN, Purpose.OBTAIN, 3, "a#.example.com");
        assertSpent(own, OWN, "more.example.com", Purpose.OBTAIN, "orders");
        use(own, OWN, Purpose.RENEW, 2, "b#.example.com");
        assertSpent(own, OWN, "more.example.com", Purpose.RENEW, "orders");

        Budget free = budget("budget.orders", "none", "budget.domain", "none", "budget.name", "none");
        use(free, LETS_ENCRYPT, Purpose.OBTAIN, 400, "same.example.com");
    }

    @ParameterizedTest
    @CsvSource({
        "7d, 1 in 7 d are",
        "36h, 1 in 36 h are",
        "90m, 1 in 90 min are",
        "30m, 1 in 30 min are",
        "90s, 1 in 90 s are",
        "1500ms, 1 in 1500 ms are"
    })
    void saysOverHowLongALimitIsInItsOwnUnit(String window, String said) throws Exception {
        Budget budget = budget("acme.directory", OWN, "budget.name", "1/" + window);
        use(budget, OWN, Purpose.OBTAIN, 1, "same.example.com");

        assertThatThrownBy(() -> budget.reserve(OWN, name("same.example.com"), Purpose.OBTAIN, Exemption.NONE))
                .isInstanceOf(OverBudget.class)
                .hasMessageContaining(said);
    }

    @Test
    void thePublicSuffixListIsReadBeforehandOnlyWhereAnOrderNeedsIt() {
        AtomicInteger read = new AtomicInteger();
        Supplier<PublicSuffixes> list = () -> {
            read.incrementAndGet();
            return PublicSuffixes.bundled();
        };
        Allowance none = new Allowance.Unlimited();
        Allowance some = new Rate(1, Duration.ofHours(1));
        Clock clock = house.time().clock();

        new Budget(house.store().ledger(), list, Map.of(OWN, new Budget.Rules(some, none, some, some)), clock)
                .prepare();
        assertThat(read).hasValue(0);
        new Budget(house.store().ledger(), list, Map.of(OWN, new Budget.Rules(none, some, none, none)), clock)
                .prepare();
        assertThat(read).hasValue(1);
    }

    @Nested
    class WhatIsUnderWay {

        private Budget budget;

        @BeforeEach
        void limit() throws Exception {
            budget = budget("acme.directory", OWN, "budget.name", "2/1d");
        }

        private Budget.Reservation reserve() throws Exception {
            return budget.reserve(OWN, name("same.example.com"), Purpose.OBTAIN, Exemption.NONE);
        }

        @Test
        void countsUntilItHasEndedEachForItself() throws Exception {
            Budget.Reservation first = reserve();
            reserve();
            budget.notIssued(first, true);
            reserve();

            assertThatThrownBy(this::reserve).isInstanceOf(OverBudget.class).hasMessageContaining("under way end");
        }

        @Test
        void isNotWaitedForWhereAllIsUsedUpWithoutIt() throws Exception {
            Budget.Reservation first = reserve();
            budget.issued(reserve());
            budget.resumed(OWN, name("same.example.com"), Exemption.NONE);
            budget.issued(first);

            assertThatThrownBy(this::reserve)
                    .isInstanceOfSatisfying(
                            OverBudget.class,
                            over -> assertThat(over.retryAfter()).isEqualTo(Duration.ofDays(1)))
                    .hasMessageContaining("2 in 1 d are used up (onDemandTls.budget.name), it fits again at");
        }
    }

    @Test
    void onlyOrdersOfTheAccountConcernEveryNameAndEachSaysHowLongToWait() throws Exception {
        Budget budget = budget("acme.directory", OWN, "budget.orders", "3/6h", "budget.name", "1/1d");
        use(budget, OWN, Purpose.OBTAIN, 1, "same.example.com");
        house.time().advance(Duration.ofHours(1));

        assertThatThrownBy(() -> budget.reserve(OWN, name("same.example.com"), Purpose.OBTAIN, Exemption.NONE))
                .isInstanceOfSatisfying(OverBudget.class, over -> {
                    assertThat(over.concernsAll()).isFalse();
                    assertThat(over.retryAfter()).isEqualTo(Duration.ofHours(23));
                });
        use(budget, OWN, Purpose.OBTAIN, 1, "other.example.com");
        assertThatThrownBy(() -> budget.reserve(OWN, name("third.example.com"), Purpose.OBTAIN, Exemption.NONE))
                .isInstanceOfSatisfying(OverBudget.class, over -> {
                    assertThat(over.concernsAll()).isTrue();
                    assertThat(over.retryAfter()).isEqualTo(Duration.ofHours(5));
                });
    }

    @Test
    void ordersForNewNamesAndForRenewalsAreCountedUnderTheirOwnKeysOnAllServers() throws Exception {
        Budget budget = budget("acme.directory", OWN, "budget.orders", "9/1h");
        use(budget, OWN, Purpose.OBTAIN, 3, "a.example#.com");
        use(budget, OWN, Purpose.RENEW, 1, "b.example#.com");

        Duration window = Duration.ofHours(1);
        assertThat(house.store().ledger().used("orders|" + OWN + "|obtain", window))
                .isEqualTo(3);
        assertThat(house.store().ledger().used("orders|" + OWN + "|renew", window))
                .isEqualTo(1);
    }

    @Test
    void aRegisteredDomainIsWhatTheOperatorsOwnListSays() throws Exception {
        StringBuilder list = new StringBuilder("// ===BEGIN ICANN DOMAINS===\ncom\n");
        for (int i = 0; i < 1200; i++) {
            list.append("suffix").append(i).append(".com\n");
        }
        list.append("// ===END ICANN DOMAINS===\n// ===BEGIN PRIVATE DOMAINS===\n")
                .append("example.com\n// ===END PRIVATE DOMAINS===\n");
        Path own = Files.writeString(directory.resolve("own.dat"), list);

        Budget budget = budget("budget.publicSuffixes", own.toString());

        assertThat(budget.registeredDomain(name("www.shop.example.com"))).isEqualTo("shop.example.com");
        assertThat(budget.prepare()).isEqualTo(1202);
        assertThat(budget().registeredDomain(name("www.shop.example.com"))).isEqualTo("example.com");
    }

    @Nested
    class AFailedValidation {

        private final ServerName bad = name("bad.example.com");

        private void tomorrow() throws Exception {
            // The ledger lets go of what does not count any more when a day begins.
            house.time().advance(Duration.ofMinutes(1));
            house.store().ledger().count("any", Duration.ofDays(1));
        }

        @Test
        void countsForAsLongAsTheOperatorsWindowSays() throws Exception {
            Budget budget = budget("acme.directory", OWN, "budget.failures", "1/6h");
            house.time().advance(Duration.ofHours(2));
            budget.authorizationFailed(OWN, bad);
            house.time().advance(Duration.ofHours(3));

            tomorrow();

            assertSpent(budget, OWN, bad.value(), Purpose.OBTAIN, "failures");
        }

        @Test
        void countsForAnHourWhereTheOperatorsWindowIsShorter() throws Exception {
            Budget budget = budget("acme.directory", OWN, "budget.failures", "1/10m");
            house.time().advance(Duration.ofHours(3).plusMinutes(40));
            budget.authorizationFailed(OWN, bad);
            house.time().advance(Duration.ofMinutes(20));

            tomorrow();

            assertThat(budget.untilFailuresFit(OWN, bad, 1, 1)).isEqualTo(Duration.ofMinutes(39));
            use(budget, OWN, Purpose.OBTAIN, 1, bad.value());
        }

        @Test
        void ofACaWhoseUrlIsTooLongForTheLedgerIsNotCounted() throws Exception {
            Budget budget = budget();
            String endless = "https://ca.example/" + "x".repeat(2100);

            budget.authorizationFailed(endless, bad);

            assertThat(budget.untilFailuresFit(endless, bad, 4, 4)).isZero();
        }

        @Test
        void leavesRoomForThoseTheNextOrderMayCost() throws Exception {
            Budget budget = budget();
            budget.authorizationFailed(OWN, bad);
            house.time().advance(Duration.ofMinutes(10));

            assertThat(budget.untilFailuresFit(OWN, bad, 3, 4)).isZero();
            assertThat(budget.untilFailuresFit(OWN, bad, 4, 4)).isEqualTo(Duration.ofMinutes(50));
            assertThat(budget.untilFailuresFit(OWN, bad, 9, 4))
                    .as("one at least")
                    .isEqualTo(Duration.ofMinutes(50));
        }
    }
}
