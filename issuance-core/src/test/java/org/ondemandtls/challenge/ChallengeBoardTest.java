package org.ondemandtls.challenge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.name.ServerName;

/** {@link ChallengeBoard}: what is shown, to whom, and for how long. */
class ChallengeBoardTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");
    private static final ServerName OTHER = ServerName.parse("other.example.com");

    private final List<String> strayed = new ArrayList<>();
    private final ChallengeBoard board = new ChallengeBoard(
            ChallengeBoard.Elsewhere.NONE,
            (name, host) ->
                    strayed.add(name + " under " + host.map(ServerName::value).orElse("?")),
            Clock.systemUTC());

    private static final byte[] DIGEST = new byte[32];

    @Nested
    class AnHttpProof {

        @Test
        void isShownForItsHostAndTokenOnly() throws Exception {
            board.displayHttp(SHOP, "token", "token.thumbprint");

            assertThat(board.keyAuthorization(SHOP, "token")).contains("token.thumbprint");
            assertThat(board.keyAuthorization(OTHER, "token")).isEmpty();
            assertThat(board.keyAuthorization(SHOP, "Token")).isEmpty();
        }

        @Test
        void answersAGetOrHeadForExactlyItsPathAndHost() throws Exception {
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
        void thatIsAskedForUnderAnotherHostIsNotShownAndToldOfOnce() throws Exception {
            String path = "/.well-known/acme-challenge/token";
            ChallengeBoard.Display display = board.displayHttp(SHOP, "token", "answer");

            assertThat(board.answer("GET", path, null, "other.example.com")).isEmpty();
            assertThat(board.answer("GET", path, null, "127.0.0.1")).isEmpty();
            assertThat(board.answer("GET", path + "x", null, "other.example.com"))
                    .isEmpty();

            assertThat(strayed).containsExactly("shop.example.com under other.example.com");
            display.close();
            board.displayHttp(SHOP, "token", "answer");
            board.answer("GET", path, null, "localhost");
            assertThat(strayed).hasSize(2).endsWith("shop.example.com under ?");
        }

        @Test
        void isSeenOnceItHasBeenFetched() throws Exception {
            ChallengeBoard.Display display = board.displayHttp(SHOP, "token", "answer");
            board.keyAuthorization(OTHER, "token");
            assertThat(display.fetched()).isNotDone();

            board.keyAuthorization(SHOP, "token");

            assertThat(display.fetched()).isCompleted();
        }

        @Test
        void isGoneOnceClosed() throws Exception {
            board.displayHttp(SHOP, "token", "answer").close();

            assertThat(board.keyAuthorization(SHOP, "token")).isEmpty();
            assertThat(board.size()).isZero();
        }

        @Test
        void hasATokenOfTheAllowedSizeAndAlphabet() throws Exception {
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
        void isShownForItsNameOnly() throws Exception {
            board.displayTlsAlpn(SHOP, DIGEST);

            assertThat(board.challengeCertificate(SHOP).orElseThrow().names()).containsExactly(SHOP.value());
            assertThat(board.challengeCertificate(OTHER)).isEmpty();
        }

        @Test
        void isSeenOnceAHandshakeWithItIsOver() throws Exception {
            ChallengeBoard.Display display = board.displayTlsAlpn(SHOP, DIGEST);
            board.challengeCertificate(SHOP);
            assertThat(display.fetched()).isNotDone();

            board.challengeCertificateServed(SHOP);

            assertThat(display.fetched()).isCompleted();
        }

        @Test
        void isNotTakenDownByItsPredecessor() throws Exception {
            ChallengeBoard.Display first = board.displayTlsAlpn(SHOP, DIGEST);
            board.displayTlsAlpn(SHOP, DIGEST);
            KeyedCertificate second = board.challengeCertificate(SHOP).orElseThrow();

            first.close();

            assertThat(board.challengeCertificate(SHOP)).containsSame(second);
        }

        @Test
        void isGoneOnceClosed() throws Exception {
            board.displayTlsAlpn(SHOP, DIGEST).close();

            assertThat(board.challengeCertificate(SHOP)).isEmpty();
            assertThat(board.size()).isZero();
        }
    }

    @Nested
    class AProofOfAnotherServer {

        private static final String PATH = "/.well-known/acme-challenge/token";

        private final List<String> looks = new ArrayList<>();
        private final ChallengeBoard shared = new ChallengeBoard(
                new ChallengeBoard.Elsewhere() {
                    @Override
                    public boolean any() {
                        return true;
                    }

                    @Override
                    public void show(Proof proof) {}

                    @Override
                    public void takeDown(Proof proof) {}

                    @Override
                    public CompletableFuture<Optional<String>> find(ServerName name, ChallengeType type, String token) {
                        looks.add(name + " " + token);
                        return CompletableFuture.completedFuture(Optional.empty());
                    }

                    @Override
                    public void strayed(String token) {
                        looks.add("? " + token);
                    }
                },
                (name, host) -> {},
                Clock.systemUTC());

        @Test
        void isLookedForUnderItsHostAndUnderWhatIsNoName() {
            assertThat(shared.answerElsewhere("GET", PATH, null, SHOP.value())).isPresent();
            assertThat(shared.answerElsewhere("GET", PATH, null, "192.0.2.7")).isEmpty();
            assertThat(shared.answerElsewhere("GET", PATH, null, "backend")).isEmpty();
            assertThat(shared.answerElsewhere("GET", PATH, null, null)).isEmpty();

            assertThat(looks).containsExactly("shop.example.com token", "? token", "? token", "? token");
        }

        @Test
        void isNotLookedForWhereThisOneShowsItOrNobodyCan() throws Exception {
            shared.displayHttp(SHOP, "token", "answer");

            assertThat(shared.answerElsewhere("GET", PATH, null, OTHER.value())).isEmpty();
            assertThat(shared.answerElsewhere("GET", PATH, null, "192.0.2.7")).isEmpty();
            assertThat(shared.answerElsewhere("GET", PATH + "/x", null, "192.0.2.7"))
                    .isEmpty();
            assertThat(shared.answerElsewhere("POST", PATH + "x", null, SHOP.value()))
                    .isEmpty();

            assertThat(looks).isEmpty();
        }
    }
}
