package org.ondemandtls.handshake;

import java.util.concurrent.CompletableFuture;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.name.ServerName;

/** What the gate decided for one ClientHello. */
public sealed interface Admission {

    /** An admission that ends the decision: what a parked handshake may resume with. */
    sealed interface Settled extends Admission {}

    /** The server's own certificate answers; the engine has no part in this handshake. */
    record Static() implements Settled {}

    /**
     * A certificate of the inventory answers. The host binds it to its {@code SSLEngine} before the first
     * unwrap, by {@link ServedMatcher#bind}, and tells the gate once the handshake is complete, by {@link
     * HandshakeGate#completed}.
     *
     * @param name the name served: the one asked for, or the configured default
     * @param certificate what answers
     * @param waited whether the handshake was parked until the certificate was there
     */
    record Serve(ServerName name, KeyedCertificate certificate, boolean waited) implements Settled {}

    /**
     * A CA is looking for a challenge certificate (RFC 8737): handshake with it over an engine of {@link
     * ChallengeTls}, then close without a byte of application data.
     *
     * @param name the name being validated
     * @param certificate the challenge certificate
     */
    record Prove(ServerName name, KeyedCertificate certificate) implements Settled {}

    /**
     * A CDN that ends TLS may be fetching a pending proof for a CA: handshake with the certificate, which nobody has signed,
     * and let the client have the proof, over a {@link ProxyExchange} and nothing else. The server's own HTTP, its
     * applications, its sessions and the inventory have no part in it.
     *
     * @param name the name being validated
     * @param certificate self-signed; for this connection, and for nothing that is kept
     * @param proofs what is shown
     */
    record Show(ServerName name, KeyedCertificate certificate, ProxyExchange.Proofs proofs) implements Settled {}

    /**
     * No handshake: the host writes the alert's record and closes. The one place where a reason becomes an alert
     * is the gate.
     *
     * @param alert all the peer learns
     */
    record Refuse(Alert alert) implements Settled {}

    /**
     * The certificate is being obtained; the host keeps the bytes and gives its thread back.
     *
     * @param outcome completes with how to go on, never exceptionally, on a thread of the engine: the host hands the
     *     work to its own executor and does nothing else there. Cancelling it, when the peer has gone away,
     *     gives the place in the parking lot back and leaves the issuance alone.
     * @param stop ends the wait with {@code internal_error}, and counts that, because the host's connector stops; does
     *     nothing where it has ended
     */
    record Park(CompletableFuture<Settled> outcome, Runnable stop) implements Admission {}
}
