package org.ondemandtls.authority;

import java.net.URI;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Optional;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.name.ServerName;

/**
 * Signs certificates: an ACME CA, or the embedded one.
 *
 * <p><b>Threads.</b> Methods may block, for up to the order deadline, and are called on the issuance
 * executor only. An implementation serves many threads at once and obeys interruption.
 */
public interface Authority extends AutoCloseable {

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
     */
    record Order(ServerName name, KeyPair key, byte[] csr, Optional<URI> url) {

        @Override
        public String toString() {
            return "Order[" + name + ", " + url + "]";
        }
    }

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
    }
}
