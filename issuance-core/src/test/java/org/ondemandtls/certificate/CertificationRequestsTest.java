package org.ondemandtls.certificate;

import static org.assertj.core.api.Assertions.assertThat;

import java.security.KeyPair;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.ondemandtls.config.OnDemandTlsConfig.KeyType;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.TestCertificates;

/** {@link CertificationRequests}: one name, no subject, signed by the key it is for. */
class CertificationRequestsTest {

    @ParameterizedTest
    @CsvSource({
        "P_256, 1.2.840.10045.4.3.2",
        "P_384, 1.2.840.10045.4.3.3",
        "RSA_2048, 1.2.840.113549.1.1.11",
    })
    void aRequestNamesOneNameAndIsSignedByItsKey(KeyType type, String signatureAlgorithm) throws Exception {
        KeyPair key = TestCertificates.key(type);

        PKCS10CertificationRequest request = new PKCS10CertificationRequest(
                CertificationRequests.request(key, ServerName.parse("shop.example.com")));

        assertThat(request.isSignatureValid(new JcaContentVerifierProviderBuilder().build(key.getPublic())))
                .isTrue();
        assertThat(request.getSignatureAlgorithm().getAlgorithm().getId()).isEqualTo(signatureAlgorithm);
        assertThat(request.getSubject().getRDNs()).isEmpty();
        Extensions extensions =
                Extensions.getInstance(request.getAttributes(PKCSObjectIdentifiers.pkcs_9_at_extensionRequest)[0]
                        .getAttributeValues()[0]);
        assertThat(GeneralNames.fromExtensions(extensions, Extension.subjectAlternativeName)
                        .getNames())
                .containsExactly(new GeneralName(GeneralName.dNSName, "shop.example.com"));
    }
}
