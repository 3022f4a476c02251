package org.ondemandtls.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/**
 * Scenarios that every host passes: written once, run by each host's own test class.
 *
 * @param <F> the host's fixture
 */
public abstract class HostContract<F extends HostFixture> {

    /** Fresh for each scenario. */
    @TempDir
    protected Path directory;

    /** Not started yet. */
    protected F fixture;

    /** What the documentation promises of a server that has stopped. */
    protected static void assertNoThreadIsLeft() {
        await().atMost(Duration.ofMinutes(2))
                .untilAsserted(() -> assertThat(HostFixture.onDemandThreads()).isEmpty());
    }

    /** Makes a server that is not started. */
    protected abstract F fixture(Path directory) throws Exception;

    @BeforeEach
    void prepare() throws Exception {
        fixture = fixture(directory);
    }

    @AfterEach
    void close() throws Exception {
        fixture.close();
    }
}
