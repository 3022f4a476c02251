package org.ondemandtls.jetty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.security.KeyStore;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.testing.OwnCertificatesContract;

class BesideAKeyStoreIT extends OwnCertificatesContract<ServerFixture> {

    @Override
    protected ServerFixture fixture(Path directory) throws IOException {
        return new ServerFixture(directory);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void severalNamesAreToldApartWhateverSniRequiredSays(boolean sniRequired) throws Exception {
        serveFrom(KeyStores.create(directory, "one.operator.test", "two.operator.test"));
        fixture.tls.setSniRequired(sniRequired);
        fixture.start();

        assertThat(issuer("two.operator.test", "TLSv1.3")).isEqualTo("CN=two.operator.test");
        assertThat(issuer("one.operator.test", "TLSv1.2")).isEqualTo("CN=one.operator.test");
        assertThat(fixture.client().get("shop.customer.test")).startsWith("HTTP/1.1 200 ");
        assertThat(fixture.client().get("two.operator.test")).startsWith("HTTP/1.1 200 ");
    }

    @Test
    void sniRequiredWithoutAKeyStoreServesOnDemand() throws Exception {
        fixture.tls.setSniRequired(true);
        fixture.start();

        assertThat(fixture.client().get("shop.customer.test")).startsWith("HTTP/1.1 200 ");
    }

    @Test
    void theChosenAliasIsServedForTheKeyStoresNamesOnly() throws Exception {
        serveFrom(KeyStores.create(directory, "one.operator.test", "two.operator.test"));
        fixture.tls.setCertAlias("two.operator.test");
        fixture.start();

        assertThat(issuer(null, "TLSv1.3")).isEqualTo("CN=two.operator.test");
        assertThat(fixture.client().get("shop.customer.test")).startsWith("HTTP/1.1 200 ");
    }

    @Test
    void aReloadThatFailsIsAnAlertUntilItIsMended() throws Exception {
        Path file = KeyStores.create(directory, "one.operator.test");
        serveFrom(file);
        fixture.start();
        fixture.client().get("shop.customer.test");

        assertThatThrownBy(() -> fixture.tls.reload(broken -> fixture.tls.setKeyStorePassword("wrong")))
                .isInstanceOf(java.io.IOException.class);

        assertThatThrownBy(() -> fixture.client().get("shop.customer.test")).hasMessageContaining("internal_error");

        fixture.tls.reload(mended -> fixture.tls.setKeyStorePassword(KeyStores.PASSWORD));

        assertThat(fixture.client().get("shop.customer.test")).startsWith("HTTP/1.1 200 ");
        assertThat(issuer("one.operator.test", "TLSv1.3")).isEqualTo("CN=one.operator.test");
    }

    @Test
    void clientAuthenticationStaysInForce() throws Exception {
        Path clients = KeyStores.create(directory, "client.operator.test");
        KeyStore keys = KeyStores.load(clients);
        fixture.tls.setTrustStore(keys);
        fixture.tls.setNeedClientAuth(true);
        fixture.start();
        KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        factory.init(keys, KeyStores.PASSWORD.toCharArray());
        Client known = new Client(fixture.secure.getLocalPort(), factory.getKeyManagers());

        assertThat(known.get("shop.customer.test")).startsWith("HTTP/1.1 200 ");
        assertThatThrownBy(() -> {
                    try (SSLSocket socket = fixture.client().connect("shop.customer.test", "TLSv1.2")) {
                        Client.get(socket, "shop.customer.test");
                    }
                })
                .isInstanceOf(java.io.IOException.class);
    }

    @Test
    void clientsMayBeAskedForACertificateThatTheJvmTrusts() throws Exception {
        fixture.tls.setWantClientAuth(true);
        fixture.start();

        assertThat(fixture.client().get("shop.customer.test")).startsWith("HTTP/1.1 200 ");
    }

    private void serveFrom(Path file) {
        fixture.tls.setKeyStorePath(file.toString());
        fixture.tls.setKeyStorePassword(KeyStores.PASSWORD);
    }
}
