package org.ondemandtls.tomcat;

import java.security.GeneralSecurityException;
import java.security.KeyManagementException;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.function.Consumer;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContextSpi;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLServerSocketFactory;
import javax.net.ssl.SSLSessionContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.apache.tomcat.util.net.SSLContext;
import org.apache.tomcat.util.net.SSLHostConfig;
import org.apache.tomcat.util.net.SSLHostConfig.CertificateVerification;
import org.apache.tomcat.util.net.SSLHostConfigCertificate;
import org.jspecify.annotations.Nullable;

/**
 * What Java calls a context, over one of Tomcat's for OpenSSL. That one takes its certificate when it is made, and asks
 * nobody during a handshake; so it shows one certificate, whatever name the client asks for.
 *
 * <p><b>Cost.</b> 2.5 to 5 ms of processor time, and about 10 KB of native memory, which goes some time after the object
 * and the last engine made of it have become garbage.
 */
final class OpenSslContext extends SSLContextSpi {

    private final SSLHostConfig config;
    private final List<String> protocols;
    private final Consumer<SSLSessionContext> terms;

    private @Nullable SSLContext made;

    /**
     * A context that is not initialised yet.
     *
     * @param config whose trust, ciphers and protocols hold
     * @param protocols what is agreed on by ALPN, the most wanted first
     * @param terms is given the sessions, to say how long they last
     */
    OpenSslContext(SSLHostConfig config, List<String> protocols, Consumer<SSLSessionContext> terms) {
        this.config = config;
        this.protocols = protocols;
        this.terms = terms;
    }

    @Override
    protected void engineInit(
            KeyManager @Nullable [] keys, TrustManager @Nullable [] trust, @Nullable SecureRandom random)
            throws KeyManagementException {
        if (keys == null || keys.length == 0) {
            return;
        }
        SSLContext fresh = OpenSslLibrary.loaded()
                .context(new SSLHostConfigCertificate(config, SSLHostConfigCertificate.Type.UNDEFINED), protocols);
        fresh.init(keys, trust == null ? trustOfJvm() : trust, random);
        terms.accept(fresh.getServerSessionContext());
        made = fresh;
    }

    /**
     * A new engine.
     *
     * @throws IllegalStateException if the context has no certificate to show
     */
    @Override
    protected SSLEngine engineCreateSSLEngine() {
        SSLContext context = made;
        if (context == null) {
            throw new IllegalStateException("no certificate has been decided on");
        }
        return context.createSSLEngine();
    }

    @Override
    protected SSLEngine engineCreateSSLEngine(@Nullable String host, int port) {
        return engineCreateSSLEngine();
    }

    @Override
    protected @Nullable SSLSessionContext engineGetServerSessionContext() {
        SSLContext context = made;
        return context == null ? null : context.getServerSessionContext();
    }

    @Override
    protected @Nullable SSLSessionContext engineGetClientSessionContext() {
        return null;
    }

    @Override
    protected SSLSocketFactory engineGetSocketFactory() {
        throw new UnsupportedOperationException();
    }

    @Override
    protected SSLServerSocketFactory engineGetServerSocketFactory() {
        throw new UnsupportedOperationException();
    }

    // As with the other engines: without a trust store those whom the JVM trusts. Where OpenSSL is told whom to trust,
    // or
    // that it is all the same, it does so itself.
    private TrustManager @Nullable [] trustOfJvm() throws KeyManagementException {
        if (config.getCaCertificateFile() != null
                || config.getCaCertificatePath() != null
                || config.getCertificateVerification() == CertificateVerification.OPTIONAL_NO_CA) {
            return null;
        }
        return new TrustManager[] {new TrustOfJvm()};
    }

    /** Those whom the JVM trusts; read when a client shows a certificate, and not named to the client. */
    private static final class TrustOfJvm implements X509TrustManager {

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) throws CertificateException {
            Known.TRUST.checkClientTrusted(chain, type);
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) throws CertificateException {
            throw new CertificateException("this is a server");
        }

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }

    private static final class Known {

        static final X509TrustManager TRUST = read();

        private static X509TrustManager read() {
            try {
                TrustManagerFactory factory =
                        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
                factory.init((KeyStore) null);
                for (TrustManager manager : factory.getTrustManagers()) {
                    if (manager instanceof X509TrustManager x509) {
                        return x509;
                    }
                }
                throw new IllegalStateException("this JVM trusts nobody");
            } catch (GeneralSecurityException e) {
                throw new IllegalStateException("this JVM's trust cannot be read", e);
            }
        }
    }
}
