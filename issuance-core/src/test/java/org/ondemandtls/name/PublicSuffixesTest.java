package org.ondemandtls.name;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@link PublicSuffixes}: who a name is registered by. */
class PublicSuffixesTest {

    private static PublicSuffixes read(String text) throws Exception {
        return PublicSuffixes.read(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
    }

    private static String list(String rules) {
        StringBuilder text = new StringBuilder("// ===BEGIN ICANN DOMAINS===\n");
        for (int i = 0; i < 1000; i++) {
            text.append("t").append(i).append("x\n");
        }
        return text + "// ===BEGIN PRIVATE DOMAINS===\n" + rules;
    }

    @Nested
    class TheBundledList {

        @ParameterizedTest
        @CsvSource({
            // one label
            "example.com, example.com",
            "b.example.com, example.com",
            "a.b.example.com, example.com",
            "domain.biz, domain.biz",
            // several labels
            "www.example.co.uk, example.co.uk",
            "example.co.uk, example.co.uk",
            "a.b.example.uk.com, example.uk.com",
            "test.ac, test.ac",
            "www.test.ac.jp, test.ac.jp",
            "a.b.ide.kyoto.jp, b.ide.kyoto.jp",
            "www.test.k12.ak.us, test.k12.ak.us",
            // wildcards and their exceptions
            "b.c.mm, b.c.mm",
            "a.b.c.mm, b.c.mm",
            "a.b.test.ck, b.test.ck",
            "www.ck, www.ck",
            "www.www.ck, www.ck",
            "a.b.c.kobe.jp, b.c.kobe.jp",
            "www.city.kobe.jp, city.kobe.jp",
            // the private section
            "a.alice.github.io, alice.github.io",
            "alice.github.io, alice.github.io",
            "a.b.blogspot.com, b.blogspot.com",
            "a.shop.herokuapp.com, shop.herokuapp.com",
            // A-labels
            "www.xn--85x722f.xn--55qx5d.cn, xn--85x722f.xn--55qx5d.cn",
            "www.xn--85x722f.com.cn, xn--85x722f.com.cn",
            "a.shishi.xn--fiqs8s, shishi.xn--fiqs8s",
            // no rule
            "a.b.example.unknown-top, example.unknown-top",
            "example.test, example.test",
        })
        void knowsWhereANameIsRegistered(String name, String registered) {
            assertThat(PublicSuffixes.bundled().registeredDomain(ServerName.parse(name)))
                    .isEqualTo(registered);
        }

        @ParameterizedTest
        @CsvSource({"co.uk", "github.io", "c.mm", "test.ck", "c.kobe.jp", "ide.kyoto.jp", "xn--55qx5d.cn"})
        void givesAPublicSuffixBackAsItIs(String name) {
            assertThat(PublicSuffixes.bundled().registeredDomain(ServerName.parse(name)))
                    .isEqualTo(name);
        }

        @Test
        void isWhole() {
            assertThat(PublicSuffixes.bundled().size()).isGreaterThan(10_000);
        }

        @Test
        void costsNoMoreForTheLongestName() {
            String longest = "a.".repeat(124) + "co.uk";

            assertThat(PublicSuffixes.bundled().registeredDomain(ServerName.parse(longest)))
                    .isEqualTo("a.co.uk");
        }
    }

    @Nested
    class AListOfTheOperators {

        @Test
        void isReadAsTheOfficialFormatHasIt() throws Exception {
            PublicSuffixes list = read("\uFEFF" + list("""

                    example.org more words are ignored
                    Upper.EXAMPLE
                    公司.cn
                    *.wild.test
                    wild.test
                    !not.wild.test
                    // a comment
                    """));

            assertThat(list.registeredDomain(ServerName.parse("a.b.example.org")))
                    .isEqualTo("b.example.org");
            assertThat(list.registeredDomain(ServerName.parse("a.b.upper.example")))
                    .isEqualTo("b.upper.example");
            assertThat(list.registeredDomain(ServerName.parse("a.b.xn--55qx5d.cn")))
                    .isEqualTo("b.xn--55qx5d.cn");
            assertThat(list.registeredDomain(ServerName.parse("x.a.b.wild.test")))
                    .isEqualTo("a.b.wild.test");
            assertThat(list.registeredDomain(ServerName.parse("a.not.wild.test")))
                    .isEqualTo("not.wild.test");
            assertThat(list.registeredDomain(ServerName.parse("wild.test"))).isEqualTo("wild.test");
            assertThat(list.registeredDomain(ServerName.parse("a.b.t7x"))).isEqualTo("b.t7x");
        }

        @Test
        void isRefusedWithTheLineThatIsNoRule() {
            for (String rule : new String[] {"..", "a..b", "<html>", "-a", "a.*.b", "*", "!"}) {
                assertThatThrownBy(() -> read(list(rule + "\n")))
                        .as(rule)
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage("line 1003 is not a rule");
            }
        }

        @Test
        void isRefusedWhenItIsNotWhole() {
            String whole = list("");
            for (String part : new String[] {
                "",
                whole.substring(0, whole.indexOf("// ===BEGIN PRIVATE")),
                whole.substring(whole.indexOf('\n') + 1),
                whole.replace("t7x\n", "")
            }) {
                assertThatThrownBy(() -> read(part))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("not a whole public suffix list");
            }
        }

        @Test
        void isRefusedWhenItIsNotText() {
            byte[] list = list("").getBytes(StandardCharsets.UTF_8);
            list[100] = (byte) 0xff;

            assertThatThrownBy(() -> PublicSuffixes.read(new ByteArrayInputStream(list)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("not UTF-8");
        }
    }
}
