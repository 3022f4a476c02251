package org.ondemandtls.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.TestCertificates;

/** {@link OpenOrder}: how long it is kept. */
class OpenOrderTest {

    private static final Instant STARTED = Instant.parse("2026-11-29T12:00:00Z");
    private static final Instant LATEST = STARTED.plus(OpenOrder.LONGEST);

    private static Instant end(Instant expires) {
        return new OpenOrder(
                        ServerName.parse("shop.example.com"),
                        "https://ca.example/directory",
                        STARTED,
                        Optional.empty(),
                        TestCertificates.key(),
                        new byte[] {1})
                .withUrl(URI.create("https://ca.example/order/1"), Optional.ofNullable(expires))
                .end();
    }

    @Test
    void itEndsWhenTheCaGivesItUp() {
        assertThat(end(STARTED.plusSeconds(60))).isEqualTo(STARTED.plusSeconds(60));
    }

    @Test
    void itEndsAfterAWeekWhereTheCaSaysMoreOrNothing() {
        assertThat(end(null)).isEqualTo(LATEST);
        assertThat(end(LATEST.plus(Duration.ofDays(1)))).isEqualTo(LATEST);
    }

    @Test
    void aTimeBeforeItsStartCountsForNothing() {
        assertThat(end(STARTED)).isEqualTo(LATEST);
        assertThat(end(STARTED.minusSeconds(60))).isEqualTo(LATEST);
        assertThat(end(Instant.parse("0001-01-01T00:00:00Z"))).isEqualTo(LATEST);
    }
}
