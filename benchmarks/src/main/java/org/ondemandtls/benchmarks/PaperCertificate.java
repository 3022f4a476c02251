package org.ondemandtls.benchmarks;

import java.math.BigInteger;
import java.security.Principal;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Collection;
import java.util.Date;
import java.util.List;
import java.util.Set;

/** A certificate that nobody signed, for figures about planning: it has a name and dates, and nothing else can be asked of it. */
final class PaperCertificate extends X509Certificate {

    private static final long serialVersionUID = 1L;
    private static final int DNS_NAME = 2;

    private final String name;
    private final long number;
    private final long notBefore;
    private final long notAfter;

    PaperCertificate(String name, long number, Instant notBefore, Instant notAfter) {
        this.name = name;
        this.number = number;
        this.notBefore = notBefore.toEpochMilli();
        this.notAfter = notAfter.toEpochMilli();
    }

    @Override
    public Collection<List<?>> getSubjectAlternativeNames() {
        return List.of(List.of(DNS_NAME, name));
    }

    @Override
    public BigInteger getSerialNumber() {
        return BigInteger.valueOf(number);
    }

    @Override
    public Date getNotBefore() {
        return Date.from(Instant.ofEpochMilli(notBefore));
    }

    @Override
    public Date getNotAfter() {
        return Date.from(Instant.ofEpochMilli(notAfter));
    }

    @Override
    public boolean equals(Object other) {
        return this == other;
    }

    @Override
    public int hashCode() {
        return System.identityHashCode(this);
    }

    @Override
    public String toString() {
        return name + "#" + number;
    }

    @Override
    public void checkValidity() {
        throw none();
    }

    @Override
    public void checkValidity(Date date) {
        throw none();
    }

    @Override
    public int getVersion() {
        throw none();
    }

    @Deprecated
    @Override
    public Principal getIssuerDN() {
        throw none();
    }

    @Deprecated
    @Override
    public Principal getSubjectDN() {
        throw none();
    }

    @Override
    public byte[] getTBSCertificate() {
        throw none();
    }

    @Override
    public byte[] getSignature() {
        throw none();
    }

    @Override
    public String getSigAlgName() {
        throw none();
    }

    @Override
    public String getSigAlgOID() {
        throw none();
    }

    @Override
    public byte[] getSigAlgParams() {
        throw none();
    }

    @Override
    public boolean[] getIssuerUniqueID() {
        throw none();
    }

    @Override
    public boolean[] getSubjectUniqueID() {
        throw none();
    }

    @Override
    public boolean[] getKeyUsage() {
        throw none();
    }

    @Override
    public int getBasicConstraints() {
        throw none();
    }

    @Override
    public byte[] getEncoded() {
        throw none();
    }

    @Override
    public void verify(PublicKey key) {
        throw none();
    }

    @Override
    public void verify(PublicKey key, String provider) {
        throw none();
    }

    @Override
    public PublicKey getPublicKey() {
        throw none();
    }

    @Override
    public boolean hasUnsupportedCriticalExtension() {
        return false;
    }

    @Override
    public Set<String> getCriticalExtensionOIDs() {
        return Set.of();
    }

    @Override
    public Set<String> getNonCriticalExtensionOIDs() {
        return Set.of();
    }

    @Override
    public byte[] getExtensionValue(String oid) {
        throw none();
    }

    private static UnsupportedOperationException none() {
        return new UnsupportedOperationException("a certificate on paper");
    }
}
