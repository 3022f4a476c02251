package org.ondemandtls.inventory;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.TestLeaves;

/** {@link Inventory}: what is found, for how long, and what makes room. */
class InventoryTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");

    private final ManualTime time = new ManualTime();
    private final Inventory inventory = new Inventory(100, time.clock());

    private KeyedCertificate leaf(Duration lifetime, String... names) {
        return TestLeaves.leaf(time.clock().instant(), lifetime, names);
    }

    @Test
    void aPublishedCertificateIsFoundUnderEachOfItsNames() {
        KeyedCertificate both = leaf(Duration.ofDays(1), "a.example.com", "b.example.com");

        inventory.publish(both);

        assertThat(inventory.find(ServerName.parse("a.example.com"))).containsSame(both);
        assertThat(inventory.find(ServerName.parse("b.example.com"))).containsSame(both);
        assertThat(inventory.find(SHOP)).isEmpty();
    }

    @Test
    void anExactOneGoesBeforeAWildcard() {
        KeyedCertificate wildcard = leaf(Duration.ofDays(2), "*.example.com");
        KeyedCertificate exact = leaf(Duration.ofDays(1), SHOP.value());
        inventory.publish(exact);
        inventory.publish(wildcard);

        assertThat(inventory.find(SHOP)).containsSame(exact);
        ServerName other = ServerName.parse("other.example.com");
        assertThat(inventory.find(other)).isEmpty();
        assertThat(inventory.ofWildcard(other)).containsSame(wildcard);
        inventory.publish(wildcard, other);
        assertThat(inventory.find(other)).containsSame(wildcard);
        assertThat(inventory.find(ServerName.parse("a.b.example.com"))).isEmpty();
    }

    @Test
    void aWildcardServesNoNameThatIsWithdrawnOrThatTheStoreIsToBeAskedAbout() {
        KeyedCertificate wildcard = leaf(Duration.ofDays(2), "*.example.com");
        inventory.publish(leaf(Duration.ofDays(1), SHOP.value()));
        inventory.publish(wildcard, SHOP);
        inventory.withdraw(SHOP);
        assertThat(inventory.find(SHOP)).isEmpty();

        inventory.publish(wildcard, SHOP);
        inventory.reconsider(SHOP.value());
        assertThat(inventory.find(SHOP)).isEmpty();
    }

    @Test
    void anExpiredOneIsNotFoundAndLeavesTheWildcardItsPlace() {
        KeyedCertificate wildcard = leaf(Duration.ofDays(2), "*.example.com");
        KeyedCertificate exact = leaf(Duration.ofDays(1), SHOP.value());
        inventory.publish(exact);
        inventory.publish(wildcard);

        time.advance(Duration.between(time.clock().instant(), exact.notAfter()));
        assertThat(inventory.find(SHOP)).containsSame(exact);
        time.advance(Duration.ofSeconds(1));

        assertThat(inventory.find(SHOP)).containsSame(wildcard);
    }

    @Test
    void aSuccessorTakesThePlace() {
        KeyedCertificate first = leaf(Duration.ofDays(1), SHOP.value());
        KeyedCertificate second = leaf(Duration.ofDays(2), SHOP.value());
        inventory.publish(first);

        inventory.publish(second);

        assertThat(inventory.find(SHOP)).containsSame(second);
        assertThat(inventory.size()).isEqualTo(1);
    }

    @Test
    void aWithdrawnNameIsNotFound() {
        inventory.publish(leaf(Duration.ofDays(1), SHOP.value()));

        inventory.withdraw(SHOP);

        assertThat(inventory.find(SHOP)).isEmpty();
    }

    @Test
    void namesVisitedOnceDoNotPushOutThoseVisitedOften() {
        KeyedCertificate often = leaf(Duration.ofDays(1), SHOP.value());
        inventory.publish(often);
        for (int i = 0; i < 50; i++) {
            inventory.find(SHOP);
        }
        KeyedCertificate once = leaf(Duration.ofDays(1), "x.example.org");

        for (int i = 0; i < 1000; i++) {
            inventory.find(SHOP);
            inventory.publish(leafNamed(once, i));
        }

        assertThat(inventory.find(SHOP)).containsSame(often);
        assertThat(inventory.size()).isLessThanOrEqualTo(100);
    }

    private KeyedCertificate leafNamed(KeyedCertificate like, int number) {
        return TestLeaves.leaf(
                like.leaf().getPublicKey(), like.key(), time.clock().instant(), "n" + number + ".example.org");
    }

    @Test
    void aNamesOwnCertificateIsNotDisplacedByOneOfSeveralNames() {
        KeyedCertificate own = leaf(Duration.ofDays(1), SHOP.value());
        KeyedCertificate several = leaf(Duration.ofDays(2), "first.example.com", SHOP.value());
        inventory.publish(own);

        inventory.publish(several);
        assertThat(inventory.find(SHOP)).containsSame(own);
        assertThat(inventory.find(ServerName.parse("first.example.com"))).containsSame(several);

        time.advance(Duration.ofDays(1).plusSeconds(1));
        inventory.publish(several);
        assertThat(inventory.find(SHOP)).containsSame(several);
    }

    @Test
    void oneOfSeveralNamesIsPublishedUnderTheNameAskedForAlone() {
        KeyedCertificate several = leaf(Duration.ofDays(2), "first.example.com", SHOP.value(), "*.example.org");

        inventory.publish(several, SHOP);
        inventory.publish(several, ServerName.parse("any.example.org"));

        assertThat(inventory.find(SHOP)).containsSame(several);
        assertThat(inventory.find(ServerName.parse("any.example.org"))).containsSame(several);
        assertThat(inventory.find(ServerName.parse("other.example.org"))).isEmpty();
        assertThat(inventory.find(ServerName.parse("first.example.com"))).isEmpty();
    }
}
