package org.ondemandtls.jetty;

import java.net.Socket;
import java.security.InvalidAlgorithmParameterException;
import java.security.KeyStore;
import java.security.KeyStoreException;
import java.security.NoSuchAlgorithmException;
import java.security.NoSuchProviderException;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.Security;
import java.security.UnrecoverableKeyException;
import java.security.cert.X509Certificate;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.Stream;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.KeyManagerFactorySpi;
import javax.net.ssl.ManagerFactoryParameters;
import javax.net.ssl.SSLContextSpi;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedKeyManager;
import org.eclipse.jetty.util.ssl.AliasedX509ExtendedKeyManager;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.handshake.InventoryKeyManager;
import org.ondemandtls.handshake.ServedMatcher;
import org.ondemandtls.handshake.TlsProvider;

/**
 * A {@code KeyManagerFactory} algorithm of our own, the one door through which an unchanged {@code sslContextFactory}
 * takes key managers: everything else it was configured with stays in force, reloads included.
 *
 * <p>Its key managers answer for engines the gate has bound with what they were bound to, and for all others with what
 * the stock algorithm makes of the user's key store.
 *
 * <p>Registered as the last of the JVM's providers while the server runs, under a name and an algorithm no one else
 * has.
 */
final class KeyManagerProvider {

    private static final String TYPE = "KeyManagerFactory";
    private static final String CONTEXT = "SSLContext";
    private static final AtomicInteger REGISTERED = new AtomicInteger();

    private final Provider provider;
    private final String algorithm;

    private KeyManagerProvider(Provider provider, String algorithm) {
        this.provider = provider;
        this.algorithm = algorithm;
    }

    /**
     * Registers an algorithm.
     *
     * @param engine gives the engine; null while it is not open
     * @param stock what makes key managers of the user's key store
     * @param tls whose TLS engines there are; where they are not the JDK's, contexts of the same algorithm make them
     * @return the registration, to be undone by {@link #remove}
     */
    static KeyManagerProvider register(Supplier<@Nullable OnDemandTls> engine, Stock stock, TlsProvider tls) {
        String algorithm = "OnDemandTls-" + REGISTERED.incrementAndGet();
        Provider provider = new Services(algorithm, engine, stock, tls);
        Security.addProvider(provider);
        return new KeyManagerProvider(provider, algorithm);
    }

    /** What to call it: {@code sslContextFactory.setKeyManagerFactoryAlgorithm}. */
    String algorithm() {
        return algorithm;
    }

    /** Takes the algorithm out of the JVM again; key managers already made stay good. */
    void remove() {
        Security.removeProvider(provider.getName());
    }

    /**
     * What makes key managers of the user's key store.
     *
     * @param algorithm the algorithm the user, or Jetty, has chosen
     * @param provider the provider the user has chosen, null for none
     * @param alias the one entry of the key store to serve, null for all
     */
    record Stock(
            String algorithm,
            @Nullable String provider,
            @Nullable String alias) {

        KeyManagerFactory factory() throws NoSuchAlgorithmException {
            if (provider != null) {
                try {
                    return KeyManagerFactory.getInstance(algorithm, provider);
                } catch (NoSuchAlgorithmException | NoSuchProviderException e) {
                    // Jetty takes this to mean any provider that has the algorithm.
                    return KeyManagerFactory.getInstance(algorithm);
                }
            }
            return KeyManagerFactory.getInstance(algorithm);
        }

        X509ExtendedKeyManager selected(X509ExtendedKeyManager manager) {
            return alias == null ? manager : new AliasedX509ExtendedKeyManager(manager, alias);
        }
    }

    private static final class Services extends Provider {

        Services(String algorithm, Supplier<@Nullable OnDemandTls> engine, Stock stock, TlsProvider tls) {
            super(algorithm, "1", "Key managers for certificates obtained on demand");
            putService(new Service(this, TYPE, algorithm, FactorySpi.class.getName(), null, null) {
                @Override
                public Object newInstance(@Nullable Object parameter) {
                    return new FactorySpi(engine, stock);
                }
            });
            if (!tls.isJdk()) {
                putService(new Service(this, CONTEXT, algorithm, SSLContextSpi.class.getName(), null, null) {
                    @Override
                    public Object newInstance(@Nullable Object parameter) {
                        return tls.contextSpi();
                    }
                });
            }
        }
    }

    private static final class FactorySpi extends KeyManagerFactorySpi {

        private final Supplier<@Nullable OnDemandTls> engine;
        private final Stock stock;
        private KeyManager[] managers = {};

        FactorySpi(Supplier<@Nullable OnDemandTls> engine, Stock stock) {
            this.engine = engine;
            this.stock = stock;
        }

        @Override
        protected void engineInit(@Nullable KeyStore keyStore, char @Nullable [] password)
                throws KeyStoreException, NoSuchAlgorithmException, UnrecoverableKeyException {
            KeyManagerFactory factory = stock.factory();
            factory.init(keyStore, password);
            managers = wrapped(factory.getKeyManagers());
        }

        @Override
        protected void engineInit(ManagerFactoryParameters parameters) throws InvalidAlgorithmParameterException {
            throw new InvalidAlgorithmParameterException("initialised with a key store only");
        }

        @Override
        protected KeyManager[] engineGetKeyManagers() {
            return managers.clone();
        }

        private KeyManager[] wrapped(KeyManager[] stockManagers) {
            return Stream.of(stockManagers)
                    .map(manager -> manager instanceof X509ExtendedKeyManager extended
                            ? new BoundOrStock(engine, stock.selected(extended))
                            : manager)
                    .toArray(KeyManager[]::new);
        }
    }

    private static final class BoundOrStock extends X509ExtendedKeyManager {

        private final Supplier<@Nullable OnDemandTls> engine;
        private final X509ExtendedKeyManager stock;

        BoundOrStock(Supplier<@Nullable OnDemandTls> engine, X509ExtendedKeyManager stock) {
            this.engine = engine;
            this.stock = stock;
        }

        @Override
        public @Nullable String chooseEngineServerAlias(
                String keyType, Principal @Nullable [] issuers, @Nullable SSLEngine sslEngine) {
            if (ServedMatcher.of(sslEngine) == null) {
                return stock.chooseEngineServerAlias(keyType, issuers, sslEngine);
            }
            X509ExtendedKeyManager ours = ours();
            return ours == null ? null : ours.chooseEngineServerAlias(keyType, issuers, sslEngine);
        }

        @Override
        public @Nullable PrivateKey getPrivateKey(String alias) {
            if (!InventoryKeyManager.isOurs(alias)) {
                return stock.getPrivateKey(alias);
            }
            X509ExtendedKeyManager ours = ours();
            return ours == null ? null : ours.getPrivateKey(alias);
        }

        @Override
        public X509Certificate @Nullable [] getCertificateChain(String alias) {
            if (!InventoryKeyManager.isOurs(alias)) {
                return stock.getCertificateChain(alias);
            }
            X509ExtendedKeyManager ours = ours();
            return ours == null ? null : ours.getCertificateChain(alias);
        }

        /** Never empty: Jetty's selection by server name gives up where there is no alias at all. */
        @Override
        public String @Nullable [] getServerAliases(String keyType, Principal @Nullable [] issuers) {
            String[] theirs = stock.getServerAliases(keyType, issuers);
            X509ExtendedKeyManager ours = ours();
            String[] placeholders = ours == null ? null : ours.getServerAliases(keyType, issuers);
            if (theirs == null || placeholders == null) {
                return theirs == null ? placeholders : theirs;
            }
            return Stream.concat(Stream.of(theirs), Stream.of(placeholders)).toArray(String[]::new);
        }

        @Override
        public @Nullable String chooseServerAlias(
                String keyType, Principal @Nullable [] issuers, @Nullable Socket socket) {
            return stock.chooseServerAlias(keyType, issuers, socket);
        }

        @Override
        public String @Nullable [] getClientAliases(String keyType, Principal @Nullable [] issuers) {
            return stock.getClientAliases(keyType, issuers);
        }

        @Override
        public @Nullable String chooseClientAlias(
                String[] keyType, Principal @Nullable [] issuers, @Nullable Socket socket) {
            return stock.chooseClientAlias(keyType, issuers, socket);
        }

        @Override
        public @Nullable String chooseEngineClientAlias(
                String[] keyType, Principal @Nullable [] issuers, @Nullable SSLEngine sslEngine) {
            return stock.chooseEngineClientAlias(keyType, issuers, sslEngine);
        }

        private @Nullable X509ExtendedKeyManager ours() {
            OnDemandTls open = engine.get();
            return open == null ? null : open.keyManager();
        }
    }
}
