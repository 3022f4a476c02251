package org.ondemandtls.handshake;

import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedKeyManager;
import org.jspecify.annotations.Nullable;
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
     * @return an engine of its own context: TLS 1.2 and 1.3, no client authentication, nothing to resume
     */
    public static SSLEngine engine(Admission.Prove prove) {
        return engine(prove.certificate(), ClientHello.ACME_TLS_1);
    }

    /**
     * A server-side engine that presents one certificate and speaks one protocol.
     *
     * @param certificate what it presents
     * @param protocol the only application protocol that is agreed on
     * @return an engine of its own context: TLS 1.2 and 1.3, no client authentication, nothing to resume
     */
    static SSLEngine engine(KeyedCertificate certificate, String protocol) {
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(new KeyManager[] {new OneCertificate(certificate)}, new TrustManager[0], null);
            SSLEngine engine = context.createSSLEngine();
            engine.setUseClientMode(false);
            SSLParameters parameters = engine.getSSLParameters();
            parameters.setApplicationProtocols(new String[] {protocol});
            parameters.setProtocols(new String[] {"TLSv1.3", "TLSv1.2"});
            engine.setSSLParameters(parameters);
            return engine;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this JDK makes no TLS engine", e);
        }
    }

    private static final class OneCertificate extends X509ExtendedKeyManager {

        private static final String ALIAS = "challenge";

        private final KeyedCertificate certificate;

        OneCertificate(KeyedCertificate certificate) {
            this.certificate = certificate;
        }

        @Override
        public @Nullable String chooseEngineServerAlias(
                String keyType, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
            return keyType.equals(certificate.leaf().getPublicKey().getAlgorithm()) ? ALIAS : null;
        }

        @Override
        public PrivateKey getPrivateKey(String alias) {
            return certificate.key();
        }

        @Override
        public X509Certificate[] getCertificateChain(String alias) {
            return certificate.chain().toArray(X509Certificate[]::new);
        }

        @Override
        public String[] getServerAliases(String keyType, Principal @Nullable [] issuers) {
            return new String[] {ALIAS};
        }

        @Override
        public @Nullable String chooseServerAlias(
                String keyType, Principal @Nullable [] issuers, @Nullable Socket socket) {
            return null;
        }

        @Override
        public String @Nullable [] getClientAliases(String keyType, Principal @Nullable [] issuers) {
            return null;
        }

        @Override
        public @Nullable String chooseClientAlias(
                String[] keyType, Principal @Nullable [] issuers, @Nullable Socket socket) {
            return null;
        }
    }
}
