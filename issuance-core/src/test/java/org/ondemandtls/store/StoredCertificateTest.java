package org.ondemandtls.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.ondemandtls.store.ShelfContract.NOW;
import static org.ondemandtls.store.ShelfContract.SHOP;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.challenge.Proof;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.testing.RecordedEvents;
import org.ondemandtls.testing.TestLeaves;

/** {@link StoredCertificate} and its {@link Happening}s, and what a store is for a process that has it for itself. */
class StoredCertificateTest {

    private final StoredCertificate stored = ShelfContract.stored(SHOP.value(), "www.example.com");

    private static Happening denied(int second) {
        return new Happening(NOW.plusSeconds(second), "denied", "denied at " + second);
    }

    @Nested
    class ACertificate {

        @Test
        void isServedWhileItIsValidAndNotWithdrawn() {
            Instant end = stored.certificate().notAfter();

            assertThat(stored.isServableAt(NOW)).isTrue();
            assertThat(stored.isServableAt(end)).isTrue();
            assertThat(stored.isServableAt(end.plusSeconds(1))).isFalse();
            assertThat(stored.withWithdrawn(Optional.of(NOW)).isServableAt(NOW)).isFalse();
        }

        @Test
        void isLeftAloneWhereNothingIsDueBeforeItsEnd() {
            Instant end = stored.certificate().notAfter();

            assertThat(stored.withDue(end).isLeftAlone()).isFalse();
            assertThat(stored.withDue(end.plusMillis(1)).isLeftAlone()).isTrue();
            assertThat(stored.withDue(end.plusMillis(1))
                            .withWithdrawn(Optional.of(NOW))
                            .isLeftAlone())
                    .isFalse();
        }

        @Test
        void changesInOnePointAtATime() {
            Moved moved = new Moved(NOW, "192.0.2.7", "change A of it");
            StoredCertificate changed = stored.withDue(NOW.plusSeconds(1))
                    .withRenew(NOW.plusSeconds(2))
                    .withDeniedSince(Optional.of(NOW.plusSeconds(3)))
                    .withWithdrawn(Optional.of(NOW.plusSeconds(4)))
                    .withMoved(Optional.of(moved))
                    .withHistory(List.of(denied(1)))
                    .withRevision(7);

            assertThat(changed)
                    .isEqualTo(new StoredCertificate(
                            stored.certificate(),
                            stored.issuer(),
                            stored.obtained(),
                            NOW.plusSeconds(1),
                            NOW.plusSeconds(2),
                            Optional.empty(),
                            Optional.empty(),
                            Optional.of(NOW.plusSeconds(3)),
                            Optional.of(NOW.plusSeconds(4)),
                            Optional.of(moved),
                            List.of(denied(1)),
                            7));
        }

        @Test
        void tellsOfItsComingWhereThatWasNotWrittenDown() {
            assertThat(stored.told())
                    .containsExactly(new Happening(
                            stored.obtained(),
                            "obtained",
                            "obtained from https://ca.example/directory, valid until "
                                    + stored.certificate().notAfter()));
        }

        @Test
        void tellsOfItsComingOnce() {
            List<Happening> written = List.of(new Happening(stored.obtained(), "obtained", "from the CA"), denied(5));

            assertThat(stored.withHistory(written).told()).isEqualTo(written);
        }

        @Test
        void tellsThatItSucceededWhatCameBefore() {
            Happening first = new Happening(stored.obtained().minusSeconds(9), "obtained", "long ago");

            assertThat(stored.withHistory(List.of(denied(-20), first)).told())
                    .extracting(Happening::kind)
                    .containsExactly("denied", "obtained", "renewed");
            assertThat(stored.withHistory(List.of(denied(-20))).told())
                    .extracting(Happening::kind)
                    .containsExactly("denied", "obtained");
        }

        @Test
        void goesOnWithTheVisitsTheHistoryAndTheRevisionOfTheOneBefore() {
            StoredCertificate before = stored.withVisited(NOW)
                    .withRevision(4)
                    .withDeniedSince(Optional.of(NOW))
                    .withWithdrawn(Optional.of(NOW));
            StoredCertificate next = ShelfContract.stored(TestLeaves.leaf(NOW, Duration.ofDays(90), SHOP.value()))
                    .succeeding(before);

            assertThat(next.visited()).contains(NOW);
            assertThat(next.revision()).isEqualTo(4);
            assertThat(next.history()).isEqualTo(before.told());
            assertThat(next.deniedSince()).isEmpty();
            assertThat(next.withdrawn()).isEmpty();
        }
    }

    @Nested
    class Happenings {

        private List<Happening> many(int from, int to) {
            List<Happening> many = new ArrayList<>();
            for (int i = from; i < to; i++) {
                many.add(denied(i));
            }
            return many;
        }

        @Test
        void areJoinedInTheirOrderEachOnce() {
            assertThat(Happening.joined(List.of(denied(3), denied(1)), List.of(denied(2), denied(3))))
                    .containsExactly(denied(1), denied(2), denied(3));
        }

        @Test
        void areTheLatestWhereThereAreTooMany() {
            assertThat(Happening.joined(many(0, Happening.MOST), List.of())).isEqualTo(many(0, Happening.MOST));
            assertThat(Happening.joined(many(0, Happening.MOST), many(Happening.MOST, Happening.MOST + 2)))
                    .isEqualTo(many(2, Happening.MOST + 2));
        }

        @Test
        void ofOneCertificatesComingAreToldOnceTheLaterOne() {
            Happening early = Happening.coming(NOW, true, "ca", NOW.plusSeconds(90));
            Happening late = Happening.coming(NOW.plusSeconds(1), false, "ca", NOW.plusSeconds(90));
            Happening other = Happening.coming(NOW.plusSeconds(2), false, "ca", NOW.plusSeconds(99));

            assertThat(Happening.joined(List.of(early, other), List.of(late))).containsExactly(late, other);
            assertThat(late.text()).isEqualTo("renewed by ca, valid until " + NOW.plusSeconds(90));
        }

        @Test
        void ofOtherKindsAreAllToldWhateverTheySay() {
            Happening one = new Happening(NOW, "denied", "asked, valid until Monday");
            Happening two = new Happening(NOW.plusSeconds(1), "denied", "again, valid until Monday");
            Happening bare = new Happening(NOW.plusSeconds(2), "obtained", "from somewhere");
            Happening bareAgain = new Happening(NOW.plusSeconds(3), "renewed", "from somewhere");

            assertThat(Happening.joined(List.of(one, two), List.of(bare, bareAgain)))
                    .containsExactly(one, two, bare, bareAgain);
        }

        @Test
        void areOneLineEach() {
            assertThat(new Happening(NOW, "denied", " two\r\n lines\t ").text()).isEqualTo("two lines");
        }

        @ParameterizedTest
        @ValueSource(strings = {"denied", "no_answer", "still_failing", "recovered", "forgotten"})
        void thatAnybodyCanBringAboutAreKnownByTheirKind(String kind) {
            assertThat(HappeningPages.isOfAnyName(kind)).isTrue();
            assertThat(HappeningPages.isOfAnyName("rejected")).isFalse();
        }
    }

    @Nested
    class AStoreOfOneProcess {

        private final Proof proof = new Proof(SHOP, ChallengeType.HTTP_01, "token", "content");

        @Test
        void leasesEveryNameToItAndKnowsOfNobodyElse() throws Exception {
            assertThat(Peers.NONE.any()).isFalse();
            assertThat(Peers.NONE.take(SHOP)).contains(new Lease(SHOP, 0));
            Peers.NONE.giveBack(Lease.alone(SHOP));
            assertThat(Peers.NONE.take(SHOP)).contains(Lease.alone(SHOP));
            assertThat(Peers.NONE.abandoned()).isEmpty();
            assertThat(Peers.NONE.members()).isEmpty();
        }

        @Test
        void showsNoProofOfAnybodyElse() throws Exception {
            Peers.NONE.show(proof);

            assertThat(Peers.NONE.proof(SHOP, ChallengeType.HTTP_01, "token")).isEmpty();
            assertThat(Peers.NONE.httpProofs(SHOP)).isEmpty();
            assertThat(Peers.NONE.nameOf("token")).isEmpty();
        }
    }

    @Nested
    class AStepThatComesTooLate {

        private final AtomicInteger runs = new AtomicInteger();

        private void late(int times) throws StaleRevisionException {
            if (runs.incrementAndGet() <= times) {
                throw new StaleRevisionException(SHOP.value(), 2, 1);
            }
        }

        @Test
        void isTakenAgainUpToFiveTimes() throws Exception {
            Retry.stepIfStale(() -> late(Retry.ATTEMPTS - 1));

            assertThat(runs).hasValue(Retry.ATTEMPTS);
        }

        @Test
        void isGivenUpAfterThat() {
            assertThatThrownBy(() -> Retry.stepIfStale(() -> late(Retry.ATTEMPTS)))
                    .isInstanceOf(StaleRevisionException.class)
                    .hasMessageContaining("revision 2 is stored, 1 was expected");
            assertThat(runs).hasValue(Retry.ATTEMPTS);
        }

        @Test
        void givesWhatComesOfItInTheEnd() throws Exception {
            String answer = Retry.<String, StoreException>ifStale(() -> {
                late(1);
                return "done";
            });

            assertThat(answer).isEqualTo("done");
        }
    }

    @Nested
    class Trouble {

        private final RecordedEvents recorded = new RecordedEvents();
        private final Troubles troubles = new Troubles(recorded.events());

        @Test
        void isSaidWithItsPlaceOnce() {
            troubles.tell("here", new StoreException("broken"));
            troubles.tell("here", new StoreException("broken"));
            troubles.tell("there", new StoreException("there is broken"));

            assertThat(recorded.lines(EventKind.STORE_FAILED)).hasSize(2);
            assertThat(recorded.lines(EventKind.STILL_FAILING)).hasSize(1);
            assertThat(recorded.lines(EventKind.STORE_FAILED).get(0)).contains("here: broken; all other records");
            assertThat(recorded.lines(EventKind.STORE_FAILED).get(1))
                    .contains("there is broken; all")
                    .doesNotContain("there: ");
        }
    }
}
