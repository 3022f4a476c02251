package org.ondemandtls.jetty;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@link HostCheck}: which hosts a certificate's names cover. */
class HostCheckTest {

    private static final Set<String> NAMES = Set.of("shop.example", "*.wild.example");

    @ParameterizedTest
    @ValueSource(strings = {"shop.example", "SHOP.example", "shop.example.", "a.wild.example"})
    void covered(String host) {
        assertThat(HostCheck.covers(NAMES, host)).isTrue();
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
    void notCovered(String host) {
        assertThat(HostCheck.covers(NAMES, host)).isFalse();
    }
}
