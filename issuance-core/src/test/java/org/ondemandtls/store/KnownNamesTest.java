package org.ondemandtls.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.ondemandtls.machine.Time;

/** {@link KnownNames}: no name that is stored is ever called unknown. */
@Timeout(180)
class KnownNamesTest {

    // A survey waits for its answer to be put in.
    private final BlockingQueue<List<String>> answers = new SynchronousQueue<>();
    private final BlockingQueue<String> begun = new LinkedBlockingQueue<>();
    private final KnownNames names = new KnownNames(
            Time.ofMachine(),
            ended -> {
                begun.add("begun");
                NameFingerprint found = new NameFingerprint(1024);
                try {
                    answers.poll(50, TimeUnit.SECONDS).forEach(found::add);
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
                return found;
            },
            failure -> {});

    @AfterEach
    void end() {
        answers.offer(List.of());
        names.close();
    }

    private void answer(String... found) throws Exception {
        assertThat(begun.poll(2, TimeUnit.MINUTES)).isNotNull();
        answers.put(List.of(found));
    }

    private void complete() {
        Awaitility.await().until(names::isComplete);
    }

    @Test
    void mayHoldAnyNameUntilASurveyIsComplete() throws Exception {
        names.surveyAgain();
        assertThat(names.mayContain("a.example")).isTrue();
        assertThat(names.isComplete()).isFalse();

        answer("b.example");
        complete();

        assertThat(names.mayContain("a.example")).isFalse();
        assertThat(names.mayContain("b.example")).isTrue();
    }

    @Test
    void keepWhatWasSavedWhileASurveyHadPassedItsPlace() throws Exception {
        names.surveyAgain();
        assertThat(begun.poll(2, TimeUnit.MINUTES)).isNotNull();
        names.add("late.example");
        answers.put(List.of("b.example"));
        complete();

        assertThat(names.mayContain("late.example")).isTrue();
        assertThat(names.mayContain("a.example")).isFalse();
    }

    @Test
    void keepWhatIsSavedAfterASurvey() throws Exception {
        names.surveyAgain();
        answer();
        complete();

        names.add("a.example");

        assertThat(names.mayContain("a.example")).isTrue();
    }

    @Test
    void areNotTakenFromASurveyThatBeganBeforeNewsWasMissed() throws Exception {
        names.surveyAgain();
        assertThat(begun.poll(2, TimeUnit.MINUTES)).isNotNull();
        names.surveyAgain();
        answers.put(List.of("old.example"));

        // The second survey runs now: the first one's answer was not used.
        assertThat(begun.poll(2, TimeUnit.MINUTES)).isNotNull();
        assertThat(names.isComplete()).isFalse();
        answers.put(List.of("new.example"));
        complete();

        assertThat(names.mayContain("old.example")).isFalse();
        assertThat(names.mayContain("new.example")).isTrue();
    }

    @Test
    void areSurveyedAgainWhenTheyAreMoreThanTheFingerprintHolds() throws Exception {
        names.surveyAgain();
        answer();
        complete();

        for (int i = 0; i <= 1024; i++) {
            names.add(i + ".example");
        }

        answer("0.example");
        complete();
        assertThat(names.mayContain("0.example")).isTrue();
    }
}
