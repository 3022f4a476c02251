package org.ondemandtls.jetty;

import java.io.IOException;
import java.nio.file.Path;
import org.ondemandtls.testing.ClientHelloContract;

class ClientHelloIT extends ClientHelloContract<ServerFixture> {

    @Override
    protected ServerFixture fixture(Path directory) throws IOException {
        return new ServerFixture(directory);
    }
}
