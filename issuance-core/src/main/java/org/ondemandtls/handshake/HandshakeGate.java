package org.ondemandtls.handshake;

import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.challenge.ChallengeBoard;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.event.Figure;
import org.ondemandtls.inventory.Inventory;
import org.ondemandtls.inventory.Visits;
import org.ondemandtls.issuance.Issuance;
import org.ondemandtls.issuance.LeavableFuture;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ClientHello;
import org.ondemandtls.name.ClientHelloParser;
import org.ondemandtls.name.HttpHosts;
import org.ondemandtls.name.RequestedName;
import org.ondemandtls.name.ServerName;

/**
 * Decides, for every ClientHello, which certificate answers it, or that none does.
 *
 * <p><b>Threads.</b> {@link #admit} never blocks, does no I/O, and is meant for a server's own threads.
 *
 * <p><b>Cost.</b> A name that is served, and a name that is refused from memory, cost microseconds and allocate
 * a few objects. A name seen for the first time costs a place in the parking lot and one flight, both bounded.
 */
public final class HandshakeGate {

    /** What a client that got 421 reads: nearly always it is a proxy. */
    public static final String MISDIRECTED_BODY = """
            421 Misdirected Request: this connection was opened for another server name.
            A proxy in front has to name the request's host in the TLS handshake (SNI) of each connection,
            and must not send requests for several hosts over one connection or one TLS session.
            nginx: proxy_ssl_server_name on; proxy_ssl_name $host; proxy_ssl_session_reuse off;
            and no keepalive in the upstream that several hosts share.
            """;

    private static final Admission.Static STATIC = new Admission.Static();

    private final Optional<ServerName> defaultName;
    private final boolean requiresName;
    private final StaticCertificates staticCertificates;
    private final ChallengeBoard challenges;
    private final Inventory inventory;
    private final Visits visits;
    private final Issuance issuance;
    private final ParkingLot lot;
    private final ProxiedProofs proxied;
    private final Events events;
    private final RefusalCounts refusals;
    private final LongAdder completed = new LongAdder();
    private final LongAdder completedAfterWaiting = new LongAdder();

    /**
     * Builds the gate from the floors below it.
     *
     * @param defaultName the name assumed where a client sends none
     * @param requiresName whether a client that sends none is refused whatever could answer
     * @param staticCertificates what the server serves by itself
     * @param challenges the proofs on display
     * @param inventory what can be served right now
     * @param visits where visits are noted
     * @param issuance what obtains the rest
     * @param lot where handshakes wait
     * @param proxied what proxies that end TLS are shown
     * @param events where refusals are reported
     */
    public HandshakeGate(
            Optional<ServerName> defaultName,
            boolean requiresName,
            StaticCertificates staticCertificates,
            ChallengeBoard challenges,
            Inventory inventory,
            Visits visits,
            Issuance issuance,
            ParkingLot lot,
            ProxiedProofs proxied,
            Events events) {
        this.defaultName = defaultName;
        this.requiresName = requiresName;
        this.staticCertificates = staticCertificates;
        this.challenges = challenges;
        this.inventory = inventory;
        this.visits = visits;
        this.issuance = issuance;
        this.lot = lot;
        this.proxied = proxied;
        this.events = events;
        this.refusals = lot.refusals();
    }

    /**
     * Whom a handshake is counted against.
     *
     * @param peer the client's address, null if it is not known
     * @return its block
     */
    public ClientBlock clientOf(@Nullable SocketAddress peer) {
        return ClientBlock.of(peer, lot.trusted());
    }

    /**
     * Decides for one handshake.
     *
     * @param hello what the client said
     * @param client where it comes from
     * @return how to go on
     */
    public Admission admit(ClientHello hello, ClientBlock client) {
        return admit(hello, client, staticCertificates, () -> false);
    }

    /**
     * Decides for one handshake as a host does, which knows the address it comes from: it may be that of a proxy that
     * fetches a proof.
     *
     * @param hello what the client said
     * @param peer the client's address, null if it is not known
     * @param statics what this connector serves by itself
     * @param full whether as many of this connector's handshakes wait as may
     * @return how to go on
     */
    public Admission admit(
            ClientHello hello, @Nullable SocketAddress peer, StaticCertificates statics, BooleanSupplier full) {
        ClientBlock client = clientOf(peer);
        if (proxied.isOn()
                && !hello.offersAcmeTls()
                && hello.requestedName() instanceof RequestedName.Named named
                && !statics.covers(named.name())
                && inventory.find(named.name()).isEmpty()
                && proxied.isProxy(peer)) {
            return proxied.admit(named.name(), new Guest(client, hello.octets(), full))
                    .orElseGet(() -> admit(hello, client, statics, full));
        }
        return admit(hello, client, statics, full);
    }

    /** Whether the server has a certificate of its own configuration for a name, which wins over everything. */
    public boolean isStatic(ServerName name) {
        return staticCertificates.covers(name);
    }

    /** Whether proxies that end TLS are shown proofs before there is a certificate. */
    public boolean showsToProxies() {
        return proxied.isOn();
    }

    /**
     * Decides for one handshake on a connector that has certificates apart from the server's other ones.
     *
     * @param hello what the client said
     * @param client where it comes from
     * @param statics what this connector serves by itself
     * @param full whether as many of this connector's handshakes wait as may
     * @return how to go on
     */
    public Admission admit(ClientHello hello, ClientBlock client, StaticCertificates statics, BooleanSupplier full) {
        Guest guest = new Guest(client, hello.octets(), full);
        if (hello.offersAcmeTls()) {
            return prove(hello, guest);
        }
        RequestedName requested = hello.requestedName();
        if (requested instanceof RequestedName.Named named) {
            return admit(named.name(), guest, statics);
        }
        if (requested instanceof RequestedName.Other other) {
            return other.isTaken() && statics.covers(other.text()) ? STATIC : refuseOther(other.text());
        }
        if (requested instanceof RequestedName.Malformed) {
            return refuseOther("");
        }
        if (requiresName) {
            return refuse(
                    Refusal.NO_NAME,
                    Alert.UNRECOGNIZED_NAME,
                    "the client sent no server name (onDemandTls.handshake.hostCheck is strict)");
        }
        if (defaultName.isPresent()) {
            return admit(defaultName.get(), guest, statics);
        }
        if (statics.any()) {
            return STATIC;
        }
        return refuse(
                Refusal.NO_NAME,
                Alert.UNRECOGNIZED_NAME,
                "the client sent no server name (onDemandTls.handshake.defaultName is not set)");
    }

    /**
     * Answers bytes that are no ClientHello, or not one within its bounds.
     *
     * @param invalid what the parser found
     * @return the refusal
     */
    public Admission.Refuse refuseUnreadable(ClientHelloParser.Progress.Invalid invalid) {
        Refusal reason = switch (invalid.fault()) {
            case NOT_TLS -> Refusal.NOT_TLS;
            case TOO_LARGE -> Refusal.TOO_LARGE;
            case MALFORMED -> Refusal.MALFORMED;
        };
        return refuse(reason, Alert.DECODE_ERROR, invalid.reason());
    }

    /**
     * Answers a ClientHello that is not whole in time.
     *
     * @param reason in words of ours: nothing the client sent
     * @return the refusal
     */
    public Admission.Refuse refuseSlow(String reason) {
        return refuse(Refusal.TOO_SLOW, Alert.DECODE_ERROR, reason);
    }

    /**
     * Refuses a ClientHello that is not whole, where no more of such may be held.
     *
     * @return the refusal
     */
    public Admission.Refuse refuseUnfinished() {
        refusals.count(Refusal.TOO_MANY);
        events.overflowed(HelloOctets.BOUND, null);
        return new Admission.Refuse(Alert.INTERNAL_ERROR);
    }

    /** How many octets are held of ClientHellos that are not whole, and of large ones whose handshake waits. */
    public long unfinishedHelloOctets() {
        return hellos().held();
    }

    /** Where these are counted. */
    HelloOctets hellos() {
        return lot.hellos();
    }

    /**
     * Takes note of a request that got 421.
     *
     * @param served the server name its connection was served under, null where the client named none
     * @param host the request's, as sent; only a name in its canonical spelling gets into a log
     * @param peer the client's address
     */
    public void misdirected(@Nullable String served, @Nullable String host, String peer) {
        events.publish(
                EventKind.MISDIRECTED,
                HttpHosts.serverName(host).orElse(null),
                "answered 421 to " + peer + ": it asked for this host on a TLS connection made for "
                        + HttpHosts.serverName(served).map(ServerName::value).orElse("no server name"));
    }

    /** How many handshakes were refused, by the reason's word. */
    public Map<String, Long> refusals() {
        return refusals.all();
    }

    /** Tells the board that the CA has seen a challenge certificate; call it when a {@link Admission.Prove} ends. */
    public void proved(Admission.Prove prove) {
        proved(prove, null);
    }

    /**
     * The same of a client whose address is known.
     *
     * @param prove what ends
     * @param peer the client's address, null if it is not known
     */
    public void proved(Admission.Prove prove, @Nullable SocketAddress peer) {
        challenges.challengeCertificateServed(
                prove.name(), peer instanceof InetSocketAddress inet ? inet.getAddress() : null);
    }

    /**
     * Takes note of a handshake that is complete, a resumption included: a visit, unless it waited. A host calls it once
     * for each {@link Admission.Serve} that became one, and not for handshakes that failed. Two look-ups, no I/O.
     *
     * @param serve what the handshake was served with
     */
    public void completed(Admission.Serve serve) {
        completed.increment();
        events.figures().count(Figure.SERVED, serve.waited() ? "first" : "known");
        if (serve.waited()) {
            completedAfterWaiting.increment();
        } else {
            visits.visited(serve.certificate());
        }
    }

    /** How many handshakes with a certificate of the engine were completed. */
    public long completedHandshakes() {
        return completed.sum();
    }

    /** How many of these had waited for it. */
    public long completedAfterWaiting() {
        return completedAfterWaiting.sum();
    }

    private Admission admit(ServerName name, Guest guest, StaticCertificates statics) {
        if (statics.covers(name)) {
            return STATIC;
        }
        Optional<KeyedCertificate> ready = inventory.find(name);
        if (ready.isPresent()) {
            return new Admission.Serve(name, ready.get(), false);
        }
        // What is remembered is of a certificate of the name's own: a wildcard may serve it all the same, unless it is
        // denied.
        Optional<IssuanceException> remembered = issuance.remembered(name)
                .filter(reason -> reason instanceof IssuanceException.NotPermitted
                        || inventory.ofWildcard(name).isEmpty());
        if (remembered.isPresent()) {
            refusals.count(refusalFor(remembered.get()));
            return new Admission.Refuse(alertFor(remembered.get()));
        }
        return lot.park(name, guest, () -> issuance.obtain(name, guest.client()), lot.exit(HandshakeGate::settle));
    }

    private Admission prove(ClientHello hello, Guest guest) {
        if (hello.offersOnlyAcmeTls()
                && hello.offersTls12()
                && hello.requestedName() instanceof RequestedName.Named named) {
            ServerName name = named.name();
            Optional<KeyedCertificate> proof = challenges.challengeCertificate(name);
            if (proof.isPresent()) {
                return new Admission.Prove(name, proof.get());
            }
            if (challenges.hasElsewhere()) {
                return lot.park(name, guest, () -> proofElsewhere(name), new Proving());
            }
        }
        return refuseProof();
    }

    private Admission.Refuse refuseOther(String text) {
        return text.endsWith(".")
                ? refuse(
                        Refusal.TRAILING_DOT,
                        Alert.UNRECOGNIZED_NAME,
                        "the client's server name ends with a dot, which RFC 6066 forbids")
                : refuse(
                        Refusal.MALFORMED_NAME,
                        Alert.UNRECOGNIZED_NAME,
                        "the client's server name is no host name, and no certificate of the server's own is for it");
    }

    private Admission.Refuse refuse(Refusal counted, Alert alert, String reason) {
        refusals.count(counted);
        events.publish(EventKind.REFUSED, reason);
        return new Admission.Refuse(alert);
    }

    /**
     * The alert a failure becomes: a denial is {@code unrecognized_name}, anything else {@code internal_error}. The
     * only place where a reason is turned into what a peer learns.
     */
    static Alert alertFor(IssuanceException failure) {
        return failure instanceof IssuanceException.NotPermitted ? Alert.UNRECOGNIZED_NAME : Alert.INTERNAL_ERROR;
    }

    /** How such a failure is counted. */
    static Refusal refusalFor(IssuanceException failure) {
        return failure instanceof IssuanceException.NotPermitted ? Refusal.DENIED : Refusal.FAILED;
    }

    // Fails where there is none.
    private CompletableFuture<KeyedCertificate> proofElsewhere(ServerName name) {
        return LeavableFuture.of(
                challenges.challengeElsewhere(name),
                found -> found.map(digest -> challenges.challengeCertificateOf(name, digest))
                        .orElseThrow(NotShownException::new));
    }

    private Admission.Refuse refuseProof() {
        return refuse(
                Refusal.NO_CHALLENGE,
                Alert.NO_APPLICATION_PROTOCOL,
                "acme-tls/1 without a pending challenge for the name");
    }

    static Admission.Settled settle(ServerName name, ParkingLot.Outcome outcome) {
        return outcome.certificate() != null
                ? new Admission.Serve(name, outcome.certificate(), true)
                : new Admission.Refuse(outcome.failure() != null ? alertFor(outcome.failure()) : Alert.INTERNAL_ERROR);
    }

    /** Waits for the proof that another server shows. */
    private final class Proving implements ParkingLot.Exit {

        @Override
        public Admission.Settled settle(ServerName name, ParkingLot.Outcome outcome) {
            return outcome.certificate() != null
                    ? new Admission.Prove(name, outcome.certificate())
                    : new Admission.Refuse(Alert.NO_APPLICATION_PROTOCOL);
        }

        @Override
        public void nothingCame() {
            refuseProof();
        }
    }

    /** No other server shows a proof of the name; strangers cause it, so it costs no stack trace. */
    private static final class NotShownException extends RuntimeException {

        NotShownException() {
            super("no other server shows a proof", null, false, false);
        }
    }
}
