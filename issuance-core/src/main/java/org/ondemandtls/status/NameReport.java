package org.ondemandtls.status;

import java.net.URI;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.ondemandtls.challenge.Vantages;
import org.ondemandtls.issuance.BudgetUse;
import org.ondemandtls.store.Happening;

/**
 * What there is to say about one name.
 *
 * @param name the name, or the first name of a certificate
 * @param state how it stands, in one word
 * @param sentence the same in one sentence
 * @param certificate what is served or stored, empty where nothing is
 * @param inMemory whether it is served from memory on this server
 * @param inStore whether it is in the store
 * @param inFlight whether a certificate is being obtained or renewed on this server now
 * @param lastVisit the last visit that was noted, empty where none was
 * @param next what is done next, empty where nothing is planned
 * @param proof from where the CA came for its last order, as far as this server remembers; empty in lists
 * @param lastRefusal why it is not served or not renewed, empty where nothing stands in the way
 * @param budgets how far its budgets are used up at the CA it was obtained from, otherwise at the first one; empty in lists
 * @param history what happened to it, on every server, the oldest first; empty in lists
 * @param storeError why this is what memory knows only, empty where the store answered
 */
public record NameReport(
        String name,
        NameState state,
        String sentence,
        Optional<CertificateReport> certificate,
        boolean inMemory,
        boolean inStore,
        boolean inFlight,
        Optional<Instant> lastVisit,
        Optional<NextStep> next,
        Optional<Vantages.Order> proof,
        Optional<Refusal> lastRefusal,
        List<BudgetUse> budgets,
        List<Happening> history,
        Optional<String> storeError) {

    /** Keeps copies of the lists. */
    public NameReport {
        budgets = List.copyOf(budgets);
        history = List.copyOf(history);
    }

    /**
     * A certificate, without its key.
     *
     * @param names the names in it
     * @param issuer the {@code id()} of the CA it was obtained from
     * @param signer the distinguished name of who signed it
     * @param notBefore the first moment of its validity
     * @param notAfter the last moment of its validity
     * @param serial its serial number in hexadecimal digits
     * @param key the kind of its key, for example {@code EC P-256}
     * @param obtained when it came, empty where the store does not have it
     * @param daysLeft how many whole days it is still valid; negative where it has expired
     */
    public record CertificateReport(
            List<String> names,
            Optional<String> issuer,
            String signer,
            Instant notBefore,
            Instant notAfter,
            String serial,
            String key,
            Optional<Instant> obtained,
            long daysLeft) {

        /** Keeps a copy of the list. */
        public CertificateReport {
            names = List.copyOf(names);
        }
    }

    /**
     * What is done next without anybody's doing.
     *
     * @param what in a few words
     * @param at when
     * @param advice by whose advice
     */
    public record NextStep(String what, Instant at, String advice) {}

    /**
     * Why a name is not served or not renewed.
     *
     * @param who must act
     * @param what in one line, the name left out
     * @param until the first moment at which it is tried again by itself, empty where that is not known
     * @param times how often in a row, 0 where that is not counted
     * @param link a page that says more, empty where there is none
     */
    public record Refusal(Who who, String what, Optional<Instant> until, int times, Optional<URI> link) {}
}
