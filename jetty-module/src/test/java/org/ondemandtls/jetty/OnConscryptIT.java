package org.ondemandtls.jetty;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Nested;
import org.ondemandtls.testing.ClientHelloContract;
import org.ondemandtls.testing.CompletedHandshakesContract;
import org.ondemandtls.testing.FirstVisitContract;
import org.ondemandtls.testing.HybridKeyExchangeContract;
import org.ondemandtls.testing.SessionsContract;
import org.ondemandtls.testing.VirtualHostContract;

/** What touches TLS engines, with those of Conscrypt. */
class OnConscryptIT {

    private static ServerFixture onConscrypt(Path directory) throws IOException {
        ServerFixture fixture = new ServerFixture(directory);
        fixture.keys.put("onDemandTls.tls.provider", "conscrypt");
        return fixture;
    }

    @Nested
    class Sessions extends SessionsContract<ServerFixture> {

        @Override
        protected ServerFixture fixture(Path directory) throws IOException {
            return onConscrypt(directory);
        }
    }

    @Nested
    class HybridKeyExchange extends HybridKeyExchangeContract<ServerFixture> {

        @Override
        protected ServerFixture fixture(Path directory) throws IOException {
            return onConscrypt(directory);
        }
    }

    @Nested
    class FirstVisit extends FirstVisitContract<ServerFixture> {

        @Override
        protected ServerFixture fixture(Path directory) throws IOException {
            return onConscrypt(directory);
        }
    }

    @Nested
    class ClientHello extends ClientHelloContract<ServerFixture> {

        @Override
        protected ServerFixture fixture(Path directory) throws IOException {
            return onConscrypt(directory);
        }

        @Override
        protected boolean takesLargeHellos() {
            return false;
        }
    }

    @Nested
    class CompletedHandshakes extends CompletedHandshakesContract<ServerFixture> {

        @Override
        protected ServerFixture fixture(Path directory) throws IOException {
            return onConscrypt(directory);
        }
    }

    @Nested
    class BesideAKeyStore extends BesideAKeyStoreIT {

        @Override
        protected ServerFixture fixture(Path directory) throws IOException {
            return onConscrypt(directory);
        }
    }

    @Nested
    class VirtualHost extends VirtualHostContract<ServerFixture> {

        @Override
        protected ServerFixture fixture(Path directory) throws IOException {
            return onConscrypt(directory);
        }
    }
}
