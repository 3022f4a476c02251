package org.ondemandtls.tomcat;

import java.io.IOException;
import java.nio.file.Path;
import org.ondemandtls.testing.StrangersContract;

class StrangersIT extends StrangersContract<TomcatFixture> {

    @Override
    protected TomcatFixture fixture(Path directory) throws IOException {
        return new TomcatFixture(directory);
    }
}
