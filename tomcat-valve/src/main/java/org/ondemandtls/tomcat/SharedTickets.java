package org.ondemandtls.tomcat;

import java.util.Objects;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.net.ssl.SSLSessionContext;
import org.apache.tomcat.util.net.SSLHostConfig;
import org.apache.tomcat.util.net.SSLHostConfig.CertificateVerification;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.handshake.SessionScope;
import org.ondemandtls.handshake.TicketKeys;
import org.ondemandtls.handshake.TicketSecrets;

/**
 * Keys of OpenSSL's session tickets that are the same on all servers which share a store.
 *
 * <p>Where clients are asked for certificates a ticket says who the client is, and is good on the server that issued it only.
 */
final class SharedTickets implements TicketKeys {

    private final SSLHostConfig config;
    private final Supplier<@Nullable TicketSecrets> secrets;

    /**
     * Those of one host configuration.
     *
     * @param config under whose terms sessions are agreed on
     * @param secrets the engine's, null where it has none or is closed
     */
    SharedTickets(SSLHostConfig config, Supplier<@Nullable TicketSecrets> secrets) {
        this.config = config;
        this.secrets = secrets;
    }

    @Override
    public long day(SessionScope scope) {
        TicketSecrets known = secrets.get();
        return known == null || config.getCertificateVerification() != CertificateVerification.NONE
                ? TicketSecrets.NONE
                : known.day(scope);
    }

    @Override
    public void set(SessionScope scope, long day, SSLSessionContext sessions) {
        TicketSecrets known = secrets.get();
        if (known != null && day != TicketSecrets.NONE) {
            known.key(scope, day, terms(), OpenSslLibrary.TICKET_KEY_OCTETS)
                    .ifPresent(key -> OpenSslLibrary.loaded().encryptTickets(sessions, key));
        }
    }

    /** What a session is agreed on under; an application may ask for a client's certificate later on. */
    String terms() {
        return Stream.of(
                        config.getHostName(),
                        config.getTruststoreFile(),
                        config.getCaCertificateFile(),
                        config.getCaCertificatePath(),
                        config.getCiphers(),
                        String.join(" ", config.getProtocols()))
                .map(Objects::toString)
                .collect(Collectors.joining("\n"));
    }
}
