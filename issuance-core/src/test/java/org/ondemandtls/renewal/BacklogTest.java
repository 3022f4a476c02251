package org.ondemandtls.renewal;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.ondemandtls.renewal.Entry.Kind;

/** {@link Backlog}: who is next, and what keeps nobody from his turn. */
class BacklogTest {

    private static final Instant NOW = Instant.parse("2026-11-29T10:00:00Z");
    private static final String CA = "https://ca.example/directory";
    private static final String OTHER = "https://other.example/directory";

    private final Backlog backlog = new Backlog(Map.of(Kind.RENEW, 4, Kind.ASK, 2, Kind.ADVICE, 2), true);
    private long nanos;

    private static Entry entry(String name, Kind kind, String ca, Duration left) {
        return new Entry(
                name, kind, ca, NOW, NOW.plusSeconds(60), NOW.plus(left), Optional.empty(), Optional.empty(), false, 0);
    }

    private void offer(String name, String ca, int hoursLeft) {
        backlog.offer(entry(name, Kind.RENEW, ca, Duration.ofHours(hoursLeft)));
    }

    private Optional<Entry> take() {
        return backlog.take(Kind.RENEW, NOW, nanos);
    }

    private String next() {
        return take().orElseThrow().name();
    }

    @Test
    void theMostUrgentComesFirstWheneverItWasAdded() {
        offer("later.example", CA, 30);
        offer("soon.example", CA, 1);
        offer("next.example", CA, 10);

        assertThat(next()).isEqualTo("soon.example");
        assertThat(next()).isEqualTo("next.example");
        assertThat(next()).isEqualTo("later.example");
        assertThat(take()).isEmpty();
    }

    @Test
    void aNameIsKnownOnceWhateverIsToBeDone() {
        offer("a.example", CA, 1);
        backlog.offer(entry("a.example", Kind.ASK, CA, Duration.ofHours(1)));

        assertThat(backlog.size()).isEqualTo(1);
        Entry taken = take().orElseThrow();
        offer("a.example", CA, 1);
        assertThat(take()).isEmpty();
        backlog.done(taken);
        assertThat(backlog.size()).isZero();
    }

    @Test
    void aTurnThatEndsLateEndsNoLaterOne() {
        offer("a.example", CA, 1);
        Entry first = take().orElseThrow();
        backlog.done(first);
        offer("a.example", CA, 1);
        Entry second = take().orElseThrow();

        backlog.done(first);
        backlog.again(first, first, Duration.ZERO, nanos);
        backlog.becomes(first, first.as(Kind.ASK));

        assertThat(backlog.running(Kind.RENEW)).isEqualTo(1);
        assertThat(take()).isEmpty();
        backlog.done(second);
        assertThat(backlog.running(Kind.RENEW)).isZero();
        assertThat(backlog.size()).isZero();
    }

    @Test
    void oneCaThatHangsLeavesATurnToTheOther() {
        for (int i = 0; i < 10; i++) {
            offer("a" + i + ".example", CA, i);
        }
        assertThat(next()).isEqualTo("a0.example");
        assertThat(next()).isEqualTo("a1.example");
        assertThat(next()).isEqualTo("a2.example");
        assertThat(take()).isEmpty();

        offer("b.example", OTHER, 1000);

        assertThat(next()).isEqualTo("b.example");
    }

    @Test
    void aSpentBudgetKeepsOnlyThoseThatCountInItFromTheirTurn() {
        offer("imported.example", CA, 1);
        Entry imported = take().orElseThrow();
        backlog.overBudget(imported, Duration.ofHours(3), nanos);
        backlog.done(imported);

        offer("imported.example", CA, 1);
        offer("ordinary.example", CA, 1000);
        assertThat(next()).isEqualTo("ordinary.example");
        assertThat(take()).isEmpty();

        nanos += Duration.ofHours(3).toNanos();
        Entry again = take().orElseThrow();
        assertThat(again.name()).isEqualTo("imported.example");
        backlog.worked(again, 1);
        backlog.done(again);
        assertThat(backlog.size()).isEqualTo(1);
    }

    @Test
    void whatFailsAgainAndAgainKeepsNobodyWaiting() {
        offer("bad.example", CA, 1);
        offer("good.example", CA, 2);
        Entry bad = take().orElseThrow();

        backlog.again(bad, bad, Duration.ofMinutes(5), nanos);

        assertThat(next()).isEqualTo("good.example");
        assertThat(take()).isEmpty();
        nanos += Duration.ofMinutes(5).toNanos();
        assertThat(next()).isEqualTo("bad.example");
    }

    @Test
    void whatWasPlannedGivesWayToARenewal() {
        backlog.offer(entry("a.example", Kind.ADVICE, CA, Duration.ofHours(5)));

        assertThat(backlog.take(Kind.RENEW, NOW, nanos)).isEmpty();
        Optional<Entry> taken = backlog.take(Kind.RENEW, NOW.plusSeconds(60), nanos);

        assertThat(taken).map(Entry::kind).contains(Kind.RENEW);
        assertThat(backlog.take(Kind.ADVICE, NOW.plusSeconds(60), nanos)).isEmpty();
    }

    @Test
    void ofTooManyTheLeastUrgentAreDroppedAndFoundAgainLater() {
        offer("last.example", CA, 101);
        for (int i = 1; i < Backlog.MOST; i++) {
            offer("n" + i + ".example", CA, 100);
        }
        assertThat(backlog.knows("last.example")).isTrue();
        offer("urgent.example", CA, 1);

        assertThat(backlog.size()).isEqualTo(Backlog.MOST);
        assertThat(backlog.knows("last.example")).isFalse();
        assertThat(backlog.knows("urgent.example")).isTrue();
        assertThat(backlog.takesDroppedBack()).isFalse();
        for (int i = 0; i <= Backlog.MOST / 2; i++) {
            Entry taken = take().orElseThrow();
            assertThat(i > 0 || taken.name().equals("urgent.example")).isTrue();
            backlog.done(taken);
        }
        assertThat(backlog.takesDroppedBack()).isTrue();
        assertThat(backlog.takesDroppedBack()).isFalse();
    }

    @Test
    void itIsKnownHowManyAreAtWork() {
        offer("a.example", CA, 1);
        offer("b.example", OTHER, 2);
        backlog.offer(entry("c.example", Kind.ASK, CA, Duration.ofHours(1)));
        assertThat(backlog.running(Kind.RENEW)).isZero();

        Entry first = take().orElseThrow();
        take();

        assertThat(backlog.running(Kind.RENEW)).isEqualTo(2);
        assertThat(backlog.running(Kind.ASK)).isZero();
        backlog.done(first);
        assertThat(backlog.running(Kind.RENEW)).isEqualTo(1);
    }

    @Test
    void whatIsGivenBackTwiceMakesNoFurtherTurns() {
        offer("a.example", CA, 1);
        offer("b.example", CA, 2);
        Entry first = take().orElseThrow();
        take();

        backlog.done(first);
        backlog.done(first);
        backlog.again(first, first, Duration.ofMinutes(1), nanos);
        backlog.again(first, first, Duration.ofMinutes(1), nanos);

        assertThat(backlog.running(Kind.RENEW)).isEqualTo(1);
        assertThat(backlog.size()).isEqualTo(2);
        nanos += Duration.ofMinutes(1).toNanos();
        assertThat(next()).isEqualTo("a.example");
        assertThat(take()).isEmpty();
    }

    @Test
    void asManyOfAKindRunAsMayAndNoneOfAnotherForThat() {
        for (int i = 0; i < 6; i++) {
            offer("a" + i + ".example", i % 2 == 0 ? CA : OTHER, i);
            backlog.offer(entry("q" + i + ".example", Kind.ASK, i % 2 == 0 ? CA : OTHER, Duration.ofHours(i)));
        }
        for (int i = 0; i < 4; i++) {
            assertThat(take()).isPresent();
        }

        assertThat(take()).isEmpty();
        assertThat(backlog.take(Kind.ASK, NOW, nanos)).isPresent();
        assertThat(backlog.take(Kind.ASK, NOW, nanos)).isPresent();
        assertThat(backlog.take(Kind.ASK, NOW, nanos)).isEmpty();
    }

    @Test
    void theOnlyCaMayTakeAllTurns() {
        Backlog alone = new Backlog(Map.of(Kind.RENEW, 4), false);
        for (int i = 0; i < 5; i++) {
            alone.offer(entry("a" + i + ".example", Kind.RENEW, CA, Duration.ofHours(i)));
        }

        for (int i = 0; i < 4; i++) {
            assertThat(alone.take(Kind.RENEW, NOW, nanos)).isPresent();
        }
        assertThat(alone.take(Kind.RENEW, NOW, nanos)).isEmpty();
    }

    @Test
    void theCaWithTheFewestAtWorkComesFirst() {
        for (int i = 0; i < 3; i++) {
            offer("a" + i + ".example", CA, i);
            offer("b" + i + ".example", OTHER, 100 + i);
        }

        assertThat(next()).isEqualTo("a0.example");
        assertThat(next()).isEqualTo("b0.example");
        assertThat(next()).isEqualTo("a1.example");
        assertThat(next()).isEqualTo("b1.example");
    }

    @Test
    void ofTwoThatEndAtOnceTheOneOfTheSlowerCaIsBegunFirst() {
        offer("first.example", OTHER, 1);
        Entry taken = take().orElseThrow();
        backlog.worked(taken, Duration.ofHours(2).toNanos());
        backlog.done(taken);
        offer("quick.example", CA, 10);
        offer("slow.example", OTHER, 11);

        assertThat(next()).isEqualTo("slow.example");
        assertThat(next()).isEqualTo("quick.example");
    }

    @Test
    void howLongACaTakesIsAnAverageThatOneOrderHardlyChanges() {
        offer("first.example", OTHER, 1);
        Entry first = take().orElseThrow();
        backlog.worked(first, Duration.ofHours(8).toNanos());
        // An eighth of the way from eight hours to none.
        backlog.worked(first, 0);
        backlog.done(first);

        offer("a.example", CA, 11);
        offer("b.example", OTHER, 16);
        Entry next = take().orElseThrow();
        assertThat(next.name()).isEqualTo("b.example");
        backlog.done(next);
        offer("c.example", OTHER, 18);
        assertThat(next()).isEqualTo("a.example");
    }

    @Test
    void whatWaitsToBeTriedAgainIsKnownAllTheTime() {
        offer("a.example", CA, 1);
        Entry taken = take().orElseThrow();

        backlog.again(taken, taken.denied(Optional.of(NOW)), Duration.ofMinutes(5), nanos);

        assertThat(backlog.knows("a.example")).isTrue();
        assertThat(backlog.size()).isEqualTo(1);
        assertThat(backlog.running(Kind.RENEW)).isZero();
        offer("a.example", CA, 1);
        nanos += Duration.ofMinutes(5).toNanos() - 1;
        assertThat(take()).isEmpty();
        nanos += 1;
        assertThat(take()).map(Entry::deniedSince).contains(Optional.of(NOW));
        assertThat(take()).isEmpty();
    }

    @Test
    void whatIsDoneMayBecomeSomethingElse() {
        backlog.offer(entry("a.example", Kind.ASK, CA, Duration.ofHours(1)));
        Entry asked = backlog.take(Kind.ASK, NOW, nanos).orElseThrow();

        backlog.becomes(asked, asked.as(Kind.ADVICE));

        assertThat(backlog.running(Kind.ASK)).isZero();
        assertThat(backlog.take(Kind.ASK, NOW, nanos)).isEmpty();
        assertThat(backlog.take(Kind.ADVICE, NOW, nanos)).map(Entry::name).contains("a.example");
    }

    @Nested
    class AnOperatorsWish {

        private final Entry wanted = entry("a.example", Kind.RENEW, CA, Duration.ofHours(1));

        @Test
        void isBegunAtOnceAndOnce() {
            backlog.offer(wanted);

            Entry taken = backlog.takeNow(wanted).orElseThrow();

            assertThat(taken.name()).isEqualTo(wanted.name());
            assertThat(take()).isEmpty();
            assertThat(backlog.takeNow(wanted)).isEmpty();
            assertThat(backlog.size()).isEqualTo(1);
            assertThat(backlog.running(Kind.RENEW)).isEqualTo(1);
            backlog.done(taken);
            assertThat(backlog.size()).isZero();
            assertThat(backlog.takeNow(wanted)).isPresent();
        }

        @Test
        void isBegunThoughAllTurnsAreTaken() {
            for (int i = 0; i < 4; i++) {
                offer("n" + i + ".example", i % 2 == 0 ? CA : OTHER, i);
                take();
            }

            assertThat(backlog.takeNow(wanted)).isPresent();
        }

        @Test
        void goesBeforeAWaitAndLeavesNoSecondTurn() {
            backlog.offer(wanted);
            Entry taken = take().orElseThrow();
            backlog.again(taken, taken, Duration.ofMinutes(5), nanos);

            Entry now = backlog.takeNow(wanted).orElseThrow();

            nanos += Duration.ofMinutes(5).toNanos();
            assertThat(take()).isEmpty();
            backlog.done(now);
            assertThat(take()).isEmpty();
            assertThat(backlog.size()).isZero();
        }
    }

    @Nested
    class ACaThatFails {

        private void fail(int times) {
            for (int i = 0; i < times; i++) {
                Entry taken = take().orElseThrow();
                backlog.failed(taken, false, Duration.ZERO, nanos);
                backlog.again(taken, taken, Duration.ofMinutes(5), nanos);
            }
        }

        @Test
        void isAskedByOneAtATimeUntilItWorksAgain() {
            for (int i = 0; i < 20; i++) {
                offer("a" + i + ".example", CA, i);
            }
            fail(3);
            assertThat(take()).isEmpty();
            nanos += Duration.ofMinutes(1).toNanos();

            Entry probe = take().orElseThrow();
            assertThat(take()).isEmpty();
            backlog.worked(probe, 1);
            backlog.done(probe);

            assertThat(take()).isPresent();
            assertThat(take()).isPresent();
        }

        @Test
        void isAskedByOthersAtTheSameTimeUntilTheThirdFailureInARow() {
            for (int i = 0; i < 20; i++) {
                offer("a" + i + ".example", CA, i);
            }
            fail(2);
            Entry one = take().orElseThrow();
            assertThat(take()).isPresent();
            backlog.worked(one, 1);
            backlog.done(one);
            fail(2);

            assertThat(take()).isPresent();
        }

        @Test
        void isAskedAtAGrowingPaceUpToFourMinutes() {
            for (int i = 0; i < 20; i++) {
                offer("a" + i + ".example", CA, i);
            }
            fail(3);
            for (int minutes : new int[] {1, 2, 4, 4, 4}) {
                nanos += Duration.ofMinutes(minutes).toNanos() - 1;
                assertThat(take()).isEmpty();
                nanos += 1;
                fail(1);
            }
        }

        @Test
        void thatSaysSoForEverybodyWithoutATimeIsAskedAfterAMinute() {
            offer("a.example", CA, 1);
            offer("b.example", CA, 2);
            Entry taken = take().orElseThrow();
            backlog.failed(taken, true, Duration.ZERO, nanos);
            backlog.done(taken);

            nanos += Duration.ofMinutes(1).toNanos() - 1;
            assertThat(take()).isEmpty();
            nanos += 1;
            assertThat(take()).isPresent();
        }

        @Test
        void keepsNoOtherCasNamesWaiting() {
            for (int i = 0; i < 20; i++) {
                offer("a" + i + ".example", CA, i);
            }
            fail(3);

            offer("b.example", OTHER, 1000);

            assertThat(next()).isEqualTo("b.example");
        }

        @Test
        void thatSaysSoForEverybodyIsLeftAloneForAsLongAsItSays() {
            offer("a.example", CA, 1);
            offer("b.example", CA, 2);
            Entry taken = take().orElseThrow();
            backlog.failed(taken, true, Duration.ofHours(1), nanos);
            backlog.done(taken);

            nanos += Duration.ofHours(1).toNanos() - 1;
            assertThat(take()).isEmpty();
            nanos += 1;
            assertThat(take()).isPresent();
        }

        @Test
        void thatSaysSoInSecondsIsAskedAgainInSecondsAndThenEachMinute() {
            offer("a.example", CA, 1);
            offer("b.example", CA, 2);
            offer("c.example", CA, 3);
            Entry first = take().orElseThrow();
            backlog.failed(first, true, Duration.ofSeconds(3), nanos);
            backlog.done(first);
            nanos += Duration.ofSeconds(3).toNanos();
            Entry second = take().orElseThrow();
            backlog.failed(second, true, Duration.ofSeconds(3), nanos);
            backlog.done(second);

            nanos += Duration.ofSeconds(3).toNanos();
            assertThat(take()).isEmpty();
            nanos += Duration.ofMinutes(2).toNanos();
            assertThat(take()).isPresent();
        }
    }
}
