package org.ondemandtls.tomcat;

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

    private static TomcatFixture onConscrypt(Path directory) throws IOException {
        TomcatFixture fixture = new TomcatFixture(directory);
        fixture.keys.put("onDemandTls.tls.provider", "conscrypt");
        return fixture;
    }

    @Nested
    class Sessions extends SessionsContract<TomcatFixture> {

        @Override
        protected TomcatFixture fixture(Path directory) throws IOException {
            return onConscrypt(directory);
        }
    }

    @Nested
    class HybridKeyExchange extends HybridKeyExchangeContract<TomcatFixture> {

        @Override
        protected TomcatFixture fixture(Path directory) throws IOException {
            return onConscrypt(directory);
        }
    }

    @Nested
    class FirstVisit extends FirstVisitContract<TomcatFixture> {

        @Override
        protected TomcatFixture fixture(Path directory) throws IOException {
            return onConscrypt(directory);
        }
    }

    @Nested
    class ClientHello extends ClientHelloContract<TomcatFixture> {

        @Override
        protected TomcatFixture fixture(Path directory) throws IOException {
            return onConscrypt(directory);
        }

        @Override
        protected boolean takesLargeHellos() {
            return false;
        }
    }

    @Nested
    class CompletedHandshakes extends CompletedHandshakesContract<TomcatFixture> {

        @Override
        protected TomcatFixture fixture(Path directory) throws IOException {
            return onConscrypt(directory);
        }
    }

    @Nested
    class BesideCertificates extends BesideCertificatesIT {

        @Override
        protected TomcatFixture fixture(Path directory) throws IOException {
            return onConscrypt(directory);
        }
    }

    @Nested
    class VirtualHost extends VirtualHostContract<TomcatFixture> {

        @Override
        protected TomcatFixture fixture(Path directory) throws IOException {
            return onConscrypt(directory);
        }
    }
}
