package org.ondemandtls.challenge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.TestLeaves;

/** {@link ChallengeBoard}: what is shown, to whom, and for how long. */
class ChallengeBoardTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");
    private static final ServerName OTHER = ServerName.parse("other.example.com");

    private final ChallengeBoard board = new ChallengeBoard();

    private static KeyedCertificate certificate() {
        return TestLeaves.leaf(Instant.parse("2026-11-23T20:00:00Z"), Duration.ofDays(1), SHOP.value());
    }

    @Nested
    class AnHttpProof {

        @Test
        void isShownForItsHostAndTokenOnly() {
            board.displayHttp(SHOP, "token", "token.thumbprint");

            assertThat(board.keyAuthorization(SHOP, "token")).contains("token.thumbprint");
            assertThat(board.keyAuthorization(OTHER, "token")).isEmpty();
            assertThat(board.keyAuthorization(SHOP, "Token")).isEmpty();
        }

        @Test
        void answersAGetOrHeadForExactlyItsPathAndHost() {
            board.displayHttp(SHOP, "token", "answer");
            String path = "/.well-known/acme-challenge/token";

            assertThat(board.answer("GET", path, null, "Shop.Example.COM.")).contains("answer");
            assertThat(board.answer("HEAD", path, null, SHOP.value())).contains("answer");
            assertThat(board.answer("POST", path, null, SHOP.value())).isEmpty();
            assertThat(board.answer("get", path, null, SHOP.value())).isEmpty();
            assertThat(board.answer("GET", path, "", SHOP.value())).isEmpty();
            assertThat(board.answer("GET", path + "/", null, SHOP.value())).isEmpty();
            assertThat(board.answer("GET", "/x" + path, null, SHOP.value())).isEmpty();
            assertThat(board.answer("GET", path, null, OTHER.value())).isEmpty();
            assertThat(board.answer("GET", path, null, "127.0.0.1")).isEmpty();
            assertThat(board.answer("GET", path, null, null)).isEmpty();
            assertThat(board.answer("GET", null, null, SHOP.value())).isEmpty();
        }

        @Test
        void isSeenOnceItHasBeenFetched() {
            ChallengeBoard.Display display = board.displayHttp(SHOP, "token", "answer");
            board.keyAuthorization(OTHER, "token");
            assertThat(display.fetched()).isNotDone();

            board.keyAuthorization(SHOP, "token");

            assertThat(display.fetched()).isCompleted();
        }

        @Test
        void isGoneOnceClosed() {
            board.displayHttp(SHOP, "token", "answer").close();

            assertThat(board.keyAuthorization(SHOP, "token")).isEmpty();
            assertThat(board.size()).isZero();
        }

        @Test
        void hasATokenOfTheAllowedSizeAndAlphabet() {
            board.displayHttp(SHOP, "a".repeat(128), "answer").close();
            for (String bad : new String[] {"", "a".repeat(129), "a/b", "a.b", "a b", "ä"}) {
                assertThatThrownBy(() -> board.displayHttp(SHOP, bad, "answer"))
                        .as(bad)
                        .isInstanceOf(IllegalArgumentException.class);
            }
        }
    }

    @Nested
    class AChallengeCertificate {

        @Test
        void isShownForItsNameOnly() {
            KeyedCertificate certificate = certificate();
            board.displayTlsAlpn(SHOP, certificate);

            assertThat(board.challengeCertificate(SHOP)).containsSame(certificate);
            assertThat(board.challengeCertificate(OTHER)).isEmpty();
        }

        @Test
        void isSeenOnceAHandshakeWithItIsOver() {
            ChallengeBoard.Display display = board.displayTlsAlpn(SHOP, certificate());
            board.challengeCertificate(SHOP);
            assertThat(display.fetched()).isNotDone();

            board.challengeCertificateServed(SHOP);

            assertThat(display.fetched()).isCompleted();
        }

        @Test
        void isNotTakenDownByItsPredecessor() {
            ChallengeBoard.Display first = board.displayTlsAlpn(SHOP, certificate());
            KeyedCertificate second = certificate();
            board.displayTlsAlpn(SHOP, second);

            first.close();

            assertThat(board.challengeCertificate(SHOP)).containsSame(second);
        }

        @Test
        void isGoneOnceClosed() {
            board.displayTlsAlpn(SHOP, certificate()).close();

            assertThat(board.challengeCertificate(SHOP)).isEmpty();
            assertThat(board.size()).isZero();
        }
    }
}
