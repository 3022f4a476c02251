package org.ondemandtls.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPairGenerator;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.config.OnDemandTlsConfig.DatabaseStore;
import org.ondemandtls.config.OnDemandTlsConfig.Directory;
import org.ondemandtls.config.OnDemandTlsConfig.ExternalAccountBinding;
import org.ondemandtls.config.OnDemandTlsConfig.FileStore;
import org.ondemandtls.config.OnDemandTlsConfig.HostCheck;
import org.ondemandtls.config.OnDemandTlsConfig.Issuer;
import org.ondemandtls.config.OnDemandTlsConfig.KeyType;
import org.ondemandtls.name.ServerName;

/** {@link ConfigReader}: what an operator may write, and what he is told when it is wrong. */
class ConfigReaderTest {

    private static final String HMAC = Base64.getUrlEncoder().withoutPadding().encodeToString(new byte[32]);

    @TempDir
    Path base;

    private OnDemandTlsConfig read(String... keysAndTexts) throws ConfigException {
        return ConfigReader.read(permitted(keysAndTexts), base);
    }

    private List<String> mistakes(String... keysAndTexts) {
        return mistakesIn(permitted(keysAndTexts));
    }

    private List<String> mistakesIn(Map<String, String> properties) {
        var thrown = catchThrowableOfType(ConfigException.class, () -> ConfigReader.read(properties, base));
        assertThat(thrown).as("a mistake is reported").isNotNull();
        assertThat(thrown).hasMessage(String.join("; ", thrown.mistakes()));
        return thrown.mistakes();
    }

    private static final Set<ConfigKey> TAKE_ANY_WORD = Set.of(
            ConfigKey.PERMISSION_DATA_SOURCE,
            ConfigKey.PERMISSION_CLASS,
            ConfigKey.PERMISSION_BEAN,
            ConfigKey.ACME_PROFILE,
            ConfigKey.ACME_PREFERRED_CHAIN,
            ConfigKey.STATUS_LOOK_ROLE,
            ConfigKey.STATUS_ACT_ROLE,
            ConfigKey.STORE);

    // Which have a place only beside a database.
    private static final Set<ConfigKey> OF_A_DATABASE = Set.of(
            ConfigKey.STORE_USER, ConfigKey.STORE_PASSWORD, ConfigKey.STORE_CREATE_SCHEMA, ConfigKey.STORE_CONNECTIONS);

    private static Map<String, String> permitted(String... keysAndTexts) {
        Map<String, String> properties = properties(keysAndTexts);
        properties.putIfAbsent("onDemandTls.permission.names", "a.example.com");
        return properties;
    }

    private static Map<String, String> properties(String... keysAndTexts) {
        var properties = new TreeMap<String, String>();
        for (int i = 0; i < keysAndTexts.length; i += 2) {
            properties.put("onDemandTls." + keysAndTexts[i], keysAndTexts[i + 1]);
        }
        return properties;
    }

    private static Directory only(OnDemandTlsConfig config) {
        assertThat(config.acme().directories()).hasSize(1);
        return config.acme().directories().get(0);
    }

    private Path file(String name, String content) throws IOException {
        return Files.writeString(base.resolve(name), content);
    }

    @Nested
    class WithNothingButAPermission {

        @Test
        void everyKeyHasTheDefaultOfTheContract() throws ConfigException {
            var config = read("permission.ask", "http://localhost:9123/check", "permission.names", " ");

            assertThat(config.permission().ask()).contains(URI.create("http://localhost:9123/check"));
            assertThat(config.permission().askTimeout()).isEqualTo(Duration.ofSeconds(2));
            assertThat(config.permission().names()).isEmpty();
            assertThat(config.permission().file()).isEmpty();
            assertThat(config.permission().sql()).isEmpty();
            assertThat(config.permission().className()).isEmpty();
            assertThat(config.permission().bean()).isEmpty();
            assertThat(config.permission().rememberGranted()).isEqualTo(Duration.ofMinutes(5));
            assertThat(config.permission().rememberDenied()).isEqualTo(Duration.ofMinutes(1));
            assertThat(config.issuer()).isEqualTo(Issuer.ACME);
            assertThat(config.acme().directories())
                    .containsExactly(new Directory(
                            URI.create("https://acme-v02.api.letsencrypt.org/directory"),
                            Optional.of("letsencrypt"),
                            Optional.empty()));
            assertThat(config.acme().email()).isEmpty();
            assertThat(config.acme().profile()).isEmpty();
            assertThat(config.acme().trustedRoots()).isEmpty();
            assertThat(config.acme().challenges()).containsExactly(ChallengeType.TLS_ALPN_01, ChallengeType.HTTP_01);
            assertThat(config.keyType()).isEqualTo(KeyType.P_256);
            assertThat(config.store()).isEqualTo(new FileStore(base.resolve("ondemand-tls")));
            assertThat(config.handshake())
                    .isEqualTo(new OnDemandTlsConfig.Handshake(
                            Duration.ofSeconds(25),
                            10_000,
                            HostCheck.TRUE,
                            Optional.empty(),
                            Duration.ofSeconds(10),
                            16 * 1024 * 1024));
            assertThat(config.inventory()).isEqualTo(new OnDemandTlsConfig.Inventory(10_000));
            assertThat(config.shield())
                    .isEqualTo(new OnDemandTlsConfig.Shield(
                            16,
                            256,
                            16,
                            256,
                            50_000,
                            new Rate(200, Duration.ofSeconds(1)),
                            new OnDemandTlsConfig.Clients(
                                    new Rate(60, Duration.ofMinutes(10)),
                                    new Rate(100, Duration.ofHours(1)),
                                    List.of(),
                                    2000,
                                    500),
                            new OnDemandTlsConfig.Lookups(4, 256, new Rate(500, Duration.ofSeconds(1)))));
        }

        @Test
        void everyBlankKeyCountsAsNotGiven() throws ConfigException {
            var blanks = new TreeMap<String, String>();
            List.of(ConfigKey.values()).forEach(key -> {
                blanks.put(key.key(), " ");
                blanks.put(key.fileKey(), "");
            });
            blanks.put("onDemandTls.permission.names", "a.example.com");

            assertThat(ConfigReader.read(blanks, base)).isEqualTo(read());
        }

        @Test
        void aRelativeBaseStillGivesAnAbsoluteStore() throws ConfigException {
            var config = ConfigReader.read(permitted("store", "x/../certificates"), Path.of("some"));

            assertThat(config.store())
                    .isEqualTo(new FileStore(
                            Path.of("some/certificates").toAbsolutePath().normalize()));
        }
    }

    @Nested
    class Names {

        @Test
        void ofOthersAreIgnored() throws ConfigException {
            Map<String, String> properties = permitted();
            properties.put("jetty.ssl.port", "8443");
            properties.put("onDemandTlsX", "1");

            assertThat(ConfigReader.read(properties, base)).isEqualTo(read());
        }

        @Test
        void thatAreUnknownAreRefusedWithTheNearestOneNamedEvenWhereBlank() {
            assertThat(mistakes("handshake.dedline", ""))
                    .containsExactly("onDemandTls.handshake.dedline is not a known key; the nearest is"
                            + " onDemandTls.handshake.deadline, correct or remove it");
        }

        @Test
        void inAnotherCaseAreUnknown() {
            assertThat(mistakesIn(Map.of(
                            "ondemandtls.permission.ask", "http://localhost/",
                            "onDemandTls.permission.names", "a.example.com")))
                    .containsExactly("ondemandtls.permission.ask is not a known key; the nearest is"
                            + " onDemandTls.permission.ask, correct or remove it");
        }
    }

    @Nested
    class Budgets {

        @Test
        void areTheCasOwnByDefault() throws Exception {
            OnDemandTlsConfig.Budget budget = ConfigReader.read(
                            Map.of("onDemandTls.permission.names", "a.example.com"), base)
                    .budget();

            assertThat(budget)
                    .isEqualTo(new OnDemandTlsConfig.Budget(
                            new OnDemandTlsConfig.Allowance.Automatic(),
                            new OnDemandTlsConfig.Allowance.Automatic(),
                            new OnDemandTlsConfig.Allowance.Automatic(),
                            new OnDemandTlsConfig.Allowance.Automatic(),
                            Optional.empty()));
        }

        @Test
        void areReadFromTheirKeys() throws Exception {
            OnDemandTlsConfig.Budget budget = ConfigReader.read(
                            Map.of(
                                    "onDemandTls.permission.names", "a.example.com",
                                    "onDemandTls.budget.orders", "2/3h",
                                    "onDemandTls.budget.domain", "none",
                                    "onDemandTls.budget.name", "1/31d"),
                            base)
                    .budget();

            assertThat(budget.orders()).isEqualTo(new Rate(2, Duration.ofHours(3)));
            assertThat(budget.domain()).isEqualTo(new OnDemandTlsConfig.Allowance.Unlimited());
            assertThat(budget.name()).isEqualTo(new Rate(1, Duration.ofDays(31)));
        }

        @ParameterizedTest
        @ValueSource(strings = {"300", "300 per 3h", "-1/3h", "3h/300", "Auto", "1/", "/1h", "9999999999/1h"})
        void thatAreNoRateAreRefused(String text) {
            assertThat(mistakes("budget.domain", text))
                    .containsExactly("onDemandTls.budget.domain: \"" + text
                            + "\" is neither a number per duration, like 300/3h, nor auto or none; write one of them");
        }

        @Test
        void outOfBoundsAreRefused() {
            assertThat(mistakes("budget.orders", "1/3h"))
                    .singleElement()
                    .asString()
                    .contains("from 2 on");
            assertThat(mistakes("budget.name", "0/3h"))
                    .singleElement()
                    .asString()
                    .contains("from 1 on");
            assertThat(mistakes("budget.name", "1/32d"))
                    .singleElement()
                    .asString()
                    .contains("out of bounds");
            assertThat(mistakes("budget.name", "1/0s"))
                    .singleElement()
                    .asString()
                    .contains("out of bounds");
            assertThat(mistakes("budget.name", "1/3"))
                    .singleElement()
                    .asString()
                    .contains("no duration");
        }

        @Test
        void takeNoOtherFileForAPublicSuffixList() throws Exception {
            Files.writeString(base.resolve("list.dat"), "com\n");

            assertThat(mistakes("budget.publicSuffixes", "list.dat"))
                    .singleElement()
                    .asString()
                    .contains("is no public suffix list")
                    .contains("publicsuffix.org");
        }
    }

    @Nested
    class EncryptionKeys {

        private static final String ONE = Base64.getEncoder().encodeToString(new byte[32]);
        private static final String TWO = ONE.replace("AAAA", "BBBB");

        private OnDemandTlsConfig with(String key, String text) throws Exception {
            return ConfigReader.read(
                    Map.of("onDemandTls.permission.names", "a.example.com", "onDemandTls." + key, text), base);
        }

        @Test
        void areNoneByDefault() throws Exception {
            assertThat(ConfigReader.read(Map.of("onDemandTls.permission.names", "a.example.com"), base)
                            .encryptionKeys())
                    .isEmpty();
        }

        @Test
        void areThirtyTwoOctetsInTheirOrder() throws Exception {
            var keys = with("store.encryptionKey", TWO + ", " + ONE).encryptionKeys();

            assertThat(keys).hasSize(2);
            assertThat(keys.get(0).bytes())
                    .hasSize(32)
                    .isEqualTo(Base64.getDecoder().decode(TWO));
            assertThat(keys.get(1).bytes()).hasSize(32).containsOnly(0);
        }

        @Test
        void comeFromAFileAsWell() throws Exception {
            Files.writeString(base.resolve("key"), ONE + "\n");

            assertThat(with("store.encryptionKey.file", "key").encryptionKeys()).hasSize(1);
        }

        @Test
        void areNeverShown() throws Exception {
            assertThat(with("store.encryptionKey", ONE).toString()).doesNotContain(ONE.substring(0, 12));
        }

        @ParameterizedTest
        @ValueSource(ints = {16, 31, 33, 64})
        void ofAnotherLengthAreRefusedUnseen(int length) {
            String text = Base64.getEncoder().encodeToString(new byte[length]);

            assertThat(mistakes("store.encryptionKey", text))
                    .singleElement()
                    .satisfies(mistake -> assertThat(mistake)
                            .contains("has " + length + " bytes, where AES-256 wants 32")
                            .contains("openssl rand -base64 32")
                            .doesNotContain(text.substring(0, 12)));
        }

        @Test
        void thatAreNoBase64OrGivenTwiceAreRefusedUnseen() {
            assertThat(mistakes("store.encryptionKey", "hunter2!"))
                    .singleElement()
                    .satisfies(mistake ->
                            assertThat(mistake).contains("is no base64").doesNotContain("hunter2"));
            assertThat(mistakes("store.encryptionKey", ONE + "," + ONE))
                    .containsExactly("onDemandTls.store.encryptionKey: a key is given twice; name each key once");
        }
    }

    @Nested
    class Renewing {

        @Test
        void hasDefaultsThatLetNobodyDownAtOnce() throws Exception {
            OnDemandTlsConfig config = ConfigReader.read(Map.of("onDemandTls.permission.names", "a.example.com"), base);

            assertThat(config.names()).isEmpty();
            assertThat(config.renewal())
                    .isEqualTo(new OnDemandTlsConfig.Renewal(
                            Optional.empty(),
                            Duration.ofDays(30),
                            Duration.ofDays(7),
                            Duration.ofDays(1),
                            Optional.of(Duration.ofDays(1))));
        }

        @Test
        void isReadFromItsKeys() throws Exception {
            OnDemandTlsConfig config = ConfigReader.read(
                    Map.of(
                            "onDemandTls.permission.names", "a.example.com",
                            "onDemandTls.names", "www.Example.com, b.example.com",
                            "onDemandTls.renewal.visitedWithin", "7d",
                            "onDemandTls.renewal.grace", "12h",
                            "onDemandTls.renewal.movedAwayGrace", "3d",
                            "onDemandTls.permission.withdrawAfter", "2h",
                            "onDemandTls.permission.recheck", "6h"),
                    base);

            assertThat(config.names())
                    .containsExactly(ServerName.parse("www.example.com"), ServerName.parse("b.example.com"));
            assertThat(config.renewal())
                    .isEqualTo(new OnDemandTlsConfig.Renewal(
                            Optional.of(Duration.ofDays(7)),
                            Duration.ofHours(12),
                            Duration.ofDays(3),
                            Duration.ofHours(2),
                            Optional.of(Duration.ofHours(6))));
        }

        @Test
        void asksAtRenewalsOnlyWhereNoRecheckIsWanted() throws Exception {
            OnDemandTlsConfig config = ConfigReader.read(
                    Map.of("onDemandTls.permission.names", "a.example.com", "onDemandTls.permission.recheck", "none"),
                    base);

            assertThat(config.renewal().recheck()).isEmpty();
            assertThat(mistakes("permission.recheck", "never")).hasSize(1);
            assertThat(mistakes("permission.recheck", "10ms")).hasSize(1);
        }

        @Test
        void grantsTheOperatorsOwnNamesAndIsNoPermissionSource() throws Exception {
            OnDemandTlsConfig config = ConfigReader.read(
                    Map.of("onDemandTls.permission.ask", "http://localhost/", "onDemandTls.names", "www.example.com"),
                    base);

            assertThat(config.permission().names()).containsExactly(NamePattern.parse("www.example.com"));
            assertThat(mistakesIn(Map.of("onDemandTls.names", "www.example.com")))
                    .singleElement()
                    .asString()
                    .startsWith("no permission source");
        }

        @Test
        void takesNoWildcardForAName() {
            assertThat(mistakes("names", "*.example.com"))
                    .containsExactly("onDemandTls.names: \"*.example.com\" is no server name; write a full name like"
                            + " www.example.com");
        }
    }

    @Nested
    class Permission {

        @Test
        void missingStopsTheStartWhateverTheIssuer() {
            String mistake = "no permission source: set onDemandTls.permission.ask or onDemandTls.permission.names or"
                    + " onDemandTls.permission.file or onDemandTls.permission.sql or onDemandTls.permission.class or"
                    + " onDemandTls.permission.bean; without one anybody could have certificates issued";

            assertThat(mistakesIn(Map.of())).containsExactly(mistake);
            assertThat(mistakesIn(properties("issuer", "internal"))).containsExactly(mistake);
            assertThat(mistakesIn(properties("permission.askTimeout", "1s"))).containsExactly(mistake);
        }

        @Test
        void thatIsGivenButWrongIsNotReportedAsMissing() {
            assertThat(mistakesIn(properties("permission.ask", "localhost")))
                    .singleElement()
                    .asString()
                    .startsWith("onDemandTls.permission.ask: \"localhost\" does not start with http:// or https://");
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "http://localhost:9123/check",
                    "https://app.example.com/may?tenant=7&kind=tls",
                    "HTTP://[::1]:65535",
                    "http://localhost/?subdomain=x&domains=y"
                })
        void asksAnyHttpUrlAsItIsWritten(String url) throws ConfigException {
            assertThat(read("permission.ask", url).permission().ask()).contains(URI.create(url));
        }

        @ParameterizedTest
        @CsvSource(
                delimiter = '|',
                value = {
                    "/check | does not start with",
                    "ftp://localhost/ | does not start with",
                    "http:check | has no valid host",
                    "http:///check | has no valid host",
                    "http://my_app:9123/ | has an underscore in its host name",
                    "http://localhost:0/ | has no valid port",
                    "http://localhost:65536/ | has no valid port",
                    "http://localhost/#top | has a fragment",
                    "http://localhost/a b | is no URL",
                    "http://localhost/?domain=a.example | has a query parameter",
                    "http://localhost/?x=1&domain=a.example | has a query parameter",
                    "http://localhost/?domain | has a query parameter"
                })
        void asksNothingElse(String url, String what) {
            assertThat(mistakes("permission.ask", url))
                    .singleElement()
                    .asString()
                    .contains(what);
        }

        @Test
        void readsNamesAndOneLabelWildcardsAndSkipsEmptyOnes() throws ConfigException {
            assertThat(read("permission.names", ",a.example.com , *.B.example.COM,,a.example.com")
                            .permission()
                            .names())
                    .extracting(NamePattern::value)
                    .containsExactly("a.example.com", "*.b.example.com", "a.example.com");
        }

        @Test
        void namesEveryNameThatIsNone() {
            assertThat(mistakes("permission.names", "a.example.com,localhost,*.*.example.com,a.*.com,127.0.0.1"))
                    .hasSize(4)
                    .allMatch(mistake -> mistake.startsWith("onDemandTls.permission.names: \""))
                    .satisfiesExactly(
                            mistake -> assertThat(mistake).contains("\"localhost\""),
                            mistake -> assertThat(mistake).contains("\"*.*.example.com\""),
                            mistake -> assertThat(mistake).contains("\"a.*.com\""),
                            mistake -> assertThat(mistake).contains("\"127.0.0.1\""));
        }

        @Test
        void ofCommasOnlyIsNoPermission() {
            assertThat(mistakes("permission.names", ", ,"))
                    .singleElement()
                    .asString()
                    .contains("nothing between the commas");
        }

        @Test
        void takesAFileThatCanBeRead() throws Exception {
            Path names = file("names.txt", "a.example.com\n");

            assertThat(ConfigReader.read(properties("permission.file", "names.txt"), base)
                            .permission()
                            .file())
                    .contains(names);
        }

        @Test
        void refusesAFileThatIsMissingOrADirectory() {
            assertThat(mistakesIn(properties("permission.file", "gone.txt")))
                    .containsExactly("onDemandTls.permission.file: \"" + base.resolve("gone.txt")
                            + "\" does not exist; create it or correct the path");
            assertThat(mistakesIn(properties("permission.file", ".")))
                    .singleElement()
                    .asString()
                    .contains("is no file");
        }

        @Test
        void takesTheNameOfAClass() throws ConfigException {
            assertThat(read("permission.class", "com.example.Outer$Mine")
                            .permission()
                            .className())
                    .contains("com.example.Outer$Mine");
            assertThat(mistakes("permission.class", "com.example.")).hasSize(1);
            assertThat(mistakes("permission.class", "com/example/Mine")).hasSize(1);
        }
    }

    @Nested
    class Directories {

        @ParameterizedTest
        @CsvSource({
            "letsencrypt, https://acme-v02.api.letsencrypt.org/directory",
            "letsencrypt-staging, https://acme-staging-v02.api.letsencrypt.org/directory",
            "google, https://dv.acme-v02.api.pki.goog/directory",
            "zerossl, https://acme.zerossl.com/v2/DV90"
        })
        void haveAliasesAndTheUrlOfOneIsAsGood(String alias, URI url) throws ConfigException {
            var byAlias = read("acme.directory", alias, "acme.eab", "kid:" + HMAC);
            var byUrl = read("acme.directory", url.toString(), "acme.eab", "kid:" + HMAC);

            assertThat(only(byAlias).url()).isEqualTo(url);
            assertThat(only(byAlias).alias()).contains(alias);
            assertThat(byAlias.acme().hasPublicCa()).isTrue();
            assertThat(byUrl).isEqualTo(byAlias);
        }

        @ParameterizedTest
        @CsvSource({
            "https://ACME-v02.api.letsencrypt.org:443/directory, true",
            "https://acme-v02.api.letsencrypt.org:444/directory, false",
            "https://acme-v02.api.letsencrypt.org/directory?x, false",
            "https://localhost:14000/dir, false"
        })
        void arePublicOnlyWhereTheyAreThoseOfAPublicCa(String url, boolean isPublic) throws ConfigException {
            var config = read("acme.directory", url);

            assertThat(config.acme().hasPublicCa()).isEqualTo(isPublic);
            assertThat(only(config).alias().isPresent()).isEqualTo(isPublic);
            assertThat(only(config).url()).isEqualTo(URI.create(url));
        }

        @ParameterizedTest
        @CsvSource({
            "acme, letsencrypt, auto, 16",
            "acme, https://localhost:14000/dir, auto, 256",
            "acme, https://localhost:14000/dir, 5, 5",
            "internal, https://localhost:14000/dir, auto, 16"
        })
        void haveMoreOrdersAtOnceWhereTheyPublishNoLimit(String issuer, String directory, String given, int orders)
                throws ConfigException {
            var config = read("issuer", issuer, "acme.directory", directory, "shield.ordersInFlight", given);

            assertThat(config.shield().ordersInFlight()).isEqualTo(orders);
        }

        @ParameterizedTest
        @CsvSource(
                delimiter = '|',
                value = {
                    "http://localhost:14000/dir | https only",
                    "letsencryt | is no alias of a CA",
                    "LetsEncrypt | is no alias of a CA",
                    "https:///directory | has no valid host",
                    "https://step_ca:9000/directory | has an underscore in its host name",
                    "letsencrypt,zerosll | is no alias of a CA",
                    ", | nothing between the commas",
                    "letsencrypt, letsencrypt | is given twice",
                    "letsencrypt,https://ACME-v02.api.letsencrypt.org:443/directory | is given twice",
                    "https://ca.example/dir,https://CA.example:443/dir | is given twice"
                })
        void areRefusedOtherwise(String text, String what) {
            assertThat(mistakes("acme.directory", text))
                    .singleElement()
                    .asString()
                    .contains(what);
        }

        @ParameterizedTest
        @ValueSource(strings = {"google", "zerossl", "https://acme.zerossl.com/v2/DV90"})
        void thatWantABindingAreRefusedWithoutOneWhereTheyAreUsed(String directory) throws ConfigException {
            assertThat(mistakes("acme.directory", directory))
                    .singleElement()
                    .asString()
                    .startsWith("onDemandTls.acme.directory: ")
                    .contains("set onDemandTls.acme.eab");
            assertThat(read("acme.directory", directory, "issuer", "internal").issuer())
                    .isEqualTo(Issuer.INTERNAL);
        }

        @Test
        void areAListInOrderOfPreference() throws ConfigException {
            assertThat(read("acme.directory", "https://ca.example/dir , letsencrypt,https://ca.example/other")
                            .acme()
                            .directories())
                    .extracting(directory -> directory.url().toString())
                    .containsExactly(
                            "https://ca.example/dir",
                            "https://acme-v02.api.letsencrypt.org/directory",
                            "https://ca.example/other");
        }

        @Test
        void haveTheirBindingsInTheSameOrderAndNothingWhereThereIsNone() throws ConfigException {
            var first = new ExternalAccountBinding("one", HMAC);
            var last = new ExternalAccountBinding("two", HMAC);

            assertThat(eabs("letsencrypt,google,zerossl", ",one:" + HMAC + " , two:" + HMAC))
                    .containsExactly(Optional.empty(), Optional.of(first), Optional.of(last));
            assertThat(eabs("google,letsencrypt", "one:" + HMAC + ","))
                    .containsExactly(Optional.of(first), Optional.empty());
            assertThat(eabs("google,letsencrypt", "one:" + HMAC)).containsExactly(Optional.of(first), Optional.empty());
        }

        @Test
        void ofWhichOneWantsABindingThatStandsElsewhereAreRefused() {
            assertThat(mistakes("acme.directory", "letsencrypt,google,zerossl", "acme.eab", "kid:" + HMAC))
                    .satisfiesExactly(
                            m -> assertThat(m).contains("google opens no account", "at the same place in the list"),
                            m -> assertThat(m).contains("zerossl opens no account", "at the same place in the list"));
        }

        private static List<Optional<ExternalAccountBinding>> eabs(OnDemandTlsConfig config) {
            return config.acme().directories().stream().map(Directory::eab).toList();
        }

        private List<Optional<ExternalAccountBinding>> eabs(String directories, String bindings)
                throws ConfigException {
            return eabs(read("acme.directory", directories, "acme.eab", bindings));
        }
    }

    @Nested
    class Bindings {

        @Test
        void areAKeyIdentifierAndAnHmacKeyWithOrWithoutPadding() throws ConfigException {
            assertThat(only(read("acme.eab", "kid:1:" + HMAC + "=")).eab())
                    .contains(new ExternalAccountBinding("kid:1", HMAC));
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "topsecret",
                    ":topsecret",
                    "kid:",
                    "kid:topsecret",
                    "kid:top+secret/topsecrettopsecrettopsecrettopsecret",
                    "topsecret kid:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                })
        void areNeverShownWhenTheyAreWrong(String eab) {
            assertThat(mistakes("acme.eab", eab))
                    .singleElement()
                    .asString()
                    .startsWith("onDemandTls.acme.eab: the value ")
                    .doesNotContain("topsecret", "AAAA");
        }

        @Test
        void areAsManyAsThereAreCasAtMost() {
            assertThat(mistakes("acme.eab", "one:" + HMAC + ",two:" + HMAC))
                    .singleElement()
                    .asString()
                    .startsWith("onDemandTls.acme.eab: there are 2 bindings for 1 CA; ")
                    .doesNotContain(HMAC);
        }

        @Test
        void haveAnHmacKeyOfAtLeast32Bytes() throws ConfigException {
            assertThat(mistakes("acme.eab", "kid:" + hmac(31)))
                    .singleElement()
                    .asString()
                    .contains("less than 32 bytes");
            assertThat(only(read("acme.eab", "kid:" + hmac(32))).eab()).isPresent();
            assertThat(only(read("acme.eab", "kid:" + hmac(33))).eab()).isPresent();
        }

        private static String hmac(int bytes) {
            return Base64.getUrlEncoder().encodeToString(new byte[bytes]);
        }
    }

    @Nested
    class OtherKeysOfAcme {

        @Test
        void challengesKeepTheirOrder() throws ConfigException {
            assertThat(read("acme.challenges", "http-01, tls-alpn-01").acme().challenges())
                    .containsExactly(ChallengeType.HTTP_01, ChallengeType.TLS_ALPN_01);
            assertThat(read("acme.challenges", "http-01").acme().challenges()).containsExactly(ChallengeType.HTTP_01);
        }

        @ParameterizedTest
        @CsvSource(
                delimiter = '|',
                value = {
                    "dns-01 | \"dns-01\" is not supported",
                    "http-01,http-01 | given twice",
                    "HTTP-01 | is not one of tls-alpn-01, http-01",
                    ", | nothing between the commas"
                })
        void challengesAreKnownAndGivenOnce(String text, String what) {
            assertThat(mistakes("acme.challenges", text))
                    .singleElement()
                    .asString()
                    .contains(what);
        }

        @Test
        void theContactIsOneAddress() throws ConfigException {
            assertThat(read("acme.email", "ops@example.com").acme().email()).contains("ops@example.com");
            for (String wrong : List.of("ops", "mailto:ops@example.com", "a@b.c,d@e.f", "a@b@c", "a b@c.d")) {
                assertThat(mistakes("acme.email", wrong))
                        .singleElement()
                        .asString()
                        .contains("no e-mail address");
            }
        }

        @Test
        void theProfileIsOneWord() throws ConfigException {
            assertThat(read("acme.profile", "shortlived").acme().profile()).contains("shortlived");
            assertThat(mistakes("acme.profile", "short lived")).hasSize(1);
            assertThat(mistakes("acme.profile", "x".repeat(65))).hasSize(1);
        }

        @Test
        void trustedRootsAreCertificatesInPem() throws Exception {
            Path roots = file("roots.pem", "A test root\n" + pem() + "\n" + pem());

            assertThat(read("acme.trustedRoots", "roots.pem").acme().trustedRoots())
                    .contains(roots);
        }

        @Test
        void trustedRootsWithoutAReadableCertificateAreRefused() throws Exception {
            file("empty.pem", "");
            file("text.pem", "no certificate here\n");
            file("torn.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
            file("cut.pem", pem() + pem().substring(0, 200));
            file("long.pem", pem() + "\n".repeat(ValueFiles.MAX_ROOTS_FILE));

            for (String name : List.of("empty.pem", "text.pem", "torn.pem", "cut.pem", "long.pem", "gone.pem", ".")) {
                assertThat(mistakes("acme.trustedRoots", name))
                        .singleElement()
                        .asString()
                        .startsWith("onDemandTls.acme.trustedRoots: \""
                                + base.resolve(name).normalize());
            }
        }

        private static String pem() throws Exception {
            var generator = KeyPairGenerator.getInstance("EC");
            generator.initialize(256);
            var keys = generator.generateKeyPair();
            var name = new X500Principal("CN=Test root");
            var certificate = new JcaX509v3CertificateBuilder(
                            name,
                            BigInteger.ONE,
                            Date.from(Instant.parse("2026-01-01T00:00:00Z")),
                            Date.from(Instant.parse("2036-01-01T00:00:00Z")),
                            name,
                            keys.getPublic())
                    .build(new JcaContentSignerBuilder("SHA256withECDSA").build(keys.getPrivate()));
            return "-----BEGIN CERTIFICATE-----\n"
                    + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(certificate.getEncoded())
                    + "\n-----END CERTIFICATE-----\n";
        }
    }

    @Nested
    class Bounds {

        @ParameterizedTest
        @CsvSource({
            "permission.askTimeout, 1ms, 60000ms, 60001ms",
            "permission.rememberGranted, 1ms, 30d, 2592001s",
            "permission.rememberDenied, 1ms, 30d, 2592001s",
            "handshake.deadline, 1ms, 10m, 600001ms",
            "handshake.helloTimeout, 1ms, 10m, 600001ms",
        })
        void ofADurationAreInclusive(String key, String least, String most, String tooMuch) throws ConfigException {
            read(key, least);
            read(key, most);

            assertThat(mistakes(key, "0s")).singleElement().asString().contains("\"0s\" is out of bounds");
            assertThat(mistakes(key, tooMuch)).singleElement().asString().contains("is out of bounds");
        }

        @ParameterizedTest
        @CsvSource({
            "handshake.parked, 1000000",
            "inventory.size, 1000000",
            "shield.askConcurrency, 1000",
            "shield.askQueue, 100000",
            "shield.ordersInFlight, 1000",
            "shield.ordersQueued, 100000",
            "shield.rememberedRefusals, 10000000"
        })
        void ofANumberAreInclusive(String key, int most) throws ConfigException {
            read(key, "1");
            read(key, Integer.toString(most));

            assertThat(mistakes(key, "0"))
                    .containsExactly(
                            "onDemandTls." + key + ": \"0\" is out of bounds; write a number from 1 to " + most);
            assertThat(mistakes(key, Integer.toString(most + 1))).hasSize(1);
        }

        @ParameterizedTest
        @ValueSource(strings = {"-1", "+1", "1.0", "1e3", "1_000", "ten", "9999999999999999999"})
        void areNotEvenLookedAtForWhatIsNoNumber(String text) {
            assertThat(mistakes("handshake.parked", text))
                    .singleElement()
                    .asString()
                    .contains("is not a whole number");
        }
    }

    @Nested
    class Choices {

        @ParameterizedTest
        @CsvSource({"P-256,P_256", "P-384,P_384", "RSA-2048,RSA_2048", "RSA-3072,RSA_3072", "RSA-4096,RSA_4096"})
        void ofKeys(String text, KeyType keyType) throws ConfigException {
            assertThat(read("certificate.key", text).keyType()).isEqualTo(keyType);
        }

        @Test
        void areNamedWhenAnotherIsWritten() {
            assertThat(mistakes("certificate.key", "RSA-1024"))
                    .containsExactly("onDemandTls.certificate.key: \"RSA-1024\" is not one of P-256, P-384, RSA-2048,"
                            + " RSA-3072, RSA-4096; write one of them");
            assertThat(mistakes("issuer", "Internal"))
                    .containsExactly(
                            "onDemandTls.issuer: \"Internal\" is not one of acme, internal; write one of them");
            assertThat(mistakes("handshake.hostCheck", "yes"))
                    .containsExactly(
                            "onDemandTls.handshake.hostCheck: \"yes\" is not one of true, strict, false; write one of"
                                    + " them");
        }

        @Test
        void aWrongIssuerDoesNotBringMistakesOfTheDefaultOne() {
            assertThat(mistakes("issuer", "internl", "acme.directory", "google"))
                    .hasSize(1);
        }

        @Test
        void theHostCheckCanBeTurnedOffAndADefaultNameGiven() throws ConfigException {
            var handshake = read("handshake.hostCheck", "false", "handshake.defaultName", "WWW.example.com.")
                    .handshake();

            assertThat(handshake.hostCheck()).isEqualTo(HostCheck.FALSE);
            assertThat(read("handshake.hostCheck", "strict").handshake().hostCheck())
                    .isEqualTo(HostCheck.STRICT);
            assertThat(handshake.defaultName()).contains(ServerName.parse("www.example.com"));
            assertThat(mistakes("handshake.defaultName", "*.example.com")).hasSize(1);
        }
    }

    @Nested
    class Stores {

        @Test
        void mayBeInADatabase() throws ConfigException {
            assertThat(read("store", "jdbc:postgresql://db/x").store())
                    .isEqualTo(
                            new DatabaseStore("jdbc:postgresql://db/x", Optional.empty(), Optional.empty(), true, 8));
            assertThat(ConfigReader.read(
                                    permitted(
                                            "store", "JDBC:mariadb://db/x",
                                            "store.user", "tls",
                                            "store.password", "hunter2",
                                            "store.createSchema", "false",
                                            "store.connections", "3"),
                                    base)
                            .store())
                    .isEqualTo(new DatabaseStore(
                            "jdbc:mariadb://db/x", Optional.of("tls"), Optional.of("hunter2"), false, 3));
            assertThat(read("store", "jndi:jdbc/tls").store())
                    .isEqualTo(new DatabaseStore("jndi:jdbc/tls", Optional.empty(), Optional.empty(), true, 8));
        }

        @ParameterizedTest
        @CsvSource({
            "jdbc:postgresql://db:5432/x?user=tls&password=hunter2, jdbc:postgresql://db:5432/x",
            "jdbc:mariadb://tls:hunter2@db/x?a=b,                   jdbc:mariadb://db/x",
            "jdbc:postgresql:tls:hunter2@x,                         jdbc:postgresql:x",
            "jdbc:mariadb://db/x;password=hunter2,                  jdbc:mariadb://db/x",
            "jdbc:postgresql:x,                                     jdbc:postgresql:x",
            "jndi:java:comp/env/jdbc/x,                             jndi:java:comp/env/jdbc/x"
        })
        void inDatabasesAreShownWithoutCredentials(String store, String shown) throws ConfigException {
            var config = read("store", store);

            assertThat(config.store().location()).isEqualTo(shown);
            assertThat(config.toString()).doesNotContain("hunter2");
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "jdbc:oracle:thin:scott/hunter2@db",
                    "jdbc:",
                    "jndi:",
                    "jdbc:postgresql:",
                    "jdbc:mysql://hunter2"
                })
        void inOtherDatabasesAreRefusedAndTheirUrlIsNotShown(String store) {
            assertThat(mistakes("store", store))
                    .singleElement()
                    .asString()
                    .contains("jdbc:postgresql:")
                    .doesNotContain("hunter2");
        }

        @Test
        void inDatabasesShowNoValueThatCameFromAFile() throws Exception {
            file("secret", "hunter2");

            assertThat(mistakes(
                            "store", "jdbc:postgresql://db/x",
                            "store.createSchema.file", "secret",
                            "store.connections.file", "secret"))
                    .allSatisfy(mistake ->
                            assertThat(mistake).contains(".file: the value ").doesNotContain("hunter2"))
                    .hasSize(2);
        }

        @Test
        void haveNoKeyThatWouldBeIgnored() {
            assertThat(mistakes(
                            "store.user",
                            "tls",
                            "store.password",
                            "hunter2",
                            "store.createSchema",
                            "true",
                            "store.connections",
                            "3"))
                    .containsExactly(
                            "onDemandTls.store.user: onDemandTls.store is no jdbc: URL; remove it",
                            "onDemandTls.store.password: onDemandTls.store is no jdbc: URL; remove it",
                            "onDemandTls.store.createSchema: onDemandTls.store is no database; remove it",
                            "onDemandTls.store.connections: onDemandTls.store is no database; remove it");
            assertThat(mistakes("store", "jndi:x", "store.user", "tls"))
                    .containsExactly(
                            "onDemandTls.store.user: onDemandTls.store is no jdbc: URL; the DataSource has a user"
                                    + " of its own; remove it");
        }

        @Test
        void areNotInTheWayOfAFileNotEvenTheDefaultOne() throws IOException {
            file("ondemand-tls", "");

            assertThat(mistakes())
                    .containsExactly("onDemandTls.store: \"" + base.resolve("ondemand-tls")
                            + "\" is not a directory; name a directory, it is made where it is missing");
        }

        @Test
        void mayBeAbsoluteAndMayExist() throws Exception {
            Path store = Files.createDirectory(base.resolve("here"));

            assertThat(read("store", store.toString()).store()).isEqualTo(new FileStore(store));
        }

        @Test
        void areNoPathWithANul() {
            assertThat(mistakes("store", "a\0b")).singleElement().asString().contains("\"a?b\" is no path");
        }
    }

    @Nested
    class ValuesFromFiles {

        @ParameterizedTest
        @ValueSource(strings = {"10s", "  10s\n", "10s\r\n"})
        void areTrimmed(String content) throws Exception {
            file("value", content);

            assertThat(read("handshake.deadline.file", "value").handshake().deadline())
                    .isEqualTo(Duration.ofSeconds(10));
        }

        @Test
        void mayBeGivenByAnAbsolutePath() throws Exception {
            Path eab = file("eab", "kid:" + HMAC);

            assertThat(only(read("acme.eab.file", eab.toString())).eab()).isPresent();
        }

        @Test
        void satisfyACaThatWantsABindingAndCountAsAPermissionSource() throws Exception {
            file("eab", "kid:" + HMAC);
            file("ask", "http://localhost:9123/check?token=1");

            var config = ConfigReader.read(
                    properties("acme.directory", "google", "acme.eab.file", "eab", "permission.ask.file", "ask"), base);

            assertThat(only(config).eab()).isPresent();
            assertThat(config.permission().ask()).contains(URI.create("http://localhost:9123/check?token=1"));
        }

        @Test
        void mayNameTheFileOfNames() throws Exception {
            file("where", "names.txt\n");
            Path names = file("names.txt", "");

            assertThat(ConfigReader.read(properties("permission.file.file", "where"), base)
                            .permission()
                            .file())
                    .contains(names);
        }

        @Test
        void areNotGivenTwice() throws Exception {
            file("value", "10s");

            assertThat(mistakes("handshake.deadline", "10s", "handshake.deadline.file", "value"))
                    .containsExactly("onDemandTls.handshake.deadline and onDemandTls.handshake.deadline.file are both"
                            + " given; keep one of them");
        }

        @Test
        void areGivenOnceWhereTheOtherIsBlank() throws Exception {
            file("value", "10s");

            assertThat(read("handshake.deadline", "", "handshake.deadline.file", "value")
                            .handshake()
                            .deadline())
                    .isEqualTo(Duration.ofSeconds(10));
        }

        @Test
        void thatCannotBeReadAreReportedWithTheirPathAndNothingElse() throws Exception {
            file("empty", " \n");
            Files.write(base.resolve("binary"), new byte[] {(byte) 0xff, (byte) 0xfe});
            Path missing = base.resolve("missing");

            assertThat(mistakesIn(properties("permission.ask.file", "missing")))
                    .containsExactly("onDemandTls.permission.ask.file: \"" + missing
                            + "\" does not exist; create it or correct the path");
            assertThat(mistakes("acme.eab.file", "empty", "acme.directory", "zerossl"))
                    .containsExactly("onDemandTls.acme.eab.file: \"" + base.resolve("empty")
                            + "\" is empty; write the value of onDemandTls.acme.eab into it");
            assertThat(mistakes("acme.eab.file", "binary"))
                    .containsExactly("onDemandTls.acme.eab.file: \"" + base.resolve("binary")
                            + "\" is not text in UTF-8; save it as such");
            assertThat(mistakes("acme.eab.file", "."))
                    .singleElement()
                    .asString()
                    .contains("is a directory");
        }

        @Test
        void areAtMost64KibLong() throws Exception {
            byte[] content = new byte[ValueFiles.MAX_VALUE_FILE + 1];
            Arrays.fill(content, (byte) ' ');
            System.arraycopy("10s".getBytes(StandardCharsets.US_ASCII), 0, content, 0, 3);
            Files.write(base.resolve("most"), Arrays.copyOf(content, ValueFiles.MAX_VALUE_FILE));
            Files.write(base.resolve("more"), content);

            assertThat(read("handshake.deadline.file", "most").handshake().deadline())
                    .isEqualTo(Duration.ofSeconds(10));
            assertThat(mistakes("handshake.deadline.file", "more"))
                    .singleElement()
                    .asString()
                    .contains("is longer than 64KiB");
        }

        @Test
        void ofSeveralCasMayBeOneForAllOrOneEach() throws Exception {
            var one = read("acme.directory", "https://a.example/d,https://b.example/d", "acme.email", "ops@example.com")
                    .acme();
            assertThat(one.email()).contains("ops@example.com");
            assertThat(one.directories())
                    .allSatisfy(ca -> assertThat(ca.own().email()).isEmpty());

            var each = read(
                            "acme.directory",
                            "https://a.example/d,https://b.example/d",
                            "acme.email",
                            "a@example.com, b@example.com",
                            "acme.profile",
                            ",shortlived")
                    .acme();
            assertThat(each.email()).isEmpty();
            assertThat(each.profile()).isEmpty();
            assertThat(each.directories().get(0).own().email()).contains("a@example.com");
            assertThat(each.directories().get(0).own().profile()).isEmpty();
            assertThat(each.directories().get(1).own().email()).contains("b@example.com");
            assertThat(each.directories().get(1).own().profile()).contains("shortlived");

            assertThat(mistakes(
                            "acme.directory",
                            "https://a.example/d,https://b.example/d",
                            "acme.profile",
                            "one,two,three"))
                    .singleElement()
                    .asString()
                    .contains("there are 3 for 2 CAs; write one for all, or one for each");
        }

        @Test
        void ofOriginsAreHttpsAndNothingMore() throws Exception {
            assertThat(read("acme.origins", "https://acme.example.org, https://b.example:444/")
                            .acme()
                            .origins())
                    .hasSize(2);
            for (String wrong :
                    List.of("http://a.example", "a.example", "https://a.example/dir", "https://u@a.example")) {
                assertThat(mistakes("acme.origins", wrong))
                        .singleElement()
                        .asString()
                        .contains("write https, host and port only");
            }
        }

        @Test
        void areNeverShownWhateverTheKey() throws Exception {
            file("secret", "hunter2");

            for (ConfigKey key : ConfigKey.values()) {
                if (TAKE_ANY_WORD.contains(key) || OF_A_DATABASE.contains(key)) {
                    continue;
                }
                Map<String, String> properties = new TreeMap<>(Map.of(key.fileKey(), "secret"));
                properties.putIfAbsent("onDemandTls.permission.class", "com.example.Mine");
                assertThat(mistakesIn(properties))
                        .as(key.key())
                        .singleElement()
                        .asString()
                        .startsWith(key.fileKey() + ": the value ")
                        .doesNotContain("hunter2");
            }
        }
    }

    @Nested
    class Reports {

        @Test
        void nameAllMistakesAtOnceInTheOrderOfNamesThenOfTheTable() {
            assertThat(mistakes(
                            "handshake.dedline", "1s",
                            "permission.ask", "nowhere",
                            "permission.askTimeout", "2",
                            "permission.sql", "SELECT 1",
                            "issuer", "none",
                            "acme.eab", "x",
                            "acme.challenges", "dns-01",
                            "store", "jdbc:x",
                            "handshake.parked", "0"))
                    .satisfiesExactly(
                            m -> assertThat(m).startsWith("onDemandTls.handshake.dedline is not a known key"),
                            m -> assertThat(m).startsWith("onDemandTls.permission.ask: "),
                            m -> assertThat(m).startsWith("onDemandTls.permission.askTimeout: "),
                            m -> assertThat(m).startsWith("onDemandTls.permission.sql: "),
                            m -> assertThat(m).startsWith("onDemandTls.issuer: "),
                            m -> assertThat(m).startsWith("onDemandTls.acme.eab: "),
                            m -> assertThat(m).startsWith("onDemandTls.acme.challenges: "),
                            m -> assertThat(m).startsWith("onDemandTls.store: "),
                            m -> assertThat(m).startsWith("onDemandTls.handshake.parked: "));
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "ftp://host/?token=hunter2",
                    "http://user:hunter2@host/",
                    "http://user:hunter2@my_app/",
                    "user:hunter2@host",
                    "http://host/a b?token=hunter2",
                    "http://host/?token=hunter2#x",
                    "http://host/?domain=a&token=hunter2"
                })
        void showNeitherTheUserInformationNorTheQueryOfAUrl(String url) {
            assertThat(mistakes("permission.ask", url))
                    .singleElement()
                    .asString()
                    .doesNotContain("hunter2");
            assertThat(mistakes("acme.directory", url))
                    .singleElement()
                    .asString()
                    .doesNotContain("hunter2");
        }

        @Test
        void areSingleLinesOfBoundedLengthWhateverWasWritten() {
            assertThat(mistakes("handshake.deadline", "1\n2\r3\u001b[0m\u2028" + "x".repeat(10_000), "x\ny", "1"))
                    .hasSize(2)
                    .allMatch(mistake -> mistake.length() < 400)
                    .noneMatch(mistake -> mistake.matches("(?s).*[\\p{Cntrl}\\u2028].*"));
        }

        @Test
        void doNotShowAnUnknownKeysValue() {
            assertThat(mistakes("acme.eba", "hunter2"))
                    .singleElement()
                    .asString()
                    .doesNotContain("hunter2");
        }
    }

    @Nested
    class SystemProperties {

        private final Properties system = new Properties();

        @Test
        void areTakenForKeysThatAreNotGivenOrBlank() {
            system.setProperty("onDemandTls.handshake.deadline", "10s");
            system.setProperty("onDemandTls.handshake.parked", "7");
            system.setProperty("onDemandTls.store", "system");
            system.setProperty("java.version", "17");

            assertThat(ConfigReader.withFallback(
                            properties("handshake.deadline", "20s", "handshake.parked", ""), system))
                    .isEqualTo(properties("handshake.deadline", "20s", "handshake.parked", "7", "store", "system"));
        }

        @Test
        void areHiddenByTheOtherFormOfTheSameKey() {
            system.setProperty("onDemandTls.acme.eab", "kid:x");
            system.setProperty("onDemandTls.permission.file.file", "y");

            var explicit = properties("acme.eab.file", "eab", "permission.file", "names.txt");

            assertThat(ConfigReader.withFallback(explicit, system)).isEqualTo(explicit);
        }

        @Test
        void thatAreMisspeltAreTakenOverToBeRefused() {
            system.setProperty("onDemandTls.handshake.dedline", "10s");
            system.setProperty("ondemandtls.handshake.deadline", "10s");
            system.setProperty("ondemandtls.root", "somebody else's");

            assertThat(ConfigReader.withFallback(Map.of(), system))
                    .containsOnlyKeys("onDemandTls.handshake.dedline", "ondemandtls.handshake.deadline");
        }
    }

    @Nested
    class AQuery {

        private static final String QUERY = "SELECT 1 FROM customer_domain WHERE name = ?";

        @Test
        void andItsDataSourceAreASource() throws ConfigException {
            var config = ConfigReader.read(
                    properties("permission.sql", QUERY, "permission.dataSource", "jdbc:postgresql://db/x?password=y"),
                    base);

            assertThat(config.permission().hasSource()).isTrue();
            assertThat(config.permission().sql())
                    .contains(new OnDemandTlsConfig.Sql(QUERY, "jdbc:postgresql://db/x?password=y"));
            assertThat(config.toString()).doesNotContain("password");
        }

        @Test
        void wantsADataSourceAndTheOtherWayRound() {
            assertThat(mistakesIn(properties("permission.sql", QUERY)))
                    .singleElement()
                    .asString()
                    .contains("without onDemandTls.permission.dataSource");
            assertThat(mistakes("permission.dataSource", "jdbc/customers"))
                    .singleElement()
                    .asString()
                    .contains("without onDemandTls.permission.sql");
        }

        @ParameterizedTest
        @ValueSource(strings = {"SELECT 1", "SELECT 1 FROM d WHERE a = ? OR b = ?", "SELECT 1 FROM d WHERE a = '?'"})
        void hasOneParameter(String query) {
            assertThat(mistakes("permission.sql", query, "permission.dataSource", "jdbc/customers"))
                    .singleElement()
                    .asString()
                    .contains("write one ? for the name");
        }

        @Test
        void mayHaveQuestionMarksInQuotes() throws ConfigException {
            assertThat(read("permission.sql", "SELECT '?' FROM d WHERE a = ?", "permission.dataSource", "jdbc/x")
                            .permission()
                            .sql())
                    .isPresent();
        }
    }

    @Nested
    class ARate {

        @Test
        void isACountAndATime() throws ConfigException {
            assertThat(read("shield.askRate", "5/250ms").shield().askRate())
                    .isEqualTo(new Rate(5, Duration.ofMillis(250)));
        }

        @ParameterizedTest
        @ValueSource(strings = {"60", "60/", "/10m", "0/1s", "1/0s", "1000001/1s", "-1/1s", "1.5/1s", "1/31d", "60/10"})
        void isRefusedInAnyOtherForm(String text) {
            assertThat(mistakes("shield.newNamesPerClient", text))
                    .singleElement()
                    .asString()
                    .contains("is not a rate");
        }
    }

    @Test
    void trustedBlocksAreAddressesAndNeverNames() throws ConfigException {
        assertThat(read("shield.trusted", "10.0.0.0/8, 192.0.2.7,2001:db8::/32")
                        .shield()
                        .clients()
                        .trusted())
                .extracting(Object::toString)
                .containsExactly("10.0.0.0/8", "192.0.2.7/32", "2001:db8:0:0:0:0:0:0/32");
        assertThat(mistakes("shield.trusted", "localhost,10.0.0.0/33,10.0.0,::1/129"))
                .hasSize(4);
    }

    @Nested
    class APreflight {

        @Test
        void isForThePublicCasUnlessToldOtherwise() throws ConfigException {
            assertThat(read().preflight())
                    .isEqualTo(new OnDemandTlsConfig.Preflight(
                            true,
                            Optional.empty(),
                            List.of(),
                            80,
                            new OnDemandTlsConfig.Questions(
                                    new Rate(600, Duration.ofMinutes(10)), new Rate(500, Duration.ofSeconds(1))),
                            Optional.empty()));
            assertThat(read("acme.directory", "https://ca.example/dir")
                            .preflight()
                            .enabled())
                    .isFalse();
            assertThat(read("issuer", "internal").preflight().enabled()).isFalse();
            assertThat(read("preflight", "false").preflight().enabled()).isFalse();
            assertThat(read("issuer", "internal", "preflight", "true")
                            .preflight()
                            .enabled())
                    .isTrue();
        }

        @Test
        void showsProofsToProxiesOnlyWhereItIsToldToAndHttp01IsAllowed() throws Exception {
            assertThat(read().acme().throughProxies()).isFalse();
            assertThat(read("challenge.throughProxies", "true").acme().throughProxies())
                    .isTrue();
            assertThat(mistakes("challenge.throughProxies", "true", "acme.challenges", "tls-alpn-01"))
                    .singleElement()
                    .asString()
                    .contains("onDemandTls.challenge.throughProxies")
                    .contains("http-01");
            assertThat(mistakes("challenge.throughProxies", "yes")).hasSize(1);
        }

        @Test
        void readsAListOfCdnsAtOnceAndSaysWhichLineIsNone() throws Exception {
            Path good = Files.writeString(base.resolve("cdns"), "Own 198.51.100.0/24\n");
            assertThat(read("preflight.cdnRanges", "cdns").preflight().cdnRanges())
                    .contains(good);

            Files.writeString(good, "Own 198.51.100.0/24\n198.51.100.0/24\n");

            assertThat(mistakes("preflight.cdnRanges", "cdns"))
                    .singleElement()
                    .asString()
                    .contains("line 2");
        }

        @ParameterizedTest
        @CsvSource({
            "192.0.2.53,          192.0.2.53,     53",
            "127.0.0.1:5353,      127.0.0.1,      5353",
            "2001:db8::53,        2001:db8::53,   53",
            "[2001:db8::53],      2001:db8::53,   53",
            "[2001:db8::53]:5353, 2001:db8::53,   5353",
            "::1,                 ::1,            53"
        })
        void asksAResolverByItsAddress(String text, String address, int port) throws Exception {
            assertThat(read("preflight.resolver", text).preflight().resolver())
                    .contains(new InetSocketAddress(InetAddress.getByName(address), port));
        }

        @ParameterizedTest
        @ValueSource(
                strings = {"dns.example", "192.0.2.53:0", "192.0.2.53:65536", "192.0.2.300", "[::1", "::1::", "10"})
        void asksNobodyElse(String text) {
            assertThat(mistakes("preflight.resolver", text))
                    .singleElement()
                    .asString()
                    .contains("is no address of a DNS resolver");
        }
    }
}
