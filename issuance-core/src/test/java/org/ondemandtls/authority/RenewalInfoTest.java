package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.net.URI;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Optional;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.RenewalWindow;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.TestCertificates;
import org.shredzone.acme4j.toolbox.JSON;

/** {@link RenewalInfo}: which answers are believed, and what a certificate is called. */
class RenewalInfoTest {

    private static final Instant ISSUED = Instant.parse("2026-11-01T00:00:00Z");
    private static final Instant EXPIRY = Instant.parse("2027-01-30T00:00:00Z");
    private static final KeyPair KEY = TestCertificates.key();
    private static final X509Certificate LEAF = TestCertificates.leaf(KEY, ISSUED, "shop.example.com")
            .valid(ISSUED, EXPIRY)
            .signedBy("CA", KEY);

    private static Authority.RenewalAdvice advice(String json, Duration retryAfter) throws Exception {
        return RenewalInfo.advice(JSON.parse(json), LEAF, Optional.ofNullable(retryAfter));
    }

    private static String window(Object start, Object end) {
        return "{\"suggestedWindow\":{\"start\":\"" + start + "\",\"end\":\"" + end + "\"}}";
    }

    @Nested
    class AWindow {

        @Test
        void isBelievedWithItsExplanation() throws Exception {
            String json = """
                    {"suggestedWindow":{"start":"2026-12-30T04:00:00Z","end":"2026-12-31T06:00:00+02:00"},
                     "explanationURL":"https://ca.example/docs/incident?id=1"}
                    """;

            assertThat(advice(json, null).window())
                    .isEqualTo(new RenewalWindow(
                            Instant.parse("2026-12-30T04:00:00Z"),
                            Instant.parse("2026-12-31T04:00:00Z"),
                            Optional.of(URI.create("https://ca.example/docs/incident?id=1"))));
        }

        @Test
        void thatIsOverIsBelieved() throws Exception {
            Instant start = ISSUED.minus(Duration.ofDays(400));

            assertThat(advice(window(start, start.plusSeconds(1)), null)
                            .window()
                            .start())
                    .isEqualTo(start);
        }

        @Test
        void isCutOffWhereTheCertificateExpires() throws Exception {
            Instant start = EXPIRY.minusSeconds(1);

            assertThat(advice(window(start, EXPIRY.minusMillis(1)), null)
                            .window()
                            .end())
                    .isEqualTo(EXPIRY.minusMillis(1));
            assertThat(advice(window(start, EXPIRY), null).window().end()).isEqualTo(EXPIRY);
            assertThat(advice(window(start, EXPIRY.plusMillis(1)), null)
                            .window()
                            .end())
                    .isEqualTo(EXPIRY);
            assertThat(advice(window(start, "9999-12-31T23:59:59Z"), null)
                            .window()
                            .end())
                    .isEqualTo(EXPIRY);
        }

        @Test
        void thatBeginsWithTheExpiryOrLaterIsNotBelieved() {
            for (Instant start : new Instant[] {EXPIRY, EXPIRY.plusMillis(1), Instant.parse("9998-01-01T00:00:00Z")}) {
                assertThatThrownBy(() -> advice(window(start, start.plusSeconds(1)), null))
                        .isInstanceOf(IssuanceException.Unavailable.class)
                        .hasMessageContaining("when the certificate has expired");
            }
        }

        @Test
        void thatEndsAsItBeginsOrBeforeIsNotBelieved() {
            for (int length : new int[] {0, -1, -100_000}) {
                assertThatThrownBy(() -> advice(window(ISSUED, ISSUED.plusSeconds(length)), Duration.ofHours(1)))
                        .isInstanceOfSatisfying(IssuanceException.Unavailable.class, thrown -> {
                            assertThat(thrown.name()).isEqualTo(ServerName.parse("shop.example.com"));
                            assertThat(thrown.retryAfter()).isEqualTo(Duration.ofHours(1));
                        })
                        .hasMessageContaining("ends before it begins");
            }
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "{}",
                    "{\"suggestedWindow\":null}",
                    "{\"suggestedWindow\":7}",
                    "{\"suggestedWindow\":{\"start\":\"2026-12-30T04:00:00Z\"}}",
                    "{\"suggestedWindow\":{\"start\":\"tomorrow\",\"end\":\"later\"}}",
                    "{\"suggestedWindow\":{\"start\":\"2026-13-30T04:00:00Z\",\"end\":\"2026-12-30T04:00:00Z\"}}",
                    "{\"suggestedWindow\":{\"start\":1,\"end\":2}}",
                    "{\"suggestedWindow\":[\"2026-12-30T04:00:00Z\",\"2026-12-31T04:00:00Z\"]}"
                })
        void thatIsNoneIsNotBelieved(String json) {
            assertThatThrownBy(() -> advice(json, null))
                    .isInstanceOf(IssuanceException.Unavailable.class)
                    .hasMessage("shop.example.com: no renewal information: the CA's answer has no suggested window");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "javascript:alert(1)",
                "ftp://ca.example/",
                "https://",
                "https://user:password@ca.example/",
                "https://ca.example/\\n2026 forged line",
                "https://ca.example/\\u202eexe",
                "not a URL",
                "https://ca.example/%zz"
            })
    void anExplanationThatIsNoneIsLeftOut(String url) throws Exception {
        String json = window(ISSUED, EXPIRY).replaceFirst("}$", "") + ",\"explanationURL\":\"" + url + "\"}";

        assertThat(advice(json, null).window().explanation()).isEmpty();
    }

    @Test
    void anExplanationMayHaveFiveHundredCharacters() throws Exception {
        String path = "x".repeat(500 - "ca.example/".length());
        String fits =
                window(ISSUED, EXPIRY).replaceFirst("}$", "") + ",\"explanationURL\":\"https://ca.example/" + path;

        assertThat(advice(fits + "\"}", null).window().explanation()).isPresent();
        assertThat(advice(fits + "x\"}", null).window().explanation()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"0, 60", "59, 60", "60, 60", "61, 61", "86399, 86399", "86400, 86400", "86401, 86400"})
    void theNextQuestionIsAMinuteToADayAway(long asked, long seconds) throws Exception {
        assertThat(advice(window(ISSUED, EXPIRY), Duration.ofSeconds(asked)).retryAfter())
                .isEqualTo(Duration.ofSeconds(seconds));
    }

    @Test
    void theNextQuestionIsSixHoursAwayWhereTheCaDoesNotSay() throws Exception {
        assertThat(advice(window(ISSUED, EXPIRY), null).retryAfter()).isEqualTo(Duration.ofHours(6));
    }

    @Nested
    class TheIdentifierOfACertificate {

        // RFC 9773 section 4.1
        private static final byte[] ISSUER_KEY = HexFormat.of().parseHex("69885b6b87464041e1b37b847ba0ae2cde01c8d4");

        @ParameterizedTest
        @CsvSource({
            "8765432100, aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyEA",
            "87654321, aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE",
            "7f, aYhba4dGQEHhs3uEe6CuLN4ByNQ.fw",
            "80, aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIA",
            "ffffffffffffffffffffffffffffffffffffff, aYhba4dGQEHhs3uEe6CuLN4ByNQ.AP________________________8"
        })
        void keepsTheZeroBeforeASerialNumberWithItsHighBitSet(String serial, String id) {
            X509Certificate leaf = TestCertificates.leaf(KEY, ISSUED, "shop.example.com")
                    .serial(new BigInteger(serial, 16))
                    .issuerKeyId(ISSUER_KEY)
                    .signedBy("CA", KEY);

            assertThat(RenewalInfo.certId(leaf)).contains(id);
        }

        @Test
        void isMissingWhereTheCertificateDoesNotNameItsIssuersKey() {
            assertThat(RenewalInfo.certId(LEAF)).isEmpty();
        }
    }
}
