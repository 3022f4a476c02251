package org.ondemandtls.status;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.StoredCertificate;

/** {@link Retries}: what is said to begin does begin, however the record of a name stands. */
class RetriesTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");
    private static final String FORGOTTEN = "what was remembered of shop.example.com is forgotten; ";

    @TempDir
    private Path directory;

    private StatusHouse house;

    @BeforeEach
    void open() throws Exception {
        house = new StatusHouse(directory);
    }

    @AfterEach
    void close() {
        house.close();
    }

    private int orders() {
        return house.floors().authority().asked().size();
    }

    private StoredCertificate stored() throws Exception {
        return house.floors().store().find(SHOP).orElseThrow();
    }

    @Test
    void aCertificateThatIsServedIsRenewed() {
        house.visit(SHOP);

        assertThat(house.operations().retry(SHOP))
                .isEqualTo(new Operations.Outcome(true, FORGOTTEN + "a renewal begins now"));
        assertThat(orders()).isEqualTo(2);
        assertThat(house.operations().renew(SHOP).done()).isTrue();
        assertThat(orders()).isEqualTo(3);
    }

    @Test
    void aCertificateThatHasExpiredIsObtainedAnew() throws Exception {
        house.visit(SHOP);
        house.floors().time().advance(Duration.ofDays(100));

        assertThat(house.operations().renew(SHOP))
                .isEqualTo(new Operations.Outcome(false, "shop.example.com is not served: have it obtained"));
        assertThat(orders()).isEqualTo(1);
        assertThat(house.operations().retry(SHOP))
                .isEqualTo(new Operations.Outcome(true, FORGOTTEN + "shop.example.com is served"));
        assertThat(orders()).isEqualTo(2);
        assertThat(stored().isServableAt(house.operations().now())).isTrue();
    }

    @Test
    void aNameThatWasWithdrawnAfterDenialsIsObtainedAnew() throws Exception {
        house.visit(SHOP);
        house.floors()
                .store()
                .save(stored().withWithdrawn(Optional.of(house.operations().now())));
        house.floors().inventory().withdraw(SHOP);

        assertThat(house.operations().renew(SHOP).done()).isFalse();
        assertThat(house.operations().retry(SHOP).sentence()).isEqualTo(FORGOTTEN + "shop.example.com is served");
        assertThat(stored().withdrawn()).isEmpty();
    }

    @Test
    void aNameThatAnOperatorHasWithdrawnStaysSoThoughItHasARecord() {
        house.visit(SHOP);
        house.operations().withdraw(SHOP);
        Operations.Outcome withdrawn = new Operations.Outcome(
                false, "nothing done: shop.example.com is withdrawn; have it obtained to end that");

        assertThat(house.operations().retry(SHOP)).isEqualTo(withdrawn);
        assertThat(house.operations().renew(SHOP)).isEqualTo(withdrawn);
        assertThat(orders()).isEqualTo(1);
    }

    @Test
    void aNameWithoutACertificateIsObtained() {
        assertThat(house.operations().renew(SHOP).sentence())
                .isEqualTo("shop.example.com has no certificate: have it obtained");
        assertThat(house.operations().retry(SHOP).sentence()).isEqualTo(FORGOTTEN + "shop.example.com is served");
    }

    @Test
    void aCaIsPausedByItsAlias() throws Exception {
        house.floors().addAuthority("https://acme-v02.api.letsencrypt.org/directory");
        house.begin(Map.of());

        assertThat(house.operations().pause("ca letsencrypt").sentence())
                .isEqualTo("issuing is paused: ca https://acme-v02.api.letsencrypt.org/directory");
        assertThat(house.operations().authorities().get(1).paused()).isPresent();
        assertThat(house.operations().resume("ca letsencrypt").done()).isTrue();
        assertThat(house.operations().pause("ca zerossl").done()).isFalse();
        assertThat(house.operations().pause("ca").done()).isFalse();
    }
}
