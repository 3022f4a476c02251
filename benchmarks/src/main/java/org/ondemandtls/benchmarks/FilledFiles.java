package org.ondemandtls.benchmarks;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.event.Events;
import org.ondemandtls.machine.Time;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.Hold;
import org.ondemandtls.store.KeySealing;
import org.ondemandtls.store.file.FileCertificateStore;

/**
 * Saves {@link ManyNames} as files by the store's own code, in memory where the system has a directory there, and moves them to
 * where they are read: synchronised one by one on a disk they would take half an hour.
 */
final class FilledFiles {

    private static final Path IN_MEMORY = Path.of("/dev/shm");
    private static final int WRITERS = 4;

    private FilledFiles() {}

    /** Makes a directory and fills it. */
    static void fill(Path directory, ManyNames names, Instant now) throws Exception {
        if (!Files.isWritable(IN_MEMORY)) {
            save(directory, names, now);
            return;
        }
        Path beside = Files.createTempDirectory(IN_MEMORY, "ondemand-tls-lists");
        try {
            save(beside, names, now);
        } finally {
            move(beside, directory);
        }
    }

    private static void save(Path directory, ManyNames names, Instant now) throws Exception {
        ExecutorService writers = Executors.newFixedThreadPool(WRITERS);
        try (CertificateStore store = FileCertificateStore.open(
                directory,
                new Events(event -> {}, System::nanoTime),
                Time.ofMachine(),
                Duration.ZERO,
                KeySealing.none())) {
            List<Future<?>> parts = new ArrayList<>();
            for (int writer = 0; writer < WRITERS; writer++) {
                int first = writer;
                // What makes leaves is used by one thread at a time.
                var own = new ManyNames(names.count(), now);
                parts.add(writers.submit(() -> {
                    for (int number = first; number < names.count(); number += WRITERS) {
                        store.save(own.certificate(number));
                        for (Hold hold : own.holds(number)) {
                            store.keepHold(hold);
                        }
                    }
                    return null;
                }));
            }
            for (Future<?> part : parts) {
                part.get();
            }
        } finally {
            writers.shutdown();
        }
    }

    private static void move(Path from, Path to) throws IOException {
        Files.walkFileTree(from, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes)
                    throws IOException {
                Path there = to.resolve(from.relativize(directory));
                if (!Files.exists(there)) {
                    Files.copy(directory, there, StandardCopyOption.COPY_ATTRIBUTES);
                }
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.copy(file, to.resolve(from.relativize(file)), StandardCopyOption.COPY_ATTRIBUTES);
                Files.delete(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException failure)
                    throws IOException {
                Files.delete(directory);
                return FileVisitResult.CONTINUE;
            }
        });
    }
}
