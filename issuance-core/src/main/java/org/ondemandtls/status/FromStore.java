package org.ondemandtls.status;

import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.store.StoreException;

/**
 * What a report has from the store, as far as that answers: what memory knows is told all the same. Once the store has not
 * answered it is not asked again, since each question might wait for as long. Not safe for use by several threads.
 */
final class FromStore {

    private @Nullable String error;

    /** A question to the store. */
    @FunctionalInterface
    interface Question<T> {
        T ask() throws StoreException;
    }

    /** What the store says; empty where it does not answer. */
    <T> Optional<T> read(Question<T> question) {
        if (error != null) {
            return Optional.empty();
        }
        try {
            return Optional.of(question.ask());
        } catch (StoreException e) {
            error = "the store does not answer: " + e.getMessage();
            return Optional.empty();
        }
    }

    /** Why the store was not read, or not all of it, in one line; empty where it was. */
    Optional<String> error() {
        return Optional.ofNullable(error);
    }
}
