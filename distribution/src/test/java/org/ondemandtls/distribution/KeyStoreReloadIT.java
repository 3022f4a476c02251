package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.ondemandtls.testing.Command;
import org.ondemandtls.testing.Curl;
import org.ondemandtls.testing.TlsProbe;

/** A real Jetty with a key store of its own and the module {@code ssl-reload}, beside names on demand. */
@ParameterizedClass
@EnumSource(JettyLine.class)
class KeyStoreReloadIT {

    private static final String NAME = "shop.customer.example";
    private static final String OWN = "own.operator.example";
    private static final String NEW = "new.operator.example";
    private static final String PASSWORD = "changeit";
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @Parameter
    private JettyLine line;

    @TempDir
    private Path directory;

    private JettyServerProcess server;

    @BeforeEach
    void startServer() throws IOException {
        Path base = directory.resolve("base");
        server = JettyServerProcess.layOut(line, base, "http", "http2", "ssl-reload", "ondemand-tls")
                .property("onDemandTls.issuer", "internal")
                .property("onDemandTls.permission.names", "*.customer.example")
                .property("jetty.sslContext.keyStorePath", "etc/own.p12")
                .property("jetty.sslContext.keyStorePassword", PASSWORD)
                .property("jetty.sslContext.reload.scanInterval", "1");
        put(keyStore("first", OWN));
        server.start();
    }

    @AfterEach
    void stopServer() {
        server.close();
    }

    @Test
    void aChangedKeyStoreIsServedAtOnceAndNamesOnDemandGoOnAsBefore() throws IOException {
        var ownBefore =
                TlsProbe.trustingAnything().handshake(server.tlsPort(), OWN).leaf();
        var onDemandBefore = TlsProbe.trusting(server.internalRoot())
                .handshake(server.tlsPort(), NAME)
                .leaf();
        var unknown = TlsProbe.trustingAnything().handshake(server.tlsPort(), NEW);
        assertThat(unknown.alert()).contains("unrecognized_name");

        put(keyStore("second", OWN, NEW));

        Awaitility.await()
                .atMost(PATIENCE)
                .untilAsserted(() -> assertThat(TlsProbe.trustingAnything()
                                .handshake(server.tlsPort(), NEW)
                                .failure())
                        .isEmpty());
        var ownAfter =
                TlsProbe.trustingAnything().handshake(server.tlsPort(), OWN).leaf();
        var onDemandAfter = TlsProbe.trusting(server.internalRoot())
                .handshake(server.tlsPort(), NAME)
                .leaf();
        var another = Curl.trusting(server.internalRoot()).http2().get("other.customer.example", server.tlsPort(), "/");
        assertThat(ownAfter.getSubjectX500Principal()).isEqualTo(ownBefore.getSubjectX500Principal());
        assertThat(ownAfter.getSerialNumber()).isNotEqualTo(ownBefore.getSerialNumber());
        assertThat(onDemandAfter).isEqualTo(onDemandBefore);
        assertThat(another.status()).as(another.command().stderr()).isEqualTo(200);
        assertThat(another.body()).isEqualTo(JettyServerProcess.CONTENT);
    }

    // Jetty drops the key store it has before it reads the new one.
    @Test
    void aBrokenKeyStoreIsAnAlertUntilItIsMended() throws IOException {
        var onDemandBefore = TlsProbe.trusting(server.internalRoot())
                .handshake(server.tlsPort(), NAME)
                .leaf();

        put(Files.writeString(directory.resolve("broken.p12"), "no key store"));
        server.process().awaitOutput("Keystore Reload Failed", PATIENCE);
        var meanwhile = TlsProbe.trustingAnything().handshake(server.tlsPort(), NAME);
        put(keyStore("mended", OWN));

        assertThat(meanwhile.alert()).contains("internal_error");
        Awaitility.await()
                .atMost(PATIENCE)
                .untilAsserted(() -> assertThat(TlsProbe.trustingAnything()
                                .handshake(server.tlsPort(), OWN)
                                .failure())
                        .isEmpty());
        assertThat(TlsProbe.trusting(server.internalRoot())
                        .handshake(server.tlsPort(), NAME)
                        .leaf())
                .isEqualTo(onDemandBefore);
    }

    private void put(Path keyStore) throws IOException {
        Path target = server.base().resolve("etc/own.p12");
        Files.createDirectories(target.getParent());
        Files.move(keyStore, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    // As an operator makes one, with the JDK's own keytool; one self-signed certificate per name.
    private Path keyStore(String file, String... names) {
        Path keyStore = directory.resolve(file + ".p12");
        for (String name : names) {
            var keytool = Command.run(
                    List.of(
                            Path.of(System.getProperty("java.home"), "bin", "keytool")
                                    .toString(),
                            "-genkeypair",
                            "-alias",
                            name,
                            "-dname",
                            "CN=" + name,
                            "-ext",
                            "SAN=dns:" + name,
                            "-keyalg",
                            "EC",
                            "-groupname",
                            "secp256r1",
                            "-storetype",
                            "PKCS12",
                            "-keystore",
                            keyStore.toString(),
                            "-storepass",
                            PASSWORD),
                    PATIENCE);
            assertThat(keytool.exitCode())
                    .as(keytool.stdout() + keytool.stderr())
                    .isZero();
        }
        return keyStore;
    }
}
