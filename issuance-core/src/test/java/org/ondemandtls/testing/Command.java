package org.ondemandtls.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What became of a program that was run to its end.
 *
 * @param exitCode its exit status
 * @param stdout what it wrote to its standard output
 * @param stderr what it wrote to its standard error
 */
public record Command(int exitCode, String stdout, String stderr) {

    /**
     * Runs a program with an empty standard input, and waits for its end.
     *
     * @param patience how long it may take; then it is killed
     * @throws AssertionError if it takes longer; the message has what it wrote
     */
    public static Command run(List<String> command, Duration patience) {
        return run(command, "", patience);
    }

    /** The same with something to read on its standard input. */
    public static Command run(List<String> command, String input, Duration patience) {
        Path stdin = null;
        Path stdout = null;
        Path stderr = null;
        try {
            stdin = Files.writeString(Files.createTempFile("command", ".in"), input);
            stdout = Files.createTempFile("command", ".out");
            stderr = Files.createTempFile("command", ".err");
            Process process = new ProcessBuilder(command)
                    .redirectInput(stdin.toFile())
                    .redirectOutput(stdout.toFile())
                    .redirectError(stderr.toFile())
                    .start();
            if (!process.waitFor(patience.toNanos(), TimeUnit.NANOSECONDS)) {
                process.destroyForcibly().waitFor();
                throw new AssertionError(
                        command + " took longer than " + patience + ":\n" + text(stdout) + "\n" + text(stderr));
            }
            return new Command(process.exitValue(), text(stdout), text(stderr));
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(interrupted);
        } finally {
            delete(stdin);
            delete(stdout);
            delete(stderr);
        }
    }

    // What a TLS client prints of its peer's certificate need not be UTF-8.
    private static String text(Path file) throws IOException {
        return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
    }

    private static void delete(@Nullable Path file) {
        try {
            if (file != null) {
                Files.deleteIfExists(file);
            }
        } catch (IOException leftBehind) {
            throw new UncheckedIOException(leftBehind);
        }
    }
}
