package org.ondemandtls.handshake;

import java.security.GeneralSecurityException;
import java.security.NoSuchProviderException;
import java.security.Provider;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLContextSpi;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.config.ConfigKey;
import org.ondemandtls.config.OnDemandTlsConfig;

/**
 * Whose TLS engines shake hands with clients.
 *
 * <p>A provider other than the JDK's is used by itself and not registered: in front of the JDK's in the list of the JVM
 * it would change what everybody else in the JVM gets.
 */
public final class TlsProvider {

    /** The JDK's own. */
    public static final TlsProvider JDK = new TlsProvider(null, null);

    // Loaded once; whoever loads it at the same time gets one that is as good.
    private static volatile @Nullable TlsProvider conscrypt;

    private final @Nullable Provider provider;
    private final @Nullable Supplier<SSLContextSpi> spis;

    private TlsProvider(@Nullable Provider provider, @Nullable Supplier<SSLContextSpi> spis) {
        this.provider = provider;
        this.spis = spis;
    }

    /**
     * The provider an operator has chosen. Loads its classes and its native library the first time.
     *
     * @param chosen what the operator said
     * @return the provider. The JDK's where OpenSSL was chosen: its engines are the host's to make (see {@link #scoped}),
     *     and those for challenge certificates remain
     * @throws NoSuchProviderException if it cannot be used here; in one line that names the key and says what to do
     */
    public static TlsProvider of(OnDemandTlsConfig.TlsProvider chosen) throws NoSuchProviderException {
        return chosen == OnDemandTlsConfig.TlsProvider.CONSCRYPT ? conscrypt() : JDK;
    }

    /**
     * A context, not initialised, that keeps the sessions of each {@link SessionScope} apart, for a host whose own contexts
     * would not.
     *
     * @param contexts makes contexts of the host, not initialised; asked on the threads of handshakes, once for each scope.
     *     Initialised without key managers, they make no engines
     * @param ticketKeys the keys of their tickets
     * @return the context
     */
    public static SSLContext scoped(Supplier<SSLContextSpi> contexts, TicketKeys ticketKeys) {
        return new Provided(
                new ScopedContext(
                        () -> new Provided(contexts.get(), null), engine -> {}, UnaryOperator.identity(), ticketKeys),
                null);
    }

    /** Whether it is the JDK's, which keeps sessions of different names apart by itself. */
    public boolean isJdk() {
        return spis == null;
    }

    /**
     * A context, not initialised, for TLS 1.2 and 1.3. Where the provider is not the JDK's, its engines are of the {@link
     * SessionScope} they are made in.
     */
    public SSLContext context() {
        if (spis != null) {
            return new Provided(spis.get(), provider);
        }
        try {
            return SSLContext.getInstance("TLS");
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this JDK makes no TLS context", e);
        }
    }

    /**
     * What {@link #context} consists of, for hosts that make their context by the name of an algorithm.
     *
     * @throws IllegalStateException if the provider is the JDK's
     */
    public SSLContextSpi contextSpi() {
        if (spis == null) {
            throw new IllegalStateException("the JDK's contexts are made by the JDK");
        }
        return spis.get();
    }

    private static TlsProvider conscrypt() throws NoSuchProviderException {
        TlsProvider known = conscrypt;
        if (known != null) {
            return known;
        }
        try {
            Provider loaded = ConscryptLibrary.load();
            known = new TlsProvider(loaded, () -> ConscryptLibrary.context(loaded));
            conscrypt = known;
            return known;
        } catch (NoClassDefFoundError missing) {
            throw unusable(
                    "the jar of Conscrypt is missing; add conscrypt-openjdk-uber to the libraries of the server"
                            + " (Jetty: --add-modules=ondemand-tls-conscrypt; Tomcat: put it into lib), or write jdk",
                    missing);
        } catch (UnsatisfiedLinkError unloadable) {
            throw unusable(
                    "the native library of Conscrypt cannot be loaded: " + firstLine(unloadable)
                            + "; it needs glibc and a directory that allows programs"
                            + " (-Dorg.conscrypt.native.workdir=DIRECTORY), otherwise write jdk",
                    unloadable);
        } catch (UnsupportedOperationException old) {
            throw unusable(
                    "Conscrypt " + old.getMessage() + " is too old; replace its jar by version 2.9.0 or later, and see"
                            + " that no other jar of it is loaded first, or write jdk",
                    old);
        } catch (LinkageError broken) {
            throw unusable(
                    "the jar of Conscrypt does not fit: " + firstLine(broken)
                            + "; use conscrypt-openjdk-uber 2.9.0 or later and no other jar of it, or write jdk",
                    broken);
        }
    }

    private static NoSuchProviderException unusable(String what, Throwable cause) {
        var unusable = new NoSuchProviderException(ConfigKey.TLS_PROVIDER + ": \"conscrypt\" cannot be used: " + what);
        unusable.initCause(cause);
        return unusable;
    }

    private static String firstLine(Throwable thrown) {
        return String.valueOf(thrown.getMessage()).lines().findFirst().orElse("no reason given");
    }

    private static final class Provided extends SSLContext {

        Provided(SSLContextSpi spi, @Nullable Provider provider) {
            super(spi, provider, "TLS");
        }
    }
}
