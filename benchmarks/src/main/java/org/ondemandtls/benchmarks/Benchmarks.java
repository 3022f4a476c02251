package org.ondemandtls.benchmarks;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;

/** What {@code benchmarks/run} runs: measures what it is asked for, or everything, and writes the report. */
final class Benchmarks {

    /** One of the things that can be asked for. */
    interface Measurement {

        /**
         * Measures, and ends what it started.
         *
         * @param setting where programs and files are
         * @param report takes the figures
         * @throws Exception if something did not work; being slow is no failure
         */
        void measure(Setting setting, Report report) throws Exception;
    }

    private static final Map<String, Measurement> ALL = new LinkedHashMap<>();

    /** Measured without a server. */
    private static final Set<String> ALONE = Set.of("gate", "renewals", "renewal-hour", "lists", "compare", "memory");

    static {
        ALL.put("first-visit", new FirstVisits());
        ALL.put("page", new PageCost());
        ALL.put("new-names", new NewNames());
        ALL.put("handshakes", new Handshakes());
        ALL.put("gate", new GateCost());
        ALL.put("parked", new ParkedHandshakes());
        ALL.put("strangers", new Strangers());
        ALL.put("renewals", new Renewals());
        ALL.put("renewal-hour", new RenewalHour());
        ALL.put("mass-renewal", new MassRenewal());
        ALL.put("lists", new Lists());
        ALL.put("memory", new HeapPerName());
        ALL.put("compare", new Compare());
    }

    private Benchmarks() {}

    /**
     * Runs them.
     *
     * @param arguments the root of the source tree, then which servers and what to measure; both and everything
     *     without
     */
    public static void main(String[] arguments) throws Exception {
        var out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
        Path root = Path.of(arguments[0]).toAbsolutePath();
        List<String> words = Arrays.asList(arguments).subList(1, arguments.length);
        List<Setting> settings = chosen(Arrays.asList(Setting.Kind.values()), Setting.Kind::word, words).stream()
                .map(kind -> Setting.under(root, kind))
                .toList();
        var report = new Report(out);
        for (String name : chosen(List.copyOf(ALL.keySet()), name -> name, words)) {
            if (name.equals("compare") && !words.contains(name)) {
                // Only where it is asked for: it has servers of its own choice.
                continue;
            }
            for (Setting setting : ALONE.contains(name) ? settings.subList(0, 1) : settings) {
                Objects.requireNonNull(ALL.get(name)).measure(setting, report);
            }
        }
        Path file = root.resolve("benchmarks/target/report.md");
        Files.writeString(file, report.markdown());
        out.println();
        out.println(report.markdown());
        out.println("Written to " + root.relativize(file));
        if (words.contains("compare")) {
            Path evidence = Files.createDirectories(root.resolve("docs/evidence/performance"));
            Files.writeString(evidence.resolve("compare" + Compare.suffix() + ".md"), report.markdown());
            for (Report.Picture picture : report.pictures()) {
                Files.writeString(evidence.resolve(picture.file() + ".svg"), picture.svg());
            }
            out.println("Written to " + root.relativize(evidence));
        }
        // What hangs in a client thread must not keep the JVM.
        out.flush();
        System.exit(report.isWhole() ? 0 : 1);
    }

    // What is named on the command line, or everything.
    private static <T> List<T> chosen(List<T> all, Function<T, String> word, List<String> words) {
        List<T> named =
                all.stream().filter(one -> words.contains(word.apply(one))).toList();
        return named.isEmpty() ? all : named;
    }
}
