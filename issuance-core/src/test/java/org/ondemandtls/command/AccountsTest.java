package org.ondemandtls.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.math.BigInteger;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.interfaces.ECPrivateKey;
import java.security.interfaces.RSAPrivateCrtKey;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.authority.AccountFiles;
import org.ondemandtls.authority.StoredSecrets;
import org.ondemandtls.certificate.Pem;
import org.ondemandtls.config.OnDemandTlsConfig.KeyType;
import org.ondemandtls.event.Events;
import org.ondemandtls.machine.Time;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.file.FileCertificateStore;
import org.ondemandtls.testing.TestCertificates;

/** {@code import} brings the accounts of Caddy and certbot along: each with its CA, and only where there is none. */
class AccountsTest {

    private static final URI PRODUCTION = URI.create("https://acme-v02.api.letsencrypt.org/directory");
    private static final URI STAGING = URI.create("https://acme-staging-v02.api.letsencrypt.org/directory");
    private static final URI OWN = URI.create("https://localhost:14000/dir");

    @TempDir
    private Path directory;

    private String run(Path from) {
        var out = new ByteArrayOutputStream();
        var print = new PrintStream(out, true, StandardCharsets.UTF_8);
        int status = new Command(Time.ofMachine(), print, print).run(new String[] {
            "import", from.toString(), directory.resolve("store").toString()
        });
        return out.toString(StandardCharsets.UTF_8) + "status " + status;
    }

    private boolean has(URI ca, KeyPair key) throws Exception {
        try (CertificateStore store = FileCertificateStore.open(
                directory.resolve("store"),
                new Events(event -> {}, System::nanoTime),
                Time.ofMachine(),
                Duration.ZERO)) {
            return new AccountFiles(new StoredSecrets(store), ca).has(key);
        }
    }

    private static String base64(BigInteger number) {
        byte[] octets = number.toByteArray();
        int from = octets[0] == 0 && octets.length > 1 ? 1 : 0;
        return Base64.getUrlEncoder().withoutPadding().encodeToString(Arrays.copyOfRange(octets, from, octets.length));
    }

    @Nested
    class OfCaddy {

        private KeyPair account(String ca, String email, String user, KeyType type, String location) throws Exception {
            KeyPair key = TestCertificates.key(type);
            Path users = Files.createDirectories(directory.resolve("caddy/acme/" + ca + "/users/" + email));
            Files.writeString(
                    users.resolve(user + ".json"),
                    "{\n\t\"status\": \"valid\",\n\t\"contact\": [\"mailto:" + email
                            + "\"],\n\t\"termsOfServiceAgreed\": true,\n\t\"location\": \"" + location + "\"\n}");
            Files.writeString(users.resolve(user + ".key"), Pem.privateKey(key.getPrivate()));
            return key;
        }

        @Test
        void areKeptApartByTheirCas() throws Exception {
            KeyPair production = account(
                    "acme-v02.api.letsencrypt.org-directory",
                    "ops@example.com",
                    "ops",
                    KeyType.P_256,
                    "https://acme-v02.api.letsencrypt.org/acme/acct/1");
            KeyPair staging = account(
                    "acme-staging-v02.api.letsencrypt.org-directory",
                    "default",
                    "default",
                    KeyType.RSA_2048,
                    "https://acme-staging-v02.api.letsencrypt.org/acme/acct/2");
            KeyPair own = account(
                    "localhost-14000-dir", "default", "default", KeyType.P_384, "https://localhost:14000/my-account/3");

            String said = run(directory.resolve("caddy"));

            assertThat(said)
                    .contains("brought  the account with " + PRODUCTION
                            + ", https://acme-v02.api.letsencrypt.org/acme/acct/1")
                    .contains("brought  the account with " + STAGING)
                    .contains("brought  the account with " + OWN)
                    .endsWith("status 0");
            assertThat(has(PRODUCTION, production)).isTrue();
            assertThat(has(STAGING, staging)).isTrue();
            assertThat(has(STAGING, production)).isFalse();
            assertThat(has(OWN, own)).isTrue();
        }

        @Test
        void stayBehindWhereTheStoreHasAnother() throws Exception {
            String ca = "localhost-14000-dir";
            KeyPair first = account(ca, "a@example.com", "a", KeyType.P_256, "https://localhost:14000/my-account/1");
            run(directory.resolve("caddy"));
            KeyPair second = account(ca, "b@example.com", "b", KeyType.P_256, "https://localhost:14000/my-account/2");

            assertThat(run(directory.resolve("caddy")))
                    .contains("was there already")
                    .contains("left out the account of ")
                    .contains("the store has another with " + OWN)
                    .endsWith("status 1");
            assertThat(has(OWN, first)).isTrue();
            assertThat(has(OWN, second)).isFalse();
        }

        @Test
        void whoseCaCannotBeToldStayBehind() throws Exception {
            account("localhost-14000-dir (1)", "a@example.com", "a", KeyType.P_256, "https://localhost:14000/acct/1");
            account("my_ca-dir", "b@example.com", "b", KeyType.P_256, "https://my_ca/acct/1");
            account("nohost", "c@example.com", "c", KeyType.P_256, "https:///acct/1");
            KeyPair own =
                    account("localhost-14000-dir", "d@example.com", "d", KeyType.P_256, "https://localhost:14000/1");
            Path bundle = Files.createDirectories(directory.resolve("caddy/certificates/ca/shop.example"));
            Files.writeString(bundle.resolve("shop.example.key"), "no key");
            Files.writeString(bundle.resolve("shop.example.json"), "{\"ca\": \"https:///x\"}");

            String said = run(directory.resolve("caddy"));

            assertThat(said.split("the directory of its CA is not known", -1))
                    .as(said)
                    .hasSize(4);
            assertThat(said).endsWith("status 1");
            assertThat(has(OWN, own)).isTrue();
        }

        @Test
        void areLookedForBesideTheFolderOfTheCertificatesOnly() throws Exception {
            KeyPair own =
                    account("localhost-14000-dir", "a@example.com", "a", KeyType.P_256, "https://localhost:14000/1");
            Path beside = Files.createDirectories(directory.resolve("caddy/certificates/ca/shop.example"));
            Files.writeString(beside.resolve("shop.example.key"), "no key");
            Path elsewhere = Files.createDirectories(directory.resolve("caddy/other/certificates/ca/shop.example"));
            Files.writeString(elsewhere.resolve("shop.example.key"), "no key");

            assertThat(run(directory.resolve("caddy/other"))).doesNotContain("the account with");
            assertThat(run(directory.resolve("caddy/certificates"))).contains("brought  the account with " + OWN);
            assertThat(has(OWN, own)).isTrue();
        }

        @Test
        void thatAreDeactivatedOrUnreadableStayBehind() throws Exception {
            String ca = "localhost-14000-dir";
            account(ca, "a@example.com", "a", KeyType.P_256, "https://localhost:14000/my-account/1");
            Path users = directory.resolve("caddy/acme/" + ca + "/users/a@example.com");
            Files.writeString(
                    users.resolve("a.json"), "{\"status\":\"deactivated\",\"location\":\"https://localhost:14000/x\"}");
            account(ca, "b@example.com", "b", KeyType.P_256, "https://localhost:14000/my-account/2");
            Files.writeString(directory.resolve("caddy/acme/" + ca + "/users/b@example.com/b.key"), "no key");

            assertThat(run(directory.resolve("caddy")))
                    .contains("the account is deactivated")
                    .contains("the key of the account cannot be used")
                    .endsWith("status 1");
        }
    }

    @Nested
    class OfCertbot {

        private KeyPair account(String server, KeyType type, String uri) throws Exception {
            return account(server, "0a1b2c3d", type, uri);
        }

        private KeyPair account(String server, String id, KeyType type, String uri) throws Exception {
            KeyPair key = TestCertificates.key(type);
            Path folder = Files.createDirectories(directory.resolve("certbot/accounts/" + server + '/' + id));
            Files.writeString(folder.resolve("private_key.json"), jwk(key));
            Files.writeString(folder.resolve("regr.json"), "{\"body\": {}, \"uri\": \"" + uri + "\"}");
            Files.writeString(folder.resolve("meta.json"), "{\"creation_host\": \"old\"}");
            return key;
        }

        private static String jwk(KeyPair key) {
            if (key.getPrivate() instanceof ECPrivateKey ec) {
                String curve = ec.getParams().getOrder().bitLength() == 256 ? "P-256" : "P-384";
                return "{\"kty\": \"EC\", \"crv\": \"" + curve + "\", \"d\": \"" + base64(ec.getS()) + "\"}";
            }
            RSAPrivateCrtKey rsa = (RSAPrivateCrtKey) key.getPrivate();
            return "{\"n\": \"" + base64(rsa.getModulus()) + "\", \"e\": \"" + base64(rsa.getPublicExponent())
                    + "\", \"d\": \"" + base64(rsa.getPrivateExponent()) + "\", \"p\": \"" + base64(rsa.getPrimeP())
                    + "\", \"q\": \"" + base64(rsa.getPrimeQ()) + "\", \"dp\": \"" + base64(rsa.getPrimeExponentP())
                    + "\", \"dq\": \"" + base64(rsa.getPrimeExponentQ()) + "\", \"qi\": \""
                    + base64(rsa.getCrtCoefficient()) + "\", \"kty\": \"RSA\"}";
        }

        @Test
        void areReadWithBothKindsOfKey() throws Exception {
            KeyPair production = account(
                    "acme-v02.api.letsencrypt.org/directory",
                    KeyType.RSA_2048,
                    "https://acme-v02.api.letsencrypt.org/acme/acct/1");
            KeyPair staging = account(
                    "acme-staging-v02.api.letsencrypt.org/directory",
                    KeyType.P_256,
                    "https://acme-staging-v02.api.letsencrypt.org/acme/acct/2");
            KeyPair own = account("localhost:14000/dir", KeyType.P_384, "https://localhost:14000/my-account/3");

            assertThat(run(directory.resolve("certbot")))
                    .contains("brought  the account with " + PRODUCTION)
                    .endsWith("status 0");
            assertThat(has(PRODUCTION, production)).isTrue();
            assertThat(has(STAGING, staging)).isTrue();
            assertThat(has(OWN, own)).isTrue();
        }

        private void lineage(String name, String account, String server) throws Exception {
            Files.writeString(
                    Files.createDirectories(directory.resolve("certbot/renewal"))
                            .resolve(name + ".conf"),
                    "version = 2.9.0\n[renewalparams]\naccount = " + account + "\nserver = " + server + "\n");
        }

        @Test
        void areTakenByWhatTheLineagesUse() throws Exception {
            String server = "localhost:14000/dir";
            KeyPair unused = account(server, "00aa", KeyType.P_256, "https://localhost:14000/my-account/1");
            account(server, "11bb", KeyType.P_256, "https://localhost:14000/my-account/2");
            KeyPair used = account(server, "22cc", KeyType.P_256, "https://localhost:14000/my-account/3");
            lineage("a.example", "11bb", OWN.toString());
            lineage("b.example", "22cc", OWN.toString());
            lineage("c.example", "22cc", OWN.toString());

            assertThat(run(directory.resolve("certbot"))).contains("left out the account of ");
            assertThat(has(OWN, unused)).isFalse();
            assertThat(has(OWN, used)).isTrue();
        }

        @Test
        void areOfADirectoryWithASlashAtItsEndWhereALineageSaysSo() throws Exception {
            URI directory = URI.create("https://localhost:9000/acme/");
            KeyPair key = account("localhost:9000/acme", KeyType.P_256, "https://localhost:9000/acme/account/1");
            lineage("a.example", "0a1b2c3d", directory.toString());

            assertThat(run(AccountsTest.this.directory.resolve("certbot"))).contains("the account with " + directory);
            assertThat(has(directory, key)).isTrue();
        }

        @Test
        void whoseUrlIsOfAnOlderProtocolAreFoundByTheirKey() throws Exception {
            KeyPair key = account(
                    "acme-v02.api.letsencrypt.org/directory",
                    KeyType.RSA_2048,
                    "https://acme-v01.api.letsencrypt.org/acme/reg/1");

            assertThat(run(directory.resolve("certbot"))).contains("whose URL is asked for by its key");
            assertThat(has(PRODUCTION, key)).isTrue();
        }

        @Test
        void whoseCaCannotBeToldStayBehind() throws Exception {
            account("localhost:14000/directory (1)", KeyType.P_256, "https://localhost:14000/my-account/1");
            account("my_ca/dir", KeyType.P_256, "https://my_ca/my-account/2");
            KeyPair own = account("localhost:14000/dir", KeyType.P_256, "https:///my-account/3");

            String said = run(directory.resolve("certbot"));

            assertThat(said.split("the directory of its CA is not known", -1))
                    .as(said)
                    .hasSize(3);
            assertThat(said).endsWith("status 1");
            assertThat(has(OWN, own)).isTrue();
        }

        @Test
        void withAKeyOfAnotherKindStayBehind() throws Exception {
            account("localhost:14000/dir", KeyType.P_256, "https://localhost:14000/my-account/3");
            Files.writeString(
                    directory.resolve("certbot/accounts/localhost:14000/dir/0a1b2c3d/private_key.json"),
                    "{\"kty\":\"EC\",\"crv\":\"P-521\",\"d\":\"AA\"}");

            assertThat(run(directory.resolve("certbot")))
                    .contains("it is neither RSA nor on P-256 nor on P-384")
                    .endsWith("status 1");
        }
    }
}
