package org.ondemandtls.tomcat;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.ondemandtls.testing.EndingProxyContract;

@Tag("once")
class EndingProxyIT extends EndingProxyContract<TomcatFixture> {

    @Override
    protected TomcatFixture fixture(Path directory) throws IOException {
        return new TomcatFixture(directory);
    }
}
