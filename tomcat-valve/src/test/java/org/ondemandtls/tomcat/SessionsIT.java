package org.ondemandtls.tomcat;

import java.io.IOException;
import java.nio.file.Path;
import org.ondemandtls.testing.SessionsContract;

class SessionsIT extends SessionsContract<TomcatFixture> {

    @Override
    protected TomcatFixture fixture(Path directory) throws IOException {
        return new TomcatFixture(directory);
    }
}
