package org.ondemandtls.jetty;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.ondemandtls.testing.EndingProxyContract;

@Tag("once")
class EndingProxyIT extends EndingProxyContract<ServerFixture> {

    @Override
    protected ServerFixture fixture(Path directory) throws IOException {
        return new ServerFixture(directory);
    }
}
