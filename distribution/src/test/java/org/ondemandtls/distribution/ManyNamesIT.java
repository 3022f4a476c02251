package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
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
import org.ondemandtls.store.FileCertificateStore;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.testing.RecordedEvents;
import org.ondemandtls.testing.TestCertificates;
import org.ondemandtls.testing.TestLeaves;
import org.ondemandtls.testing.TlsProbe;
import org.ondemandtls.testing.Tools;

/** A real server over a store of many names: its start and its renewals cost what is due, not what is there. */
class ManyNamesIT {

    private static final Pattern OPENED = Pattern.compile("certificates/[0-9a-f]{2}/([a-z0-9.-]+)\\.pem\"");
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

    private void fill(int names) throws Exception {
        server = ServerLine.JETTY_12_1
                .layOut(directory.resolve("base"))
                .withoutPlainHttp()
                .property("onDemandTls.issuer", "internal")
                .property("onDemandTls.permission.names", "*.example.com");
        Instant now = Instant.now();
        KeyPair key = TestCertificates.key();
        try (FileCertificateStore store = FileCertificateStore.open(
                server.store(), new RecordedEvents().events(), Clock.systemUTC(), Duration.ZERO)) {
            for (int i = 0; i < names; i++) {
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
        fill(1_000);
        Path trace = directory.resolve("strace.log");
        server.under(
                        Tools.onPath("strace", "apt-get install strace").toString(),
                        "-f",
                        "-qq",
                        "-s",
                        "300",
                        "-o",
                        trace.toString(),
                        "-e",
                        "trace=openat,open")
                .start();

        Awaitility.await()
                .atMost(Duration.ofSeconds(60))
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
    }

    @Tag("long")
    @Test
    void aHundredThousandNamesDoNotHoldUpTheFirstVisitAfterAStart() throws Exception {
        fill(100_000);
        long before = System.nanoTime();
        server.start();
        TlsProbe.Outcome visit = TlsProbe.trustingAnything().handshake(server.tlsPort(), "n77777.example.com");
        Duration took = Duration.ofNanos(System.nanoTime() - before);

        assertThat(visit.failure()).isEmpty();
        Files.writeString(
                Path.of("target/many-names.txt"), "start to first served handshake: " + took.toMillis() + " ms\n");
        assertThat(took).isLessThan(Duration.ofSeconds(20));
    }
}
