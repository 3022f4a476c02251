package org.ondemandtls.jetty;

import java.io.IOException;
import java.nio.file.Path;
import org.ondemandtls.testing.StrangersContract;

class StrangersIT extends StrangersContract<ServerFixture> {

    @Override
    protected ServerFixture fixture(Path directory) throws IOException {
        return new ServerFixture(directory);
    }
}
