package org.ondemandtls.issuance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.function.BiFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.IssuanceFixture;
import org.ondemandtls.testing.ManualTime;

/** What names that fail can make {@link Refusals} remember. */
@Tag("long")
class RememberedFailuresTest {

    private static final int REMEMBERED = 50_000;
    private static final int BEFORE = 1000;
    private static final int OCTETS = 300;

    @TempDir
    private Path directory;

    private IssuanceFixture house;
    private ManualTime time;
    private Refusals refusals;

    @BeforeEach
    void open() throws Exception {
        house = new IssuanceFixture(directory, true);
        time = house.time();
        refusals = new Refusals(REMEMBERED, house.store(), house.watch(), time.clock(), time::nanoTime, () -> 0.0);
    }

    @AfterEach
    void close() {
        house.close();
    }

    private static long used() {
        MemoryMXBean memory = ManagementFactory.getMemoryMXBean();
        memory.gc();
        memory.gc();
        return memory.getHeapMemoryUsage().getUsed();
    }

    private void fail(int from, int to, BiFunction<ServerName, String, IssuanceException> failure) {
        for (int i = from; i < to; i++) {
            ServerName name = ServerName.parse("stranger-" + i + ".some.example");
            // As long as a CA's words may be, the name among them, and for every second one a number of its own.
            String words = (name + " is not for " + (i % 2 == 0 ? "strangers " : "no. " + i + " ")).repeat(20);
            refusals.unanswered(name, failure.apply(name, words));
            // A cache counts what is used, in steps of its own: time passes between strangers.
            time.advance(Duration.ofNanos(100));
        }
    }

    private void assertSmall(BiFunction<ServerName, String, IssuanceException> failure) {
        fail(0, BEFORE, failure);
        long before = used();

        fail(BEFORE, REMEMBERED, failure);
        long full = used();
        fail(REMEMBERED, 2 * REMEMBERED, failure);
        long after = used();

        long each = (full - before) / (REMEMBERED - BEFORE);
        assertThat(each).isLessThanOrEqualTo(OCTETS);
        assertThat(refusals.size()).isLessThanOrEqualTo(REMEMBERED);
        assertThat((after - before) / (REMEMBERED - BEFORE)).isLessThanOrEqualTo(OCTETS + 30);
    }

    @Test
    void takesThreeHundredOctetsEachWithItsReasonAndNoStackWhereSomethingDidNotAnswer() {
        assertSmall((name, words) ->
                new IssuanceException.Unavailable(name, words, Duration.ofSeconds(10), new IOException(words)));
    }

    @Test
    void takesThreeHundredOctetsEachWithItsReasonWhereItsDnsLeadsElsewhere() {
        assertSmall(
                (name, words) -> new IssuanceException.NotReady(name, words, Optional.empty(), Duration.ofSeconds(10)));
    }
}
