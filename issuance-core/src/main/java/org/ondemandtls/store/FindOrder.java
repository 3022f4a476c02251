package org.ondemandtls.store;

import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.ondemandtls.name.ServerName;

/** In which order certificates are considered for a name, whatever medium they are on. */
final class FindOrder {

    private FindOrder() {}

    /** Looks one spelling up: a server name, or the wildcard that covers it. */
    interface Shelf {
        /** The certificate whose first name this is. */
        Optional<StoredCertificate> own(String spelling) throws StoreException;

        /** The certificate this name leads to, of which it is another name than the first. */
        Optional<StoredCertificate> led(String spelling) throws StoreException;
    }

    /**
     * The certificate for a name: of the exact name before the wildcard of one label, and of each the one with that first
     * name before the one with more names. One that does not bear the spelling it was found by does not count: a
     * certificate that was replaced by one with fewer names leaves its other names behind.
     *
     * @param name the name asked for
     * @param shelf where they are
     * @return the certificate, empty if there is none
     * @throws StoreException if the shelf could not be read
     */
    static Optional<StoredCertificate> find(ServerName name, Shelf shelf) throws StoreException {
        for (String spelling : List.of(name.value(), name.wildcard())) {
            Optional<StoredCertificate> own = shelf.own(spelling).filter(bears(spelling));
            if (own.isPresent()) {
                return own;
            }
            Optional<StoredCertificate> led = shelf.led(spelling).filter(bears(spelling));
            if (led.isPresent()) {
                return led;
            }
        }
        return Optional.empty();
    }

    private static Predicate<StoredCertificate> bears(String spelling) {
        return stored -> stored.certificate().names().contains(spelling);
    }
}
