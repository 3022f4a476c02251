package org.ondemandtls;

import java.security.NoSuchProviderException;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import org.ondemandtls.config.ConfigKey;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.handshake.TicketSecrets;
import org.ondemandtls.handshake.TlsProvider;

/** Gives a host the TLS engines that its operator has chosen. */
public final class TlsSetup {

    private TlsSetup() {}

    /** The TLS engines a host has of its own. */
    public interface Engines {

        /**
         * Loads the host's engine for OpenSSL. Called when an operator has chosen it, before the store is opened; may take
         * a part of a second.
         *
         * @throws StartException if it cannot be used here, in one line that says what to do; so it is for a host that has
         *     none
         */
        default void requireOpenSsl() throws StartException {
            throw new StartException(ConfigKey.TLS_PROVIDER
                    + ": \"openssl\" cannot be used: only Tomcat has an engine for it; write conscrypt, or jdk");
        }
    }

    /**
     * Whose engines shake hands.
     *
     * @param config what the operator said
     * @return the provider; as {@link TlsProvider#of} says it
     * @throws StartException if it cannot be used here, in one line that says what to do
     */
    public static TlsProvider provider(OnDemandTlsConfig config) throws StartException {
        try {
            return TlsProvider.of(config.tlsProvider());
        } catch (NoSuchProviderException e) {
            throw new StartException(String.valueOf(e.getMessage()));
        }
    }

    /**
     * Sees that a host has the engines its operator has chosen, where they are the host's.
     *
     * @param config what the operator said
     * @param host the server
     * @throws StartException if it has not, in one line that says what to do
     */
    static void check(OnDemandTlsConfig config, Engines host) throws StartException {
        if (config.tlsProvider() == OnDemandTlsConfig.TlsProvider.OPENSSL) {
            host.requireOpenSsl();
        }
    }

    /**
     * Keeps the secrets of session tickets, where the engines can be told keys.
     *
     * @param secrets the engine's
     * @param config what the operator said
     * @param scheduler as {@link TicketSecrets#watch} says it
     * @param worker the same
     */
    static void watch(
            TicketSecrets secrets, OnDemandTlsConfig config, ScheduledExecutorService scheduler, Executor worker) {
        if (config.tlsProvider() == OnDemandTlsConfig.TlsProvider.OPENSSL) {
            secrets.watch(scheduler, worker);
        }
    }
}
