package org.ondemandtls.name;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@link ServerName}: one canonical spelling or a refusal, through every door. */
class ServerNameTest {

    private static final String LABEL_OF_63 = "a".repeat(63);
    private static final String NAME_OF_253 = String.join(".", LABEL_OF_63, LABEL_OF_63, LABEL_OF_63, "b".repeat(61));

    static Stream<String> canonical() {
        return Stream.of(
                "a.b",
                "shop.example",
                "a.b.c.d.example",
                "1.example",
                "127.0.0.1.example",
                "1.2.3.4a",
                "0x.example",
                "0xg.0xg",
                "a.x",
                "con.test",
                "aux.test",
                "nul.con",
                "r3---sn-a.example",
                "a--b.example",
                "xn--bcher-kva.example",
                "xn--strae-oqa.example",
                "xn--ls8h.example",
                "xn--80ak6aa92e.example",
                "a.xn--p1ai",
                "xn--mgba3a4f16a.xn--fiqs8s",
                // Zero width non-joiner, part of words in Persian.
                "xn--mgba3gch31f060k.example",
                LABEL_OF_63 + ".example",
                NAME_OF_253);
    }

    static Stream<String> weapons() {
        return Stream.of(
                "",
                ".",
                "..",
                "/",
                "../../etc/passwd",
                "..\\..\\windows.example",
                "../a.example",
                "a.example/../b.example",
                "a\0.example",
                "a.example\0",
                "a.example\r\nHost: b.example",
                "a.example\n",
                " a.example",
                "a.example ",
                "a b.example",
                "a.example..",
                ".a.example",
                "a..example",
                "example",
                "example.",
                "localhost",
                "127.0.0.1",
                "127.1",
                "1.2.3.4.",
                "a.123",
                "a.0",
                "127.0.0.0x1",
                "0x7f.0x1",
                "a.0x",
                "::1",
                "[::1]",
                "2001:db8::1",
                "[2001:db8::1].example",
                "fe80::1%eth0",
                "a.example:443",
                "user@a.example",
                "a_b.example",
                "_acme-challenge.a.example",
                "*.example.com",
                "-a.example",
                "a-.example",
                "a.-example",
                "a.example-",
                "-.example",
                "a%2e.example",
                "a?.example",
                "a#b.example",
                "a,b.example",
                "a;b.example",
                "a\"b.example",
                "a'b.example",
                "<a>.example",
                "${a}.example",
                "a".repeat(64) + ".example",
                NAME_OF_253 + "b",
                "a." + NAME_OF_253,
                "a.".repeat(200) + "example",
                "a".repeat(100_000),
                ".".repeat(100_000),
                "xn--.example",
                "xn---.example",
                "xn--a.example",
                "xn--abc-.example",
                "xn---abc.example",
                "xn--99999999999.example",
                "xn--0.example",
                "example.xn--a",
                // Decodes to an upper-case letter, a wide one, a wide dot, an ideographic one, a space without break.
                encoded("\u00DCb"),
                encoded("\uFF41b"),
                encoded("a\uFF0Eb"),
                encoded("a\u3002b"),
                encoded("a\u00A0b"),
                // To a control, a mark in front, one that turns the direction of writing, half a character.
                encoded("a\u0085b"),
                encoded("\u0301a"),
                encoded("a\u202Eb"),
                encoded("a\uD800"),
                // To what is not composed, is an A-label again, begins with a hyphen, is nobody's.
                encoded("u\u0308"),
                encoded("xn--\u00FC"),
                encoded("-\u00FC"),
                encoded("\u00FC-"),
                encoded("a\uE000b"),
                encoded("a\uFFFFb"));
    }

    private static String encoded(String label) {
        return "xn--" + Punycode.encode(label.codePoints().toArray()) + ".example";
    }

    @Nested
    class AsProof {

        @ParameterizedTest
        @MethodSource("org.ondemandtls.name.ServerNameTest#canonical")
        void theCanonicalSpellingIsAccepted(String name) {
            assertThat(new ServerName(name)).hasToString(name).isEqualTo(new ServerName(name));
        }

        @ParameterizedTest
        @MethodSource("org.ondemandtls.name.ServerNameTest#weapons")
        void weaponsAreRefusedWithoutAnEcho(String text) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> new ServerName(text))
                    .withMessage("not a canonical server name (" + text.length() + " characters)")
                    .withNoCause();
        }

        @ParameterizedTest
        @ValueSource(strings = {"A.example", "a.example.", "bücher.example", "XN--bcher-kva.example", "a\u3002example"})
        void otherSpellingsAreRefused(String text) {
            assertThatIllegalArgumentException().isThrownBy(() -> new ServerName(text));
        }
    }

    @Nested
    class AsWritten {

        @ParameterizedTest
        @MethodSource("org.ondemandtls.name.ServerNameTest#canonical")
        void theCanonicalSpellingStays(String name) {
            assertThat(ServerName.parse(name).value()).isEqualTo(name);
            assertThat(ServerName.parse(name + ".").value()).isEqualTo(name);
        }

        @ParameterizedTest
        @CsvSource({
            "Shop.EXAMPLE, shop.example",
            "XN--BCHER-KVA.Example., xn--bcher-kva.example",
            "bücher.example, xn--bcher-kva.example",
            "BÜCHER.example, xn--bcher-kva.example",
            "bu\u0308cher.example, xn--bcher-kva.example",
            "straße.example, xn--strae-oqa.example",
            "ΌΣΟΣ.example, xn--0xahb7a.example",
            "президент.рф, xn--d1abbgf6aiiy.xn--p1ai",
            "\uD83D\uDCA9.example, xn--ls8h.example",
            "\uFF41.example, a.example",
            "a.ü.A, a.xn--tda.a"
        })
        void isBroughtToTheCanonicalSpelling(String text, String canonical) {
            assertThat(ServerName.parse(text).value()).isEqualTo(canonical);
        }

        @ParameterizedTest
        @MethodSource("org.ondemandtls.name.ServerNameTest#weapons")
        void weaponsAreRefusedWithoutAnEcho(String text) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> ServerName.parse(text))
                    .withMessage("not a DNS host name (" + text.length() + " characters)")
                    .withNoCause();
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "a\u3002example",
                    "a\uFF0Eexample",
                    "a\uFF61example",
                    "a\u3002ü.example",
                    "\u2488.example",
                    "\u2100.example",
                    "１２７.0.0.1",
                    "١.2.3.٤\u200E",
                    "\u00AD.example",
                    "\u200B.example",
                    "ü\uD800.example",
                    "xn--ü.example",
                    "-ü.example",
                    "ü-.example",
                    "\u0301.example",
                    "ü/.example",
                    "ü\n.example",
                    "ü",
                    "ü..example",
                    "ü.example\u3002"
                })
        void unicodeTricksAreRefused(String text) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> ServerName.parse(text))
                    .withNoCause();
        }

        @Test
        void aLabelIsMeasuredAsItIsEncoded() {
            String fits = "ü" + "a".repeat(55);

            assertThat(ServerName.parse(fits + ".example").value().indexOf('.')).isEqualTo(63);
            assertThatIllegalArgumentException().isThrownBy(() -> ServerName.parse(fits + "a.example"));
            assertThatIllegalArgumentException().isThrownBy(() -> ServerName.parse("ü".repeat(58) + ".example"));
            assertThatIllegalArgumentException().isThrownBy(() -> ServerName.parse("ü".repeat(64) + ".example"));
        }

        @Test
        void randomTextNeverDoesAnythingElse() {
            var random = new Random(5891);
            int accepted = 0;
            for (int i = 0; i < 100_000; i++) {
                int bound = random.nextBoolean() ? 0x250 : 0x10000;
                String text = random.ints(1 + random.nextInt(8), 0, bound)
                                .collect(StringBuilder::new, (s, c) -> s.append((char) c), StringBuilder::append)
                        + ".example";
                try {
                    ServerName name = ServerName.parse(text);
                    accepted++;
                    assertThat(name.value()).matches("[a-z0-9-]{1,63}(\\.[a-z0-9-]{1,63})+");
                    assertThat(ServerName.parse(name.value())).isEqualTo(name);
                } catch (IllegalArgumentException refused) {
                    assertThat(refused)
                            .hasMessageStartingWith("not a DNS host name")
                            .hasNoCause();
                }
            }
            assertThat(accepted).isBetween(1_000, 99_000);
        }
    }

    @Nested
    class FromTheWire {

        private static Optional<ServerName> fromWire(String text) {
            return ServerName.fromWire(text.getBytes(StandardCharsets.UTF_8));
        }

        @ParameterizedTest
        @MethodSource("org.ondemandtls.name.ServerNameTest#canonical")
        void theCanonicalSpellingIsAccepted(String name) {
            assertThat(fromWire(name)).contains(new ServerName(name));
        }

        @Test
        void upperCaseIsTheSameName() {
            assertThat(fromWire("ShOp.EXAMPLE")).contains(new ServerName("shop.example"));
            assertThat(fromWire("XN--BCHER-KVA.example")).contains(new ServerName("xn--bcher-kva.example"));
        }

        @ParameterizedTest
        @MethodSource("org.ondemandtls.name.ServerNameTest#weapons")
        void weaponsAreNoName(String text) {
            assertThat(fromWire(text)).isEmpty();
        }

        @ParameterizedTest
        @ValueSource(strings = {"bücher.example", "a\u3002example", "\u212A.example", "a.example."})
        void whatOnlyAnOperatorMayWriteIsNoName(String text) {
            assertThat(fromWire(text)).isEmpty();
        }

        @Test
        void everyOtherOctetIsNoName() {
            for (int octet = 0; octet < 256; octet++) {
                byte[] name = {'a', (byte) octet, 'b', '.', 'c'};
                boolean allowed = octet < 128 && ("" + (char) octet).matches("[A-Za-z0-9.-]");

                assertThat(ServerName.fromWire(name).isPresent())
                        .as("octet %d", octet)
                        .isEqualTo(allowed);
            }
        }

        @Test
        void onlyThePartNamedIsRead() {
            byte[] octets = "/a.example/".getBytes(StandardCharsets.US_ASCII);

            assertThat(ServerName.fromWire(octets, 1, 9)).contains(new ServerName("a.example"));
            assertThat(ServerName.fromWire(octets, 1, 10)).isEmpty();
            assertThat(ServerName.fromWire(octets, 0, 0)).isEmpty();
            assertThatExceptionOfType(IndexOutOfBoundsException.class)
                    .isThrownBy(() -> ServerName.fromWire(octets, 1, 11));
        }

        @Test
        void randomOctetsNeverDoAnythingElse() {
            var random = new Random(6066);
            String alphabet = "abcXN-019._xn--\u00e9";
            for (int i = 0; i < 100_000; i++) {
                byte[] octets = new byte[random.nextInt(20)];
                for (int k = 0; k < octets.length; k++) {
                    octets[k] = (byte) alphabet.charAt(random.nextInt(alphabet.length()));
                }
                ServerName.fromWire(octets)
                        .ifPresent(name -> assertThat(name)
                                .isEqualTo(ServerName.parse(new String(octets, StandardCharsets.US_ASCII))));
            }
        }
    }

    @Test
    void theWildcardReplacesTheFirstLabelOnly() {
        assertThat(new ServerName("a.b.example").wildcard()).isEqualTo("*.b.example");
    }

    @Test
    void isAnsweredByACertificatesNameOrByItsWildcard() {
        assertThat(ServerName.answeredBy("shop.example.com")).isEqualTo(ServerName.parse("shop.example.com"));
        assertThat(ServerName.answeredBy("*.example.com").wildcard()).isEqualTo("*.example.com");
        assertThatIllegalArgumentException().isThrownBy(() -> ServerName.answeredBy("*"));
    }
}
