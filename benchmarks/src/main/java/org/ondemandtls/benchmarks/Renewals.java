package org.ondemandtls.benchmarks;

import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Whether renewals keep up, by {@link PaperHouse}: months of a great many names, and the days on which everything is due. */
final class Renewals implements Benchmarks.Measurement {

    private static final Duration DAY = Duration.ofDays(1);
    private static final double MOST_OF_A_CORE = 10;

    @Override
    public void measure(Setting setting, Report report) {
        report.section("Renewals, on a virtual clock");
        report.condition(
                "The planner as it is, one thread, a store in memory, a CA that signs nothing and takes 1.6 s for an"
                        + " order, 15 orders at once; every name is visited.");
        month(report, "100,000 names on 90 days, asked for windows and permission", 100_000, Duration.ofDays(90), true);
        month(report, "1,000,000 names on 6 days", 1_000_000, Duration.ofDays(6), false);
        massRevocation(report);
        outage(report);
    }

    private static void month(Report report, String what, int names, Duration life, boolean asks) {
        report.progress(what);
        var house = new PaperHouse(names, life, asks ? Optional.of(DAY) : Optional.empty(), asks);
        long cpu = cpuNanos();
        long expired = 0;
        for (int day = 0; day < 30; day++) {
            house.pass(DAY);
            expired = Math.max(expired, house.expired());
        }
        house.end();
        double core = 100.0 * (cpuNanos() - cpu) / Duration.ofDays(30).toNanos();
        report.figure(what + ": renewed in a month", house.renewed() + " (" + rate(house.renewed(), 30) + "/s)");
        report.figure("… looks at windows, questions to permission", house.advised() + ", " + house.asked());
        report.atMost("… expired", (double) expired, 0, "");
        report.atMost("… processor time, in hundredths of a core of the simulated time", core, MOST_OF_A_CORE, " %");
        report.figure(
                "… records read and written per renewal",
                String.format(
                        Locale.ROOT,
                        "%.1f, %.1f",
                        1.0 * house.read() / house.renewed(),
                        1.0 * house.written() / house.renewed()));
    }

    private static void massRevocation(Report report) {
        report.progress("mass revocation");
        var house = new PaperHouse(100_000, Duration.ofDays(90), Optional.of(DAY), true);
        house.pass(DAY);
        house.revokeAll();
        Instant begun = house.now();
        while (house.leftOfTheRevoked() > 0
                && Duration.between(begun, house.now()).compareTo(DAY.multipliedBy(3)) < 0) {
            house.pass(Duration.ofMinutes(15));
        }
        house.end();
        report.figure(
                "all windows of 100,000 names moved to now: all replaced after",
                Duration.between(begun, house.now()).toMinutes() + " min");
        report.atMost("… not replaced in three days", (double) house.leftOfTheRevoked(), 0, "");
        report.figure(
                "… replaced before one that ends a day sooner and was known to be due",
                String.format(Locale.ROOT, "%.1f %%", 100.0 * outOfOrder(house.endsReplaced())));
    }

    // How many come before one of the next hundred that ends more than a day sooner.
    private static double outOfOrder(List<Instant> ends) {
        long count = 0;
        for (int i = 0; i + 100 < ends.size(); i++) {
            Instant sooner = ends.get(i).minus(DAY);
            count += ends.subList(i + 1, i + 100).stream().anyMatch(sooner::isAfter) ? 1 : 0;
        }
        return ends.isEmpty() ? 0 : 1.0 * count / ends.size();
    }

    private static void outage(Report report) {
        report.progress("a CA that is down for five days");
        var house = new PaperHouse(180_000, Duration.ofDays(90), Optional.empty(), false);
        house.pass(DAY);
        house.down(true);
        house.countFromHere();
        house.pass(DAY.multipliedBy(5));
        long due = house.overdue();
        report.figure("a CA down for five days: due at its end", Long.toString(due));
        report.figure("… orders tried meanwhile", Long.toString(house.failed()));
        report.atMost("… writes per name and hour", 1.0 * house.written() / Math.max(1, due) / (5 * 24), 1, "");
        house.down(false);
        Instant back = house.now();
        while (house.overdue() > ordersAtOnce()
                && Duration.between(back, house.now()).compareTo(DAY) < 0) {
            house.pass(Duration.ofMinutes(1));
        }
        house.end();
        report.figure("… all renewed after", Duration.between(back, house.now()).toMinutes() + " min");
        report.atMost("… expired", (double) house.expired(), 0, "");
    }

    private static long ordersAtOnce() {
        return 15;
    }

    private static String rate(long count, int days) {
        return String.format(
                Locale.ROOT, "%.2f", 1.0 * count / Duration.ofDays(days).toSeconds());
    }

    private static long cpuNanos() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    }
}
