package org.ondemandtls.jetty;

import java.io.IOException;
import java.nio.file.Path;
import org.ondemandtls.testing.InventoryContract;

class InventoryIT extends InventoryContract<ServerFixture> {

    @Override
    protected ServerFixture fixture(Path directory) throws IOException {
        return new ServerFixture(directory);
    }
}
