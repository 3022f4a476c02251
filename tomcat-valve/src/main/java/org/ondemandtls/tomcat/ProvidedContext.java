package org.ondemandtls.tomcat;

import java.security.KeyManagementException;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocketFactory;
import javax.net.ssl.SSLSessionContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509KeyManager;
import javax.net.ssl.X509TrustManager;
import org.apache.tomcat.util.net.SSLContext;
import org.jspecify.annotations.Nullable;

/** What Tomcat calls a context, over one of Java's that Tomcat would not have made by itself. */
final class ProvidedContext implements SSLContext {

    private final javax.net.ssl.SSLContext context;
    private List<KeyManager> keyManagers = List.of();
    private List<TrustManager> trustManagers = List.of();

    /**
     * Stands for a context.
     *
     * @param context not initialised
     */
    ProvidedContext(javax.net.ssl.SSLContext context) {
        this.context = context;
    }

    @Override
    public void init(KeyManager @Nullable [] keys, TrustManager @Nullable [] trust, @Nullable SecureRandom random)
            throws KeyManagementException {
        keyManagers = keys == null ? List.of() : List.of(keys);
        trustManagers = trust == null ? List.of() : List.of(trust);
        // Without a trust store those whom the JVM trusts, as with the JDK's engine: of an empty list none can be made
        // that
        // asks for a client's certificate.
        context.init(keys, trust, random);
    }

    @Override
    public void destroy() {
        // Nothing to give back: what is native goes with the object.
    }

    @Override
    public SSLEngine createSSLEngine() {
        return context.createSSLEngine();
    }

    @Override
    public SSLSessionContext getServerSessionContext() {
        return context.getServerSessionContext();
    }

    @Override
    public SSLServerSocketFactory getServerSocketFactory() {
        return context.getServerSocketFactory();
    }

    @Override
    public SSLParameters getSupportedSSLParameters() {
        return context.getSupportedSSLParameters();
    }

    @Override
    public X509Certificate @Nullable [] getCertificateChain(String alias) {
        for (KeyManager manager : keyManagers) {
            X509Certificate[] chain = manager instanceof X509KeyManager x509 ? x509.getCertificateChain(alias) : null;
            if (chain != null) {
                return chain;
            }
        }
        return null;
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
        Set<X509Certificate> issuers = new LinkedHashSet<>();
        for (TrustManager manager : trustManagers) {
            if (manager instanceof X509TrustManager x509) {
                issuers.addAll(List.of(x509.getAcceptedIssuers()));
            }
        }
        return issuers.toArray(X509Certificate[]::new);
    }
}
