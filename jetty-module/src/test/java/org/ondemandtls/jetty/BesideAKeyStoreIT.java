package org.ondemandtls.jetty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A server with certificates of its own: they win, and every other name is on demand. */
class BesideAKeyStoreIT {

    @TempDir
    Path directory;

    private ServerFixture fixture;

    @BeforeEach
    void prepare() throws Exception {
        fixture = new ServerFixture(directory);
    }

    @AfterEach
    void stop() throws Exception {
        fixture.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void itsNameIsServedFromItWithoutAskingAndOthersAreOnDemand(String version) throws Exception {
        serveFrom(KeyStores.create(directory, "own.operator.test"));
        fixture.start();

        assertThat(issuer("own.operator.test", version)).isEqualTo("CN=own.operator.test");
        assertThat(fixture.ask.questions()).hasSize(0);
        assertThat(issuer("shop.customer.test", version)).isNotEqualTo("CN=own.operator.test");
        assertThat(fixture.ask.questions()).hasSize(1);
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
    void aClientThatNamesNoServerGetsTheServersOwnCertificate() throws Exception {
        serveFrom(KeyStores.create(directory, "own.operator.test"));
        fixture.start();

        assertThat(issuer(null, "TLSv1.3")).isEqualTo("CN=own.operator.test");
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
    void aNameThatAReloadBringsIsServedFromTheKeyStoreFromThenOn() throws Exception {
        Path file = KeyStores.create(directory, "one.operator.test");
        serveFrom(file);
        fixture.start();
        assertThat(issuer("new.operator.test", "TLSv1.3")).isNotEqualTo("CN=new.operator.test");

        KeyStores.add(file, "new.operator.test");
        fixture.tls.reload(unchanged -> {});

        assertThat(issuer("new.operator.test", "TLSv1.3")).isEqualTo("CN=new.operator.test");
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

    private void serveFrom(Path file) {
        fixture.tls.setKeyStorePath(file.toString());
        fixture.tls.setKeyStorePassword(KeyStores.PASSWORD);
    }

    private String issuer(String name, String version) throws Exception {
        try (SSLSocket socket = fixture.client().connect(name, version)) {
            X509Certificate leaf = Client.served(socket);
            return leaf.getIssuerX500Principal().getName();
        }
    }
}
