package org.ondemandtls;

import java.util.Optional;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.permission.PermissionPolicy;

/**
 * What an engine is opened with: what the operator said, and what only Java can say. Made by {@link OnDemandTlsBuilder}.
 *
 * @param config what can be written as keys
 * @param permissionPolicy who may have a certificate, in Java; asked where {@code onDemandTls.permission.class} would be,
 *     and enough of a permission source by itself. Empty where the configuration's sources are all there is
 */
public record OnDemandTlsSetup(OnDemandTlsConfig config, Optional<PermissionPolicy> permissionPolicy) {

    /**
     * A setup of keys only.
     *
     * @param config what the operator said
     * @return a setup without a policy in Java
     */
    public static OnDemandTlsSetup of(OnDemandTlsConfig config) {
        return new OnDemandTlsSetup(config, Optional.empty());
    }
}
