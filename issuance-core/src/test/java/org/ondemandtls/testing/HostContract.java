package org.ondemandtls.testing;

import java.nio.file.Path;
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
