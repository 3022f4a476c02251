package org.ondemandtls.status;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.ondemandtls.challenge.Vantages;
import org.ondemandtls.issuance.BudgetUse;

/**
 * One CA.
 *
 * @param id its directory, or {@code internal}
 * @param well whether it answered as it should when it was asked last, however long ago that is
 * @param failingSince since when it has not worked, or has refused every name; empty where it is well
 * @param sentence how it stands, in one sentence
 * @param hasAccount whether one has an account with it at all
 * @param account the URL of our account, empty while it is not known
 * @param paused since when an operator has paused it, empty where it is not
 * @param orders how many orders ended in which way on this server since its start
 * @param successRate the part of them that gave a certificate, from 0 to 1, empty before the first
 * @param meanSeconds how long those took on the average, empty before the first
 * @param steps how long each step takes that was ever done on this server
 * @param vantage from how many networks it comes to look at proofs
 * @param lastRenewalAdvice whether it advises on renewals
 * @param lastAdviceAt when it last answered with renewal information on this server, empty before the first time
 * @param budgets how far the budgets of the account are used up, empty where the store does not answer
 * @param storeError why something of this is missing, empty where the store answered
 */
public record CaReport(
        String id,
        boolean well,
        Optional<Instant> failingSince,
        String sentence,
        boolean hasAccount,
        Optional<String> account,
        Optional<Instant> paused,
        Map<String, Long> orders,
        Optional<Double> successRate,
        Optional<Double> meanSeconds,
        List<StepReport> steps,
        Vantages.OfCa vantage,
        boolean lastRenewalAdvice,
        Optional<Instant> lastAdviceAt,
        Optional<List<BudgetUse>> budgets,
        Optional<String> storeError) {

    /**
     * How long one step of an order takes.
     *
     * @param step {@code place}, {@code validate}, {@code finalize} or {@code download}
     * @param count how often it was done since the start
     * @param p50Seconds what half of them took at most
     * @param p90Seconds what nine of ten took at most
     * @param p99Seconds what ninety-nine of a hundred took at most
     */
    public record StepReport(String step, long count, double p50Seconds, double p90Seconds, double p99Seconds) {}

    /** Keeps copies of the lists. */
    public CaReport {
        steps = List.copyOf(steps);
        budgets = budgets.map(List::copyOf);
    }
}
