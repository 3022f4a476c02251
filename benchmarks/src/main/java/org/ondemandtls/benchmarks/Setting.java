package org.ondemandtls.benchmarks;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Which server is measured, and where programs and files are.
 *
 * @param kind which server
 * @param home the unpacked distribution of it
 * @param overlay the archive that is unpacked over its base directory
 * @param target where everything is written
 */
record Setting(Kind kind, Path home, Path overlay, Path target) {

    /** A server that is measured. */
    enum Kind {
        JETTY,
        TOMCAT;

        /** As it is written on the command line and in system properties. */
        String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** The setting of a source tree that has been built; system properties name home and overlay. */
    static Setting under(Path root, Kind kind) {
        return new Setting(
                kind,
                Path.of(required("ondemandtls." + kind.word() + ".home")).toAbsolutePath(),
                Path.of(required("ondemandtls." + kind.word() + ".overlay")).toAbsolutePath(),
                root.resolve("benchmarks/target"));
    }

    /** The server and its version, as in the name of its directory. */
    String title() {
        return String.valueOf(home.getFileName());
    }

    /** An empty directory for one measurement; what an earlier run left there is deleted. */
    Path emptied(String name) throws IOException {
        Path directory = target.resolve("runs").resolve(name + "-" + kind.word());
        remove(directory);
        return Files.createDirectories(directory);
    }

    /** Deletes a directory with all that is in it, where there is one. */
    static void remove(Path directory) throws IOException {
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
    }

    private static String required(String property) {
        String value = System.getProperty(property);
        if (value == null) {
            throw new IllegalStateException("started without -D" + property + "; use benchmarks/run");
        }
        return value;
    }
}
