package org.ondemandtls.renewal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ondemandtls.renewal.RenewalFixture.DAY;
import static org.ondemandtls.renewal.RenewalFixture.SHOP;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.inventory.Visits;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.StoredCertificate;

/** {@link Records}: whose a stored certificate is, whether it is visited, and when it is forgotten. */
class RenewalRecordsTest {

    private static final Duration WITHIN = Duration.ofDays(7);

    @TempDir
    private Path directory;

    private RenewalFixture fixture;
    private StoredCertificate record;

    @BeforeEach
    void open() throws Exception {
        fixture = new RenewalFixture(directory);
        StoredCertificate visited = fixture.record(SHOP.value());
        record = StoredCertificate.obtained(
                visited.certificate(), visited.issuer(), visited.obtained(), visited.renew());
    }

    @AfterEach
    void close() {
        fixture.close();
    }

    private Records records(Optional<Duration> visitedWithin, ServerName... own) {
        return new Records(
                fixture.store,
                new OnDemandTlsConfig.Renewal(
                        visitedWithin, Duration.ofDays(30), Duration.ofDays(7), DAY, Optional.empty()),
                Set.of(own));
    }

    private Visits.Visit visit(Instant at) {
        return new Visits.Visit(record.certificate(), at);
    }

    @Test
    void aCertificateIsVisitedFromTheMomentItWasObtainedOn() {
        Records any = records(Optional.empty());

        assertThat(any.isVisited(record, fixture.now())).isFalse();
        assertThat(any.isVisited(record.withVisited(record.obtained().minusMillis(1)), fixture.now()))
                .isFalse();
        assertThat(any.isVisited(record.withVisited(record.obtained()), fixture.now()))
                .isTrue();
        assertThat(any.isVisited(
                        record.withVisited(record.obtained()), fixture.now().plus(Duration.ofDays(80))))
                .isTrue();
    }

    @Test
    void aVisitCountsForAsLongAsTheOperatorWantsAndNoLonger() {
        Records lately = records(Optional.of(WITHIN));
        StoredCertificate visited = record.withVisited(fixture.now());

        assertThat(lately.isVisited(visited, fixture.now().plus(WITHIN))).isTrue();
        assertThat(lately.isVisited(visited, fixture.now().plus(WITHIN).plusMillis(1)))
                .isFalse();
    }

    @Test
    void aVisitIsNotedOnceInADay() {
        StoredCertificate visited = record.withVisited(fixture.now());

        assertThat(Records.isNoted(record, visit(fixture.now()))).isFalse();
        assertThat(Records.isNoted(visited, visit(fixture.now().plus(DAY).minusMillis(1))))
                .isTrue();
        assertThat(Records.isNoted(visited, visit(fixture.now().plus(DAY)))).isFalse();
        assertThat(Records.isNoted(visited, visit(fixture.now().minus(DAY)))).isFalse();
        assertThat(Records.isNoted(visited, visit(fixture.now().minus(DAY).plusMillis(1))))
                .isTrue();
    }

    @Test
    void theLastVisitToThePredecessorIsNotedForThatOnly() {
        StoredCertificate successor = record.withVisited(record.obtained().minusMillis(1));

        assertThat(Records.isNoted(successor, visit(record.obtained()))).isFalse();
        assertThat(Records.isNoted(record.withVisited(record.obtained()), visit(record.obtained())))
                .isTrue();
    }

    @Test
    void aNameIsTheOperatorsOwnAndAWildcardIsNobodys() {
        Records mine = records(Optional.empty(), SHOP);

        assertThat(mine.isOwn(record)).isTrue();
        assertThat(mine.isOwn(fixture.record("other.example.com"))).isFalse();
        assertThat(mine.isOwn(fixture.record("*.example.com"))).isFalse();
        assertThat(Records.plainName("*.example.com")).isEmpty();
        assertThat(Records.plainName(SHOP.value())).contains(SHOP);
    }

    @Test
    void aCertificateIsForgottenWhenItsGraceIsOver() {
        assertThat(records(Optional.empty()).forgottenAt(record))
                .isEqualTo(record.certificate().notAfter().plus(Duration.ofDays(30)));
    }

    @Test
    void onlyWhatIsStoredUnderThatFirstNameIsUnderIt() throws Exception {
        Records any = records(Optional.empty());
        fixture.house.store().save(fixture.record("first.example.com", SHOP.value()));

        assertThat(any.under(SHOP.value())).isEmpty();
        assertThat(any.under("first.example.com")).isPresent();
    }

    @Test
    void whatSomebodyElseHasChangedIsNotSaved() throws Exception {
        Records any = records(Optional.empty());
        StoredCertificate first = any.save(record).orElseThrow();
        StoredCertificate second = any.save(first.withVisited(fixture.now())).orElseThrow();

        assertThat(any.save(first.withDue(fixture.now()))).isEmpty();
        any.reschedule(first, fixture.now());

        assertThat(fixture.stored(SHOP).revision()).isEqualTo(second.revision());
        any.reschedule(second, fixture.now());
        assertThat(fixture.stored(SHOP).due()).isEqualTo(fixture.now());
    }

    @Test
    void aStoreOfOneServerIsNotShared() {
        assertThat(records(Optional.empty()).areShared()).isFalse();
    }
}
