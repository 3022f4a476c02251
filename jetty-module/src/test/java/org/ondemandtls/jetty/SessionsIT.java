package org.ondemandtls.jetty;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.testing.SessionsContract;

class SessionsIT extends SessionsContract<ServerFixture> {

    @Override
    protected ServerFixture fixture(Path directory) throws IOException {
        return new ServerFixture(directory);
    }

    @ParameterizedTest
    @ValueSource(strings = {"-tls1_2", "-tls1_3"})
    void noneCrossesWhereTheKeyStoreHasSeveralNames(String version) throws Exception {
        fixture.tls.setKeyStorePath(
                KeyStores.create(directory, "first.operator.test", OWN).toString());
        fixture.tls.setKeyStorePassword(KeyStores.PASSWORD);
        fixture.launch();

        // Jetty leaves the name in the session where it chose between certificates, and the JDK makes no ticket then.
        assertNoneCrosses(version, !version.equals("-tls1_2"));
    }
}
