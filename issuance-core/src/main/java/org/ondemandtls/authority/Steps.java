package org.ondemandtls.authority;

import java.util.Locale;
import java.util.function.LongSupplier;
import org.ondemandtls.event.Figure;
import org.ondemandtls.event.Figures;
import org.ondemandtls.event.FlightRecorder;
import org.ondemandtls.name.ServerName;

/**
 * Times the steps of one CA's orders, for the figures and for a recording. In a recording are all of them; among the figures
 * is no step that failed: how long a refusal takes says nothing about how long the next order will. Safe for use by many
 * threads.
 *
 * @param ca the CA's {@code id()}
 * @param figures where they are counted
 * @param nanoTime monotonic time
 */
record Steps(String ca, Figures figures, LongSupplier nanoTime) {

    /** What is timed. */
    enum Step {
        /** From the first word to the CA to having the account: in a recording only. */
        LOGIN,
        /** From asking for an order to having it. */
        PLACE,
        /** From telling the CA to look at a proof to its decision. */
        VALIDATE,
        /** From sending the request for the certificate until that can be fetched. */
        FINALIZE,
        /** From asking for the chain to having it. */
        DOWNLOAD;

        private String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * Begins a step.
     *
     * @param step which
     * @param name the name of the order
     * @return has failed if it is closed before it was said to be done; used by one thread
     */
    Running begin(Step step, ServerName name) {
        return new Running(step, name);
    }

    /** A step under way. */
    final class Running implements AutoCloseable {

        private final Step step;
        private final FlightRecorder.Span span;
        private final long begun;
        private String result = "failed";

        private Running(Step step, ServerName name) {
            this.step = step;
            this.span = FlightRecorder.orderStep(name, ca, step.word());
            this.begun = nanoTime.getAsLong();
        }

        /** It is done. */
        void done() {
            figures.time(Figure.STEP, nanoTime.getAsLong() - begun, ca, step.word());
            doneUncounted();
        }

        /** It is done, and its time says nothing about that of the next one. */
        void doneUncounted() {
            result = "done";
        }

        @Override
        public void close() {
            span.end(result);
        }
    }
}
