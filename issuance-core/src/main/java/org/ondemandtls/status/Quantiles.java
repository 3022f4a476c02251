package org.ondemandtls.status;

import java.util.List;
import org.ondemandtls.event.Figures;

/**
 * Reads quantiles out of the buckets of a time, as Prometheus does: within a bucket times count as spread evenly, and what is
 * beyond the last bucket counts as its bound.
 */
final class Quantiles {

    private static final double NANOS = 1e9;
    private static final double THOUSAND = 1000.0;

    private Quantiles() {}

    /** How long the step takes whose series this is; its second label is the step. */
    static CaReport.StepReport of(Figures.Series series) {
        return new CaReport.StepReport(
                series.values().get(1),
                series.count(),
                seconds(series.buckets(), series.count(), 0.5),
                seconds(series.buckets(), series.count(), 0.9),
                seconds(series.buckets(), series.count(), 0.99));
    }

    /**
     * A quantile in seconds, to the millisecond.
     *
     * @param buckets how many took at most as long as each of {@link Figures#BUCKETS}, cumulative
     * @param count how many there are in all
     * @param share which quantile, from 0 to 1
     * @return the time, 0 where there are none
     */
    static double seconds(List<Long> buckets, long count, double share) {
        double rank = share * count;
        double lower = 0;
        long before = 0;
        for (int at = 0; at < buckets.size(); at++) {
            double upper = Figures.BUCKETS.get(at).toNanos() / NANOS;
            long upTo = buckets.get(at);
            if (count > 0 && upTo >= rank && upTo > before) {
                double within = (rank - before) / (upTo - before);
                return Math.round((lower + (upper - lower) * within) * THOUSAND) / THOUSAND;
            }
            lower = upper;
            before = upTo;
        }
        return count == 0 ? 0 : lower;
    }
}
