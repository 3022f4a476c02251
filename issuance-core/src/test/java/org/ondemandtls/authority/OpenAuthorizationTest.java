package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.ondemandtls.authority.ScriptedCa.AUTHORIZATION;
import static org.ondemandtls.authority.ScriptedCa.CHALLENGE;
import static org.ondemandtls.authority.ScriptedCa.NAME;
import static org.ondemandtls.authority.ScriptedCa.NEW_ORDER;
import static org.ondemandtls.authority.ScriptedCa.ORDER;
import static org.ondemandtls.authority.ScriptedCa.ORIGIN;
import static org.ondemandtls.authority.ScriptedCa.TOKEN;
import static org.ondemandtls.authority.ScriptedCa.answer;

import java.net.URI;
import java.time.Duration;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.IssuanceException.Rejected;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;

/** A proof that has failed while its authorization stays open, as step-ca has it: noticed, told and counted. */
class OpenAuthorizationTest {

    private static final ChallengeType TLS_ALPN = ChallengeType.TLS_ALPN_01;
    private static final ChallengeType HTTP = ChallengeType.HTTP_01;

    /** More than a few looks, and far less than until the time of the order is over. */
    private static final int SOME_LOOKS = 8;

    private final ScriptedCa ca = new ScriptedCa();
    private final Map<ChallengeType, String> challenges = new EnumMap<>(ChallengeType.class);
    private String status = "pending";

    @BeforeEach
    void offerBothKinds() {
        ca.candidates = List.of(TLS_ALPN, HTTP);
        offer(TLS_ALPN, "pending", "");
        offer(HTTP, "pending", "");
        ca.always(AUTHORIZATION, (request, right) -> {
            // Time goes on between looks once the proof has been fetched.
            ca.looks();
            return answer(request, 200, authorization());
        });
    }

    private String authorization() {
        return "{\"status\": \"" + status + "\", \"challenges\": [" + String.join(", ", challenges.values()) + "]}";
    }

    private static String url(ChallengeType type) {
        return CHALLENGE + (type == TLS_ALPN ? "1" : "2");
    }

    private static String error(String type, String detail) {
        return ", \"error\": {\"type\": \"urn:ietf:params:acme:error:" + type + "\", \"detail\": \"" + detail + "\"}";
    }

    private void offer(ChallengeType type, String challengeStatus, String error) {
        challenges.put(
                type,
                "{\"type\": \"" + OrderFlow.token(type) + "\", \"status\": \"" + challengeStatus + "\", \"url\": \""
                        + ORIGIN + url(type) + "\", \"token\": \"" + TOKEN + "\"" + error + "}");
    }

    private void refuse(ChallengeType type, String challengeStatus, String error) {
        ca.always(url(type), (request, right) -> {
            ca.looks();
            offer(type, challengeStatus, error);
            return answer(request, 200, challenges.get(type));
        });
    }

    private void accept(ChallengeType type) {
        ca.always(url(type), (request, right) -> {
            accepted(type);
            return right.answer();
        });
    }

    private void accepted(ChallengeType type) {
        offer(type, "valid", "");
        status = "valid";
    }

    private Throwable failure() {
        return catchThrowable(ca::sign);
    }

    private void assertSignedByHttp() throws IssuanceException {
        long begun = ca.time.nanoTime();

        assertThat(ca.sign()).isNotEmpty();

        assertThat(Duration.ofNanos(ca.time.nanoTime() - begun)).isLessThan(Duration.ofSeconds(10));
        assertThat(ca.asked(url(HTTP))).isEqualTo(1);
        assertThat(ca.asked(AUTHORIZATION)).isLessThanOrEqualTo(SOME_LOOKS);
    }

    private void assertRejected(String type, String detail) {
        assertThat(failure()).isInstanceOfSatisfying(Rejected.class, refusal -> {
            assertThat(refusal.problemType()).isEqualTo(type);
            assertThat(refusal.detail()).contains(detail);
        });
        assertThat(ca.failedValidations).isEqualTo(1);
        assertThat(ca.asked(NEW_ORDER)).isEqualTo(1);
    }

    @Nested
    class AfterAFailedProof {

        @BeforeEach
        void acceptHttp() {
            accept(HTTP);
        }

        // What step-ca says of a server that does not speak acme-tls/1, and of one that cannot be connected to.
        @ParameterizedTest
        @ValueSource(strings = {"rejectedIdentifier", "unauthorized", "connection"})
        void anotherOneIsTriedInTheSameOrder(String type) throws IssuanceException {
            refuse(TLS_ALPN, "invalid", error(type, "cannot negotiate ALPN acme-tls/1"));

            assertSignedByHttp();

            assertThat(ca.asked(NEW_ORDER)).isEqualTo(1);
            assertThat(ca.asked(url(TLS_ALPN))).isEqualTo(1);
            assertThat(ca.failedValidations).isEqualTo(1);
            assertThat(ca.preference.candidates(NAME, EnumSet.allOf(ChallengeType.class)))
                    .containsExactly(HTTP, TLS_ALPN);
        }

        @Test
        void whoseChallengeStaysPendingWithAReasonAnotherOneIsTried() throws IssuanceException {
            refuse(TLS_ALPN, "pending", error("connection", "connection refused"));

            assertSignedByHttp();

            assertThat(ca.asked(NEW_ORDER)).isEqualTo(1);
            assertThat(ca.failedValidations).isEqualTo(1);
        }

        @Test
        void thatNoOtherOneCuresNoneIsTried() {
            refuse(TLS_ALPN, "invalid", error("dns", "NXDOMAIN"));

            assertRejected("dns", "NXDOMAIN");
            assertThat(ca.asked(url(HTTP))).isZero();
        }

        @Test
        void whoseAuthorizationEndsALittleLaterAnotherOrderIsPlaced() throws IssuanceException {
            AtomicInteger looks = new AtomicInteger();
            refuse(TLS_ALPN, "invalid", error("unauthorized", "no"));
            ca.always(AUTHORIZATION, (request, right) -> {
                boolean isDecided = ca.asked(NEW_ORDER) == 1 && ca.asked(CHALLENGE) == 1;
                String decision = isDecided && looks.incrementAndGet() > 1 ? "invalid" : status;
                return answer(request, 200, authorization().replaceFirst("\"pending\"", "\"" + decision + "\""));
            });

            assertSignedByHttp();

            assertThat(ca.asked(NEW_ORDER)).isEqualTo(2);
            assertThat(ca.failedValidations).isEqualTo(1);
        }
    }

    @Nested
    class TheOnlyProof {

        @BeforeEach
        void offerOne() {
            challenges.remove(HTTP);
        }

        @Test
        void thatFailsIsTheNamesRefusalWithinAFewLooks() {
            refuse(TLS_ALPN, "invalid", error("unauthorized", "another certificate for " + TOKEN));

            assertRejected("unauthorized", "another certificate for (token)");
            assertThat(ca.asked(AUTHORIZATION)).isLessThanOrEqualTo(SOME_LOOKS);
        }

        @Test
        void thatFailsWithoutAReasonIsRefusedAllTheSame() {
            refuse(TLS_ALPN, "invalid", "");

            assertRejected("unknown", "the challenge is invalid");
        }

        @Test
        void thatStaysPendingWithAReasonIsRefusedWithinAFewLooks() {
            refuse(TLS_ALPN, "pending", error("connection", "connection refused"));

            assertRejected("connection", "connection refused");
            assertThat(ca.asked(AUTHORIZATION)).isLessThanOrEqualTo(SOME_LOOKS);
        }

        @Test
        void whoseLookIsRepeatedByTheCaIsWaitedFor() throws IssuanceException {
            isAcceptedAfter(SOME_LOOKS, "processing", error("connection", "connection refused, trying again"));

            assertThat(ca.sign()).isNotEmpty();
            assertThat(ca.failedValidations).isZero();
        }

        @Test
        void thatFailedBeforeIsWaitedForAsLongAsNothingNewIsSaid() throws IssuanceException {
            String before = error("connection", "connection refused");
            offer(TLS_ALPN, "pending", before);
            isAcceptedAfter(5, "pending", before);

            assertThat(ca.sign()).isNotEmpty();
            assertThat(ca.failedValidations).isZero();
        }

        @Test
        void thatFailsAsItDidBeforeIsRefusedBeforeTheTimeIsOver() {
            String before = error("connection", "connection refused");
            offer(TLS_ALPN, "pending", before);
            refuse(TLS_ALPN, "pending", before);

            assertRejected("connection", "connection refused");
        }

        private void isAcceptedAfter(int looks, String challengeStatus, String error) {
            AtomicInteger left = new AtomicInteger(looks);
            ca.always(url(TLS_ALPN), (request, right) -> {
                offer(TLS_ALPN, challengeStatus, error);
                return right.answer();
            });
            ca.always(AUTHORIZATION, (request, right) -> {
                if (ca.asked(CHALLENGE) > 0 && left.getAndDecrement() == 0) {
                    accepted(TLS_ALPN);
                }
                return answer(request, 200, authorization());
            });
        }
    }

    @Nested
    class AnOrderThatIsTakenUp {

        @BeforeEach
        void leaveOneOpen() {
            ca.leftOpen = Optional.of(URI.create(ORIGIN + ORDER + "1"));
            accept(HTTP);
        }

        @Test
        void goesOnWithTheKindThatHasNotFailed() throws IssuanceException {
            offer(TLS_ALPN, "invalid", error("unauthorized", "no"));

            assertSignedByHttp();

            assertThat(ca.asked(url(TLS_ALPN))).isZero();
            assertThat(ca.asked(NEW_ORDER)).isZero();
            assertThat(ca.failedValidations).isZero();
        }

        @Test
        void isFollowedByOneMoreOrderAtMostWhereTheCaHandsOutTheFailedProofsAgain() {
            offer(TLS_ALPN, "invalid", error("unauthorized", "no"));
            offer(HTTP, "invalid", error("unauthorized", "no"));

            assertThat(failure()).isInstanceOf(IssuanceException.Unavailable.class);

            assertThat(ca.asked(NEW_ORDER)).isEqualTo(1);
        }

        @Test
        void isGivenUpWhereAllKindsHaveFailed() throws IssuanceException {
            offer(TLS_ALPN, "invalid", error("unauthorized", "no"));
            offer(HTTP, "invalid", error("unauthorized", "no"));
            ca.always(NEW_ORDER, (request, right) -> {
                offer(HTTP, "pending", "");
                return right.answer();
            });

            assertSignedByHttp();

            assertThat(ca.asked(NEW_ORDER)).isEqualTo(1);
            assertThat(ca.asked(url(TLS_ALPN))).isZero();
            assertThat(ca.failedValidations).isZero();
            assertThat(ca.seen.toString()).contains("dropped the open order");
        }
    }

    @Test
    void aNewOrderWithFailedProofsOnlyIsTheCasFaultAndCostsNoSecondOne() {
        offer(TLS_ALPN, "invalid", error("unauthorized", "no"));
        offer(HTTP, "expired", "");

        assertThat(failure())
                .isInstanceOf(IssuanceException.Unavailable.class)
                .hasMessageContaining("hands out an authorization again")
                .hasCauseInstanceOf(UnexplainedException.class);
        assertThat(ca.asked(CHALLENGE)).isZero();
        assertThat(ca.asked(NEW_ORDER)).isEqualTo(1);
        assertThat(ca.failedValidations).isZero();
    }
}
