package org.ondemandtls.jetty;

import org.eclipse.jetty.io.AbstractEndPoint;
import org.eclipse.jetty.io.EndPoint;
import org.jspecify.annotations.Nullable;

/** A connection's wish to be told of octets, taken back where the connection goes on without any. */
final class ReadInterest {

    private ReadInterest() {}

    /**
     * Which end point keeps the interest.
     *
     * @param endPoint a connection's
     * @return the one under all that is wrapped around it; null if it is of a kind we do not know
     */
    static @Nullable AbstractEndPoint owner(EndPoint endPoint) {
        EndPoint inner = endPoint;
        while (inner instanceof EndPoint.Wrapper wrapper && !(inner instanceof AbstractEndPoint)) {
            inner = wrapper.unwrap();
        }
        return inner instanceof AbstractEndPoint owner ? owner : null;
    }

    /** Takes an interest back, and has the idle time begin anew. */
    static void withdraw(AbstractEndPoint owner) {
        // Ours, or none: an event that has taken it meanwhile finds the state changed and does nothing.
        owner.getFillInterest().onFail(new Withdrawn());
        // The wait counts as idle time, and the idle timeout would strike as soon as we are not parked.
        owner.notIdle();
    }

    /** Whether an interest failed because it was taken back. */
    static boolean isWithdrawn(Throwable cause) {
        return cause instanceof Withdrawn;
    }

    /** Ends a read interest that is no longer wanted; nobody but the connection's callback sees it. */
    private static final class Withdrawn extends Exception {

        Withdrawn() {
            super("read interest withdrawn", null, false, false);
        }
    }
}
