package org.ondemandtls.handshake;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.challenge.ChallengeBoard;
import org.ondemandtls.challenge.ChallengeCertificates;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.inventory.Inventory;
import org.ondemandtls.issuance.Issuance;
import org.ondemandtls.issuance.LeavableFuture;
import org.ondemandtls.name.CdnRanges;
import org.ondemandtls.name.ServerName;

/**
 * Lets CDNs that end TLS fetch a pending proof over TLS, for a name that has no certificate yet: nobody can tell before
 * the handshake whether such a connection is a CA's fetch or a visitor's, and the fetch must not wait for the order that
 * waits for it.
 *
 * <p>Only for addresses of the list, and only while a proof of exactly that name is on display, here or on another server
 * of the same store. A name that has a certificate, in memory or in the store, is served with it.
 *
 * <p><b>Threads.</b> Safe for use by many threads; nothing blocks.
 *
 * <p><b>Cost.</b> An address that is not on the list costs a comparison for each block of the list, and nothing at all
 * where this is off. Where there are other servers, a connection from the list for a name without a certificate costs a
 * look into the store, of which there are only so many in a time.
 */
public final class ProxiedProofs {

    private static final int MOST_CERTIFICATES = 256;

    // Much shorter than the certificates live.
    private static final Duration KEPT = Duration.ofHours(1);

    /**
     * What is asked before a proof is shown.
     *
     * @param challenges the proofs on display
     * @param inventory what can be served
     * @param issuance knows what is stored, and obtains what is not
     * @param lot where handshakes wait for the store
     */
    public record Floors(ChallengeBoard challenges, Inventory inventory, Issuance issuance, ParkingLot lot) {}

    private final Optional<CdnRanges> proxies;
    private final Floors floors;
    private final Clock clock;
    private final Cache<ServerName, KeyedCertificate> certificates;

    /**
     * Prepares for proxies.
     *
     * @param proxies whom proofs are shown to, empty for nobody
     * @param floors what is asked first
     * @param clock dates the certificates
     * @param nanoTime a monotonic clock in nanoseconds
     */
    public ProxiedProofs(Optional<CdnRanges> proxies, Floors floors, Clock clock, LongSupplier nanoTime) {
        this.proxies = proxies;
        this.floors = floors;
        this.clock = clock;
        this.certificates = Caffeine.newBuilder()
                .maximumSize(MOST_CERTIFICATES)
                .expireAfterWrite(KEPT)
                .ticker(nanoTime::getAsLong)
                .executor(Runnable::run)
                .build();
    }

    /** Whether proofs are shown to anybody. */
    boolean isOn() {
        return proxies.isPresent();
    }

    /**
     * Whether an address is a proxy's.
     *
     * @param peer the client's address, null if it is not known
     */
    boolean isProxy(@Nullable SocketAddress peer) {
        return proxies.isPresent()
                && peer instanceof InetSocketAddress inet
                && inet.getAddress() != null
                && proxies.get().network(inet.getAddress()).isPresent();
    }

    /**
     * Decides for a handshake of a proxy's, whose name no certificate in memory is for.
     *
     * @param name the name asked for
     * @param guest whose handshake it is
     * @return how to go on, empty where as for everybody
     */
    Optional<Admission> admit(ServerName name, Guest guest) {
        if (floors.challenges().showsHttp(name)) {
            CompletableFuture<Boolean> stored = floors.issuance().isServable(name);
            return Optional.of(
                    stored.isDone() && floors.inventory().find(name).isEmpty()
                            ? show(name, certificate(name), Map.of())
                            : park(name, guest, stored, CompletableFuture.completedFuture(Map.of())));
        }
        if (floors.issuance().remembered(name).isPresent()) {
            return Optional.empty();
        }
        return floors.challenges()
                .httpProofsElsewhere(name)
                .map(elsewhere -> park(name, guest, floors.issuance().isServable(name), elsewhere));
    }

    private Admission park(
            ServerName name,
            Guest guest,
            CompletableFuture<Boolean> stored,
            CompletableFuture<Map<String, String>> elsewhere) {
        KeyedCertificate own = certificate(name);
        AtomicReference<Map<String, String>> found = new AtomicReference<>(Map.of());
        Later later = new Later(stored, elsewhere);
        Admission admission = floors.lot()
                .park(
                        name,
                        guest,
                        () -> {
                            // Not by stages that join the two, which would be kept by them after it has left.
                            AtEnd.of(
                                    stored,
                                    (there, failure) -> AtEnd.of(elsewhere, (proofs, never) -> {
                                        if (later.isDone()) {
                                            return;
                                        }
                                        Optional<KeyedCertificate> servable =
                                                floors.inventory().find(name);
                                        if (servable.isPresent()) {
                                            later.complete(servable.get());
                                            return;
                                        }
                                        Map<String, String> shown = proofs == null ? Map.of() : proofs;
                                        if (!shown.isEmpty()
                                                || floors.challenges().showsHttp(name)) {
                                            found.set(shown);
                                            later.complete(own);
                                            return;
                                        }
                                        later.follow(floors.issuance().obtain(name, guest.client()));
                                    }));
                            return later;
                        },
                        floors.lot()
                                .exit((asked, outcome) -> outcome.certificate() == own
                                        ? show(asked, own, found.get())
                                        : HandshakeGate.settle(asked, outcome)));
        if (!(admission instanceof Admission.Park)) {
            later.cancel(false);
        }
        return admission;
    }

    private Admission.Show show(ServerName name, KeyedCertificate certificate, Map<String, String> elsewhere) {
        return new Admission.Show(name, certificate, (method, path, query, host) -> {
            Optional<String> proof = floors.challenges()
                    .answer(method, path, query, host)
                    .or(() -> ChallengeBoard.answerOf(elsewhere, method, path, query));
            proof.ifPresent(shown -> floors.lot()
                    .events()
                    .publish(
                            EventKind.PROOF_PROXIED,
                            name,
                            "its proof was shown to a CDN over TLS (onDemandTls.challenge.throughProxies)"));
            return proof;
        });
    }

    private KeyedCertificate certificate(ServerName name) {
        return certificates.get(name, missing -> ChallengeCertificates.selfSigned(missing, clock));
    }

    /** Waits for two looks, and then perhaps for a flight; who leaves keeps nothing of them. */
    private static final class Later extends LeavableFuture<KeyedCertificate> {

        private final CompletableFuture<?> one;
        private final CompletableFuture<?> other;
        private volatile @Nullable CompletableFuture<KeyedCertificate> flight;

        Later(CompletableFuture<?> one, CompletableFuture<?> other) {
            this.one = one;
            this.other = other;
        }

        void follow(CompletableFuture<KeyedCertificate> begun) {
            flight = begun;
            AtEnd.of(begun, (certificate, failure) -> {
                if (failure == null) {
                    complete(certificate);
                } else {
                    completeExceptionally(failure);
                }
            });
            if (isDone()) {
                begun.cancel(false);
            }
        }

        @Override
        public boolean cancel(boolean mayInterruptIfRunning) {
            boolean cancelled = super.cancel(mayInterruptIfRunning);
            one.cancel(mayInterruptIfRunning);
            other.cancel(mayInterruptIfRunning);
            CompletableFuture<KeyedCertificate> begun = flight;
            if (begun != null) {
                begun.cancel(mayInterruptIfRunning);
            }
            return cancelled;
        }
    }
}
