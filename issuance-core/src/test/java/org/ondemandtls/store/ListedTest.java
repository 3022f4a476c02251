package org.ondemandtls.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.store.Listed.Standing;
import org.ondemandtls.testing.RecordedEvents;
import org.ondemandtls.testing.TestLeaves;

/** {@link Listed}, {@link Moved} and {@link Troubles}: what operators are shown of a record. */
class ListedTest {

    private static final Instant NOW = Instant.parse("2026-11-29T10:00:00Z");
    private static final Duration DAY = Duration.ofDays(1);

    private final StoredCertificate stored = StoredCertificate.obtained(
            TestLeaves.leaf(NOW, DAY.multipliedBy(99), "www.shop.example.co.uk"),
            "ca",
            NOW,
            NOW.plus(DAY.multipliedBy(60)));

    @Test
    void aNameIsListedByItsRegisteredDomainAndLateATwentiethOfItsLifeAfterItsRenewal() {
        Listed listed = Listed.of(stored);

        assertThat(listed.name()).isEqualTo("www.shop.example.co.uk");
        assertThat(listed.domain()).isEqualTo("example.co.uk");
        assertThat(listed.expires()).isEqualTo(stored.certificate().notAfter());
        assertThat(listed.late()).isEqualTo(stored.renew().plus(DAY.multipliedBy(5)));
        assertThat(listed.standing()).isEqualTo(Standing.RENEWED);
    }

    @Test
    void itStandsAsWhatMattersMost() {
        Instant end = stored.certificate().notAfter();
        Optional<Moved> moved = Optional.of(new Moved(NOW, "192.0.2.1", "change DNS"));

        assertThat(Listed.of(stored.withDue(end)).standing()).isEqualTo(Standing.RENEWED);
        assertThat(Listed.of(stored.withDue(end.plusMillis(1))).standing()).isEqualTo(Standing.IDLE);
        assertThat(Listed.of(stored.withDue(end.plus(DAY)).withMoved(moved)).standing())
                .isEqualTo(Standing.MOVED_AWAY);
        assertThat(Listed.of(stored.withMoved(moved).withWithdrawn(Optional.of(NOW)))
                        .standing())
                .isEqualTo(Standing.WITHDRAWN);
        for (Standing standing : Standing.values()) {
            assertThat(Standing.of(standing.number())).isEqualTo(standing);
        }
        assertThat(Standing.of(99)).isEqualTo(Standing.RENEWED);
    }

    @Test
    void whatIsReadFromARecordIsWhatWasWritten() throws Exception {
        Moved moved = new Moved(NOW, "192.0.2.1", "change DNS");
        for (StoredCertificate one : new StoredCertificate[] {
            stored,
            stored.withMoved(Optional.of(moved)),
            stored.withWithdrawn(Optional.of(NOW)),
            stored.withDue(stored.certificate().notAfter().plus(DAY))
        }) {
            byte[] record = RecordCodec.encode(one, 0, KeySealing.none());

            assertThat(RecordCodec.listed(record)).isEqualTo(Listed.of(one));
            assertThat(RecordCodec.firstName(record)).isEqualTo(one.firstName());
            assertThat(RecordCodec.version(record)).isEqualTo(new RecordCodec.Version(one.revision(), one.due()));
            assertThat(RecordCodec.decodeCertificate(record, KeySealing.none()).moved())
                    .isEqualTo(one.moved());
        }
    }

    @Test
    void theNameOfACaIsCutWhereItIsTooLongForAnIndex() {
        String longest = "c".repeat(Listed.LONGEST_ISSUER);

        assertThat(new Listed.OfIssuer(longest).issuer()).isEqualTo(longest);
        assertThat(new Listed.OfIssuer(longest + "c").issuer()).isEqualTo(longest);
    }

    @Test
    void aPlaceInAListTellsItsMomentAndItsName() {
        Listed listed = Listed.of(stored);
        String place = new Listed.Expiring(NOW).place(listed);

        assertThat(Listed.momentOf(place)).isEqualTo(listed.expires().toEpochMilli());
        assertThat(Listed.nameOf(place)).isEqualTo(listed.name());
        assertThat(Listed.momentOf(new Listed.Late(NOW).place(listed)))
                .isEqualTo(listed.late().toEpochMilli());
        assertThat(Listed.nameOf(new Listed.OfStanding(Standing.IDLE).place(listed)))
                .isEqualTo(listed.name());
        assertThat(Listed.momentOf("")).isEqualTo(Long.MIN_VALUE);
        assertThatThrownBy(() -> Listed.momentOf("now name")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Listed.momentOf(" name")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void whereANameLeadsIsReadAsItWasWrittenAndLeftOutWhereItIsForeign() {
        Moved moved = new Moved(NOW, "192.0.2.1,\n192.0.2.2", " change\nthe  address ");

        assertThat(moved.leadsTo()).isEqualTo("192.0.2.1,192.0.2.2");
        assertThat(moved.toDo()).isEqualTo("change the address");
        assertThat(moved.words()).isEqualTo("its address is now 192.0.2.1,192.0.2.2");
        assertThat(Moved.read(moved.text())).contains(moved);
        assertThat(new Moved(NOW, Moved.NOWHERE, "").words()).isEqualTo("it has no address any more");
        assertThat(Moved.read(NOW + " nowhere")).isEmpty();
        assertThat(Moved.read("yesterday nowhere change")).isEmpty();
    }

    @Test
    void aRecordThatCannotBeReadIsToldOfOncePerPlaceAndReason() {
        RecordedEvents recorded = new RecordedEvents();
        Troubles troubles = new Troubles(recorded.events());

        troubles.tell("shop.pem", new StoreException("cannot be read"));
        troubles.tell("shop.pem", new StoreException("cannot be read"));
        troubles.tell("shop.pem", new StoreException("is too large"));
        troubles.tell("other.pem", new StoreException("other.pem is too large"));

        assertThat(recorded.lines(EventKind.STORE_FAILED)).hasSize(3);
        assertThat(recorded.lines(EventKind.STORE_FAILED).get(0)).contains("shop.pem: cannot be read");
        assertThat(recorded.lines(EventKind.STORE_FAILED).get(2))
                .contains("other.pem is too large")
                .doesNotContain("other.pem: ");
    }
}
