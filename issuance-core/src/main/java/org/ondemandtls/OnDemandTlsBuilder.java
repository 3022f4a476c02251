package org.ondemandtls;

import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.config.ConfigException;
import org.ondemandtls.config.ConfigKeys;
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
 * <p>It takes the same keys with the same bounds and messages as every other door, see {@link ConfigKeys}, and beside
 * them a {@link PermissionPolicy}, which is an object and no key. A later call for a key replaces an earlier one. An
 * instance belongs to one thread.
 */
public final class OnDemandTlsBuilder extends ConfigKeys<OnDemandTlsBuilder> {

    private @Nullable PermissionPolicy permissionPolicy;

    OnDemandTlsBuilder() {}

    @Override
    protected OnDemandTlsBuilder self() {
        return this;
    }

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

    /**
     * Validates everything at once. System properties are taken for keys that were not given.
     *
     * @param base the directory relative paths are taken from
     * @return what a server is given
     * @throws ConfigException if there are mistakes; it names them all
     */
    public OnDemandTlsSetup build(Path base) throws ConfigException {
        Optional<PermissionPolicy> policy = Optional.ofNullable(permissionPolicy);
        return new OnDemandTlsSetup(read(base, policy.isPresent()), policy);
    }
}
