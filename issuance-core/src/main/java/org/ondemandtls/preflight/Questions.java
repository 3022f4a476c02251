package org.ondemandtls.preflight;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.xbill.DNS.Name;
import org.xbill.DNS.Record;

/** What DNS questions are put to. */
interface Questions {

    /**
     * Asks one question; blocks until the look's end at most.
     *
     * @param name an absolute name
     * @param type a record type, see {@link org.xbill.DNS.Type}
     * @param look whose question it is
     * @return what was said
     * @throws NoAnswerException if nobody answered in time, or only that he cannot
     * @throws TooManyException if no question may be asked for this client, or at all, now
     */
    Answer ask(Name name, int type, Look look) throws NoAnswerException, TooManyException;

    /**
     * What a resolver said.
     *
     * @param exists whether the name exists, with records of whatever type
     * @param records the records of the type asked for, of the name or of what it is an alias of
     * @param kept for how long the resolver goes on saying this, where that is known
     */
    record Answer(boolean exists, List<Record> records, Optional<Duration> kept) {

        /** How long the resolver keeps the answer, as the end of a sentence that says what is wrong with it. */
        String untilAskedAgain() {
            return kept.filter(time -> !time.isZero())
                    .map(time -> "; the resolver keeps this answer for " + time.toSeconds()
                            + " s, retry of the name orders without asking it")
                    .orElse("");
        }
    }

    /** No resolver gave an answer that says anything. */
    final class NoAnswerException extends Exception {
        NoAnswerException(String what) {
            super(what, null, false, false);
        }
    }

    /** A bound on questions was reached. */
    final class TooManyException extends Exception {
        private final String bound;

        /**
         * Says which.
         *
         * @param bound the bound, by its key
         */
        TooManyException(String bound) {
            super(bound, null, false, false);
            this.bound = bound;
        }

        /** The bound, by its key. */
        String bound() {
            return bound;
        }
    }
}
