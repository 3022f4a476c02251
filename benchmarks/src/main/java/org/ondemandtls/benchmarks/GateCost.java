package org.ondemandtls.benchmarks;

import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.VerboseMode;

/** What the gate costs every handshake, by {@link GateBenchmark}. */
final class GateCost implements Benchmarks.Measurement {

    private static final double MICROSECONDS = 20;

    @Override
    public void measure(Setting setting, Report report) throws RunnerException {
        report.section("The gate");
        report.condition(
                "JMH, one thread: `ClientHelloParser.feed` and `HandshakeGate.admit` for a whole ClientHello in "
                        + "one TLS record, the same on both servers. The ClientHello is the JDK's, padded to its size (RFC 7685).");
        var options = new OptionsBuilder()
                .include(GateBenchmark.class.getName())
                .shouldFailOnError(true)
                .verbosity(VerboseMode.SILENT)
                .build();
        for (var result : new Runner(options).run()) {
            String what = result.getPrimaryResult().getLabel().equals("knownName")
                    ? "a known name"
                    : "a name whose denial is remembered";
            report.atMost(
                    what + ", ClientHello of " + result.getParams().getParam("octets") + " octets",
                    result.getPrimaryResult().getScore(),
                    MICROSECONDS,
                    " µs");
        }
    }
}
