package org.ondemandtls.status;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.testing.TestLeaves;
import org.ondemandtls.testing.Tools;

/** {@link ExpiryBands}: each certificate is in one band, and what has ended in none of those that are left. */
class ExpiryBandsTest {

    private static final Instant NOON = Instant.parse("2026-11-23T12:00:00Z");
    private static final Pattern OF_THE_RULE =
            Pattern.compile("ondemandtls_certificates_by_days_left\\{days=~\"([^\"]+)\"}");

    private final KeyedCertificate certificate = TestLeaves.leaf(NOON, Duration.ofDays(90), "shop.example.com");

    private List<String> bands(Duration left) {
        return ExpiryBands.of(List.of(certificate), certificate.notAfter().minus(left)).entrySet().stream()
                .filter(band -> band.getValue() > 0)
                .map(Map.Entry::getKey)
                .toList();
    }

    @Test
    void aCertificateIsInTheFirstBandThatItsDaysFit() {
        assertThat(bands(Duration.ofDays(1))).containsExactly("1");
        assertThat(bands(Duration.ofDays(1).plusMillis(1))).containsExactly("3");
        assertThat(bands(Duration.ofDays(90))).containsExactly("90");
        assertThat(bands(Duration.ofDays(90).plusMillis(1))).containsExactly("more");
    }

    @Test
    void whatHasExpiredIsInNoBandThatTheAlertRingsFor() throws Exception {
        Matcher rule =
                OF_THE_RULE.matcher(Files.readString(Tools.root().resolve("etc/grafana/ondemand-tls-alerts.yml")));
        assertThat(rule.find()).isTrue();
        List<String> ringing = Arrays.asList(rule.group(1).split("\\|", -1));

        assertThat(ExpiryBands.of(List.of(), NOON)).containsKeys(ringing.toArray(String[]::new));
        assertThat(bands(Duration.ZERO)).as("the last moment of its validity").containsExactly("1");
        for (Duration ago : List.of(Duration.ofMillis(1), Duration.ofDays(2), Duration.ofDays(33))) {
            assertThat(bands(ago.negated())).containsExactly("expired").doesNotContainAnyElementsOf(ringing);
        }
    }
}
