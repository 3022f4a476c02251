package org.ondemandtls.certificate;

import java.security.GeneralSecurityException;
import java.security.PublicKey;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPublicKey;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.ondemandtls.name.ServerName;

/**
 * Decides whether a chain may be served for a name: the CA, and whatever was stored, is untrusted input.
 *
 * <p>That the chain ends at a root somebody trusts is not asked: private CAs are as good as public ones.
 */
public final class CertificateVerifier {

    /** The longest chain that is looked at, leaf included. */
    public static final int MAX_CHAIN = 10;

    /** How far in the future a validity period may begin: CAs backdate, clocks differ. */
    public static final Duration CLOCK_SKEW = Duration.ofMinutes(5);

    private static final String SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
    private static final String ANY_EXTENDED_KEY_USAGE = "2.5.29.37.0";
    private static final int DIGITAL_SIGNATURE = 0;
    private static final int KEY_CERT_SIGN = 5;

    private CertificateVerifier() {}

    /**
     * Returns if a TLS server may answer for {@code name} with {@code chain}.
     *
     * <p><b>Cost.</b> A signature verification per issuer in the chain; under a millisecond each.
     *
     * @param chain the leaf, then each one's issuer
     * @param key the public key the leaf has to be for
     * @param name the name the leaf has to cover, by its subject alternative names alone (RFC 9525 section 6.3)
     * @param now when it is to be served
     * @throws InvalidCertificateException if not, with the first reason found
     */
    public static void verify(List<X509Certificate> chain, PublicKey key, ServerName name, Instant now)
            throws InvalidCertificateException {
        require(!chain.isEmpty(), "the chain is empty");
        require(chain.size() <= MAX_CHAIN, "the chain has more than " + MAX_CHAIN + " certificates");
        try {
            verifyLeaf(chain.get(0), key, name);
            for (int i = 0; i < chain.size(); i++) {
                String which = i == 0 ? "the leaf" : "issuer " + i;
                verifyDates(chain.get(i), which, now);
                verifyExtensions(chain.get(i), which);
                if (i > 0) {
                    verifyIssuer(chain.get(i), i, which);
                    verifySignature(chain.get(i - 1), chain.get(i), which);
                }
            }
        } catch (CertificateParsingException | RuntimeException e) {
            throw new InvalidCertificateException("a certificate of the chain cannot be read");
        }
    }

    /**
     * What {@link #verify} has against an issuer as such, apart from its dates and its signature.
     *
     * @param issuer the certificate
     * @param position how many are below it in the chain, from 1
     * @return the first reason found, empty where there is none
     */
    static Optional<String> objection(X509Certificate issuer, int position) {
        String which = "issuer " + position;
        try {
            verifyExtensions(issuer, which);
            verifyIssuer(issuer, position, which);
            return Optional.empty();
        } catch (InvalidCertificateException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        } catch (RuntimeException e) {
            return Optional.of(which + " cannot be read");
        }
    }

    private static void verifyExtensions(X509Certificate certificate, String which) throws InvalidCertificateException {
        require(
                !certificate.hasUnsupportedCriticalExtension(),
                which + " has a critical extension that is not understood");
    }

    private static void verifyLeaf(X509Certificate leaf, PublicKey key, ServerName name)
            throws InvalidCertificateException, CertificateParsingException {
        require(Arrays.equals(leaf.getPublicKey().getEncoded(), key.getEncoded()), "the leaf is for another key");
        Set<String> names = KeyedCertificate.namesOf(leaf);
        require(names.contains(name.value()) || names.contains(name.wildcard()), "the leaf does not cover the name");
        require(leaf.getBasicConstraints() < 0, "the leaf is a CA");
        require(
                !LeafExtensions.demandsStapling(leaf),
                "the leaf demands OCSP stapling (TLS feature), which this server does not do; have it issued without");
        boolean[] usage = leaf.getKeyUsage();
        require(usage == null || usage[DIGITAL_SIGNATURE], "the leaf's key may not sign handshakes");
        List<String> extendedUsage = leaf.getExtendedKeyUsage();
        require(
                extendedUsage == null
                        || extendedUsage.contains(SERVER_AUTH)
                        || extendedUsage.contains(ANY_EXTENDED_KEY_USAGE),
                "the leaf is not for servers");
    }

    private static void verifyDates(X509Certificate certificate, String which, Instant now)
            throws InvalidCertificateException {
        Instant notBefore = certificate.getNotBefore().toInstant();
        Instant notAfter = certificate.getNotAfter().toInstant();
        if (notBefore.isAfter(now.plus(CLOCK_SKEW))) {
            throw new InvalidCertificateException(which + " is not valid before " + notBefore, true);
        }
        if (now.isAfter(notAfter)) {
            throw new InvalidCertificateException(which + " was valid until " + notAfter, true);
        }
    }

    private static void verifyIssuer(X509Certificate issuer, int position, String which)
            throws InvalidCertificateException {
        int intermediatesAllowed = issuer.getBasicConstraints();
        require(intermediatesAllowed >= 0, which + " is no CA");
        require(intermediatesAllowed >= position - 1, which + " may not have so many intermediates below it");
        boolean[] usage = issuer.getKeyUsage();
        require(usage == null || usage[KEY_CERT_SIGN], which + " may not sign certificates");
    }

    private static void verifySignature(X509Certificate certificate, X509Certificate issuer, String which)
            throws InvalidCertificateException {
        require(
                certificate.getIssuerX500Principal().equals(issuer.getSubjectX500Principal()),
                which + " is not the issuer of the certificate before it");
        require(isSigned(certificate, issuer.getPublicKey()), which + " has not signed the certificate before it");
    }

    private static boolean isSigned(X509Certificate certificate, PublicKey issuer) {
        Optional<Boolean> signed = issuer instanceof ECPublicKey ec ? Ecdsa.signed(certificate, ec) : Optional.empty();
        if (signed.isPresent()) {
            return signed.get();
        }
        try {
            certificate.verify(issuer);
            return true;
        } catch (GeneralSecurityException e) {
            return false;
        }
    }

    private static void require(boolean condition, String otherwise) throws InvalidCertificateException {
        if (!condition) {
            throw new InvalidCertificateException(otherwise);
        }
    }
}
