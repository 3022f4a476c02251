package org.ondemandtls.authority;

import java.util.Locale;
import java.util.function.LongSupplier;
import org.ondemandtls.event.Figure;
import org.ondemandtls.event.Figures;

/**
 * Times the steps of one CA's orders. A step that fails is not timed: how long a refusal takes says nothing about how long
 * the next order will. Safe for use by many threads.
 *
 * @param ca the CA's {@code id()}
 * @param figures where they are counted
 * @param nanoTime monotonic time
 */
record Steps(String ca, Figures figures, LongSupplier nanoTime) {

    /** What is timed. */
    enum Step {
        /** From asking for an order to having it. */
        PLACE,
        /** From telling the CA to look at a proof to its decision. */
        VALIDATE,
        /** From sending the request for the certificate until that can be fetched. */
        FINALIZE,
        /** From asking for the chain to having it. */
        DOWNLOAD
    }

    /** The moment a step begins, in nanoseconds. */
    long begin() {
        return nanoTime.getAsLong();
    }

    /** A step is done that began at a moment. */
    void done(Step step, long begun) {
        figures.time(Figure.STEP, nanoTime.getAsLong() - begun, ca, step.name().toLowerCase(Locale.ROOT));
    }
}
