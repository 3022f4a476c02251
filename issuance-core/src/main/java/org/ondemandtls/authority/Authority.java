package org.ondemandtls.authority;

import java.net.URI;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.certificate.RenewalWindow;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.preflight.CaIdentity;

/**
 * Signs certificates: an ACME CA, or the embedded one.
 *
 * <p><b>Threads.</b> Methods may block, for up to the order deadline, and are called on the issuance
 * executor only. An implementation serves many threads at once and obeys interruption.
 */
public interface Authority extends AutoCloseable {

    /** The longest an order may take, everything included. */
    Duration LONGEST_ORDER = Duration.ofSeconds(90);

    /** What names this authority in the store and in the log: the directory URL, or {@code internal}. */
    String id();

    /**
     * Makes ready what the first order would otherwise wait for: connection, directory, account, nonces. Failure is
     * reported as an event and is no obstacle: the first order tries again.
     */
    void prepare();

    /**
     * Has one certificate signed, from a new order or from one that an earlier life left open.
     *
     * @param order what to sign, already kept in the journal
     * @param journal told of the order's URL before the CA is told to finalize
     * @return the leaf and its issuers as the CA sent them, not verified yet
     * @throws IssuanceException if there is none to be had, with who must act; an interrupted thread gets {@link
     *     IssuanceException.Stopping}
     */
    List<X509Certificate> sign(Order order, Journal journal) throws IssuanceException;

    /**
     * What the CA says about when to replace a certificate (RFC 9773). Blocks for one request, two where the directory has
     * to be read again.
     *
     * @param leaf a certificate of this CA
     * @return the advice; empty where the CA gives none, or does not know the certificate
     * @throws IssuanceException.Unavailable if there is no answer, or none that can be believed, with the time to ask
     *     again: whoever asks goes on by what it knows. Never a {@link IssuanceException.RateLimited}: what the CA says
     *     here is of no consequence for orders
     * @throws IssuanceException.Stopping if the thread was interrupted or the authority closed
     */
    Optional<RenewalAdvice> renewalAdvice(X509Certificate leaf) throws IssuanceException;

    /**
     * Has the CA answer something, because each answer says what time it is; nothing where there is nobody to ask. What comes of
     * it goes to {@link CaDates}. Blocks for a request or two; a CA that does not answer is no failure.
     */
    default void askForTime() {}

    /**
     * Has a certificate revoked (RFC 8555 section 7.6): by the account that obtained it, or, where the CA does not know it
     * as that account's, by the certificate's own key. One that is revoked already counts as revoked now. Blocks for
     * a few requests.
     *
     * @param certificate a certificate of this CA
     * @param reason why
     * @throws IssuanceException if the CA did not, with who must act
     */
    default void revoke(KeyedCertificate certificate, RevocationReason reason) throws IssuanceException {
        throw new IssuanceException.Unavailable(
                ServerName.answeredBy(certificate.names().iterator().next()),
                id() + " does not revoke: nobody asks it whether a certificate is revoked",
                Duration.ZERO,
                null);
    }

    /**
     * Whether the CA is told which certificate an order replaces, and so may exempt the order from its limits (RFC 9773
     * section 5). No I/O: false until the CA's directory has been read.
     */
    boolean honoursReplaces();

    /**
     * How CAA records speak of the CA and of our account with it. No I/O: nothing until the CA's directory has been read.
     */
    default Optional<CaIdentity> caaIdentity() {
        return Optional.empty();
    }

    /**
     * Why an operator lets nothing be obtained here, if so. Blocks for the store.
     *
     * @param name what would be obtained
     * @throws IssuanceException.StoreFailed if the store did not say
     */
    default Optional<IssuanceException> outOfService(ServerName name) throws IssuanceException.StoreFailed {
        return Optional.empty();
    }

    /**
     * Whether the name's CAA records, as they were looked at for its next order, name other CAs only. No I/O.
     *
     * @param name what would be obtained
     */
    default boolean isForbidden(ServerName name) {
        return false;
    }

    /** What an operator may have done with the account here; empty where there are no accounts. */
    default Optional<AccountAdmin> account() {
        return Optional.empty();
    }

    /** Ends connections; running calls end soon after. */
    @Override
    void close();

    /**
     * What to sign.
     *
     * @param name the only name in the certificate
     * @param key the key pair the certificate is for
     * @param csr the certification request in DER (RFC 2986), signed by {@code key}
     * @param url the order's URL where an earlier life left it open, empty for a new one
     * @param replaces the leaf that this one succeeds, told to the CA where it offers ARI; empty for a first one
     * @param patience how long all of it may take, more than zero; longer than {@link #LONGEST_ORDER} counts as that
     */
    record Order(
            ServerName name,
            KeyPair key,
            byte[] csr,
            Optional<URI> url,
            Optional<X509Certificate> replaces,
            Duration patience) {

        /** Cuts the patience down to {@link #LONGEST_ORDER}. */
        public Order {
            if (patience.isNegative() || patience.isZero()) {
                throw new IllegalArgumentException("an order takes time");
            }
            patience = patience.compareTo(LONGEST_ORDER) > 0 ? LONGEST_ORDER : patience;
        }

        @Override
        public String toString() {
            return "Order[" + name + ", " + url + "]";
        }
    }

    /**
     * When to replace a certificate, and when to ask again.
     *
     * @param window the suggested window, checked: its end is after its start, both are near enough to be meant, and its
     *     explanation is an http or https URL fit for a log
     * @param retryAfter when to ask again: what the CA says, from a minute to a day, six hours where it says nothing
     */
    record RenewalAdvice(RenewalWindow window, Duration retryAfter) {}

    /** Keeps what is needed to finish an order after a crash. */
    @FunctionalInterface
    interface Journal {

        /**
         * Keeps the URL of an order before anything irrevocable is done with it.
         *
         * @param url the order's URL
         * @throws IssuanceException.StoreFailed if it could not be kept; the order is then left alone
         */
        void orderCreated(URI url) throws IssuanceException.StoreFailed;

        /** When the CA gives up the order whose URL is told next; told only where the CA says so. */
        default void orderExpires(Instant expires) {}

        /**
         * Whether another order may be placed where the one that was left open is of no more use; asked before that is
         * done. Where not, the order fails.
         */
        default boolean mayPlaceAnother() {
            return true;
        }

        /**
         * The order that is placed next does not say which certificate it replaces, whether one is known or not: the CA counts
         * it as any other. Told before it is placed.
         *
         * @throws IssuanceException if it is not to be placed then
         */
        default void notReplacing() throws IssuanceException {}

        /** The CA has looked at a proof and not accepted it, which it counts; told once for each. */
        default void validationFailed() {}
    }
}
