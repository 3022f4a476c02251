package org.ondemandtls.jetty;

import java.io.IOException;
import java.nio.file.Path;
import org.ondemandtls.testing.StatusPageContract;

class StatusPageIT extends StatusPageContract<ServerFixture> {

    @Override
    protected ServerFixture fixture(Path directory) throws IOException {
        return new ServerFixture(directory);
    }
}
