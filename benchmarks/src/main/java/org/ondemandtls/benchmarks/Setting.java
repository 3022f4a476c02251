package org.ondemandtls.benchmarks;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import org.jspecify.annotations.Nullable;

/**
 * Where programs and files are.
 *
 * @param jettyHome an unpacked {@code jetty-home}
 * @param overlay the archive that is unpacked over {@code $JETTY_BASE}
 * @param target where everything is written
 */
record Setting(Path jettyHome, Path overlay, Path target) {

    /** The setting of a source tree that has been built; system properties name the two archives. */
    static Setting under(Path root) {
        return new Setting(
                Path.of(required("ondemandtls.jetty.home")).toAbsolutePath(),
                Path.of(required("ondemandtls.jetty.overlay")).toAbsolutePath(),
                root.resolve("benchmarks/target"));
    }

    /** An empty directory for one measurement; what an earlier run left there is deleted. */
    Path emptied(String name) throws IOException {
        Path directory = target.resolve("runs").resolve(name);
        if (Files.exists(directory)) {
            Files.walkFileTree(directory, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                    Files.delete(file);
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException failure)
                        throws IOException {
                    Files.delete(visited);
                    return FileVisitResult.CONTINUE;
                }
            });
        }
        return Files.createDirectories(directory);
    }

    private static String required(String property) {
        String value = System.getProperty(property);
        if (value == null) {
            throw new IllegalStateException("started without -D" + property + "; use benchmarks/run");
        }
        return value;
    }
}
