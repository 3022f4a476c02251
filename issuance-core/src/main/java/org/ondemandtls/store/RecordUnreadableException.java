package org.ondemandtls.store;

import org.ondemandtls.store.KeySealing.KeyMissingException;

/** One record cannot be read now, or only under a key that was not given: the store answers, and other records can be read. */
public final class RecordUnreadableException extends StoreException {

    /** The medium cannot read it; in its words, which are the same for every record it cannot read for this reason. */
    RecordUnreadableException(StoreException why) {
        super(String.valueOf(why.getMessage()), why);
    }

    /** This process cannot decode it now, for want of memory perhaps. */
    RecordUnreadableException(String place, Error why) {
        super(place + " cannot be read: " + why, why);
    }

    /** It is under a key that was not given. */
    RecordUnreadableException(String place, KeyMissingException why) {
        super(place + " cannot be read: " + why.getMessage(), why);
    }
}
