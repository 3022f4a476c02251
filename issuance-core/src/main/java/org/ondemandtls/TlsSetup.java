package org.ondemandtls;

import java.security.NoSuchProviderException;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.handshake.TlsProvider;

/** Gives a host the TLS engines that its operator has chosen. */
public final class TlsSetup {

    private TlsSetup() {}

    /**
     * Whose engines shake hands.
     *
     * @param config what the operator said
     * @return the provider
     * @throws StartException if it cannot be used here, in one line that says what to do
     */
    public static TlsProvider provider(OnDemandTlsConfig config) throws StartException {
        try {
            return TlsProvider.of(config.tlsProvider());
        } catch (NoSuchProviderException e) {
            throw new StartException(String.valueOf(e.getMessage()));
        }
    }
}
