package org.ondemandtls.handshake;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.TestLeaves;

/** {@link SessionScope}: which handshakes may share sessions, and which engine belongs to which. */
class SessionScopeTest {

    private static final String SHOP = "shop.customer.test";
    private static final KeyedCertificate ONE = leaf();
    private static final KeyedCertificate ANOTHER = leaf();

    private static KeyedCertificate leaf() {
        return TestLeaves.leaf(Instant.parse("2026-11-29T00:00:00Z"), Duration.ofDays(30), SHOP, "other.customer.test");
    }

    private static SessionScope served(String name, KeyedCertificate certificate) {
        return SessionScope.of(new Admission.Serve(ServerName.parse(name), certificate, false), name);
    }

    @Test
    void theSameNameWithTheSameLeafIsTheSameScopeWhereverTheLeafWasReadFrom() {
        KeyedCertificate again = new KeyedCertificate(ONE.key(), ONE.chain());

        assertThat(served(SHOP, ONE)).isEqualTo(served(SHOP, again)).hasSameHashCodeAs(served(SHOP, again));
    }

    @Test
    void anotherNameOnTheSameCertificateIsAnotherScope() {
        assertThat(served(SHOP, ONE)).isNotEqualTo(served("other.customer.test", ONE));
    }

    @Test
    void aSuccessorIsAnotherScope() {
        assertThat(served(SHOP, ONE)).isNotEqualTo(served(SHOP, ANOTHER));
    }

    @Test
    void theServersOwnNamesAreApartFromEachOtherFromOursAndFromNone() {
        SessionScope own = SessionScope.of(null, SHOP);

        assertThat(own).isEqualTo(SessionScope.of(null, SHOP));
        assertThat(own).isNotEqualTo(served(SHOP, ONE)).isNotEqualTo(SessionScope.of(null, null));
        assertThat(served(SHOP, ONE)).isNotEqualTo(own);
        assertThat(own).isNotEqualTo(SessionScope.of(null, "other.customer.test"));
    }

    @Test
    void aScopeEndsWithItsWorkHoweverThatEnds() {
        SessionScope scope = served(SHOP, ONE);
        AtomicReference<SessionScope> seen = new AtomicReference<>();

        assertThatThrownBy(() -> scope.during(() -> {
                    seen.set(SessionScope.current());
                    throw new IOException("gone");
                }))
                .isInstanceOf(IOException.class);

        assertThat(seen.get()).isSameAs(scope);
        assertThat(scope.<String, RuntimeException>during(() -> "made")).isEqualTo("made");
        assertThat(SessionScope.current()).isNull();
    }
}
