package org.ondemandtls.inventory;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.TestCertificates;
import org.ondemandtls.testing.TestLeaves;

/** {@link Visits}: written down seldom enough to cost nothing, and often enough to keep a certificate. */
class VisitsTest {

    private final ManualTime time = new ManualTime();
    private final Visits visits = new Visits(100, time.clock());

    private KeyedCertificate certificate(Duration lifetime) {
        Instant now = time.clock().instant();
        return TestLeaves.valid(TestCertificates.key().getPublic(), now, now.plus(lifetime), "a.example.com");
    }

    @ParameterizedTest
    @CsvSource({"P90D, P1D", "P10D, P1D", "PT239H, PT11H57M", "P5D, PT6H", "PT120S, PT6S"})
    void areNotedOnceADayOrPerTwentiethOfAShortLife(Duration lifetime, Duration interval) {
        KeyedCertificate certificate = certificate(lifetime);
        visits.visited(certificate);
        visits.visited(certificate);
        assertThat(visits.take(10))
                .containsExactly(new Visits.Visit(certificate, time.clock().instant()));

        time.advance(interval.minusMillis(1));
        visits.visited(certificate);
        assertThat(visits.take(10)).isEmpty();

        time.advance(Duration.ofMillis(1));
        visits.visited(certificate);
        assertThat(visits.take(10)).hasSize(1);
    }

    @Test
    void ofEachCertificateAreNotedApart() {
        KeyedCertificate one = certificate(Duration.ofDays(90));
        KeyedCertificate successor = certificate(Duration.ofDays(90));
        visits.visited(one);
        visits.visited(successor);

        assertThat(visits.take(10)).extracting(Visits.Visit::certificate).containsExactly(one, successor);
    }

    @Test
    void thatCouldNotBeWrittenAreNotedAgainByTheNextVisit() {
        KeyedCertificate certificate = certificate(Duration.ofDays(90));
        visits.visited(certificate);
        visits.notWritten(visits.take(10).get(0));

        visits.visited(certificate);

        assertThat(visits.take(10)).hasSize(1);
    }

    @Test
    void goOnBeingNotedWhereTheClockIsSetBack() {
        KeyedCertificate certificate = certificate(Duration.ofDays(90));
        visits.visited(certificate);
        visits.take(10);
        time.jump(Duration.ofDays(-365));

        visits.visited(certificate);

        assertThat(visits.take(10)).hasSize(1);
    }

    @Test
    void areTakenAFewAtATimeOldestFirst() {
        KeyedCertificate first = certificate(Duration.ofDays(90));
        KeyedCertificate second = certificate(Duration.ofDays(90));
        visits.visited(first);
        visits.visited(second);

        assertThat(visits.take(1)).extracting(Visits.Visit::certificate).containsExactly(first);
        assertThat(visits.waiting()).isEqualTo(1);
    }
}
