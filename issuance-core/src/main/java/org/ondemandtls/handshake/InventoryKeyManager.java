package org.ondemandtls.handshake;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import javax.net.ssl.ExtendedSSLSession;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SNIServerName;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.certificate.OpenedCertificate;
import org.ondemandtls.inventory.Inventory;
import org.ondemandtls.name.ServerName;

/**
 * Gives JSSE the certificate that the gate decided on; only ever looks up, never waits.
 *
 * <p>An engine bound by {@link ServedMatcher#bind} gets exactly the certificate it was bound to. An engine that
 * was not is looked up in the inventory by the name in its session: for hosts that cannot read a ClientHello
 * before the engine does; there a name without a certificate is refused.
 *
 * <p>An alias stands for one immutable key and chain, so that a certificate replaced in the middle of a
 * handshake never mixes with its successor. It stays resolvable for as long as anything holds the opened certificate:
 * a bound engine, or the inventory for at least ten minutes after this use of it.
 */
public final class InventoryKeyManager extends ServerKeyManager {

    private static final String ALIAS_PREFIX = "ondemandtls-";

    private final Inventory inventory;
    private final Cache<String, OpenedCertificate> byAlias =
            Caffeine.newBuilder().weakValues().build();

    /**
     * Makes a key manager over an inventory.
     *
     * @param inventory where engines that were not bound are looked up
     */
    public InventoryKeyManager(Inventory inventory) {
        this.inventory = inventory;
    }

    @Override
    public @Nullable String chooseEngineServerAlias(
            String keyType, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
        if (engine == null) {
            return null;
        }
        ServedMatcher served = ServedMatcher.of(engine);
        KeyedCertificate certificate = served != null ? served.certificate() : requested(engine.getHandshakeSession());
        if (certificate == null) {
            return null;
        }
        OpenedCertificate opened = served != null ? served.opened() : certificate.opened();
        return opened.leaf().getPublicKey().getAlgorithm().equals(algorithm(keyType)) ? alias(opened) : null;
    }

    @Override
    public @Nullable PrivateKey getPrivateKey(String alias) {
        OpenedCertificate certificate = byAlias.getIfPresent(alias);
        return certificate == null ? null : certificate.key();
    }

    @Override
    public X509Certificate @Nullable [] getCertificateChain(String alias) {
        OpenedCertificate certificate = byAlias.getIfPresent(alias);
        return certificate == null ? null : certificate.chain().toArray(X509Certificate[]::new);
    }

    /** Whether an alias was given out by this key manager. */
    public static boolean isOurs(@Nullable String alias) {
        return alias != null && alias.startsWith(ALIAS_PREFIX);
    }

    /** One placeholder alias, for wrappers that give up where there is none at all. */
    @Override
    public String[] getServerAliases(String keyType, Principal @Nullable [] issuers) {
        return new String[] {ALIAS_PREFIX + "any"};
    }

    private String alias(OpenedCertificate opened) {
        String alias = ALIAS_PREFIX + opened.number();
        if (byAlias.getIfPresent(alias) == null) {
            byAlias.put(alias, opened);
        }
        return alias;
    }

    private @Nullable KeyedCertificate requested(@Nullable SSLSession session) {
        if (session instanceof ExtendedSSLSession extended) {
            for (SNIServerName serverName : extended.getRequestedServerNames()) {
                if (serverName instanceof SNIHostName hostName) {
                    try {
                        return inventory
                                .find(ServerName.parse(hostName.getAsciiName()))
                                .orElse(null);
                    } catch (IllegalArgumentException e) {
                        return null;
                    }
                }
            }
        }
        return null;
    }

    /** Which algorithm the key of a certificate has that is good for a key type, as JSSE and Conscrypt name those. */
    static String algorithm(String keyType) {
        return switch (keyType) {
            case "EC", "EC_EC", "EC_RSA" -> "EC";
            case "RSA", "RSASSA-PSS" -> "RSA";
            default -> keyType;
        };
    }
}
