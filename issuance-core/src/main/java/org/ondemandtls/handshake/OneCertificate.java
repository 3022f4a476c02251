package org.ondemandtls.handshake;

import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.KeyedCertificate;

/** A key manager of a context that shows one certificate and no other. */
final class OneCertificate extends ServerKeyManager {

    private static final String ALIAS = "one";

    private final KeyedCertificate certificate;
    private final PrivateKey key;

    /**
     * Knows one certificate.
     *
     * @param certificate what is shown, whoever asks
     * @param key its key, as the engine takes it
     */
    OneCertificate(KeyedCertificate certificate, PrivateKey key) {
        this.certificate = certificate;
        this.key = key;
    }

    @Override
    public @Nullable String chooseEngineServerAlias(
            String keyType, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
        return InventoryKeyManager.algorithm(keyType)
                        .equals(certificate.leaf().getPublicKey().getAlgorithm())
                ? ALIAS
                : null;
    }

    @Override
    public PrivateKey getPrivateKey(String alias) {
        return key;
    }

    @Override
    public X509Certificate[] getCertificateChain(String alias) {
        return certificate.chain().toArray(X509Certificate[]::new);
    }

    @Override
    public String[] getServerAliases(String keyType, Principal @Nullable [] issuers) {
        return new String[] {ALIAS};
    }
}
