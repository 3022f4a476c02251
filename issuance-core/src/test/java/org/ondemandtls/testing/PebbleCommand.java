package org.ondemandtls.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.concurrent.CountDownLatch;

/**
 * Runs a {@link Pebble} until it is ended by a signal; {@code ./demo --acme} does.
 *
 * <p>Run as {@code PebbleCommand DIRECTORY TLSPORT HTTPPORT}. When the CA answers, the directory has a file {@code
 * ready} with three lines: the ACME directory URL, the file with the roots of the CA's own HTTPS, and the file with the
 * root of the certificates it issues.
 */
public final class PebbleCommand {

    private PebbleCommand() {}

    /** Starts, reports, waits. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        Path directory = Path.of(arguments[0]);
        var pebble = Pebble.options()
                .tlsPort(Integer.parseInt(arguments[1]))
                .httpPort(Integer.parseInt(arguments[2]))
                .start(directory);
        Path report = Files.writeString(
                directory.resolve("ready.tmp"),
                pebble.directory() + "\n" + pebble.trustedRoots() + "\n" + pebble.issuerRoot() + "\n");
        Files.move(report, directory.resolve("ready"), StandardCopyOption.ATOMIC_MOVE);
        new CountDownLatch(1).await();
    }
}
