package org.ondemandtls.benchmarks;

import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The figures as a plain table: each with its target and whether it was met, where there is one. */
final class Report {

    private record Line(String figure, String measured, String target, String verdict) {}

    private record Section(String title, List<String> conditions, List<Line> lines) {}

    /**
     * A picture of some figures.
     *
     * @param file its name, without the suffix
     * @param svg what is in it
     */
    record Picture(String file, String svg) {}

    private final List<Picture> pictures = new ArrayList<>();
    private final List<Section> sections = new ArrayList<>();
    private final PrintStream progress;
    // As it was at the start: a measurement may keep this process to one core, and loads the machine itself.
    private final String machine = machine();
    private boolean isWhole = true;

    /**
     * An empty report.
     *
     * @param progress told what is being done, so that a reader need not wait in the dark
     */
    Report(PrintStream progress) {
        this.progress = progress;
    }

    /** Begins the part that the following figures belong to. */
    void section(String title) {
        sections.add(new Section(title, new ArrayList<>(), new ArrayList<>()));
        progress.println("== " + title);
    }

    /** Says under which conditions this section's figures were taken. */
    void condition(String sentence) {
        current().conditions.add(sentence);
    }

    /** Tells whoever is watching; not part of the report. */
    void progress(String what) {
        progress.println("   " + what);
    }

    /** A figure without a target. */
    void figure(String figure, String measured) {
        add(new Line(figure, measured, "", ""));
    }

    /** A time that should not exceed another. */
    void atMost(String figure, Duration measured, Duration target) {
        add(new Line(
                figure, Times.millis(measured), "≤ " + Times.millis(target), verdict(measured.compareTo(target) <= 0)));
    }

    /**
     * A figure of several numbers, the longest time of which should not exceed another.
     *
     * @param measured all of them, in words
     */
    void atMost(String figure, String measured, Duration longest, Duration target) {
        add(new Line(figure, measured, "≤ " + Times.millis(target), verdict(longest.compareTo(target) <= 0)));
    }

    /** A number that should not exceed another. */
    void atMost(String figure, double measured, double target, String unit) {
        add(new Line(
                figure,
                String.format(Locale.ROOT, "%.2f%s", measured, unit),
                String.format(Locale.ROOT, target == Math.rint(target) ? "≤ %.0f%s" : "≤ %.2f%s", target, unit),
                verdict(measured <= target)));
    }

    /** A count that should be exactly another. */
    void exactly(String figure, long measured, long target) {
        add(new Line(figure, Long.toString(measured), "= " + target, verdict(measured == target)));
    }

    /** Some of what is measured. */
    @FunctionalInterface
    interface Part {

        /** Measures it. */
        void measure() throws Exception;
    }

    /** Measures a part whose failure is told and spoils no other. */
    void part(Part part) {
        try {
            part.measure();
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(stopped);
        } catch (Exception | AssertionError failed) {
            isWhole = false;
            failed.printStackTrace(progress);
            add(new Line("this part ended early", String.valueOf(failed.getMessage()), "", "FAILED"));
        }
    }

    /** Whether every part came to its end. */
    boolean isWhole() {
        return isWhole;
    }

    /** Shows some figures of this section as bars. */
    void bars(String file, String title, Map<String, Double> values, String unit) {
        pictures.add(new Picture(file, BarChart.svg(title, values, unit)));
        current().conditions.add("![" + title + "](" + file + ".svg)");
    }

    /** The pictures the report refers to. */
    List<Picture> pictures() {
        return List.copyOf(pictures);
    }

    /** The whole report in Markdown. */
    String markdown() {
        var text = new StringBuilder("# How fast\n\n");
        text.append("Taken ")
                .append(DateTimeFormatter.ISO_LOCAL_DATE.format(
                        Clock.systemUTC().instant().atZone(ZoneOffset.UTC)))
                .append(" by `benchmarks/run` on ")
                .append(machine)
                .append(".\n");
        for (Section section : sections) {
            text.append("\n## ").append(section.title).append("\n\n");
            section.conditions.forEach(
                    condition -> text.append("* ").append(condition).append('\n'));
            text.append("\n| figure | measured | target | |\n|---|---|---|---|\n");
            section.lines.forEach(line -> text.append("| ")
                    .append(String.join(" | ", line.figure, line.measured, line.target, line.verdict))
                    .append(" |\n"));
        }
        return text.toString();
    }

    private void add(Line line) {
        current().lines.add(line);
        progress.println("   " + line.figure + ": " + line.measured + " " + line.target + " " + line.verdict);
    }

    private Section current() {
        return sections.get(sections.size() - 1);
    }

    private static String verdict(boolean met) {
        return met ? "met" : "MISSED";
    }

    private static String machine() {
        var os = ManagementFactory.getOperatingSystemMXBean();
        return String.format(
                Locale.ROOT,
                "%d cores (%s), load %.1f, %s %s, %s %s",
                os.getAvailableProcessors(),
                processor(),
                os.getSystemLoadAverage(),
                os.getName(),
                os.getArch(),
                System.getProperty("java.vm.name"),
                System.getProperty("java.runtime.version"));
    }

    private static String processor() {
        try (var lines = Files.lines(Path.of("/proc/cpuinfo"))) {
            return lines.filter(line -> line.startsWith("model name"))
                    .map(line -> line.substring(line.indexOf(':') + 2))
                    .findFirst()
                    .orElse("unknown");
        } catch (IOException elsewhere) {
            return "unknown";
        }
    }
}
