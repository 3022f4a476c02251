package org.ondemandtls.testing;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Pattern;

/** Where the programs are that the tests run. A missing one is a failure that says how to install it. */
public final class Tools {

    private static final Pattern SEPARATOR = Pattern.compile(Pattern.quote(File.pathSeparator));

    private Tools() {}

    /** The root of the source tree: system property {@code ondemandtls.root}, or the nearest parent that has it. */
    public static Path root() {
        String property = System.getProperty("ondemandtls.root");
        if (property != null) {
            return Path.of(property);
        }
        Path directory = Path.of("").toAbsolutePath();
        while (!Files.exists(directory.resolve("etc/pebble/fetch"))) {
            directory = directory.getParent();
            if (directory == null) {
                throw new IllegalStateException("set the system property ondemandtls.root to the root of the sources");
            }
        }
        return directory;
    }

    /**
     * A program on the {@code PATH}.
     *
     * @param name its file name
     * @param install the command line that installs it
     * @throws AssertionError if it is not there; the message has the install line
     */
    public static Path onPath(String name, String install) {
        return search(name).orElseThrow(() -> missing(name, install));
    }

    /**
     * One of Pebble's programs: in the directory that system property {@code ondemandtls.pebble} names, where {@code
     * etc/pebble/fetch} puts it, or on the {@code PATH}.
     */
    static Path pebble(String name) {
        String property = System.getProperty("ondemandtls.pebble");
        if (property != null) {
            return executable(Path.of(property), name)
                    .orElseThrow(() -> missing(name, "set -Dondemandtls.pebble to its directory"));
        }
        return executable(root().resolve(".tools/pebble/usr/bin"), name)
                .or(() -> search(name))
                .orElseThrow(() -> missing(name, "etc/pebble/fetch"));
    }

    private static AssertionError missing(String name, String install) {
        return new AssertionError(name + " is missing; install it with: " + install);
    }

    private static Optional<Path> search(String name) {
        String path = new ProcessBuilder().environment().getOrDefault("PATH", "/usr/bin:/bin");
        return SEPARATOR
                .splitAsStream(path)
                .filter(directory -> !directory.isEmpty())
                .flatMap(directory -> executable(Path.of(directory), name).stream())
                .findFirst();
    }

    private static Optional<Path> executable(Path directory, String name) {
        return Optional.of(directory.resolve(name)).filter(Files::isExecutable);
    }
}
