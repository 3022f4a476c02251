package org.ondemandtls.tomcat;

import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.function.Supplier;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.handshake.ServerKeyManager;

/** The key manager of whichever engine is open: an {@code SSLContext} outlives a stop and a start of its connector. */
final class EngineKeyManager extends ServerKeyManager {

    private final Supplier<@Nullable OnDemandTls> engine;

    /**
     * Stands for the engine's key manager.
     *
     * @param engine gives the engine; null while it is not open
     */
    EngineKeyManager(Supplier<@Nullable OnDemandTls> engine) {
        this.engine = engine;
    }

    @Override
    public @Nullable String chooseEngineServerAlias(
            String keyType, Principal @Nullable [] issuers, @Nullable SSLEngine sslEngine) {
        OnDemandTls open = engine.get();
        return open == null ? null : open.keyManager().chooseEngineServerAlias(keyType, issuers, sslEngine);
    }

    @Override
    public @Nullable PrivateKey getPrivateKey(String alias) {
        OnDemandTls open = engine.get();
        return open == null ? null : open.keyManager().getPrivateKey(alias);
    }

    @Override
    public X509Certificate @Nullable [] getCertificateChain(String alias) {
        OnDemandTls open = engine.get();
        return open == null ? null : open.keyManager().getCertificateChain(alias);
    }

    @Override
    public String @Nullable [] getServerAliases(String keyType, Principal @Nullable [] issuers) {
        OnDemandTls open = engine.get();
        return open == null ? null : open.keyManager().getServerAliases(keyType, issuers);
    }
}
