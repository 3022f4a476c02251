package org.ondemandtls.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.security.KeyPair;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.TestCertificates;

/** Open orders: kept with all that is needed to finish them. */
abstract class OpenOrdersContract extends ShelfContract {

    private OpenOrder order(String name, Instant started) {
        KeyPair key = TestCertificates.key();
        return new OpenOrder(
                ServerName.parse(name), "https://ca.example/directory", started, Optional.empty(), key, new byte[] {
                    1, 2, 3
                });
    }

    @Test
    void comeBackWithTheirKeyAndUrl() throws Exception {
        OpenOrder order = order(SHOP.value(), NOW);
        store.journal(order);
        store.journal(order.withUrl(URI.create("https://ca.example/order/1?a=b"), Optional.of(NOW.plusSeconds(3600))));

        OpenOrder found = store.openOrder(SHOP).orElseThrow();

        assertThat(found.url()).contains(URI.create("https://ca.example/order/1?a=b"));
        assertThat(found.key().getPrivate()).isEqualTo(order.key().getPrivate());
        assertThat(found.key().getPublic()).isEqualTo(order.key().getPublic());
        assertThat(found.csr()).containsExactly(1, 2, 3);
        assertThat(found.started()).isEqualTo(NOW);
        assertThat(found.expires()).contains(NOW.plusSeconds(3600));
        assertThat(order.expires()).isEmpty();
        assertThat(found.issuer()).isEqualTo(order.issuer());
    }

    @Test
    void areListedOldestFirstUntilTheyAreClosed() throws Exception {
        store.journal(order("b.example.com", NOW));
        store.journal(order("a.example.com", NOW.plusSeconds(1)));
        store.journal(order("c.example.com", NOW.plusSeconds(2)));

        store.closeOrder(ServerName.parse("a.example.com"));
        store.closeOrder(ServerName.parse("never.example.com"));

        assertThat(store.openOrders())
                .extracting(open -> open.name().value())
                .containsExactly("b.example.com", "c.example.com");
        assertThat(store.openOrder(ServerName.parse("a.example.com"))).isEmpty();
    }

    @Test
    void surviveTheStoreBeingOpenedAgain() throws Exception {
        store.journal(order(SHOP.value(), NOW));
        store.close();

        store = open();

        assertThat(store.openOrders()).hasSize(1);
    }
}
