package org.ondemandtls.benchmarks;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.ondemandtls.testing.Command;
import org.ondemandtls.testing.HeldNames;

/** What of the heap a name takes that is held in memory, measured in a JVM of its own. */
final class HeapPerName implements Benchmarks.Measurement {

    private static final int NAMES = 100_000;
    private static final int MEAN = 2500;
    private static final int IDLE = 1200;
    private static final Duration PATIENCE = Duration.ofMinutes(20);

    /** Holds the names, and writes the three figures. */
    public static void main(String[] arguments) throws Exception {
        HeldNames names = new HeldNames(NAMES);
        long visited = names.perName();
        names.pass(NAMES / 10);
        long mean = names.perName();
        names.pass(0);
        try (var out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8)) {
            out.println(visited + " " + mean + " " + names.perName());
        }
    }

    @Override
    public void measure(Setting setting, Report report) throws IOException {
        report.section("Heap of a name that is held");
        report.condition(NAMES + " names with leaves as long as those of a public CA, P-256, after a full collection.");
        Command held = Command.run(
                List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx3g",
                        "-cp",
                        System.getProperty("java.class.path"),
                        HeapPerName.class.getName()),
                PATIENCE);
        String[] octets = held.stdout().strip().split(" ", -1);
        if (octets.length != 3) {
            throw new IOException("the heap was not measured:\n" + held.stdout() + held.stderr());
        }
        report.figure("all of them visited lately", octets[0] + " bytes");
        report.atMost("a tenth of them visited lately, mean", Integer.parseInt(octets[1]), MEAN, " bytes");
        report.atMost("none of them visited lately", Integer.parseInt(octets[2]), IDLE, " bytes");
    }
}
