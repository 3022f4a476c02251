package org.ondemandtls.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.interfaces.ECPrivateKey;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.certificate.CertificationRequests;
import org.ondemandtls.certificate.KeyPairs;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.certificate.Pem;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.Hold;
import org.ondemandtls.store.KeySealing;
import org.ondemandtls.store.Moved;
import org.ondemandtls.store.OpenOrder;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.store.file.FileCertificateStore;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.RecordedEvents;
import org.ondemandtls.testing.TestCertificates;
import org.ondemandtls.testing.TestLeaves;
import org.ondemandtls.testing.Tools;

/** {@code import FROM TO}: what others keep, and stores of ours, brought into a store. */
class CommandTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");
    private static final String CA = "https://acme-v02.api.letsencrypt.org/directory";
    private static final byte[] KEY = new byte[32];

    private final ManualTime time = new ManualTime();
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    @TempDir
    private Path directory;

    private Path target;

    @BeforeEach
    void place() {
        target = directory.resolve("store");
    }

    private int run(String... line) {
        PrintStream print = new PrintStream(out, true, StandardCharsets.UTF_8);
        return new Command(time.machine(), print, print).run(line);
    }

    private String said() {
        return out.toString(StandardCharsets.UTF_8);
    }

    private KeyedCertificate leaf(String... names) {
        return TestLeaves.leaf(now(), Duration.ofDays(90), names);
    }

    private Instant now() {
        return time.clock().instant();
    }

    private CertificateStore open(Path where) throws Exception {
        return FileCertificateStore.open(where, new RecordedEvents().events(), time.machine(), Duration.ZERO);
    }

    private Optional<StoredCertificate> stored(String name) throws Exception {
        try (CertificateStore store = open(target)) {
            return store.find(ServerName.parse(name));
        }
    }

    // As Go writes elliptic-curve keys: with their curve and their public half (RFC 5915).
    private static String sec1(PrivateKey key) throws Exception {
        SubjectPublicKeyInfo publicKey =
                SubjectPublicKeyInfo.getInstance(KeyPairs.pair(key).getPublic().getEncoded());
        byte[] der = new org.bouncycastle.asn1.sec.ECPrivateKey(
                        256,
                        ((ECPrivateKey) key).getS(),
                        publicKey.getPublicKeyData(),
                        publicKey.getAlgorithm().getParameters())
                .getEncoded();
        return "-----BEGIN EC PRIVATE KEY-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der)
                + "\n-----END EC PRIVATE KEY-----\n";
    }

    private Path caddy(String folder, KeyedCertificate certificate, String issuer) throws Exception {
        Path bundle = Files.createDirectories(
                directory.resolve("caddy/certificates/acme-v02.api.letsencrypt.org-directory/" + folder));
        Files.writeString(bundle.resolve(folder + ".crt"), Pem.certificates(certificate.chain()));
        Files.writeString(bundle.resolve(folder + ".key"), sec1(certificate.key()));
        Files.writeString(
                bundle.resolve(folder + ".json"),
                "{\n\t\"sans\": [\"x\"],\n\t\"issuer_data\": {\n\t\t\"ca\": \"" + issuer + "\"\n\t}\n}");
        return directory.resolve("caddy");
    }

    private Path certbot(String lineage, KeyedCertificate certificate) throws Exception {
        Path archive = Files.createDirectories(directory.resolve("letsencrypt/archive/" + lineage));
        Path live = Files.createDirectories(directory.resolve("letsencrypt/live/" + lineage));
        Files.writeString(archive.resolve("fullchain3.pem"), Pem.certificates(certificate.chain()));
        Files.writeString(archive.resolve("privkey3.pem"), Pem.privateKey(certificate.key()));
        Files.createSymbolicLink(live.resolve("fullchain.pem"), archive.resolve("fullchain3.pem"));
        Files.createSymbolicLink(live.resolve("privkey.pem"), archive.resolve("privkey3.pem"));
        Path renewal = Files.createDirectories(directory.resolve("letsencrypt/renewal"));
        Files.writeString(
                renewal.resolve(lineage + ".conf"), "version = 2.1.0\n[renewalparams]\nserver = " + CA + "\n");
        return directory.resolve("letsencrypt");
    }

    @Test
    void whatCaddyKeepsIsServedUnderEachOfItsNames() throws Exception {
        KeyedCertificate shop = leaf(SHOP.value());
        KeyedCertificate wildcard = leaf("*.example.com");
        caddy("wildcard_.example.com", wildcard, CA);
        Path caddy = caddy(SHOP.value(), shop, CA);

        assertThat(run("import", caddy.toString(), target.toString()))
                .as(said())
                .isEqualTo(Command.DONE);

        StoredCertificate exact = stored(SHOP.value()).orElseThrow();
        assertThat(exact.certificate().leaf()).isEqualTo(shop.leaf());
        assertThat(KeyPairs.belongTogether(
                        exact.certificate().key(), shop.leaf().getPublicKey()))
                .isTrue();
        assertThat(exact.issuer()).isEqualTo(CA);
        assertThat(exact.renew()).isBetween(now().plus(Duration.ofDays(50)), now().plus(Duration.ofDays(70)));
        assertThat(stored("other.example.com").orElseThrow().certificate().leaf())
                .isEqualTo(wildcard.leaf());
        assertThat(said()).contains("2 certificates brought").contains("a wildcard is served, not renewed");
    }

    @Test
    void whatCertbotKeepsIsServedUnderEachOfItsNames() throws Exception {
        KeyedCertificate several = leaf("example.com", "www.example.com");
        Path letsencrypt = certbot("example.com", several);

        assertThat(run("import", letsencrypt.toString(), target.toString()))
                .as(said())
                .isEqualTo(Command.DONE);

        assertThat(stored("example.com").orElseThrow().issuer()).isEqualTo(CA);
        assertThat(stored("www.example.com").orElseThrow().certificate().leaf()).isEqualTo(several.leaf());
    }

    @Test
    void whatIsThereAlreadyIsPassedOverSoThatItCanBeRunAgain() throws Exception {
        Path caddy = caddy(SHOP.value(), leaf(SHOP.value()), CA);
        run("import", caddy.toString(), target.toString());
        caddy("late.example.com", leaf("late.example.com"), CA);
        out.reset();

        assertThat(run("import", caddy.toString(), target.toString())).isEqualTo(Command.DONE);

        assertThat(said()).contains("1 certificates brought, 1 were there already, 0 left out");
        assertThat(stored(SHOP.value()).orElseThrow().revision()).isEqualTo(1);
    }

    @Test
    void ofTwoForOneNameTheOneThatIsValidLongerStays() throws Exception {
        KeyedCertificate longer = leaf(SHOP.value());
        KeyedCertificate shorter = TestLeaves.leaf(now(), Duration.ofDays(30), SHOP.value());
        run("import", caddy(SHOP.value(), shorter, CA).toString(), target.toString());
        run("import", caddy(SHOP.value(), longer, CA).toString(), target.toString());
        assertThat(stored(SHOP.value()).orElseThrow().certificate().leaf()).isEqualTo(longer.leaf());

        assertThat(run("import", caddy(SHOP.value(), shorter, CA).toString(), target.toString()))
                .isEqualTo(Command.INCOMPLETE);
        assertThat(stored(SHOP.value()).orElseThrow().certificate().leaf()).isEqualTo(longer.leaf());
    }

    @Test
    void whatCannotBeServedIsLeftOutWithTheReasonAndTheRestIsBrought() throws Exception {
        KeyedCertificate good = leaf(SHOP.value());
        caddy("good", good, CA);
        caddy(
                "swapped",
                new KeyedCertificate(
                        TestCertificates.key().getPrivate(),
                        leaf("a.example.com").chain()),
                CA);
        caddy("expired", TestLeaves.leaf(now().minus(Duration.ofDays(91)), Duration.ofDays(90), "b.example.com"), CA);
        caddy("address", leaf("localhost"), CA);
        Path caddy = directory.resolve("caddy");

        assertThat(run("import", caddy.toString(), target.toString())).isEqualTo(Command.INCOMPLETE);

        assertThat(said())
                .contains("swapped: the leaf is for another key")
                .contains("expired: the leaf was valid until")
                .contains("address: none of its names can be served: localhost")
                .contains("1 certificates brought, 0 were there already, 3 left out");
        assertThat(stored(SHOP.value())).isPresent();
        assertThat(stored("a.example.com")).isEmpty();
    }

    @Test
    void aNameThatNoServerCanServeDoesNotKeepTheOthers() throws Exception {
        caddy("several", leaf("localhost", SHOP.value(), "_sip.example.com", "ip:192.0.2.7"), CA);

        assertThat(run("import", directory.resolve("caddy").toString(), target.toString()))
                .isEqualTo(Command.INCOMPLETE);

        assertThat(stored(SHOP.value())).isPresent();
        assertThat(said())
                .contains("left out the name localhost of ")
                .contains("left out the name _sip.example.com of ")
                .contains("left out the name 192.0.2.7 of ")
                .contains("1 certificates brought");
    }

    @Test
    void aCaddyCertificateWithoutItsKeyIsNamed() throws Exception {
        Path caddy = caddy(SHOP.value(), leaf(SHOP.value()), CA);
        Path bundles = caddy.resolve("certificates/acme-v02.api.letsencrypt.org-directory");
        caddy("other.example.com", leaf("other.example.com"), CA);
        Files.delete(bundles.resolve("other.example.com/other.example.com.key"));

        assertThat(run("import", caddy.toString(), target.toString())).isEqualTo(Command.INCOMPLETE);

        assertThat(said())
                .contains("left out " + bundles.resolve("other.example.com") + ": other.example.com.key is not there")
                .contains("1 certificates brought");
    }

    @Test
    void oneFileThatCannotBeReadDoesNotKeepTheOthers() throws Exception {
        Path caddy = caddy(SHOP.value(), leaf(SHOP.value()), CA);
        caddy("a.example.com", leaf("a.example.com"), CA);
        Path broken =
                caddy.resolve("certificates/acme-v02.api.letsencrypt.org-directory/a.example.com/a.example.com.key");
        Files.write(broken, new byte[KeptFiles.LARGEST + 1]);

        assertThat(run("import", caddy.toString(), target.toString())).isEqualTo(Command.INCOMPLETE);

        assertThat(said())
                .contains("left out " + broken.getParent() + ": " + broken + " is larger than 1048576 bytes")
                .contains("1 certificates brought");
        assertThat(stored(SHOP.value())).isPresent();
    }

    @Test
    void theDirectoryAroundCaddysIsUnderstood() throws Exception {
        caddy(SHOP.value(), leaf(SHOP.value()), CA);

        assertThat(run("import", directory.toString(), target.toString()))
                .as(said())
                .isEqualTo(Command.DONE);

        assertThat(stored(SHOP.value())).isPresent();
    }

    @Test
    void aLineageOfCertbotWithoutItsKeyIsNamedEvenIfItIsTheOnlyOne() throws Exception {
        Path lineage = Files.createDirectories(directory.resolve("letsencrypt/live/" + SHOP.value()));
        Files.writeString(
                lineage.resolve("fullchain.pem"),
                Pem.certificates(leaf(SHOP.value()).chain()));

        assertThat(run("import", directory.resolve("letsencrypt").toString(), target.toString()))
                .isEqualTo(Command.INCOMPLETE);

        assertThat(said()).contains("left out " + lineage + ": fullchain.pem or privkey.pem is not there");
    }

    @Test
    void aBlockBehindLeafAndIssuerThatCannotBeReadIsLeftOutWithALine() throws Exception {
        KeyPair key = TestCertificates.key();
        KeyPair issuerKey = TestCertificates.key();
        KeyedCertificate shop = new KeyedCertificate(
                key.getPrivate(),
                List.of(
                        TestCertificates.leaf(key, now(), SHOP.value()).signedBy("issuer", issuerKey),
                        TestCertificates.authority(issuerKey, now(), "issuer")
                                .signedBy("root", TestCertificates.key())));
        Path caddy = caddy(SHOP.value(), shop, CA);
        Files.writeString(
                caddy.resolve("certificates/acme-v02.api.letsencrypt.org-directory/" + SHOP + "/" + SHOP + ".crt"),
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                StandardOpenOption.APPEND);

        assertThat(run("import", caddy.toString(), target.toString()))
                .as(said())
                .isEqualTo(Command.DONE);

        assertThat(said()).contains("left out a block that cannot be read");
        assertThat(stored(SHOP.value())).isPresent();
    }

    @Test
    void whatCaddyOneKeepsIsBrought() throws Exception {
        Path site = Files.createDirectories(
                directory.resolve("caddy1/acme/acme-v02.api.letsencrypt.org/sites/" + SHOP.value()));
        KeyedCertificate shop = leaf(SHOP.value());
        Files.writeString(site.resolve(SHOP.value() + ".crt"), Pem.certificates(shop.chain()));
        Files.writeString(site.resolve(SHOP.value() + ".key"), sec1(shop.key()));
        Files.createDirectories(directory.resolve("caddy1/acme/acme-v02.api.letsencrypt.org/users/x@example.com"));

        assertThat(run("import", directory.resolve("caddy1").toString(), target.toString()))
                .as(said())
                .isEqualTo(Command.DONE);

        assertThat(stored(SHOP.value()).orElseThrow().issuer()).isEqualTo(CA);
    }

    @Test
    void whatCaddyExportsIsBrought() throws Exception {
        Path caddy = caddy(SHOP.value(), leaf(SHOP.value()), CA);
        Path archive = directory.resolve("export.tar");
        try (OutputStream tar = Files.newOutputStream(archive);
                var files = Files.walk(caddy)) {
            for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
                tar.write(Tars.file(caddy.relativize(file).toString(), Files.readAllBytes(file)));
            }
            tar.write(Tars.end());
        }

        assertThat(run("import", archive.toString(), target.toString()))
                .as(said())
                .isEqualTo(Command.DONE);

        assertThat(stored(SHOP.value()).orElseThrow().issuer()).isEqualTo(CA);
    }

    @Test
    void ofTwoLineagesTheOneIssuedLaterIsServed() throws Exception {
        KeyedCertificate earlier = TestLeaves.leaf(
                now().minus(Duration.ofDays(20)), Duration.ofDays(90), "www.example.com", "example.com");
        KeyedCertificate later = TestLeaves.leaf(
                now().minus(Duration.ofDays(2)),
                Duration.ofDays(45),
                "example.com",
                "www.example.com",
                "a.example.com");
        certbot("www.example.com", earlier);
        Path letsencrypt = certbot("example.com", later);

        assertThat(run("import", letsencrypt.toString(), target.toString())).isEqualTo(Command.INCOMPLETE);

        for (String name : later.names()) {
            assertThat(stored(name).orElseThrow().certificate().leaf()).as(name).isEqualTo(later.leaf());
        }
        assertThat(said()).contains("live/www.example.com: lineages that were issued later have all its names");
    }

    @Test
    void anEarlierLineageOfTheSameNameIsLeftOutWithWhatGoesWithoutACertificate() throws Exception {
        KeyedCertificate earlier =
                TestLeaves.leaf(now().minus(Duration.ofDays(2)), Duration.ofDays(90), "example.com", "old.example.com");
        KeyedCertificate later = TestLeaves.leaf(now().minus(Duration.ofDays(1)), Duration.ofDays(45), "example.com");
        certbot("example.com", earlier);
        Path letsencrypt = certbot("example.com-0001", later);

        assertThat(run("import", letsencrypt.toString(), target.toString())).isEqualTo(Command.INCOMPLETE);

        assertThat(stored("example.com").orElseThrow().certificate().leaf()).isEqualTo(later.leaf());
        assertThat(said())
                .contains("the lineage example.com-0001 is for example.com too and was issued later; these names get"
                        + " a certificate at their next visit: old.example.com");
    }

    @ParameterizedTest
    @ValueSource(strings = {"install", "uninstall"})
    void aTomcatWhoseVariableIsNotSetIsAskedFor(String command) {
        assertThat(run(command, "--set", "onDemandTls.acme.directory=letsencrypt-staging"))
                .isEqualTo(Command.FAILED);
        assertThat(said())
                .startsWith(command + " needs the directory of the Tomcat.")
                .contains("$CATALINA_BASE")
                .doesNotContain("usage: ");

        out.reset();
        assertThat(run(command, "")).isEqualTo(Command.FAILED);
        assertThat(said()).startsWith(command + " needs the directory of the Tomcat.");
    }

    @Test
    void everyCommandExplainsItself() {
        for (String command : List.of("import", "check", "install", "uninstall")) {
            out.reset();
            assertThat(run(command, "--help")).isEqualTo(Command.DONE);
            assertThat(said()).contains("usage: ").contains(" " + command + " ").contains("Exit status:");
        }
        for (String command : List.of(
                "status",
                "list",
                "explain",
                "diagnose",
                "obtain",
                "renew",
                "retry",
                "withdraw",
                "revoke",
                "forget",
                "expiry",
                "confirm-denials")) {
            out.reset();
            assertThat(run(command, "--help")).isEqualTo(Command.DONE);
            assertThat(said()).contains("usage: ", command, "--server URL").doesNotContain("check FILE");
        }
        out.reset();
        assertThat(run("--help")).isEqualTo(Command.DONE);
        assertThat(said()).contains("import FROM TO").contains("check FILE").contains("Exit status:");
    }

    @Test
    void everyCommandIsInTheTableOfOperations() throws Exception {
        String table = Files.readString(Tools.root().resolve("docs/OPERATIONS.md"))
                .replaceFirst("(?s).*\\| command \\| what it does \\|\n", "")
                .replaceFirst("(?s)\n\n.*", "");
        assertThat(run("--help")).isEqualTo(Command.DONE);

        List<String> commands = said().lines()
                .filter(line -> line.startsWith("  ") && !line.isBlank() && !line.matches("  \\d .*"))
                .flatMap(line -> Stream.of(line.strip().split(" {2,}")[0].split(", ")))
                .map(command -> command.split(" ")[0])
                .distinct()
                .toList();

        assertThat(commands).contains("import", "list", "resume", "account");
        assertThat(commands).allSatisfy(command -> assertThat(table).containsPattern("`" + command + "[ `]"));
    }

    @Test
    void anAccountIsBroughtWholeOrNotAtAll() throws Exception {
        Path from = directory.resolve("from");
        byte[] theirs = {'a'};
        byte[] ours = {'b'};
        try (CertificateStore store = open(from)) {
            for (String account : List.of("one", "two")) {
                store.writeSecret("accounts/" + account + ".pem", theirs);
                store.writeSecret("accounts/" + account + ".after-0123456789abcdef.pem", theirs);
                store.writePublic("accounts/" + account + ".url", theirs);
                store.writePublic("accounts/" + account + ".deactivated", theirs);
            }
        }
        try (CertificateStore store = open(target)) {
            store.writeSecret("accounts/one.pem", ours);
        }

        assertThat(run("import", from.toString(), target.toString())).as(said()).isEqualTo(Command.DONE);

        assertThat(said()).contains("left out the account of accounts/one.pem: the store has another");
        try (CertificateStore store = open(target)) {
            assertThat(store.secretPaths())
                    .containsExactlyInAnyOrder(
                            "accounts/one.pem",
                            "accounts/two.pem",
                            "accounts/two.after-0123456789abcdef.pem",
                            "accounts/two.url",
                            "accounts/two.deactivated");
            assertThat(store.readSecret("accounts/one.pem")).contains(ours);
        }
        // The key last: where it is missing, another run brings the rest.
        assertThat(said().indexOf("accounts/two.deactivated")).isLessThan(said().indexOf("accounts/two.pem"));
    }

    @Test
    void aStoreIsBroughtWholeIntoAnother() throws Exception {
        Path from = directory.resolve("from");
        StoredCertificate shop = StoredCertificate.obtained(leaf(SHOP.value()), CA, now(), now().plusSeconds(99))
                .withDue(now().plusSeconds(7))
                .withVisited(now())
                .withMoved(Optional.of(new Moved(now(), "192.0.2.1", "point it here again")))
                .withWithdrawn(Optional.of(now()));
        ServerName takenAway = ServerName.parse("taken.example.com");
        ServerName waiting = ServerName.parse("waiting.example.com");
        var key = TestCertificates.key();
        try (CertificateStore store = open(from)) {
            store.save(store.save(shop));
            store.journal(new OpenOrder(
                    waiting, CA, now(), Optional.empty(), key, CertificationRequests.request(key, waiting)));
            store.keepHold(new Hold(
                    new Scope.Name(ServerName.parse("bad.example.com")),
                    CA,
                    2,
                    now(),
                    "caa",
                    "forbidden",
                    Optional.empty()));
            store.keepHold(new Hold(
                    new Scope.TakenAway(takenAway),
                    "operator",
                    0,
                    now(),
                    "withdrawn",
                    "by an operator",
                    Optional.empty()));
            store.writeSecret(
                    "accounts/abc.pem", Pem.privateKey(key.getPrivate()).getBytes(StandardCharsets.US_ASCII));
            store.writePublic("accounts/abc.url", "https://ca.example/account/1".getBytes(StandardCharsets.US_ASCII));
        }
        Path keyFile =
                Files.writeString(directory.resolve("key"), Base64.getEncoder().encodeToString(KEY));

        assertThat(run("import", from.toString(), target.toString(), "--to-encryption-key-file", keyFile.toString()))
                .as(said())
                .isEqualTo(Command.DONE);

        try (CertificateStore store = FileCertificateStore.open(
                target, new RecordedEvents().events(), time.machine(), Duration.ZERO, KeySealing.of(List.of(KEY)))) {
            StoredCertificate brought = store.find(SHOP).orElseThrow();
            assertThat(brought.certificate().leaf())
                    .isEqualTo(shop.certificate().leaf());
            assertThat(brought.due()).isEqualTo(shop.due());
            assertThat(brought.renew()).isEqualTo(shop.renew());
            assertThat(brought.visited()).isEqualTo(shop.visited());
            assertThat(brought.withdrawn()).isEqualTo(shop.withdrawn());
            assertThat(brought.moved()).isEqualTo(shop.moved());
            assertThat(store.hold(new Scope.TakenAway(takenAway))).isPresent();
            assertThat(store.openOrder(waiting).orElseThrow().key().getPrivate())
                    .isEqualTo(key.getPrivate());
            assertThat(store.hold(new Scope.Name(ServerName.parse("bad.example.com")))
                            .orElseThrow()
                            .refusals())
                    .isEqualTo(2);
            assertThat(new String(store.readSecret("accounts/abc.pem").orElseThrow(), StandardCharsets.US_ASCII))
                    .contains("BEGIN PRIVATE KEY");
        }
        assertThat(Files.readString(target.resolve("accounts/abc.pem"))).doesNotContain("BEGIN PRIVATE KEY");
        assertThat(Files.readString(target.resolve("accounts/abc.url"))).isEqualTo("https://ca.example/account/1");
    }

    @Test
    void mistakesAreSaidAndNothingIsTouched() throws Exception {
        Path nothing = Files.createDirectories(directory.resolve("nothing"));
        Path full = Files.createDirectories(directory.resolve("full"));
        Files.writeString(full.resolve("something"), "else");

        assertThat(run()).isEqualTo(Command.FAILED);
        assertThat(run("import", nothing.toString())).isEqualTo(Command.FAILED);
        assertThat(run("import", nothing.toString(), target.toString())).isEqualTo(Command.FAILED);
        assertThat(said())
                .contains("neither a store nor what Caddy or certbot keeps")
                .contains("usage: java -jar ondemand-tls-*.jar import FROM TO");
        Path caddy = caddy(SHOP.value(), leaf(SHOP.value()), CA);
        assertThat(run("import", caddy.toString(), full.toString())).isEqualTo(Command.FAILED);
        assertThat(said()).contains("holds something else than a store");
        assertThat(run("import", caddy.toString(), target.toString(), "--colour", "red"))
                .isEqualTo(Command.FAILED);
        assertThat(said()).contains("there is no option --colour");
        assertThat(run("import", caddy.toString(), target.toString(), "--to-user"))
                .isEqualTo(Command.FAILED);
        assertThat(said()).contains("--to-user needs a value");
        assertThat(Files.exists(target)).isFalse();
    }

    @Test
    void aStoreInUseIsNotTouched() throws Exception {
        Path caddy = caddy(SHOP.value(), leaf(SHOP.value()), CA);
        try (CertificateStore inUse = open(target)) {
            assertThat(run("import", caddy.toString(), target.toString())).isEqualTo(Command.FAILED);
            assertThat(inUse.find(SHOP)).isEmpty();
        }
    }

    @Test
    void whatAShellMadeOfAStarIsNoWord() throws Exception {
        Path caddy = caddy(SHOP.value(), leaf(SHOP.value()), CA);

        assertThat(run("lib/ondemand-tls-jetty-1.0.0.jar", "import", caddy.toString(), target.toString()))
                .isEqualTo(Command.DONE);
    }

    @Test
    void whatRootLeftInEitherStoreIsSaidThoughTheImportBroke() throws Exception {
        Path from = directory.resolve("from");
        try (CertificateStore store = open(from)) {
            store.writePublic("accounts/a.url", new byte[] {'a'});
            store.writePublic("accounts/b.url", new byte[] {'b'});
        }
        Files.write(from.resolve("accounts/b.url"), new byte[(1 << 20) + 1]);
        PrintStream print = new PrintStream(out, true, StandardCharsets.UTF_8);
        Command command = new Command(
                time.machine(),
                print,
                print,
                file -> file.startsWith(from) || file.startsWith(target.resolve("accounts")) ? "root" : "tomcat");

        assertThat(command.run(new String[] {"import", from.toString(), target.toString()}))
                .isEqualTo(Command.FAILED);

        assertThat(said())
                .contains("brought  accounts/a.url", "accounts/b.url cannot be used")
                .contains("chown -R tomcat: " + target, "chown -R tomcat: " + from);
    }

    @Test
    void whatRootWroteIsSaidWithTheChown() {
        Path store = Path.of("/srv/tls");

        assertThat(Command.ownership(Set.of("tomcat"), "root", store)).isEmpty();
        assertThat(Command.ownership(Set.of("root", "tomcat"), "root", store))
                .hasValueSatisfying(line -> assertThat(line)
                        .isEqualTo("some files in the store belong to root and the server cannot read them; run:"
                                + " chown -R tomcat: /srv/tls"));
        assertThat(Command.ownership(Set.of("root"), "jetty", store))
                .hasValueSatisfying(line -> assertThat(line).endsWith("chown -R jetty: /srv/tls"));
        assertThat(Command.ownership(Set.of("root"), "root", store))
                .hasValueSatisfying(line -> assertThat(line).endsWith("chown -R USER: /srv/tls"));
    }
}
