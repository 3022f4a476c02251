package org.ondemandtls.handshake;

import java.security.GeneralSecurityException;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManager;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.name.ClientHello;

/**
 * Makes the engines that answer {@code acme-tls/1} handshakes (RFC 8737), and those of proxies that fetch a proof: apart
 * from everything else the server has, so that neither certificate can ever reach an ordinary client.
 */
public final class ChallengeTls {

    private ChallengeTls() {}

    /**
     * A server-side engine that presents one challenge certificate and speaks {@code acme-tls/1} only.
     *
     * @param prove what the gate decided
     * @param tls makes the engine
     * @return an engine of its own context: TLS 1.2 and 1.3, no client authentication, nothing to resume
     */
    public static SSLEngine engine(Admission.Prove prove, TlsProvider tls) {
        return engine(prove.certificate(), ClientHello.ACME_TLS_1, tls);
    }

    /**
     * A server-side engine that presents one certificate and speaks one protocol.
     *
     * @param certificate what it presents
     * @param protocol the only application protocol that is agreed on
     * @param tls makes the engine
     * @return an engine of its own context: TLS 1.2 and 1.3, no client authentication, nothing to resume
     */
    static SSLEngine engine(KeyedCertificate certificate, String protocol, TlsProvider tls) {
        try {
            SSLContext context = tls.context();
            context.init(
                    new KeyManager[] {new OneCertificate(certificate, certificate.key())}, new TrustManager[0], null);
            SSLEngine engine = context.createSSLEngine();
            engine.setUseClientMode(false);
            SSLParameters parameters = engine.getSSLParameters();
            parameters.setApplicationProtocols(new String[] {protocol});
            parameters.setProtocols(new String[] {"TLSv1.3", "TLSv1.2"});
            engine.setSSLParameters(parameters);
            return engine;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("a TLS context cannot be made", e);
        }
    }
}
