package org.ondemandtls.certificate;

/** Skeleton. */
public final class CertificateVerifier {
    private CertificateVerifier() {}
}
