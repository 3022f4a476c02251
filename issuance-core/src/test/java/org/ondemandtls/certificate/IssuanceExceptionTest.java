package org.ondemandtls.certificate;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.name.ServerName;

/** {@link IssuanceException}: who acts, for how long, and whether another CA may help. */
class IssuanceExceptionTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");
    private static final Duration WAIT = Duration.ofSeconds(7);

    private static IssuanceException.Rejected rejected(String type) {
        return new IssuanceException.Rejected(SHOP, type, "no", WAIT);
    }

    static Stream<IssuanceException> ofThisCa() {
        return Stream.of(
                new IssuanceException.Unavailable(SHOP, "down", WAIT, null),
                new IssuanceException.RateLimited(SHOP, new Scope.Account("ca"), "slow down", WAIT),
                new IssuanceException.AccountRefused(SHOP, "deactivated", WAIT),
                rejected("caa"),
                rejected("rejectedIdentifier"),
                rejected("unsupportedIdentifier"),
                rejected("badCSR"),
                rejected("serverInternal"),
                rejected("unknown"),
                IssuanceException.Rejected.paused(
                        SHOP, "rateLimited", "paused", URI.create("https://ca.example/unpause"), WAIT));
    }

    static Stream<IssuanceException> ofEveryCa() {
        return Stream.of(
                new IssuanceException.NotPermitted(SHOP, "no", WAIT),
                new IssuanceException.NoAnswer(SHOP, "silent", WAIT),
                new IssuanceException.StoreFailed(SHOP, "full", WAIT, new IOException()),
                new IssuanceException.Overloaded(SHOP, "key"),
                new IssuanceException.Stopping(SHOP),
                new IssuanceException.Remembered(SHOP, "the CA could not be reached", WAIT),
                rejected("connection"),
                rejected("dns"),
                rejected("tls"),
                rejected("unauthorized"),
                rejected("incorrectResponse"));
    }

    @ParameterizedTest
    @MethodSource("ofThisCa")
    void anotherCaMayHelpWhereThisOneIsTheReason(IssuanceException failure) {
        assertThat(failure.elsewhere()).isTrue();
    }

    @ParameterizedTest
    @MethodSource("ofEveryCa")
    void noOtherCaHelpsWhereTheNameOrWeAreTheReason(IssuanceException failure) {
        assertThat(failure.elsewhere()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"caa", "rejectedIdentifier", "unsupportedIdentifier"})
    void aRefusalOfTheNameLastsUntilSomebodyActs(String type) {
        assertThat(rejected(type).permanent()).isTrue();
        assertThat(rejected(type).link()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"connection", "dns", "tls", "unauthorized", "incorrectResponse", "serverInternal", "unknown"})
    void aRefusalOfAProofMayPass(String type) {
        assertThat(rejected(type).permanent()).isFalse();
    }

    @Test
    void aPausedNameSaysWhatHasToBeVisited() {
        URI link = URI.create("https://ca.example/unpause?jwt=abc");
        var paused = IssuanceException.Rejected.paused(SHOP, "rateLimited", "Please visit: (link)", link, WAIT);

        assertThat(paused.permanent()).isTrue();
        assertThat(paused.link()).contains(link);
        assertThat(paused)
                .hasMessage(
                        "shop.example.com: rejected by the CA (rateLimited): the CA has paused this name after too many"
                                + " failures; visit https://ca.example/unpause?jwt=abc to have it resumed (the CA says: Please"
                                + " visit: (link))");
    }

    @Test
    void aLimitSaysWhomItConcerns() {
        assertThat(new IssuanceException.RateLimited(SHOP, new Scope.Account("ca"), "too many", WAIT))
                .hasMessage("shop.example.com: the CA limits the rate of the account (too many)");
        assertThat(new IssuanceException.RateLimited(SHOP, new Scope.Domain("ca", "example.com"), "too many", WAIT))
                .hasMessage("shop.example.com: the CA limits the rate of example.com (too many)");
        assertThat(new IssuanceException.RateLimited(SHOP, new Scope.NameAt("ca", SHOP), "too many", WAIT))
                .hasMessage("shop.example.com: the CA limits the rate of this name (too many)");
    }

    @Test
    void aWaitIsNeverNegative() {
        assertThat(new IssuanceException.Unavailable(SHOP, "down", Duration.ofSeconds(-1), null).retryAfter())
                .isZero();
    }
}
