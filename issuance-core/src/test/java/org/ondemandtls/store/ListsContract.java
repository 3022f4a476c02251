package org.ondemandtls.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.name.ServerName;

/** What lists are made of: an index by each property, page by page. */
abstract class ListsContract extends ShelfContract {

    private static final Instant LATER = NOW.plus(Duration.ofDays(3650));

    private List<String> names(Listed.Slice slice, String after, int limit) throws Exception {
        Optional<List<Listed>> first = store.listed(slice, after, limit);
        // Some learn in the background what there is.
        Awaitility.await()
                .atMost(Duration.ofMinutes(2))
                .until(() ->
                        first.isPresent() || store.listed(slice, after, limit).isPresent());
        return store.listed(slice, after, limit).orElseThrow().stream()
                .map(Listed::name)
                .toList();
    }

    @Test
    void areByDomainAndCaAndHowNamesStand() throws Exception {
        store.save(stored("b.one.example"));
        StoredCertificate first = store.save(stored("a.one.example"));
        StoredCertificate other = store.save(stored("a.two.example"));

        assertThat(names(new Listed.OfDomain("one.example"), "", 9)).containsExactly("a.one.example", "b.one.example");
        assertThat(names(new Listed.OfDomain("one.example"), "a.one.example", 9))
                .containsExactly("b.one.example");
        assertThat(names(new Listed.OfIssuer(first.issuer()), "", 2)).hasSize(2);
        assertThat(names(new Listed.OfIssuer("another"), "", 9)).isEmpty();

        StoredCertificate moved =
                store.save(first.withMoved(Optional.of(new Moved(NOW, "192.0.2.7", "change A of it"))));
        store.save(other.withWithdrawn(Optional.of(NOW)));
        assertThat(names(new Listed.OfStanding(Listed.Standing.MOVED_AWAY), "", 9))
                .containsExactly("a.one.example");
        assertThat(names(new Listed.OfStanding(Listed.Standing.WITHDRAWN), "", 9))
                .containsExactly("a.two.example");
        assertThat(store.under(List.of("a.one.example", "none.example")))
                .singleElement()
                .satisfies(one -> assertThat(one.moved()).isEqualTo(moved.moved()));

        store.forget(store.save(moved.withMoved(Optional.empty())));
        assertThat(names(new Listed.OfStanding(Listed.Standing.MOVED_AWAY), "", 9))
                .isEmpty();
        assertThat(names(new Listed.OfDomain("one.example"), "", 9)).containsExactly("b.one.example");
    }

    @Test
    void areByMomentTheEarliestFirstAndGoOnBehindAnyOfThem() throws Exception {
        for (String name : List.of("a.example.com", "b.example.com", "c.example.com")) {
            store.save(stored(name).withRenew(NOW.plusSeconds(name.charAt(0) == 'a' ? 60 : 0)));
        }

        List<String> all = names(new Listed.Late(LATER), "", 9);
        assertThat(all).containsExactly("b.example.com", "c.example.com", "a.example.com");
        Listed.Slice late = new Listed.Late(LATER);
        String place = late.place(store.listed(late, "", 1).orElseThrow().get(0));
        assertThat(names(late, place, 9)).containsExactly("c.example.com", "a.example.com");
        assertThat(names(new Listed.Expiring(LATER), "", 9)).hasSize(3);
        assertThat(names(new Listed.Expiring(NOW.minus(Duration.ofDays(3650))), "", 9))
                .isEmpty();
    }

    @Test
    void ofAMomentHaveWhatIsBeforeItToTheMillisecond() throws Exception {
        Listed entry = Listed.of(store.save(stored("a.example.com")));
        Instant late = entry.late().truncatedTo(ChronoUnit.MILLIS);

        assertThat(names(new Listed.Late(late), "", 9)).isEmpty();
        assertThat(names(new Listed.Late(late.plusMillis(1)), "", 9)).containsExactly("a.example.com");
        assertThat(names(new Listed.Expiring(entry.expires()), "", 9)).isEmpty();
        assertThat(names(new Listed.Expiring(entry.expires().plusMillis(1)), "", 9))
                .containsExactly("a.example.com");
    }

    @Test
    void ofWhatIsOverdueHaveNothingThatIsNotRenewed() throws Exception {
        store.save(stored("late.example.com"));
        StoredCertificate idle = stored("idle.example.com");
        store.save(idle.withDue(idle.certificate().notAfter().plusSeconds(1)));
        store.save(stored("withdrawn.example.com").withWithdrawn(Optional.of(NOW)));
        store.save(stored("moved.example.com").withMoved(Optional.of(new Moved(NOW, "192.0.2.7", "change A of it"))));

        assertThat(names(new Listed.Late(LATER), "", 9)).containsExactly("late.example.com");
    }

    @Test
    void haveWhatCasRefusedByName() throws Exception {
        store.keepHold(hold(new Scope.Name(ServerName.parse("b.example.com")), 1));
        store.keepHold(hold(new Scope.Name(ServerName.parse("a.example.com")), 2));
        store.keepHold(hold(new Scope.Domain("https://ca.example/directory", "x.example"), 3));
        store.keepHold(hold(new Scope.TakenAway(ServerName.parse("c.example.com")), 1));
        store.keepHold(hold(new Scope.Withdrawn(ServerName.parse("d.example.com")), 1));

        assertThat(store.namesHeld(Scope.TakenAway.class, "", 9))
                .extracting(Hold::scope)
                .containsExactly(new Scope.TakenAway(ServerName.parse("c.example.com")));
        assertThat(store.namesHeld(Scope.Withdrawn.class, "", 9))
                .extracting(Hold::scope)
                .containsExactly(new Scope.Withdrawn(ServerName.parse("d.example.com")));
        assertThat(store.namesHeld(Scope.Withdrawn.class, "d.example.com", 9)).isEmpty();
        assertThat(store.namesHeld(Scope.Name.class, "", 9))
                .extracting(Hold::scope)
                .containsExactly(
                        new Scope.Name(ServerName.parse("a.example.com")),
                        new Scope.Name(ServerName.parse("b.example.com")));
        assertThat(store.namesHeld(Scope.Name.class, "a.example.com", 9))
                .extracting(Hold::scope)
                .containsExactly(new Scope.Name(ServerName.parse("b.example.com")));

        store.dropHold(new Scope.Name(ServerName.parse("a.example.com")));
        assertThat(store.namesHeld(Scope.Name.class, "", 9))
                .extracting(Hold::scope)
                .containsExactly(new Scope.Name(ServerName.parse("b.example.com")));
    }
}
