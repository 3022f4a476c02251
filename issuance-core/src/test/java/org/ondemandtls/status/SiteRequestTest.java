package org.ondemandtls.status;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.status.http.SiteRequest;

/** {@link SiteRequest}: who a peer is, by what a server or a header says. */
class SiteRequestTest {

    @ParameterizedTest
    @CsvSource({
        "127.0.0.1, 127.0.0.1",
        "192.0.2.255, 192.0.2.255",
        "::1, 0:0:0:0:0:0:0:1",
        "[2001:db8::1], 2001:db8:0:0:0:0:0:1",
        "::ffff:192.0.2.1, 192.0.2.1",
    })
    void whatIsAnAddressIsRead(String written, String address) {
        assertThat(SiteRequest.address(written, false))
                .hasValueSatisfying(peer -> assertThat(peer.getHostAddress()).isEqualTo(address));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "bad.cafe",
                "localhost",
                "unknown",
                "_hidden",
                "256.1.1.1",
                "010.0.0.1",
                "999.0.0.1",
                "1.2.3",
                "1.2.3.4.",
                "1.2.3.4.5",
                "2130706433",
                "1:2",
                "::%nowhere",
                "[::1",
                "127.0.0.1:80"
            })
    void whatIsNoneIsNobodyAndIsNotLookedUp(String written) {
        assertThat(SiteRequest.address(written, false)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "127.9.9.9", "::1", "[::1]", "::ffff:127.0.0.1"})
    void noHeaderMakesAnybodyThisMachine(String written) {
        assertThat(SiteRequest.address(written, true)).isEmpty();
        assertThat(SiteRequest.address(written, false)).isPresent();
    }

    @Test
    void nobodyIsNobody() {
        assertThat(SiteRequest.address(null, false)).isEmpty();
    }
}
