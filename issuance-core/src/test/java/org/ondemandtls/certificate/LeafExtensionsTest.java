package org.ondemandtls.certificate;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.ondemandtls.testing.TestCertificates;

/** {@link LeafExtensions}: what can be read is read, whatever stands beside it. */
class LeafExtensionsTest {

    private static List<URI> lists(String... urls) {
        return LeafExtensions.revocationLists(
                TestCertificates.leaf(TestCertificates.key(), Instant.parse("2026-11-30T10:00:00Z"), "shop.example.com")
                        .revocationList(urls)
                        .signedBy("issuer", TestCertificates.key()));
    }

    @Test
    void aListWhoseUrlCannotBeReadHidesNoOther() {
        assertThat(lists("http://crl.example/1.crl", "ldap://h/CN=My CA", "http://[", "http://crl.example/2.crl"))
                .containsExactly(URI.create("http://crl.example/1.crl"), URI.create("http://crl.example/2.crl"));
    }

    @Test
    void onlyListsOverPlainHttpOfAHostAreRead() {
        assertThat(lists("https://crl.example/1.crl", "file:///1.crl", "http:1.crl", "HTTP://crl.example/2.crl"))
                .containsExactly(URI.create("HTTP://crl.example/2.crl"));
        assertThat(lists()).isEmpty();
    }
}
