package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.machine.Time;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.store.file.FileCertificateStore;
import org.ondemandtls.testing.FreePorts;
import org.ondemandtls.testing.RecordedEvents;
import org.ondemandtls.testing.TestCertificates;
import org.ondemandtls.testing.TestLeaves;
import org.ondemandtls.testing.TlsProbe;
import org.ondemandtls.testing.Tools;

/** A real server over a store of many names: its start and its renewals cost what is due, not what is there. */
@Tag("once")
class ManyNamesIT {

    private static final Pattern OPENED = Pattern.compile("certificates/[0-9a-f]{2}/([a-z0-9.-]+)\\.pem\"");
    private static final Pattern LISTED = Pattern.compile("getdents64\\([0-9]+<[^>]*/ondemand-tls/([^>]+)>");
    private static final int DUE = 5;

    @TempDir
    private Path directory;

    private ServerProcess server;

    @AfterEach
    void stop() {
        if (server != null) {
            server.close();
        }
    }

    private void fill(int from, int names) throws Exception {
        if (server == null) {
            layOut();
        }
        Instant now = Instant.now();
        KeyPair key = TestCertificates.key();
        try (FileCertificateStore store = FileCertificateStore.open(
                server.store(), new RecordedEvents().events(), Time.ofMachine(), Duration.ZERO)) {
            for (int i = from; i < names; i++) {
                boolean due = i < DUE;
                KeyedCertificate certificate = TestLeaves.leaf(
                        key.getPublic(), key.getPrivate(), now, (due ? "due" : "n") + i + ".example.com");
                StoredCertificate record = StoredCertificate.obtained(
                        certificate,
                        "internal",
                        now.minus(Duration.ofDays(1)),
                        due ? now : now.plus(Duration.ofDays(30)).plusSeconds(i));
                store.save(record.withVisited(now));
            }
        }
    }

    private void layOut() throws Exception {
        server = ServerLine.JETTY_12_1
                .layOut(directory.resolve("base"))
                .withoutPlainHttp()
                .property("onDemandTls.issuer", "internal")
                .property("onDemandTls.permission.names", "*.example.com");
    }

    /** How often entries of each directory of the store were asked for, by its path in it; strace names it by {@code -y}. */
    private Map<String, Long> listed(Path trace) throws Exception {
        try (Stream<String> lines = Files.lines(trace)) {
            return lines.map(LISTED::matcher)
                    .filter(Matcher::find)
                    .collect(Collectors.groupingBy(found -> found.group(1), Collectors.counting()));
        }
    }

    private Duration startToFirstHandshake(String name) throws Exception {
        long before = System.nanoTime();
        server.start();
        TlsProbe.Outcome visit = TlsProbe.trustingAnything().handshake(server.tlsPort(), name);
        Duration took = Duration.ofNanos(System.nanoTime() - before);
        assertThat(visit.failure()).as(server.log()).isEmpty();
        server.stop();
        return took;
    }

    private static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) <= 0 ? one : other;
    }

    private Set<String> opened(Path trace) throws Exception {
        try (Stream<String> lines = Files.lines(trace)) {
            return lines.map(OPENED::matcher)
                    .filter(Matcher::find)
                    .map(found -> found.group(1))
                    .collect(Collectors.toSet());
        }
    }

    @Test
    void onlyWhatIsDueIsOpened() throws Exception {
        fill(0, 1_000);
        Path trace = directory.resolve("strace.log");
        server.under(
                        Tools.onPath("strace", "apt-get install strace").toString(),
                        "-f",
                        // Stops at nothing else: the server is as fast as without.
                        "--seccomp-bpf",
                        "-qq",
                        "-y",
                        "-s",
                        "300",
                        "-o",
                        trace.toString(),
                        "-e",
                        "trace=openat,open,getdents64")
                .start();

        Awaitility.await()
                .atMost(ServerProcess.PATIENCE)
                .until(() -> server.log()
                                .lines()
                                .filter(line -> line.contains("renewed by internal"))
                                .count()
                        == DUE);
        TlsProbe.Outcome visit = TlsProbe.trustingAnything().handshake(server.tlsPort(), "n500.example.com");

        assertThat(visit.failure()).isEmpty();
        assertThat(opened(trace))
                .containsExactlyInAnyOrder(
                        "due0.example.com",
                        "due1.example.com",
                        "due2.example.com",
                        "due3.example.com",
                        "due4.example.com",
                        "n500.example.com");
        // Once each, for the fingerprint of all names, and a few once more, to estimate its size. The looks at what is
        // due,
        // every five seconds, list none of them. A listing asks for entries until there are none, twice or three times.
        assertThat(listed(trace)).as("the fingerprint").containsKey("certificates");
        assertThat(listed(trace).entrySet())
                .filteredOn(directory -> directory.getKey().startsWith("certificates"))
                .allSatisfy(directory ->
                        assertThat(directory.getValue()).as(directory.getKey()).isLessThanOrEqualTo(6));
        // The hours that come are known by name; of their directories only those that have come are listed.
        assertThat(listed(trace).keySet())
                .filteredOn(directory -> directory.startsWith("due/"))
                .hasSizeBetween(1, 3);
    }

    @Tag("long")
    @Test
    void aHundredThousandNamesDoNotHoldUpTheFirstVisitAfterAStart() throws Exception {
        fill(0, 100);
        // A CA that does not answer: what is there is served.
        server.property("onDemandTls.issuer", "acme")
                .property("onDemandTls.acme.directory", "https://localhost:" + FreePorts.next() + "/dir");
        Duration few = startToFirstHandshake("n77.example.com");
        fill(100, 100_000);
        Duration many = startToFirstHandshake("n77777.example.com");
        Duration again = startToFirstHandshake("n77778.example.com");

        Files.writeString(
                Path.of("target/many-names.txt"),
                "start to first served handshake: " + few.toMillis() + " ms with 100 names, " + many.toMillis()
                        + " and " + again.toMillis() + " ms with 100,000\n");
        // The JVM and the server are the most of it, on a busy machine too.
        assertThat(shorter(many, again)).isLessThan(few.multipliedBy(3).plusSeconds(5));
    }
}
