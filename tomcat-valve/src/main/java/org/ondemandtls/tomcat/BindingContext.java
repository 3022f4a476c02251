package org.ondemandtls.tomcat;

import java.security.KeyManagementException;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.util.function.Consumer;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocketFactory;
import javax.net.ssl.SSLSessionContext;
import javax.net.ssl.TrustManager;
import org.apache.tomcat.util.net.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * A context whose engines are bound to what the gate decided as soon as they are made.
 *
 * <p>Tomcat makes an engine by itself, knowing the server name only, and begins its handshake at once, which is too late
 * to bind it. So who is about to have one made says here what is to be done with it.
 *
 * <p><b>Threads.</b> What is said by one thread is seen by that thread only.
 */
final class BindingContext implements SSLContext {

    private static final ThreadLocal<@Nullable Consumer<SSLEngine>> AWAITED = new ThreadLocal<>();

    private final SSLContext context;

    /**
     * Stands in front of another context.
     *
     * @param context makes the engines
     */
    BindingContext(SSLContext context) {
        this.context = context;
    }

    /**
     * Has the engine that this thread makes next bound before anybody uses it; {@link #expectNone} ends that.
     *
     * @param binding is given the engine
     */
    static void expect(Consumer<SSLEngine> binding) {
        AWAITED.set(binding);
    }

    /** Ends what {@link #expect} began, whether an engine was made or not. */
    static void expectNone() {
        AWAITED.remove();
    }

    @Override
    public SSLEngine createSSLEngine() {
        SSLEngine engine = context.createSSLEngine();
        Consumer<SSLEngine> binding = AWAITED.get();
        if (binding != null) {
            binding.accept(engine);
        }
        return engine;
    }

    @Override
    public void init(KeyManager @Nullable [] keys, TrustManager @Nullable [] trust, @Nullable SecureRandom random)
            throws KeyManagementException {
        context.init(keys, trust, random);
    }

    @Override
    public void destroy() {
        context.destroy();
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
        return context.getCertificateChain(alias);
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
        return context.getAcceptedIssuers();
    }
}
