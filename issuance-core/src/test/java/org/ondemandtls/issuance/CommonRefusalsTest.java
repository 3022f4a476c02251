package org.ondemandtls.issuance;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.ondemandtls.certificate.IssuanceException.AccountRefused;
import org.ondemandtls.certificate.IssuanceException.Rejected;
import org.ondemandtls.name.PublicSuffixes;
import org.ondemandtls.name.ServerName;

/** {@link CommonRefusals}: two registered domains tell what concerns every name; one order a minute finds out its end. */
class CommonRefusalsTest {

    private static final String CA = "https://ca.example/directory";
    private static final ServerName ONE = ServerName.parse("shop.one.example");
    private static final ServerName OF_ONE = ServerName.parse("www.one.example");
    private static final ServerName TWO = ServerName.parse("shop.two.example");
    private static final ServerName THREE = ServerName.parse("shop.three.example");

    private final AtomicLong time = new AtomicLong();
    private final CommonRefusals refusals = new CommonRefusals(PublicSuffixes.bundled()::registeredDomain, time::get);

    private Optional<CommonRefusals.Verdict> refused(ServerName name, String type) {
        return refusals.refused(CA, name, Rejected.general(name, type, "no RSA here", Duration.ZERO));
    }

    private void advance(Duration by) {
        time.addAndGet(by.toNanos());
    }

    @Test
    void namesOfOneRegisteredDomainTellNothingOfOthers() {
        assertThat(refused(ONE, "badPublicKey")).isEmpty();
        assertThat(refused(OF_ONE, "badPublicKey")).isEmpty();

        assertThat(refusals.holding(CA, THREE)).isEmpty();
        assertThat(refusals.enter(CA, THREE)).isEmpty();
    }

    @Test
    void twoRegisteredDomainsAreAWaitForTheCaThatSaysWhatToChange() {
        refused(ONE, "badPublicKey");
        refused(OF_ONE, "badPublicKey");

        CommonRefusals.Verdict verdict = refused(TWO, "badPublicKey").orElseThrow();

        assertThat(verdict.freed()).containsExactlyInAnyOrder(ONE, OF_ONE);
        assertThat(verdict.exception())
                .hasMessage("shop.two.example: the CA " + CA + " refuses every name at present (badPublicKey: no RSA"
                        + " here): change onDemandTls.certificate.key to a kind of key this CA takes; one order a minute"
                        + " tries again");
        assertThat(refusals.holding(CA, THREE).orElseThrow()).hasMessageStartingWith("shop.three.example: the CA ");
        assertThat(refusals.holding("https://next.example/directory", THREE)).isEmpty();
    }

    @Test
    void differentAnswersAreNoCommonOne() {
        refused(ONE, "badPublicKey");

        assertThat(refused(TWO, "badCSR")).isEmpty();
        assertThat(refused(THREE, "badCSR")).isPresent();
    }

    @Test
    void aSuccessInBetweenEndsTheSuspicion() {
        refused(ONE, "badCSR");
        refusals.worked(CA);

        assertThat(refused(TWO, "badCSR")).isEmpty();
    }

    @Test
    void oneOrderAMinuteTriesAgain() {
        refused(ONE, "badCSR");
        refused(TWO, "badCSR");
        assertThat(refusals.enter(CA, THREE)).isPresent();
        advance(CommonRefusals.PROBED_EVERY.minusNanos(1));
        assertThat(refusals.enter(CA, THREE)).isPresent();
        advance(Duration.ofNanos(1));

        assertThat(refusals.enter(CA, THREE)).isEmpty();
        assertThat(refusals.enter(CA, ONE).orElseThrow().retryAfter()).isEqualTo(CommonRefusals.PROBED_EVERY);
        assertThat(refused(THREE, "badCSR")).isPresent();
        assertThat(refusals.holding(CA, THREE)).isPresent();
    }

    @Test
    void theFirstSuccessEndsIt() {
        refused(ONE, "badCSR");
        refused(TWO, "badCSR");

        refusals.worked(CA);

        assertThat(refusals.holding(CA, ONE)).isEmpty();
        assertThat(refusals.enter(CA, ONE)).isEmpty();
    }

    @Test
    void aRefusedAccountConcernsEveryNameAtOnce() {
        refusals.refused(CA, new AccountRefused(ONE, "deactivated; check onDemandTls.acme.eab", Duration.ZERO));

        assertThat(refusals.enter(CA, TWO).orElseThrow())
                .hasMessageContaining("refuses every name at present: the CA refuses the account: deactivated; check"
                        + " onDemandTls.acme.eab; one order a minute tries again");
    }

    @Test
    void manyNamesOfOneDomainAreRememberedWithinABound() {
        for (int i = 0; i < 1000; i++) {
            refused(ServerName.parse("shop" + i + ".one.example"), "badCSR");
        }

        assertThat(refused(TWO, "badCSR").orElseThrow().freed()).hasSize(100);
    }
}
