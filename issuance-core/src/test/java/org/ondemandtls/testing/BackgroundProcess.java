package org.ondemandtls.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * A server process a test started, with its output in a file. It ends, children included, with {@link #close} and at
 * the latest with the JVM.
 *
 * <p><b>Threads.</b> Methods that wait block; one thread at a time uses an instance.
 */
public final class BackgroundProcess implements AutoCloseable {

    private static final Duration PATIENCE_TO_END = Duration.ofSeconds(10);
    private static final Duration PATIENCE_WITH_SIGKILL = Duration.ofMinutes(1);
    private static final Set<BackgroundProcess> RUNNING = ConcurrentHashMap.newKeySet();

    static {
        Runtime.getRuntime()
                .addShutdownHook(new Thread(() -> RUNNING.forEach(BackgroundProcess::kill), "end-test-processes"));
    }

    private final Process process;
    private final String name;
    private final Path log;
    private final long logStart;

    private BackgroundProcess(Process process, String name, Path log, long logStart) {
        this.process = process;
        this.name = name;
        this.log = log;
        this.logStart = logStart;
    }

    /**
     * Starts a process.
     *
     * @param command program and arguments
     * @param directory its working directory
     * @param environment added to this JVM's own
     * @param log the file its output, errors included, is appended to
     * @return the process, which may not be ready yet
     * @throws IOException if it cannot be started
     */
    public static BackgroundProcess start(
            List<String> command, Path directory, Map<String, String> environment, Path log) throws IOException {
        Files.createDirectories(log.toAbsolutePath().getParent());
        long logStart = Files.exists(log) ? Files.size(log) : 0;
        var builder = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
        builder.environment().putAll(environment);
        var started = new BackgroundProcess(
                builder.start(), Path.of(command.get(0)).getFileName().toString(), log, logStart);
        RUNNING.add(started);
        return started;
    }

    /**
     * Waits until the process has written {@code text} since it was started.
     *
     * @throws AssertionError if it ends before, or is late; the message has the end of its output
     */
    public void awaitOutput(String text, Duration patience) {
        await("write \"" + text + "\"", () -> output().contains(text), patience);
    }

    /**
     * Waits until something accepts connections on a loopback port.
     *
     * @throws AssertionError if the process ends before, or is late; the message has the end of its output
     */
    public void awaitPort(int port, Duration patience) {
        await("listen on port " + port, () -> accepts(port), patience);
    }

    /**
     * Waits until a condition holds.
     *
     * @param what completes "did not … in time"
     * @throws AssertionError if the process ends before, or is late; the message has the end of its output
     */
    public void await(String what, BooleanSupplier condition, Duration patience) {
        long begin = System.nanoTime();
        while (!condition.getAsBoolean()) {
            if (ended(Duration.ofMillis(10))) {
                throw new AssertionError(
                        name + " ended with " + process.exitValue() + " and did not " + what + ":\n" + tail());
            }
            if (System.nanoTime() - begin > patience.toNanos()) {
                throw new AssertionError(name + " did not " + what + " within " + patience + ":\n" + tail());
            }
        }
    }

    /** Waits for the end of the process, for at most {@code patience}; whether it has ended. */
    public boolean ended(Duration patience) {
        try {
            boolean ended = process.waitFor(patience.toNanos(), TimeUnit.NANOSECONDS);
            if (ended) {
                RUNNING.remove(this);
            }
            return ended;
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for " + name, interrupted);
        }
    }

    /** The exit status of the ended process. */
    public int exitValue() {
        return process.exitValue();
    }

    /** The process identifier. */
    public long pid() {
        return process.pid();
    }

    /** Whether the process runs. */
    public boolean isAlive() {
        return process.isAlive();
    }

    /** What the process has written since it was started. */
    public String output() {
        try (var file = Files.newByteChannel(log)) {
            file.position(Math.min(logStart, file.size()));
            var bytes = java.nio.channels.Channels.newInputStream(file).readAllBytes();
            return new String(bytes, StandardCharsets.UTF_8);
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    /** The file that takes the output. */
    public Path log() {
        return log;
    }

    /** Ends the process and its children with {@code SIGKILL}, and waits until it is gone. */
    public void kill() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        if (!ended(PATIENCE_WITH_SIGKILL)) {
            throw new AssertionError(name + " outlived SIGKILL");
        }
    }

    /** Asks the process to end with {@code SIGTERM}; whether it did so within {@code patience}. */
    public boolean terminate(Duration patience) {
        process.destroy();
        return ended(patience);
    }

    /** Ends the process, by {@code SIGKILL} where it does not end by itself. */
    @Override
    public void close() {
        var children = process.descendants().toList();
        if (!terminate(PATIENCE_TO_END)) {
            kill();
        }
        children.forEach(ProcessHandle::destroyForcibly);
    }

    private String tail() {
        String output = output();
        return output.substring(Math.max(0, output.length() - 4000));
    }

    private static boolean accepts(int port) {
        try (var socket = new Socket()) {
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1000);
            return true;
        } catch (IOException refused) {
            return false;
        }
    }
}
