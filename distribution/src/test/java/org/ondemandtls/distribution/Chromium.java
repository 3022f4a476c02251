package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.ondemandtls.testing.Command;
import org.ondemandtls.testing.Tools;

/**
 * A headless Chromium with an empty profile that trusts one root, in the way its operator would have it trust one: its
 * ClientHello has a post-quantum key share and is larger than one segment.
 */
final class Chromium {

    private static final Duration PATIENCE = Duration.ofMinutes(3);

    private final Path home;

    private Chromium(Path home) {
        this.home = home;
    }

    /**
     * Makes a profile.
     *
     * @param home becomes its home directory
     * @param root a PEM file
     */
    static Chromium trusting(Path home, Path root) throws IOException {
        Path keys = Files.createDirectories(home.resolve(".pki/nssdb"));
        String certutil =
                Tools.onPath("certutil", "apt-get install libnss3-tools").toString();
        run(List.of(certutil, "-d", "sql:" + keys, "-N", "--empty-password"));
        run(List.of(certutil, "-d", "sql:" + keys, "-A", "-t", "C,,", "-n", "root", "-i", root.toString()));
        return new Chromium(home);
    }

    /** The document at {@code https://name:port/path}, once its scripts have run. */
    String visit(String name, int port, String path) {
        var visit = Command.run(
                List.of(
                        "/usr/bin/env",
                        "HOME=" + home,
                        Tools.onPath("chromium", "apt-get install chromium").toString(),
                        "--headless",
                        "--no-sandbox",
                        "--disable-gpu",
                        "--disable-quic",
                        "--disable-dev-shm-usage",
                        "--no-first-run",
                        "--no-proxy-server",
                        "--disable-background-networking",
                        "--disable-component-update",
                        "--disable-sync",
                        "--user-data-dir=" + home.resolve("profile"),
                        "--host-resolver-rules=MAP * 127.0.0.1",
                        "--dump-dom",
                        "https://" + name + ":" + port + path),
                PATIENCE);
        assertThat(visit.exitCode()).as(visit.stderr()).isZero();
        return visit.stdout();
    }

    private static void run(List<String> command) {
        var ran = Command.run(command, PATIENCE);
        assertThat(ran.exitCode()).as(ran.stdout() + ran.stderr()).isZero();
    }
}
