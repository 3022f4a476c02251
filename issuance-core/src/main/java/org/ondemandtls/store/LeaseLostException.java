package org.ondemandtls.store;

/** A write under a lease that somebody else has taken over meanwhile, or that has run out: nothing was written. */
public final class LeaseLostException extends StoreException {

    /**
     * A write that came too late.
     *
     * @param lease the lease it was made under
     */
    public LeaseLostException(Lease lease) {
        super("a late write for " + lease.name() + " was refused: its lease (fence " + lease.fence()
                + ") is another server's by now");
    }
}
