package org.ondemandtls.name;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@link HttpHosts}: hosts as clients send them. */
class HttpHostsTest {

    private static final Set<String> NAMES = Set.of("shop.example", "*.wild.example");
    private static final ServerName SHOP = ServerName.parse("shop.example");

    @ParameterizedTest
    @ValueSource(strings = {"shop.example", "SHOP.example", "shop.example.", "a.wild.example"})
    void aNameIsCoveredInAnyCaseAndByAWildcardOfOneLabel(String host) {
        assertThat(HttpHosts.covered(NAMES, host)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                ".",
                "shop.example..",
                "a.shop.example",
                "wild.example",
                "a.b.wild.example",
                ".wild.example",
                "127.0.0.1",
                "[::1]",
                "shop.example:443"
            })
    void nothingElseIs(String host) {
        assertThat(HttpHosts.covered(NAMES, host)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"[::1]", "[0:0::1]", "[2001:DB8::7]", "127.0.0.1"})
    void anAddressIsCoveredInWhateverSpellingItIsSent(String host) {
        Set<String> addresses = Set.of("0:0:0:0:0:0:0:1", "2001:db8:0:0:0:0:0:7", "127.0.0.1", "shop.example");

        assertThat(HttpHosts.covered(addresses, host)).isTrue();
        assertThat(HttpHosts.covered(addresses, "[::2]")).isFalse();
        assertThat(HttpHosts.covered(addresses, "[127.0.0.1]")).isFalse();
        assertThat(HttpHosts.covered(addresses, "[shop.example]")).isFalse();
        assertThat(HttpHosts.covered(addresses, "[::1/128]")).isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        "shop.example, shop.example",
        "shop.example:443, shop.example",
        "shop.example:, shop.example",
        "[::1], [::1]",
        "[::1]:443, [::1]",
        "'', ''"
    })
    void thePortIsLeftOut(String authority, String host) {
        assertThat(HttpHosts.withoutPort(authority)).isEqualTo(host);
    }

    @ParameterizedTest
    @ValueSource(strings = {"Shop.Example", "shop.example."})
    void aHostIsAServerNameInItsOneSpelling(String host) {
        assertThat(HttpHosts.serverName(host)).contains(SHOP);
    }

    @ParameterizedTest
    @NullSource
    @ValueSource(strings = {"", "localhost", "127.0.0.1", "[::1]", "a_b.example", "shop.example:80"})
    void orNone(String host) {
        assertThat(HttpHosts.serverName(host)).isEmpty();
    }

    @Test
    void theUsualPortIsNotNamedAndAnotherIs() {
        assertThat(HttpHosts.httpsLocation(SHOP, 443, "/a%20b?c=d")).contains("https://shop.example/a%20b?c=d");
        assertThat(HttpHosts.httpsLocation(SHOP, 442, "/")).contains("https://shop.example:442/");
        assertThat(HttpHosts.httpsLocation(SHOP, 1, "//evil.example/"))
                .contains("https://shop.example:1//evil.example/");
    }

    @ParameterizedTest
    @NullSource
    @ValueSource(
            strings = {"", "*", "shop.example:443", "http://shop.example/", "/a b", "/a\u007f", "/\u00e9", "/a\r\nX: y"
            })
    void whatIsNoPathOfVisibleAsciiIsNotRedirected(String target) {
        assertThat(HttpHosts.httpsLocation(SHOP, 443, target)).isEmpty();
    }

    @Test
    void withoutAPortNothingIs() {
        assertThat(HttpHosts.httpsLocation(SHOP, 0, "/")).isEmpty();
        assertThat(HttpHosts.httpsLocation(SHOP, -1, "/")).isEmpty();
    }
}
