package org.ondemandtls.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.ondemandtls.testing.Command;

/** This project on both servers beside the same servers as they come, Caddy and nginx, all in one run. */
final class Compare implements Benchmarks.Measurement {

    private static final int LONGEST_MINUTES = 30;
    private static final String ONLY = System.getProperty("ondemandtls.compare.only", "");

    /**
     * What takes part.
     *
     * @param jetty a Jetty and our overlay
     * @param tomcat a Tomcat and our overlay
     * @param conscrypt the jar of the other TLS engine
     * @param caddy the program, empty where there is none
     * @param nginx the program, empty where there is none
     * @param directory for files
     */
    record Rig(
            Setting jetty,
            Setting tomcat,
            Path conscrypt,
            Optional<Path> caddy,
            Optional<Path> nginx,
            Path directory) {}

    /** Whether a part of the comparison was asked for: all of them where none was named. */
    static boolean isWanted(String part) {
        List<String> only = ONLY.isEmpty() ? List.of(part) : List.of(ONLY.split(" "));
        return only.contains(part);
    }

    /** What distinguishes the report of some parts from that of all. */
    static String suffix() {
        return ONLY.isEmpty() ? "" : "-" + ONLY.replace(' ', '-');
    }

    /** A count as it is measured: less of everything but two where a quick run is asked for. */
    static int part(int count) {
        return Math.max(2, count / Integer.getInteger("ondemandtls.compare.part", 1));
    }

    @Override
    public void measure(Setting setting, Report report) throws Exception {
        long begin = System.nanoTime();
        Path root = setting.target().resolve("../..").toRealPath();
        Rig rig = new Rig(
                Setting.under(root, Setting.Kind.JETTY),
                Setting.under(root, Setting.Kind.TOMCAT),
                conscrypt(setting),
                ForeignServer.program(root, "caddy", "usr/bin/caddy"),
                ForeignServer.program(root, "nginx", "usr/sbin/nginx"),
                setting.emptied("compare"));
        report.section("What is compared");
        report.figure(
                "this project on", rig.jetty().title() + ", " + rig.tomcat().title());
        report.figure("Conscrypt", String.valueOf(rig.conscrypt().getFileName()));
        if (rig.caddy().isPresent()) {
            report.figure("Caddy", version(rig.caddy().get(), "version"));
        }
        if (rig.nginx().isPresent()) {
            report.figure("nginx", version(rig.nginx().get(), "-v"));
        }
        new CompareVisits(rig).measure(report);
        if (isWanted("heap")) {
            report.part(() -> new HeapPerName().measure(setting, report));
        }
        // Last: from here on this JVM is kept to one core.
        if (isWanted("handshake")) {
            report.part(() -> new CompareHandshakes(rig).measure(report));
        }
        report.section("How long this took");
        report.atMost("all of it", (System.nanoTime() - begin) / 60e9, LONGEST_MINUTES, " min");
    }

    private static String version(Path program, String question) {
        Command asked = Command.run(List.of(program.toString(), question), Server.PATIENCE);
        return (asked.stdout() + asked.stderr()).strip().lines().findFirst().orElse("");
    }

    private static Path conscrypt(Setting setting) throws IOException {
        try (var jars = Files.list(setting.target().resolve("lib"))) {
            return jars.filter(jar -> String.valueOf(jar.getFileName()).startsWith("conscrypt-openjdk-uber"))
                    .findFirst()
                    .orElseThrow(() -> new IOException("the jar of Conscrypt is missing; use benchmarks/run"));
        }
    }
}
