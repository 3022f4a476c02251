package org.ondemandtls.tomcat;

import java.security.KeyManagementException;
import java.security.NoSuchProviderException;
import java.util.List;
import java.util.Set;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManager;
import org.apache.tomcat.util.net.SSLContext;
import org.apache.tomcat.util.net.SSLHostConfigCertificate;
import org.apache.tomcat.util.net.jsse.JSSEUtil;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.handshake.TlsProvider;

/** Makes Tomcat's TLS contexts of Conscrypt's, by the same keys, trust, ciphers and protocols. */
class ConscryptUtil extends JSSEUtil {

    /**
     * What it takes for one certificate.
     *
     * @param certificate the certificate, with its host configuration
     * @param warn whether to say what cannot be had together with TLS 1.3
     */
    ConscryptUtil(SSLHostConfigCertificate certificate, boolean warn) {
        super(certificate, warn);
    }

    @Override
    public SSLContext createSSLContextInternal(List<String> negotiableProtocols) {
        return new ProvidedContext(provider().context());
    }

    // Both are asked for by the constructor of the class above.
    @Override
    protected Set<String> getImplementedProtocols() {
        return Set.of(supported().getProtocols());
    }

    @Override
    protected Set<String> getImplementedCiphers() {
        return Set.of(supported().getCipherSuites());
    }

    private static SSLParameters supported() {
        javax.net.ssl.SSLContext context = provider().context();
        try {
            context.init(new KeyManager[0], new TrustManager[0], null);
        } catch (KeyManagementException e) {
            throw new IllegalStateException("Conscrypt makes no empty TLS context", e);
        }
        return context.getSupportedSSLParameters();
    }

    // The engine has been opened, so it could be loaded.
    private static TlsProvider provider() {
        try {
            return TlsProvider.of(OnDemandTlsConfig.TlsProvider.CONSCRYPT);
        } catch (NoSuchProviderException e) {
            throw new IllegalStateException(e.getMessage(), e);
        }
    }
}
