package org.ondemandtls.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

/** What is written under a lease. */
abstract class LeasesContract extends ShelfContract {

    @Test
    void letTheirHolderWriteAndGoBack() throws Exception {
        Lease lease = store.peers().take(SHOP).orElseThrow();

        StoredCertificate saved = store.save(stored(SHOP.value()), lease);
        store.closeOrder(SHOP, lease);
        store.peers().giveBack(lease);
        store.peers().giveBack(lease);

        assertThat(store.find(SHOP).orElseThrow().revision()).isEqualTo(saved.revision());
        assertThat(store.peers().take(SHOP)).isPresent();
    }

    @Test
    void doNotReplaceWhatTheirHolderHasNotRead() throws Exception {
        store.save(stored(SHOP.value()));
        Lease lease = store.peers().take(SHOP).orElseThrow();

        assertThatThrownBy(() -> store.save(stored(SHOP.value()), lease)).isInstanceOf(StaleRevisionException.class);
    }
}
