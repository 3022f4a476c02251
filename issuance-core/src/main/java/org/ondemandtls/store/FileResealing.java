package org.ondemandtls.store;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Goes once through all files of a store in the background and has each written anew that is in clear or under an older
 * key: orders and secrets first, then certificates. Interrupted, it begins again, and passes over what is done at the cost
 * of reading it.
 *
 * <p>It rests after each file it had written, at least 10 ms and as long as writing took: at most half of one disk and a
 * hundred files a second.
 */
final class FileResealing {

    private static final long SHORTEST_REST = TimeUnit.MILLISECONDS.toNanos(10);
    private static final long RETRY = TimeUnit.MINUTES.toNanos(1);

    /** Writes one file anew where it is not yet as it is to be. */
    @FunctionalInterface
    interface Step {
        /**
         * Looks at a file.
         *
         * @return whether it was written or removed
         */
        boolean reseal(Path file) throws IOException, StoreException;
    }

    /**
     * What is done with each kind of file.
     *
     * @param certificate a bundle
     * @param order an open order
     * @param secret anything in a directory of secrets
     * @param setAside what was set aside
     */
    record Steps(Step certificate, Step order, Step secret, Step setAside) {}

    /** Told of the end. */
    interface Outcome {
        /** Every file is as it is to be; so many were changed. */
        void completed(long changed) throws IOException;

        /** Some could not be; tried again in a minute. */
        void failed(Exception why);
    }

    private final Path root;
    private final List<String> notSecrets;
    private final Steps steps;
    private final Outcome outcome;
    private final Thread thread;

    private volatile boolean closed;

    private long changed;

    /**
     * Begins.
     *
     * @param root the store
     * @param notSecrets the directories in it that hold no secrets
     * @param steps what is done with each file
     * @param outcome told of the end, on the thread of this
     */
    FileResealing(Path root, List<String> notSecrets, Steps steps, Outcome outcome) {
        this.root = root;
        this.notSecrets = List.copyOf(notSecrets);
        this.steps = steps;
        this.outcome = outcome;
        this.thread = new Thread(this::run, "ondemand-tls-store-reseal");
        thread.setDaemon(true);
        thread.start();
    }

    /** Ends after the file it is at. */
    void close() {
        closed = true;
        LockSupport.unpark(thread);
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        while (!closed) {
            try {
                all();
                if (!closed) {
                    outcome.completed(changed);
                }
                return;
            } catch (IOException | StoreException | RuntimeException e) {
                outcome.failed(e);
                rest(RETRY);
            }
        }
    }

    private void all() throws IOException, StoreException {
        each(root.resolve("orders"), steps.order());
        for (Path directory : directories(root)) {
            if (!notSecrets.contains(String.valueOf(directory.getFileName()))) {
                each(directory, steps.secret());
            }
        }
        each(root.resolve("quarantine"), steps.setAside());
        for (Path shard : directories(root.resolve("certificates"))) {
            each(shard, steps.certificate());
        }
    }

    private void each(Path directory, Step step) throws IOException, StoreException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (Path file : files) {
                if (closed) {
                    return;
                }
                long start = System.nanoTime();
                if (step.reseal(file)) {
                    changed++;
                    rest(Math.max(SHORTEST_REST, System.nanoTime() - start));
                }
            }
        } catch (NoSuchFileException e) {
            // Nothing was ever kept there.
            return;
        }
    }

    private void rest(long nanos) {
        long until = System.nanoTime() + nanos;
        for (long left = nanos; left > 0 && !closed; left = until - System.nanoTime()) {
            LockSupport.parkNanos(this, left);
        }
    }

    private static List<Path> directories(Path parent) throws IOException {
        List<Path> found = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(parent, Files::isDirectory)) {
            entries.forEach(found::add);
        }
        return found;
    }
}
