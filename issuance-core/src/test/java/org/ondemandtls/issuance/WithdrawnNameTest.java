package org.ondemandtls.issuance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.Hold;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.testing.Except;
import org.ondemandtls.testing.IssuanceFixture;
import org.ondemandtls.testing.TestLeaves;

/** {@link WithdrawnName}: one name is taken from a certificate of several, and the others stay. */
class WithdrawnNameTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");
    private static final ServerName OTHER = ServerName.parse("other.example.com");

    private final AtomicInteger looks = new AtomicInteger();

    private IssuanceFixture house;
    private CertificateStore store;
    private StoredCertificate several;
    private StoredCertificate alone;

    @BeforeEach
    void open(@TempDir Path directory) throws Exception {
        house = new IssuanceFixture(directory, true);
        store = Except.of(CertificateStore.class, house.store(), "hold", through -> {
            looks.incrementAndGet();
            return through.call();
        });
        several = stored(SHOP.value(), OTHER.value());
        alone = stored(SHOP.value());
    }

    @AfterEach
    void close() {
        house.close();
    }

    private StoredCertificate stored(String... names) {
        Instant now = house.time().clock().instant();
        KeyedCertificate leaf = TestLeaves.leaf(now, Duration.ofDays(90), names);
        return StoredCertificate.obtained(leaf, "certbot", now, leaf.notAfter());
    }

    @Test
    void aNameThatIsKeptAsWithdrawnIsThatAndNoOtherNameIs() throws Exception {
        assertThat(WithdrawnName.isKept(store, SHOP)).isFalse();

        WithdrawnName.keep(store, SHOP, several);

        assertThat(WithdrawnName.isKept(store, SHOP)).isTrue();
        assertThat(WithdrawnName.isKept(store, SHOP, several)).isTrue();
        assertThat(WithdrawnName.isKept(store, OTHER)).isFalse();
        assertThat(WithdrawnName.isKept(store, OTHER, several)).isFalse();
    }

    @Test
    void itIsKeptUntilTheCertificateEnds() throws Exception {
        WithdrawnName.keep(store, SHOP, several);

        Hold kept = store.hold(new Scope.Withdrawn(SHOP)).orElseThrow();
        assertThat(kept.until()).isEqualTo(several.certificate().notAfter());
        assertThat(kept.issuer()).isEqualTo("certbot");
    }

    @Test
    void aCertificateOfItsOwnIsNoneItCouldBeWithdrawnFromAndCostsNoLook() throws Exception {
        WithdrawnName.keep(store, SHOP, several);

        assertThat(WithdrawnName.isKept(store, SHOP, alone)).isFalse();
        WithdrawnName.drop(store, SHOP, alone);

        assertThat(looks).hasValue(0);
        assertThat(WithdrawnName.isKept(store, SHOP)).isTrue();
    }

    @Test
    void itIsForgottenWhereTheNameIsGrantedAgain() throws Exception {
        WithdrawnName.keep(store, SHOP, several);

        WithdrawnName.drop(store, SHOP, several);

        assertThat(store.holds(10)).isEmpty();
        WithdrawnName.drop(store, SHOP, several);
        assertThat(WithdrawnName.isKept(store, SHOP, several)).isFalse();
    }
}
