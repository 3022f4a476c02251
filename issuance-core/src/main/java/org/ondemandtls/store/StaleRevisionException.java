package org.ondemandtls.store;

/** Another revision of a record is stored than the one the caller had read: read it again and decide anew. */
public final class StaleRevisionException extends StoreException {

    /**
     * A change that came too late.
     *
     * @param name the name the record is stored under
     * @param stored the revision that is stored, 0 if nothing is
     * @param expected the revision the caller had read
     */
    public StaleRevisionException(String name, long stored, long expected) {
        super("the certificate of " + name + " was changed meanwhile (revision " + stored + " is stored, " + expected
                + " was expected)");
    }
}
