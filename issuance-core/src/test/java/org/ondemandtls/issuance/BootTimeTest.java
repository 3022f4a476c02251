package org.ondemandtls.issuance;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** {@link BootTime}: a machine is up at least as long as the process that asks, where its kernel says so. */
class BootTimeTest {

    @Test
    void isKnownWhereTheKernelSaysSoAndCoversTheLifeOfThisProcess() {
        Duration process =
                Duration.ofMillis(ManagementFactory.getRuntimeMXBean().getUptime());

        Optional<Duration> up = new BootTime().get();

        assertThat(up.isPresent()).isEqualTo(Files.isReadable(Path.of("/proc/uptime")));
        assertThat(up.orElse(process))
                .isGreaterThanOrEqualTo(process.minus(Duration.ofSeconds(1)))
                .isLessThan(Duration.ofDays(36_500));
    }
}
