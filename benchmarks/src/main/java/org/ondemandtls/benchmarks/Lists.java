package org.ondemandtls.benchmarks;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.config.ConfigReader;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.status.http.SiteAnswer;
import org.ondemandtls.status.http.StatusApi;
import org.ondemandtls.testing.Database;
import org.ondemandtls.testing.NoServer;

/**
 * How long an operator waits for a page of a list, for a name and for figures where there are very many names: asked of the
 * JSON API of a real engine, which the page, the command and JMX ask as well.
 */
final class Lists implements Benchmarks.Measurement {

    private static final int IN_FILES = 100_000;
    private static final int IN_DATABASE = 1_000_000;
    private static final int PAGES = 30;
    private static final int WARM_UP = 3;
    private static final String AS_THE_PAGE_ASKS = "50";
    private static final String LONGEST = "500";
    private static final Duration LIMIT = Duration.ofMillis(200);
    private static final Duration BETWEEN_FIGURES = Duration.ofSeconds(16);
    private static final int FIGURES = 3;
    private static final Duration DAY = Duration.ofDays(1);
    private static final Pattern NEXT = Pattern.compile("\"next\":\"([^\"]*)\"");
    private static final Pattern NAME = Pattern.compile("\"name\":\"");
    private static final String TABLES_READ =
            "SELECT relname, seq_scan FROM pg_stat_user_tables WHERE schemaname = current_schema() AND relname IN"
                    + " ('ondemand_tls_certificate', 'ondemand_tls_listed', 'ondemand_tls_hold', 'ondemand_tls_name',"
                    + " 'ondemand_tls_ledger') ORDER BY relname";

    /**
     * A list.
     *
     * @param what for people
     * @param filter what is asked for, by the number of the question
     * @param middle where its later pages begin
     */
    private record Wanted(String what, IntFunction<Map<String, String>> filter, String middle) {
        Wanted(String what, Map<String, String> filter, String middle) {
            this(what, number -> filter, middle);
        }
    }

    /** One answer. */
    private record Answer(Duration took, Duration used, int names, Optional<String> next) {}

    @Override
    public void measure(Setting setting, Report report) throws Exception {
        report.section("Lists of many names");
        report.condition("A page of " + AS_THE_PAGE_ASKS
                + " names as the status page asks for it, by the JSON API of an"
                + " engine in this process: " + PAGES + " first pages and " + PAGES + " later ones from the middle on;"
                + " median, worst. Processor time: the worst of ours, the mean of ours and of the database.");
        Instant now = Clock.systemUTC().instant();
        if (number("files", IN_FILES) > 0) {
            inFiles(setting, report, now);
        }
        if (number("database", IN_DATABASE) > 0) {
            inDatabase(report, now);
        }
    }

    private static void inFiles(Setting setting, Report report, Instant now) throws Exception {
        Path files = setting.emptied("lists").resolve("store");
        var names = new ManyNames(number("files", IN_FILES), now);
        report.progress(names.count() + " names are saved as files");
        FilledFiles.fill(files, names, now);
        ask(report, "files", names, files.toString(), now);
        setting.emptied("lists");
    }

    private static void inDatabase(Report report, Instant now) throws Exception {
        try (Database database = Database.start(Database.Kind.POSTGRESQL)) {
            String url = database.fresh();
            var names = new ManyNames(number("database", IN_DATABASE), now);
            report.progress(names.count() + " names are put into PostgreSQL");
            FilledDatabase.fill(url, names, report);
            List<String> before = Database.query(url, TABLES_READ);
            ask(report, "PostgreSQL", names, url, now);
            List<String> after = Database.query(url, TABLES_READ);
            report.figure(
                    "PostgreSQL: tables read as a whole meanwhile",
                    after.equals(before) ? "none" : before + " before, " + after + " after");
        }
    }

    // Fewer for a try, none to leave it out.
    private static int number(String where, int usual) {
        return Integer.getInteger("ondemandtls.lists." + where, usual);
    }

    private static void ask(Report report, String store, ManyNames names, String where, Instant now) throws Exception {
        OnDemandTlsConfig config = ConfigReader.read(
                Map.of(
                        "onDemandTls.store",
                        where,
                        "onDemandTls.acme.directory",
                        ManyNames.CA,
                        "onDemandTls.permission.names",
                        "*.shops.example"),
                Path.of(""));
        long begun = System.nanoTime();
        try (OnDemandTls engine = OnDemandTls.open(config, new NoServer())) {
            Duration opened = Duration.ofNanos(System.nanoTime() - begun);
            var api = new StatusApi(engine.status(), Clock.systemUTC());
            String many = String.format(Locale.ROOT, "%s, %,d names", store, names.count());
            report.figure(many + ": to open the engine", opened.toMillis() + " ms");
            report.atMost(
                    many + ": the very first page after the start",
                    list(api, Map.of()).took(),
                    LIMIT);
            awaitIndex(report, store, api);
            for (Wanted wanted : wanted(now)) {
                pages(report, store, api, wanted, AS_THE_PAGE_ASKS);
            }
            for (Wanted wanted : wanted(now).subList(0, 3)) {
                pages(report, store, api, wanted, LONGEST);
            }
            one(
                    report,
                    store + ": look-up of a stored name",
                    number -> look(api, "names/" + ManyNames.name(number * 31 % names.count())));
            one(
                    report,
                    store + ": look-up of a refused name",
                    number -> look(api, "names/" + ManyNames.refused(number * 10 % names.count())));
            one(
                    report,
                    store + ": look-up of an unknown name",
                    number -> look(api, "names/www.unknown" + number + ".example"));
            one(report, store + ": the server", number -> look(api, "server"));
            one(report, store + ": the CAs", number -> look(api, "cas"));
            one(report, store + ": expiry", number -> look(api, "expiry"));
            figures(report, store, engine);
        }
    }

    // What lists are made of is read from files when somebody lists for the first time; answers are made without it
    // then.
    private static void awaitIndex(Report report, String store, StatusApi api) throws IOException {
        long begun = System.nanoTime();
        List<Duration> meanwhile = new ArrayList<>();
        Answer answer;
        do {
            answer = list(api, Map.of("domain", ManyNames.domain(1)));
            meanwhile.add(answer.took());
            if (answer.next().isPresent()) {
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(200));
            }
        } while (answer.next().isPresent());
        report.atMost(
                store + ": the worst page until what is listed was read",
                String.format(
                        Locale.ROOT,
                        "%s of %d; read after %.1f s",
                        Times.millis(Times.of(meanwhile).longest()),
                        meanwhile.size(),
                        (System.nanoTime() - begun) / 1e9),
                Times.of(meanwhile).longest(),
                LIMIT);
    }

    private static List<Wanted> wanted(Instant now) {
        String soon = now.plus(DAY.multipliedBy(20)).toEpochMilli() + " ";
        String late = now.minus(DAY.multipliedBy(10)).toEpochMilli() + " ";
        List<Wanted> all = new ArrayList<>();
        all.add(new Wanted("all names", Map.of(), "www8"));
        all.add(new Wanted("state stored", Map.of("state", "stored"), "www8"));
        all.add(new Wanted("20 % of them below one domain", Map.of("domain", ManyNames.LARGE_DOMAIN), "s8"));
        all.add(new Wanted("prefix", number -> Map.of("prefix", "www" + Integer.toHexString(16 + number)), ""));
        all.add(new Wanted("prefix of no name", number -> Map.of("prefix", "x" + number), ""));
        all.add(new Wanted("state served, none is", Map.of("state", "served"), "www8"));
        all.add(new Wanted("state overdue", Map.of("state", "overdue"), late));
        all.add(new Wanted("state idle", Map.of("state", "idle"), "www8"));
        all.add(new Wanted("state withdrawn", Map.of("state", "withdrawn"), "www8"));
        all.add(new Wanted("state withdrawn, its last pages", Map.of("state", "withdrawn"), "wwwfe"));
        all.add(new Wanted("state moved-away", Map.of("state", "moved-away"), "www8"));
        all.add(new Wanted("state expired", Map.of("state", "expired"), late));
        all.add(new Wanted("state withdrawn or idle", Map.of("state", "withdrawn,idle"), "www8"));
        all.add(new Wanted("refused, for any reason", Map.of("refusal", "any"), "r8"));
        all.add(new Wanted("refused for caa", Map.of("refusal", "caa"), "r8"));
        all.add(new Wanted("refused for a reason nobody has", Map.of("refusal", "orderNotReady"), "r8"));
        all.add(new Wanted("by the first CA", Map.of("ca", ManyNames.CA), "www8"));
        all.add(new Wanted("by the second CA", Map.of("ca", ManyNames.SECOND_CA), "www8"));
        all.add(new Wanted("by the third CA", Map.of("ca", ManyNames.THIRD_CA), "www8"));
        all.add(new Wanted("a domain of eight", number -> Map.of("domain", ManyNames.domain(number * 997)), ""));
        all.add(new Wanted("expiring within 30 days", Map.of("expiresWithinDays", "30"), soon));
        all.add(new Wanted("expiring within 90 days", Map.of("expiresWithinDays", "90"), soon));
        all.add(new Wanted(
                "the large domain, overdue", Map.of("domain", ManyNames.LARGE_DOMAIN, "state", "overdue"), "s8"));
        all.add(new Wanted(
                "the large domain, by the third CA",
                Map.of("domain", ManyNames.LARGE_DOMAIN, "ca", ManyNames.THIRD_CA),
                "s8"));
        all.add(new Wanted("stored, by the third CA", Map.of("state", "stored", "ca", ManyNames.THIRD_CA), "www8"));
        all.add(new Wanted(
                "expiring within 90 days, by the third CA",
                Map.of("expiresWithinDays", "90", "ca", ManyNames.THIRD_CA),
                soon));
        return all;
    }

    private static void pages(Report report, String store, StatusApi api, Wanted wanted, String limit)
            throws IOException {
        for (int number = 0; number < WARM_UP; number++) {
            list(api, asked(wanted, number, limit, ""));
        }
        List<Duration> first = new ArrayList<>();
        List<Duration> later = new ArrayList<>();
        List<Duration> used = new ArrayList<>();
        long names = 0;
        Duration theirs = ofDatabase();
        String place = wanted.middle();
        for (int number = 0; number < PAGES; number++) {
            Answer start = list(api, asked(wanted, number, limit, ""));
            Answer page = list(api, asked(wanted, number, limit, place));
            first.add(start.took());
            later.add(page.took());
            used.addAll(List.of(start.used(), page.used()));
            names += page.names();
            place = page.next().orElse(wanted.middle());
        }
        Duration own = used.stream().reduce(Duration.ZERO, Duration::plus).dividedBy(2L * PAGES);
        Duration its = ofDatabase().minus(theirs).dividedBy(2L * PAGES);
        Times firsts = Times.of(first);
        Times laters = Times.of(later);
        report.atMost(
                store + ": " + wanted.what() + (limit.equals(AS_THE_PAGE_ASKS) ? "" : ", " + limit + " at once"),
                String.format(
                        Locale.ROOT,
                        "first %s, %s; later %s, %s; processor %s, %s, %s; %d names a later page",
                        Times.millis(firsts.median()),
                        Times.millis(firsts.longest()),
                        Times.millis(laters.median()),
                        Times.millis(laters.longest()),
                        Times.millis(Times.of(used).longest()),
                        Times.millis(own),
                        Times.millis(its),
                        names / PAGES),
                Times.of(List.of(firsts.longest(), laters.longest())).longest(),
                LIMIT);
    }

    private static Map<String, String> asked(Wanted wanted, int number, String limit, String after) {
        Map<String, String> query = new HashMap<>(wanted.filter().apply(number));
        query.put("limit", limit);
        query.put("after", after);
        return query;
    }

    private static void one(Report report, String what, IntFunction<Duration> question) {
        for (int number = 0; number < WARM_UP; number++) {
            Duration unused = question.apply(number);
        }
        told(report, what, PAGES, number -> question.apply(WARM_UP + number));
    }

    private static void told(Report report, String what, int count, IntFunction<Duration> question) {
        List<Duration> taken = new ArrayList<>();
        List<Duration> used = new ArrayList<>();
        Duration theirs = ofDatabase();
        for (int number = 0; number < count; number++) {
            long before = cpuNanos();
            taken.add(question.apply(number));
            used.add(Duration.ofNanos(cpuNanos() - before));
        }
        Times times = Times.of(taken);
        Duration own = used.stream().reduce(Duration.ZERO, Duration::plus).dividedBy(count);
        report.atMost(
                what,
                String.format(
                        Locale.ROOT,
                        "%s, %s; processor %s, %s, %s",
                        Times.millis(times.median()),
                        Times.millis(times.longest()),
                        Times.millis(Times.of(used).longest()),
                        Times.millis(own),
                        Times.millis(ofDatabase().minus(theirs).dividedBy(count))),
                times.longest(),
                LIMIT);
    }

    // The store is asked once in fifteen seconds, by whoever comes then.
    private static void figures(Report report, String store, OnDemandTls engine) {
        told(report, store + ": all figures for Prometheus", FIGURES, number -> {
            LockSupport.parkNanos(BETWEEN_FIGURES.toNanos());
            return timed(() -> engine.status().figuresText());
        });
    }

    private static Duration look(StatusApi api, String resource) {
        return timed(() -> answered(api.look(resource, Map.of())));
    }

    private static SiteAnswer answered(SiteAnswer answer) {
        if (answer.status() != 200) {
            throw new IllegalStateException(new String(answer.content(), StandardCharsets.UTF_8));
        }
        return answer;
    }

    private static Duration timed(Supplier<?> work) {
        long begun = System.nanoTime();
        Object answer = work.get();
        Duration took = Duration.ofNanos(System.nanoTime() - begun);
        if (answer == null) {
            throw new IllegalStateException("no answer");
        }
        return took;
    }

    private static Answer list(StatusApi api, Map<String, String> query) {
        long before = cpuNanos();
        long begun = System.nanoTime();
        SiteAnswer answer = answered(api.look("names", query));
        Duration took = Duration.ofNanos(System.nanoTime() - begun);
        Duration used = Duration.ofNanos(cpuNanos() - before);
        String text = new String(answer.content(), StandardCharsets.UTF_8);
        Matcher next = NEXT.matcher(text);
        return new Answer(
                took,
                used,
                (int) NAME.matcher(text).results().count(),
                next.find() ? Optional.of(next.group(1)) : Optional.empty());
    }

    private static long cpuNanos() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    }

    // What the processes that we have started have used, in ticks of a hundredth of a second.
    private static Duration ofDatabase() {
        return ProcessHandle.current()
                .descendants()
                .flatMap(process -> process.info().totalCpuDuration().stream())
                .reduce(Duration.ZERO, Duration::plus);
    }
}
