package org.ondemandtls.status;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.Listed;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;

/**
 * What the store's index says of renewals: the same on every server of a cluster, and after a restart.
 *
 * @param overdue certificates that are served and whose renewal is late by more than a twentieth of their life
 * @param oldest for how long the first of these should have been renewed, zero where there is none
 * @param movedAway certificates whose names lead elsewhere
 */
record IndexedCounts(int overdue, Duration oldest, int movedAway) {

    /** Before the first look. */
    static final IndexedCounts NONE = new IndexedCounts(0, Duration.ZERO, 0);

    /** How many are counted at most. */
    static final int MOST = 5_000;

    // What is not renewed any more stands before what is overdue, until it is forgotten.
    private static final int MOST_SEEN = 200_000;

    private static final int CHUNK = 500;

    /**
     * Counts; blocks for the index, and for one certificate.
     *
     * @param store where the certificates are
     * @param now the moment at which they count
     * @return empty where the index is still being built
     * @throws StoreException if the store did not say
     */
    static Optional<IndexedCounts> of(CertificateStore store, Instant now) throws StoreException {
        int overdue = 0;
        @Nullable String first = null;
        Listed.Slice late = new Listed.Late(now);
        String last = "";
        for (int seen = 0; seen < MOST_SEEN && overdue < MOST; seen += CHUNK) {
            Optional<List<Listed>> chunk = store.listed(late, last, CHUNK);
            if (chunk.isEmpty()) {
                return Optional.empty();
            }
            for (Listed entry : chunk.get()) {
                last = late.place(entry);
                // What has ended, or is not renewed any more, stays in this part of the index until it is forgotten.
                if (entry.standing() == Listed.Standing.RENEWED
                        && entry.expires().isAfter(now)) {
                    overdue++;
                    first = first == null ? entry.name() : first;
                }
            }
            if (chunk.get().size() < CHUNK) {
                break;
            }
        }
        Optional<Integer> moved = moved(store, now);
        return moved.isEmpty()
                ? Optional.empty()
                : Optional.of(new IndexedCounts(overdue, age(store, first, now), moved.get()));
    }

    private static Optional<Integer> moved(CertificateStore store, Instant now) throws StoreException {
        Listed.Slice slice = new Listed.OfStanding(Listed.Standing.MOVED_AWAY);
        int count = 0;
        String last = "";
        for (int seen = 0; seen < MOST_SEEN && count < MOST; seen += CHUNK) {
            Optional<List<Listed>> chunk = store.listed(slice, last, CHUNK);
            if (chunk.isEmpty()) {
                return Optional.empty();
            }
            // What has ended stays in this part of the index until it is forgotten.
            count += (int) chunk.get().stream()
                    .filter(entry -> entry.expires().isAfter(now))
                    .count();
            if (chunk.get().size() < CHUNK) {
                break;
            }
            last = slice.place(chunk.get().get(CHUNK - 1));
        }
        return Optional.of(count);
    }

    private static Duration age(CertificateStore store, @Nullable String first, Instant now) throws StoreException {
        if (first == null) {
            return Duration.ZERO;
        }
        return store.under(List.of(first)).stream()
                .findFirst()
                .map(StoredCertificate::renew)
                .map(renew -> Duration.between(renew, now))
                .filter(age -> !age.isNegative())
                .orElse(Duration.ZERO);
    }
}
