package org.ondemandtls.issuance;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Supplier;

/** How long this machine has been up, the time it slept included, where its kernel says so: Linux does. */
public final class BootTime implements Supplier<Optional<Duration>> {

    private static final Path UPTIME = Path.of("/proc/uptime");
    private static final int MILLIS = 1000;

    @Override
    public Optional<Duration> get() {
        try {
            String first = Files.readString(UPTIME, StandardCharsets.US_ASCII).split(" ", 2)[0];
            return Optional.of(Duration.ofMillis((long) (Double.parseDouble(first) * MILLIS)));
        } catch (IOException | NumberFormatException e) {
            return Optional.empty();
        }
    }
}
