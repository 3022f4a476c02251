package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.util.Base64;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.ondemandtls.testing.Curl;
import org.ondemandtls.testing.Database;
import org.ondemandtls.testing.HostFixture;
import org.ondemandtls.testing.OpenSsl;
import org.ondemandtls.testing.Pebble;
import org.ondemandtls.testing.TlsProbe;

/**
 * A real server that shakes hands by OpenSSL. Where that cannot be, on Jetty and on a Java before 22, each scenario sees
 * that the server does not start, and says why.
 */
@ParameterizedClass
@MethodSource("org.ondemandtls.distribution.ServerLine#tried")
class OpenSslProviderIT {

    private static final String NAME = "shop.customer.example";
    private static final String OTHER = "blog.customer.example";
    private static final String OWN = "own.operator.example";
    private static final String MEMBERS = "members.customer.example";
    private static final String[] VERSIONS = {"-tls1_2", "-tls1_3"};

    @Parameter
    private ServerLine line;

    @TempDir
    private Path directory;

    private ServerProcess server;

    @BeforeEach
    void layOut() throws Exception {
        server = line.layOut(directory.resolve("base"))
                .property("onDemandTls.permission.names", "*.customer.example")
                .property("onDemandTls.tls.provider", "openssl");
    }

    @AfterEach
    void stopServer() {
        server.close();
    }

    @Test
    void aCaProvesTheNameAndClientsOfAllKindsAreServed() throws Exception {
        if (isRefused()) {
            return;
        }
        try (var pebble = Pebble.options().tlsPort(server.tlsPort()).start(directory.resolve("pebble"))) {
            server.property("onDemandTls.acme.challenges", "tls-alpn-01")
                    .property("onDemandTls.acme.directory", pebble.directory().toString())
                    .property(
                            "onDemandTls.acme.trustedRoots",
                            pebble.trustedRoots().toString())
                    .start();
            Path root = pebble.issuerRoot();

            var http2 = Curl.trusting(root).http2().get(NAME, server.tlsPort(), "/");
            var http11 = Curl.trusting(root).http11().get(NAME, server.tlsPort(), "/");
            var misdirected = Curl.trusting(root)
                    .http11()
                    .with("--header", "Host: " + OTHER)
                    .get(NAME, server.tlsPort(), "/");
            var denied = TlsProbe.trusting(root).handshake(server.tlsPort(), "stranger.example");

            assertThat(http2.status()).as(http2.command().stderr()).isEqualTo(200);
            assertThat(http2.httpVersion()).isEqualTo("2");
            assertThat(http11.status()).as(http11.command().stderr()).isEqualTo(200);
            assertThat(misdirected.status()).isEqualTo(421);
            assertThat(denied.alert()).contains("unrecognized_name");
            pebble.assertIssued(1);
            SessionChecks.assertNoneCrosses(server, directory, NAME, OTHER, root);
        }
        assertThat(server.log()).contains("OpenSSL successfully initialized");
    }

    @Test
    void theServersOwnCertificateIsServedBesideAndNoSessionCrosses() throws Exception {
        if (isRefused()) {
            return;
        }
        Path served = server.base().resolve("own.p12");
        server.servingItself(served, HostFixture.PASSWORD).property("onDemandTls.issuer", "internal");
        Files.copy(HostFixture.keyStore(directory.resolve("own.p12"), OWN), served);
        server.start();
        Path root = server.base().resolve("ondemand-tls/internal-ca/root.pem");

        for (String version : VERSIONS) {
            Path session = directory.resolve("own" + version);
            var own = OpenSsl.get(server.tlsPort(), OWN, root, version, "-sess_out", session.toString());
            var again = OpenSsl.get(server.tlsPort(), OWN, root, version, "-sess_in", session.toString());
            var onDemand = OpenSsl.get(server.tlsPort(), NAME, root, version, "-sess_in", session.toString());
            var asked = OpenSsl.ask(server.tlsPort(), OWN, NAME, root, version);

            assertThat(own.command().stdout()).contains("subject=CN = " + OWN).contains("HTTP/1.1 200");
            assertThat(again.resumed()).as(version).isTrue();
            assertThat(onDemand.resumed()).as(version).isFalse();
            assertThat(onDemand.verified()).as(version).isTrue();
            assertThat(asked.command().stdout()).contains("HTTP/1.1 421");
        }
        SessionChecks.assertNoneCrosses(server, directory, NAME, OTHER, root);
    }

    @Test
    void aTicketIsGoodOnEveryServerOfTheStoreUnderItsNameAlone() throws Exception {
        if (isRefused()) {
            return;
        }
        try (Database database = Database.start(Database.Kind.POSTGRESQL);
                Pebble pebble = Pebble.options().tlsPort(server.tlsPort()).start(directory.resolve("pebble"));
                ServerProcess second = line.layOut(directory.resolve("second"))
                        .property("onDemandTls.permission.names", "*.customer.example")
                        .property("onDemandTls.tls.provider", "openssl")) {
            String store = database.fresh();
            for (ServerProcess each : List.of(server, second)) {
                each.withDriver(org.postgresql.Driver.class)
                        .property("onDemandTls.store", store)
                        .property("onDemandTls.acme.challenges", "tls-alpn-01")
                        .property(
                                "onDemandTls.acme.directory", pebble.directory().toString())
                        .property(
                                "onDemandTls.acme.trustedRoots",
                                pebble.trustedRoots().toString())
                        .start();
            }
            Path root = pebble.issuerRoot();

            for (String version : VERSIONS) {
                Path session = directory.resolve("ticket" + version);
                Awaitility.await().untilAsserted(() -> {
                    OpenSsl.get(server.tlsPort(), NAME, root, version, "-sess_out", session.toString());
                    var there = OpenSsl.get(second.tlsPort(), NAME, root, version, "-sess_in", session.toString());
                    assertThat(there.resumed()).as(version).isTrue();
                });
                var other = OpenSsl.get(second.tlsPort(), OTHER, root, version, "-sess_in", session.toString());
                assertThat(other.resumed()).as(version).isFalse();
                assertThat(other.verified()).as(version).isTrue();

                OpenSsl.get(server.tlsPort(), NAME, root, version, "-sess_out", session.toString());
                second.stop();
                second.start();
                var later = OpenSsl.get(second.tlsPort(), NAME, root, version, "-sess_in", session.toString());
                assertThat(later.resumed()).as(version).isTrue();
            }
        }
    }

    @Test
    void aClientShowsItsCertificateWhereTheHostAsksForOne() throws Exception {
        if (isRefused()) {
            return;
        }
        Path member = HostFixture.keyStore(directory.resolve("member.p12"), "member.example");
        Path stranger = HostFixture.keyStore(directory.resolve("stranger.p12"), "stranger.example");
        trust(member, server.base().resolve("conf/members.p12"));
        ((TomcatServerProcess) server)
                .configuringHosts("<SSLHostConfig hostName=\"" + MEMBERS
                        + "\" certificateVerification=\"required\" truststoreFile=\"conf/members.p12\" truststoreType=\"PKCS12\""
                        + " truststorePassword=\"" + HostFixture.PASSWORD + "\"/>");
        server.property("onDemandTls.issuer", "internal").start();
        Path root = server.base().resolve("ondemand-tls/internal-ca/root.pem");
        String known = pem(member, directory.resolve("member.pem")).toString();
        String unknown = pem(stranger, directory.resolve("stranger.pem")).toString();

        for (String version : VERSIONS) {
            var trusted = OpenSsl.get(server.tlsPort(), MEMBERS, root, version, "-cert", known, "-key", known);
            var foreign = OpenSsl.get(server.tlsPort(), MEMBERS, root, version, "-cert", unknown, "-key", unknown);
            var none = OpenSsl.get(server.tlsPort(), MEMBERS, root, version);
            var anybody = OpenSsl.get(server.tlsPort(), NAME, root, version);

            assertThat(trusted.command().stdout()).as(version).contains("HTTP/1.1 200");
            assertThat(foreign.command().stdout()).as(version).doesNotContain("HTTP/1.1 ");
            assertThat(none.command().stdout()).as(version).doesNotContain("HTTP/1.1 ");
            assertThat(anybody.command().stdout()).as(version).contains("HTTP/1.1 200");
        }
    }

    private boolean isRefused() throws IOException {
        String why = line.isJetty()
                ? "only Tomcat has an engine for it"
                : Runtime.version().feature() < 22 ? "Tomcat needs Java 22 or later for it" : "";
        if (why.isEmpty()) {
            return false;
        }
        assertThat(server.property("onDemandTls.issuer", "internal").startInVain())
                .contains("onDemandTls.tls.provider: \"openssl\" cannot be used: " + why);
        return true;
    }

    private static void trust(Path from, Path to) throws Exception {
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        KeyStore keys = read(from);
        trusted.setCertificateEntry("member", keys.getCertificate(keys.aliases().nextElement()));
        try (var out = Files.newOutputStream(to)) {
            trusted.store(out, HostFixture.PASSWORD.toCharArray());
        }
    }

    private static Path pem(Path from, Path to) throws Exception {
        KeyStore keys = read(from);
        String alias = keys.aliases().nextElement();
        PrivateKey key = (PrivateKey) keys.getKey(alias, HostFixture.PASSWORD.toCharArray());
        return Files.writeString(
                to,
                block("PRIVATE KEY", key.getEncoded())
                        + block("CERTIFICATE", keys.getCertificate(alias).getEncoded()));
    }

    private static KeyStore read(Path file) throws Exception {
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (var in = Files.newInputStream(file)) {
            keys.load(in, HostFixture.PASSWORD.toCharArray());
        }
        return keys;
    }

    private static String block(String type, byte[] der) {
        return "-----BEGIN " + type + "-----\n"
                + Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII))
                        .encodeToString(der)
                + "\n-----END " + type + "-----\n";
    }
}
