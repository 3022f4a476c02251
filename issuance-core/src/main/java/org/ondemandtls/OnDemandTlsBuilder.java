package org.ondemandtls;

import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.config.ConfigBuilder;
import org.ondemandtls.config.ConfigException;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.config.OnDemandTlsConfig.Issuer;
import org.ondemandtls.config.OnDemandTlsConfig.KeyType;
import org.ondemandtls.permission.PermissionPolicy;

/**
 * The door for servers that are started from Java:
 *
 * <pre>{@code
 * OnDemandTlsSetup setup = OnDemandTls.builder()
 *         .permissionPolicy(PermissionPolicy.grantingIf(name -> customers.contains(name.value())))
 *         .acme(acme -> acme.email("ops@example.com"))
 *         .build(Path.of("/srv/my-server"));
 * }</pre>
 *
 * <p>It takes the same keys with the same bounds and messages as every other door, see {@link ConfigBuilder}, and beside
 * them a {@link PermissionPolicy}, which is an object and no key. A later call for a key replaces an earlier one. An
 * instance belongs to one thread.
 */
public final class OnDemandTlsBuilder {

    private final ConfigBuilder config = OnDemandTlsConfig.builder();

    private @Nullable PermissionPolicy permissionPolicy;

    OnDemandTlsBuilder() {}

    /**
     * Says in Java who may have a certificate. With it no other source is needed; where there are others, it is asked
     * after names, file and query, and before the bean and the URL.
     *
     * @param policy answers for every name
     * @return this builder
     */
    public OnDemandTlsBuilder permissionPolicy(PermissionPolicy policy) {
        permissionPolicy = policy;
        return this;
    }

    /** Says by keys who may have a certificate. */
    public OnDemandTlsBuilder permission(Consumer<ConfigBuilder.PermissionKeys> keys) {
        config.permission(keys);
        return this;
    }

    /** Says who signs. */
    public OnDemandTlsBuilder issuer(Issuer issuer) {
        config.issuer(issuer);
        return this;
    }

    /** Says how an ACME CA is spoken to. */
    public OnDemandTlsBuilder acme(Consumer<ConfigBuilder.AcmeKeys> keys) {
        config.acme(keys);
        return this;
    }

    /** Says which kind of key is made for a certificate. */
    public OnDemandTlsBuilder certificateKey(KeyType keyType) {
        config.certificateKey(keyType);
        return this;
    }

    /** Says in which directory certificates, keys and open orders are kept. */
    public OnDemandTlsBuilder store(Path directory) {
        config.store(directory);
        return this;
    }

    /** Says what a waiting client may cost. */
    public OnDemandTlsBuilder handshake(Consumer<ConfigBuilder.HandshakeKeys> keys) {
        config.handshake(keys);
        return this;
    }

    /**
     * Gives any key by its name, as it would be written in a file; the file form of a key too.
     *
     * @param name the name of the key, for example {@code "onDemandTls.handshake.deadline"}
     * @param text its value, for example {@code "10s"}; a blank one counts as not given
     * @return this builder
     * @throws IllegalArgumentException if the name does not start with {@code onDemandTls.}; whether there is such a key
     *     is seen when the setup is built
     */
    public OnDemandTlsBuilder set(String name, String text) {
        config.set(name, text);
        return this;
    }

    /**
     * Validates everything at once. System properties are taken for keys that were not given.
     *
     * @param base the directory relative paths are taken from
     * @return what a server is given
     * @throws ConfigException if there are mistakes; it names them all
     */
    public OnDemandTlsSetup build(Path base) throws ConfigException {
        PermissionPolicy policy = permissionPolicy;
        return policy == null
                ? OnDemandTlsSetup.of(config.build(base))
                : new OnDemandTlsSetup(config.buildBesidePolicy(base), Optional.of(policy));
    }
}
