package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;

import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.ondemandtls.certificate.Pem;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.testing.Pebble;

/** {@code onDemandTls.acme.preferredChain}: of the chains a CA offers, the one an issuer signed is served. */
@Tag("once")
class PreferredChainIT extends WithPebble {

    private List<X509Certificate> chain(Pebble pebble, String issuer) throws Exception {
        OnDemandTlsConfig.Directory ca =
                new OnDemandTlsConfig.Directory(pebble.directory(), Optional.empty(), Optional.empty());
        AcmeAuthority authority = open(
                new OnDemandTlsConfig.Acme(
                        List.of(ca),
                        Optional.empty(),
                        Optional.empty(),
                        Optional.of(pebble.trustedRoots()),
                        BOTH,
                        List.of(),
                        Optional.of(issuer),
                        false,
                        Optional.empty()),
                ca);
        Authority.Order order = order("shop.customer.example");
        List<X509Certificate> chain = sign(authority, order);
        assertServable(chain, order);
        return chain;
    }

    private static X509Certificate root(Pebble pebble, int number) throws Exception {
        return Pem.readCertificates(pebble.get("/roots/" + number)).get(0);
    }

    private static String commonName(X509Certificate certificate) {
        return certificate.getSubjectX500Principal().getName().replaceAll(".*CN=([^,]*).*", "$1");
    }

    @Test
    void isTheOneThatIssuerSigned() throws Exception {
        try (Pebble pebble = reachable().alternateRoots(2).chainLength(2).start(directory)) {
            for (int number = 0; number < 3; number++) {
                X509Certificate wanted = root(pebble, number);

                List<X509Certificate> chain = chain(pebble, commonName(wanted));

                chain.get(chain.size() - 1).verify(wanted.getPublicKey());
            }
        }
    }

    @Test
    void isTheFirstWhereNoneOfThemIs() throws Exception {
        try (Pebble pebble = reachable().alternateRoots(1).start(directory)) {
            List<X509Certificate> chain = chain(pebble, "No Such Root");

            chain.get(chain.size() - 1).verify(root(pebble, 0).getPublicKey());
            assertThat(chain).hasSize(2);
        }
    }
}
