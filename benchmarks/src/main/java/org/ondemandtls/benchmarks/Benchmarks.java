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

    static {
        ALL.put("first-visit", new FirstVisits());
        ALL.put("new-names", new NewNames());
        ALL.put("gate", new GateCost());
        ALL.put("parked", new ParkedHandshakes());
        ALL.put("strangers", new Strangers());
    }

    private Benchmarks() {}

    /**
     * Runs them.
     *
     * @param arguments the root of the source tree, then what to measure; everything without
     */
    public static void main(String[] arguments) throws Exception {
        var out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
        Path root = Path.of(arguments[0]).toAbsolutePath();
        List<String> wanted = arguments.length > 1
                ? Arrays.asList(arguments).subList(1, arguments.length)
                : List.copyOf(ALL.keySet());
        Setting setting = Setting.under(root);
        var report = new Report(out);
        for (String name : wanted) {
            Measurement measurement = ALL.get(name);
            if (measurement == null) {
                throw new IllegalArgumentException("no benchmark " + name + ", there are " + ALL.keySet());
            }
            measurement.measure(setting, report);
        }
        Path file = setting.target().resolve("report.md");
        Files.writeString(file, report.markdown());
        out.println();
        out.println(report.markdown());
        out.println("Written to " + root.relativize(file));
        // What hangs in a client thread must not keep the JVM.
        out.flush();
        System.exit(0);
    }
}
