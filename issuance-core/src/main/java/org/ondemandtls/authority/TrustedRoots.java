package org.ondemandtls.authority;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;

/** Whom an operator trusts to vouch for the HTTPS of a CA. Reads a file; called at the start. */
final class TrustedRoots {

    /** No root store that is meant to be one is larger, in bytes. */
    private static final long LARGEST_ROOTS = 4L * 1024 * 1024;

    private TrustedRoots() {}

    /**
     * A TLS context that believes them.
     *
     * @param roots a PEM file
     * @param besideTheJvms as in {@link #load}
     * @throws IOException if the file cannot be used, in one line
     */
    static SSLContext context(Path roots, boolean besideTheJvms) throws IOException {
        try {
            TrustManagerFactory managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            managers.init(load(roots, besideTheJvms));
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, managers.getTrustManagers(), null);
            return context;
        } catch (GeneralSecurityException e) {
            throw new IOException("onDemandTls.acme.trustedRoots: " + roots + " does not hold certificates in PEM", e);
        }
    }

    /**
     * Who vouches for the CA's own HTTPS.
     *
     * @param roots a PEM file
     * @param besideTheJvms whether whom the JVM trusts is trusted as well: of several CAs one may be private and another
     *     public
     */
    static KeyStore load(Path roots, boolean besideTheJvms) throws IOException, GeneralSecurityException {
        if (Files.size(roots) > LARGEST_ROOTS) {
            throw new IOException("onDemandTls.acme.trustedRoots: " + roots + " is too large");
        }
        byte[] pem = Files.readAllBytes(roots);
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        for (Certificate root :
                CertificateFactory.getInstance("X.509").generateCertificates(new ByteArrayInputStream(pem))) {
            trusted.setCertificateEntry("root-" + trusted.size(), root);
        }
        if (trusted.size() == 0) {
            throw new IOException("onDemandTls.acme.trustedRoots: there is no certificate in " + roots);
        }
        if (besideTheJvms) {
            TrustManagerFactory jvm = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            jvm.init((KeyStore) null);
            for (TrustManager manager : jvm.getTrustManagers()) {
                if (manager instanceof X509TrustManager x509) {
                    for (X509Certificate root : x509.getAcceptedIssuers()) {
                        trusted.setCertificateEntry("jvm-" + trusted.size(), root);
                    }
                }
            }
        }
        return trusted;
    }
}
