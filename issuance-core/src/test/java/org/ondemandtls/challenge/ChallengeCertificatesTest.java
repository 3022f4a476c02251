package org.ondemandtls.challenge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import org.bouncycastle.asn1.ASN1OctetString;
import org.junit.jupiter.api.Test;
import org.ondemandtls.certificate.KeyPairs;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.name.ServerName;

/** {@link ChallengeCertificates}: what RFC 8737 section 3 asks for. */
class ChallengeCertificatesTest {

    private static final Instant NOW = Instant.parse("2026-11-20T12:00:00Z");

    private final byte[] digest = new byte[32];
    private final ServerName name = ServerName.parse("shop.example.com");

    private KeyedCertificate create() {
        for (int i = 0; i < digest.length; i++) {
            digest[i] = (byte) i;
        }
        return ChallengeCertificates.create(name, digest, Clock.fixed(NOW, ZoneOffset.UTC));
    }

    @Test
    void carriesTheNameAloneAndTheDigestInACriticalExtension() throws Exception {
        KeyedCertificate made = create();

        X509Certificate certificate = made.leaf();
        assertThat(made.chain()).hasSize(1);
        assertThat(made.names()).containsExactly("shop.example.com");
        assertThat(certificate.getSubjectAlternativeNames()).hasSize(1);
        assertThat(certificate.getCriticalExtensionOIDs()).containsExactly("1.3.6.1.5.5.7.1.31");
        byte[] extension = ASN1OctetString.getInstance(certificate.getExtensionValue("1.3.6.1.5.5.7.1.31"))
                .getOctets();
        assertThat(ASN1OctetString.getInstance(extension).getOctets()).isEqualTo(digest);
    }

    @Test
    void isSelfSignedWithItsOwnKeyAndValidNow() throws Exception {
        KeyedCertificate made = create();

        made.leaf().verify(made.leaf().getPublicKey());
        assertThat(KeyPairs.belongTogether(made.key(), made.leaf().getPublicKey()))
                .isTrue();
        assertThat(made.isValidAt(NOW)).isTrue();
    }

    @Test
    void withoutADigestProvesNothingAndIsForTheOneNameAndADay() throws Exception {
        KeyedCertificate made = ChallengeCertificates.selfSigned(name, Clock.fixed(NOW, ZoneOffset.UTC));

        made.leaf().verify(made.leaf().getPublicKey());
        assertThat(made.names()).containsExactly("shop.example.com");
        assertThat(made.leaf().getCriticalExtensionOIDs()).isNullOrEmpty();
        assertThat(made.isValidAt(NOW)).isTrue();
        assertThat(made.isValidAt(NOW.plusSeconds(86_401))).isFalse();
    }

    @Test
    void takesASha256DigestOnly() {
        assertThatThrownBy(() -> ChallengeCertificates.create(name, new byte[31], Clock.fixed(NOW, ZoneOffset.UTC)))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> ChallengeCertificates.create(name, new byte[33], Clock.fixed(NOW, ZoneOffset.UTC)))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
