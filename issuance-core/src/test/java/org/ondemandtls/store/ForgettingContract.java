package org.ondemandtls.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.ondemandtls.name.ServerName;

/** A certificate that is forgotten is gone under all its names, unless it was changed meanwhile. */
abstract class ForgettingContract extends ShelfContract {

    @Test
    void isGoneUnderAllItsNames() throws Exception {
        StoredCertificate both = store.save(stored("a.example.com", "b.example.com"));
        store.save(stored(SHOP.value()));

        store.forget(both);
        store.forget(both);

        assertThat(store.find(ServerName.parse("a.example.com"))).isEmpty();
        assertThat(store.find(ServerName.parse("b.example.com"))).isEmpty();
        assertThat(store.due(Instant.MAX, 10))
                .extracting(StoredCertificate::firstName)
                .containsExactly(SHOP.value());
    }

    @Test
    void staysGoneAfterTheStoreWasOpenedAgain() throws Exception {
        store.forget(store.save(stored(SHOP.value())));
        store.close();

        store = open();

        assertThat(store.find(SHOP)).isEmpty();
        assertThat(store.nextDue()).isEmpty();
    }

    @Test
    void isNotForgottenByWhoDidNotSeeItsLastChange() throws Exception {
        StoredCertificate read = store.save(stored(SHOP.value()));
        store.save(read.withVisited(NOW));

        assertThatThrownBy(() -> store.forget(read)).isInstanceOf(StaleRevisionException.class);

        assertThat(store.find(SHOP)).isPresent();
    }

    @Test
    void leavesANameThatLeadsElsewhereBy() throws Exception {
        StoredCertificate both = store.save(stored("a.example.com", "b.example.com"));
        StoredCertificate other = store.save(stored("c.example.com", "b.example.com"));

        store.forget(both);

        assertThat(store.find(ServerName.parse("b.example.com"))
                        .orElseThrow()
                        .certificate()
                        .id())
                .isEqualTo(other.certificate().id());
    }

    @Test
    void makesRoomForAFirstOne() throws Exception {
        store.forget(store.save(stored(SHOP.value())));

        assertThat(store.save(stored(SHOP.value())).revision()).isEqualTo(1);
    }

    @Test
    void doesNotComeBackByALateChange() throws Exception {
        StoredCertificate read = store.save(stored(SHOP.value()));
        store.forget(read);

        assertThatThrownBy(() -> store.save(read.withVisited(NOW))).isInstanceOf(StaleRevisionException.class);
    }
}
