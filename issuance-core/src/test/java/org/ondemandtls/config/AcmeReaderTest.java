package org.ondemandtls.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.config.OnDemandTlsConfig.Directory;
import org.ondemandtls.config.OnDemandTlsConfig.KeyType;

/** {@link AcmeReader}: what is said of all CAs, of each of several, and of the proxy before them. */
class AcmeReaderTest {

    private static final String TWO = "https://one.example/dir,https://two.example/dir";

    @TempDir
    private Path base;

    private static Map<String, String> properties(String... keysAndTexts) {
        Map<String, String> properties = new HashMap<>(Map.of("onDemandTls.permission.names", "shop.example.com"));
        for (int i = 0; i < keysAndTexts.length; i += 2) {
            properties.put("onDemandTls." + keysAndTexts[i], keysAndTexts[i + 1]);
        }
        return properties;
    }

    private OnDemandTlsConfig read(String... keysAndTexts) throws ConfigException {
        return ConfigReader.read(properties(keysAndTexts), base);
    }

    private List<String> mistakes(String... keysAndTexts) {
        return catchThrowableOfType(ConfigException.class, () -> read(keysAndTexts))
                .mistakes();
    }

    private static List<CaSettings> own(OnDemandTlsConfig config) {
        return config.acme().directories().stream().map(Directory::own).toList();
    }

    @Nested
    class OfSeveralCas {

        @Test
        void eachHasItsKindOfKeyByItsPlace() throws Exception {
            OnDemandTlsConfig config = read("acme.directory", TWO, "certificate.key", "RSA-2048, P-384");

            assertThat(own(config))
                    .extracting(CaSettings::keyType)
                    .containsExactly(Optional.of(KeyType.RSA_2048), Optional.of(KeyType.P_384));
            assertThat(config.keyType()).isEqualTo(KeyType.RSA_2048);
        }

        @Test
        void anEmptyPlaceIsTheDefault() throws Exception {
            assertThat(own(read("acme.directory", TWO, "certificate.key", "RSA-2048,")))
                    .extracting(CaSettings::keyType)
                    .containsExactly(Optional.of(KeyType.RSA_2048), Optional.of(KeyType.P_256));
            assertThat(own(read("acme.directory", TWO, "acme.email", "one@example.com,")))
                    .extracting(CaSettings::email)
                    .containsExactly(Optional.of("one@example.com"), Optional.empty());
        }

        @Test
        void eachHasItsChallengesBetweenSemicolons() throws Exception {
            OnDemandTlsConfig config = read("acme.directory", TWO, "acme.challenges", "http-01; tls-alpn-01,http-01");

            assertThat(own(config))
                    .extracting(CaSettings::challenges)
                    .containsExactly(
                            Optional.of(List.of(ChallengeType.HTTP_01)),
                            Optional.of(List.of(ChallengeType.TLS_ALPN_01, ChallengeType.HTTP_01)));
            assertThat(config.acme().challenges()).containsExactly(ChallengeType.HTTP_01, ChallengeType.TLS_ALPN_01);
        }

        @Test
        void oneValueIsForAll() throws Exception {
            OnDemandTlsConfig config = read(
                    "acme.directory",
                    TWO,
                    "acme.challenges",
                    "http-01",
                    "certificate.key",
                    "P-384",
                    "acme.email",
                    "ops@example.com",
                    "acme.profile",
                    "shortlived");

            assertThat(own(config)).containsOnly(CaSettings.NONE);
            assertThat(config.keyType()).isEqualTo(KeyType.P_384);
            assertThat(config.acme().challenges()).containsExactly(ChallengeType.HTTP_01);
            assertThat(config.acme().email()).contains("ops@example.com");
        }

        @ParameterizedTest
        @CsvSource({
            "certificate.key, 'P-256,P-384,RSA-2048', 3",
            "acme.email, 'a@b.example,c@d.example,e@f.example', 3",
            "acme.profile, 'a,b,c', 3",
            "acme.challenges, 'http-01;http-01;http-01', 3",
        })
        void aListOfAWrongLengthSaysSo(String key, String text, int written) {
            assertThat(mistakes("acme.directory", TWO, key, text))
                    .singleElement()
                    .asString()
                    .startsWith("onDemandTls." + key + ": there are " + written
                            + " for 2 CAs; write one for all, or one for"
                            + " each of onDemandTls.acme.directory in the same order");
            assertThat(mistakes("acme.directory", TWO + ",https://c.example,https://d.example", key, text))
                    .singleElement()
                    .asString()
                    .contains("there are " + written + " for 4 CAs");
        }

        @Test
        void aListForOneCaIsWrongToo() {
            assertThat(mistakes("certificate.key", "P-256,P-384"))
                    .containsExactly(
                            "onDemandTls.certificate.key: there are 2 for 1 CA; write one for all, or one for each"
                                    + " of onDemandTls.acme.directory in the same order, nothing between the commas where there"
                                    + " is none");
            assertThat(mistakes("acme.challenges", "http-01;tls-alpn-01"))
                    .singleElement()
                    .asString()
                    .contains("there are 2 for 1 CA");
        }

        @Test
        void aWrongElementIsNamed() {
            assertThat(mistakes("acme.directory", TWO, "certificate.key", "P-256,P-521"))
                    .singleElement()
                    .asString()
                    .contains("\"P-521\" is not one of P-256");
            assertThat(mistakes("acme.directory", TWO, "acme.challenges", "http-01;"))
                    .anyMatch(text -> text.contains("there is nothing between the semicolons"));
            assertThat(mistakes("acme.directory", TWO, "acme.challenges", "http-01;http-01,http-01"))
                    .singleElement()
                    .asString()
                    .contains("is given twice");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "certificate.key, 'P-256,P-384'",
        "acme.email, 'a@b.example,c@d.example'",
        "acme.profile, 'a,b'",
        "acme.challenges, 'tls-alpn-01;http-01'",
    })
    void aListForTwoIsNoSecondMistakeWhereTheCasAreWrong(String key, String text) {
        assertThat(mistakes(
                        "acme.directory",
                        "https://one.example/dir,http:/two",
                        key,
                        text,
                        "challenge.throughProxies",
                        "true"))
                .singleElement()
                .asString()
                .startsWith("onDemandTls.acme.directory");
    }

    @Nested
    class AProxy {

        private CaProxy proxy(String text) throws ConfigException {
            return read("acme.proxy", text).acme().proxy().orElseThrow();
        }

        @Test
        void isAHostAndAPortWithOrWithoutALogin() throws Exception {
            assertThat(proxy("proxy.internal:3128")).isEqualTo(new CaProxy("proxy.internal", 3128, Optional.empty()));
            assertThat(proxy("http://10.0.0.1:8080/")).isEqualTo(new CaProxy("10.0.0.1", 8080, Optional.empty()));
            assertThat(proxy("HTTP://[2001:db8::1]:3128").place()).isEqualTo("[2001:db8::1]:3128");
            assertThat(proxy("http://us:p%40ss+w:rd@proxy:3128").login())
                    .contains(new CaProxy.Login("us", "p@ss+w:rd"));
            assertThat(proxy("us:p@ss@proxy:3128").login()).contains(new CaProxy.Login("us", "p@ss"));
            assertThat(read().acme().proxy()).isEmpty();
        }

        @Test
        void isReadFromAFile() throws Exception {
            Files.writeString(base.resolve("proxy"), "http://us:secret@proxy:3128\n");

            assertThat(read("acme.proxy.file", "proxy").acme().proxy())
                    .contains(new CaProxy("proxy", 3128, Optional.of(new CaProxy.Login("us", "secret"))));
        }

        @Test
        void neverShowsItsPassword() throws Exception {
            CaProxy proxy = proxy("http://us:secret@proxy:3128");

            assertThat(proxy).hasToString("proxy:3128");
            assertThat(proxy.login().toString()).doesNotContain("secret");
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "https://us:secret@proxy:3128",
                    "socks5://us:secret@proxy:1080",
                    "http://us:secret@proxy",
                    "http://us:secret@proxy:0",
                    "http://us:secret@proxy:65536",
                    "http://secret@proxy:3128",
                    "http://:secret@proxy:3128",
                    "http://us:secret%@proxy:3128",
                    "http://us:secret%0d%0a@proxy:3128",
                    "http://us%3aer:secret@proxy:3128",
                    "http://us:secret@pro xy:3128",
                    "http://us:secret@proxy:3128/path",
                    "secret"
                })
        void isRefusedWithoutBeingShown(String text) {
            assertThat(mistakes("acme.proxy", text))
                    .singleElement()
                    .asString()
                    .startsWith("onDemandTls.acme.proxy: the value ")
                    .doesNotContain("secret");
        }
    }
}
