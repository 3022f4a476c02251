package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.testing.Command;

/** Jetty's own start fetches the overlay by its coordinates and enables the module, with nothing unzipped by hand. */
class JettyDownloadIT {

    private static final Duration PATIENCE = Duration.ofMinutes(2);

    @TempDir
    private Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"jetty12", "jetty121"})
    void twoCommandsTurnItOn(String line) throws Exception {
        Path home = Path.of(System.getProperty("ondemandtls." + line + ".home"));
        Path base = Files.createDirectories(directory.resolve("base"));
        String version = System.getProperty("ondemandtls.version");
        Path repository = directory.resolve("repository");
        Path published = repository.resolve("org/ondemandtls/ondemand-tls-jetty-overlay/" + version
                + "/ondemand-tls-jetty-overlay-" + version + ".zip");
        Files.createDirectories(published.getParent());
        Files.copy(Path.of(System.getProperty("ondemandtls.jetty.overlay")), published);

        Command fetched = start(
                home,
                base,
                "maven.local.repo=" + repository,
                "--download=maven://org.ondemandtls/ondemand-tls-jetty-overlay/" + version + "/zip|extract:/");
        Command added = start(home, base, "--add-modules=http,ondemand-tls", "--approve-all-licenses");

        assertThat(fetched.exitCode()).as(fetched.stdout() + fetched.stderr()).isZero();
        assertThat(added.exitCode()).as(added.stdout() + added.stderr()).isZero();
        assertThat(base.resolve("start.d/ondemand-tls.ini")).exists();
        assertThat(base.resolve("lib/ondemand-tls/ondemand-tls-jetty-" + version + ".jar"))
                .exists();
        assertThat(start(home, base, "--list-config").stdout()).contains("ondemand-tls-core-" + version + ".jar");
    }

    private static Command start(Path home, Path base, String... words) {
        List<String> line = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        line.addAll(ServerProcess.SHORT_LIFE);
        line.addAll(List.of("-jar", home.resolve("start.jar").toString(), "jetty.base=" + base));
        line.addAll(List.of(words));
        return Command.run(line, PATIENCE);
    }
}
