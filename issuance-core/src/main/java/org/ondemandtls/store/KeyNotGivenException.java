package org.ondemandtls.store;

import org.ondemandtls.store.KeySealing.KeyMissingException;

/** A record is under a key that was not given: it is not damaged, and it cannot be read until the key is given. */
final class KeyNotGivenException extends StoreException {

    KeyNotGivenException(String what, KeyMissingException why) {
        super(what + " cannot be read: " + why.getMessage());
    }
}
