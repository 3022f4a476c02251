package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.ondemandtls.certificate.Pem;
import org.ondemandtls.testing.Command;
import org.ondemandtls.testing.Database;
import org.ondemandtls.testing.TlsProbe;
import org.ondemandtls.testing.Tools;

/** Changing over to a real server with what Caddy and certbot have: nobody waits for a new certificate. */
@Tag("once")
class ImportIT {

    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final String SHOP = "shop.customer.example";

    @TempDir
    private Path directory;

    private ServerProcess server;

    @AfterEach
    void stopServer() {
        if (server != null) {
            server.close();
        }
    }

    private ServerProcess layOut(ServerLine line) throws IOException {
        server = line.layOut(directory.resolve("base"))
                .withoutPlainHttp()
                .property("onDemandTls.issuer", "internal")
                .property("onDemandTls.permission.names", "nobody.example");
        return server;
    }

    private void certificate(Path chain, Path key, String form, String... names) {
        String alternatives =
                String.join(",", List.of(names).stream().map("DNS:"::concat).toList());
        shell(openSsl() + " ecparam -name prime256v1 -genkey -noout -out ec.pem");
        shell(openSsl() + " req -x509 -key ec.pem -days 30 -subj /CN=x -addext basicConstraints=critical,CA:false"
                + " -addext subjectAltName=" + alternatives + " -out " + chain);
        shell(openSsl() + " pkey -in ec.pem " + form + " -out " + key);
    }

    private static String openSsl() {
        return Tools.onPath("openssl", "apt-get install openssl").toString();
    }

    private Command shell(String line) {
        Command done = Command.run(List.of("sh", "-c", "cd " + directory + " && " + line), PATIENCE);
        assertThat(done.exitCode())
                .as(line + "\n" + done.stdout() + done.stderr())
                .isZero();
        return done;
    }

    private Path caddy() throws IOException {
        for (String name : List.of(SHOP, "wildcard_.wild.example")) {
            Path bundle = Files.createDirectories(
                    directory.resolve("caddy/certificates/acme-v02.api.letsencrypt.org-directory/" + name));
            certificate(
                    bundle.resolve(name + ".crt"),
                    bundle.resolve(name + ".key"),
                    "-traditional",
                    name.replace("wildcard_", "*"));
        }
        return directory.resolve("caddy");
    }

    private Path certbot() throws IOException {
        Path live = Files.createDirectories(directory.resolve("letsencrypt/live/several.example"));
        certificate(
                live.resolve("fullchain.pem"),
                live.resolve("privkey.pem"),
                "",
                "several.example",
                "www.several.example");
        return directory.resolve("letsencrypt");
    }

    private Command bring(Path from, String to) {
        Path java = Path.of(System.getProperty("java.home"), "bin", "java");
        return shell("umask 077 && " + java + " -jar " + server.jars() + "/ondemand-tls-*.jar import " + from + " '"
                + to + "'");
    }

    private X509Certificate served(String name) {
        TlsProbe.Outcome outcome = TlsProbe.trustingAnything().handshake(server.tlsPort(), name);
        assertThat(outcome.failure()).as(name + "\n" + server.log()).isEmpty();
        return outcome.leaf();
    }

    private static X509Certificate leaf(Path chain) throws Exception {
        return Pem.readCertificates(Files.readString(chain)).get(0);
    }

    @ParameterizedTest
    @EnumSource(
            value = ServerLine.class,
            names = {"JETTY_12_1", "TOMCAT_11"})
    void whatCaddyAndCertbotHaveIsServedFromTheFirstVisitOn(ServerLine line) throws Exception {
        layOut(line);
        Path caddy = caddy();
        Path certbot = certbot();

        assertThat(bring(caddy, server.store().toString()).stdout()).contains("2 certificates brought");
        assertThat(bring(certbot, server.store().toString()).stdout()).contains("1 certificates brought");
        assertThat(bring(certbot, server.store().toString()).stdout()).contains("1 were there already");
        server.start();

        Path bundles = caddy.resolve("certificates/acme-v02.api.letsencrypt.org-directory");
        assertThat(served(SHOP)).isEqualTo(leaf(bundles.resolve(SHOP + "/" + SHOP + ".crt")));
        assertThat(served("any.wild.example"))
                .isEqualTo(leaf(bundles.resolve("wildcard_.wild.example/wildcard_.wild.example.crt")));
        for (String name : List.of("several.example", "www.several.example")) {
            assertThat(served(name)).isEqualTo(leaf(certbot.resolve("live/several.example/fullchain.pem")));
        }
    }

    @Test
    void aStoreOfFilesMovesIntoADatabaseAndIsServedFromThere() throws Exception {
        layOut(ServerLine.JETTY_12_1);
        Path caddy = caddy();
        Files.copy(
                Path.of(org.postgresql.Driver.class
                        .getProtectionDomain()
                        .getCodeSource()
                        .getLocation()
                        .toURI()),
                server.jars().resolve("postgresql.jar"));
        bring(caddy, server.store().toString());
        try (Database database = Database.start(Database.Kind.POSTGRESQL)) {
            String store = database.fresh();

            assertThat(bring(server.store(), store).stdout()).contains("2 certificates brought");
            server.property("onDemandTls.store", store).start();

            assertThat(served(SHOP))
                    .isEqualTo(leaf(caddy.resolve(
                            "certificates/acme-v02.api.letsencrypt.org-directory/" + SHOP + "/" + SHOP + ".crt")));
            server.stop();
        }
    }
}
