package org.ondemandtls.certificate;

import java.io.IOException;
import java.security.KeyPair;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x500.RDN;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.ExtensionsGenerator;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.pkcs.PKCS10CertificationRequestBuilder;
import org.ondemandtls.name.ServerName;

/**
 * Makes certification requests (PKCS #10).
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc2986">RFC 2986</a>
 */
public final class CertificationRequests {

    private static final X500Name NO_SUBJECT = new X500Name(new RDN[0]);

    private CertificationRequests() {}

    /**
     * Makes the request for one name: no subject, the name as the only subject alternative name.
     *
     * @param key the pair to be certified; its private key signs the request
     * @param name the name to be in the certificate
     * @return the request in DER
     */
    public static byte[] request(KeyPair key, ServerName name) {
        try {
            ExtensionsGenerator extensions = new ExtensionsGenerator();
            extensions.addExtension(
                    Extension.subjectAlternativeName,
                    false,
                    new GeneralNames(new GeneralName(GeneralName.dNSName, name.value())));
            return new PKCS10CertificationRequestBuilder(
                            NO_SUBJECT,
                            SubjectPublicKeyInfo.getInstance(key.getPublic().getEncoded()))
                    .addAttribute(PKCSObjectIdentifiers.pkcs_9_at_extensionRequest, extensions.generate())
                    .build(Ecdsa.signer(key.getPrivate(), key.getPublic()))
                    .getEncoded();
        } catch (IOException | OperatorCreationException e) {
            throw new IllegalStateException("this JDK cannot sign a certification request", e);
        }
    }
}
