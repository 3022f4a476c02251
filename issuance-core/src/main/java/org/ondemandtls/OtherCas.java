package org.ondemandtls;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.stream.Collectors;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;

/**
 * What an operator is told who has changed the CA: what is stored from the one before is served until its renewal. After a
 * try with a staging CA that is what nobody expects.
 *
 * <p><b>Cost.</b> One look at the index by due time and at most {@value #LOOKED_AT} records, whatever the store holds.
 */
final class OtherCas {

    /** How many certificates are looked at, those that are due first. */
    static final int LOOKED_AT = 100;

    private static final int NAMED = 3;
    // Later than anything is due.
    private static final Duration AHEAD = Duration.ofDays(3650);

    private OtherCas() {}

    /**
     * Looks and tells, if the executor has room: advice can wait for the next start.
     *
     * @param executor runs what blocks for the store; may reject
     */
    static void tellOn(
            Executor executor, CertificateStore store, List<Authority> configured, Clock clock, Events events) {
        try {
            executor.execute(() -> tell(store, configured, clock, events));
        } catch (RejectedExecutionException busy) {
            // Visitors come first.
            return;
        }
    }

    /**
     * Looks and tells; blocks for the store.
     *
     * @param store where the certificates are
     * @param configured the CAs that orders go to
     * @param clock tells which certificates are still served
     * @param events told in one line, or not at all
     */
    static void tell(CertificateStore store, List<Authority> configured, Clock clock, Events events) {
        Instant now = clock.instant();
        try {
            List<StoredCertificate> looked = store.due(now.plus(AHEAD), LOOKED_AT);
            Set<String> ours = configured.stream().map(Authority::id).collect(Collectors.toSet());
            List<StoredCertificate> others = looked.stream()
                    .filter(stored -> stored.isServableAt(now) && isKnown(stored.issuer()))
                    .filter(stored -> !ours.contains(stored.issuer()))
                    .toList();
            if (!others.isEmpty()) {
                events.publish(
                        EventKind.ADVICE,
                        count(others.size(), looked.size()) + " from CAs that are not configured ("
                                + issuers(others)
                                + "). They are served until their renewal. To replace one now, renew its"
                                + " name on the management page or with the API. To begin anew, stop the server and empty "
                                + store.location() + ", if nothing in it is needed");
            }
        } catch (StoreException e) {
            // Advice can wait for the next start; whoever needs the store says what is wrong with it.
        }
    }

    // An import writes a word of the other program's where that does not say which CA it was.
    private static boolean isKnown(String issuer) {
        return issuer.equals("internal") || issuer.startsWith("https:");
    }

    private static String count(int others, int looked) {
        String most = looked < LOOKED_AT ? "" : "at least ";
        return most + others + (others == 1 ? " stored certificate is" : " stored certificates are");
    }

    private static String issuers(List<StoredCertificate> others) {
        Set<String> issuers =
                others.stream().map(StoredCertificate::issuer).collect(Collectors.toCollection(TreeSet::new));
        return issuers.stream().limit(NAMED).collect(Collectors.joining(", ")) + (issuers.size() > NAMED ? ", …" : "");
    }
}
