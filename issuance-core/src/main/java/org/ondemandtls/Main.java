package org.ondemandtls;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.ondemandtls.command.Command;
import org.ondemandtls.machine.Time;

/**
 * What {@code java -jar} starts: the {@link Command}, with every jar beside its own on the class path, so that what a server
 * finds there is found here too, a JDBC driver among it.
 */
public final class Main {

    private Main() {}

    /**
     * Runs a command and ends the JVM with its status.
     *
     * @param line the words as typed
     */
    public static void main(String[] line) throws IOException, ReflectiveOperationException, URISyntaxException {
        System.exit(runWithAllJars(line));
    }

    /** Runs a command with every jar beside our own. */
    static int runWithAllJars(String[] line) throws IOException, ReflectiveOperationException, URISyntaxException {
        ClassLoader before = Thread.currentThread().getContextClassLoader();
        try (URLClassLoader all = new URLClassLoader(jarsBeside(), ClassLoader.getPlatformClassLoader())) {
            Thread.currentThread().setContextClassLoader(all);
            return (int) Class.forName(Main.class.getName(), true, all)
                    .getMethod("run", String[].class)
                    .invoke(null, (Object) line);
        } catch (InvocationTargetException e) {
            throw new IllegalStateException(e.getCause());
        } finally {
            Thread.currentThread().setContextClassLoader(before);
        }
    }

    /**
     * Runs a command with what is on the class path.
     *
     * @param line the words as typed
     * @return its status
     */
    public static int run(String[] line) {
        return new Command(Time.ofMachine(), System.out, System.err).run(line);
    }

    private static URL[] jarsBeside() throws IOException, URISyntaxException {
        List<URL> jars = new ArrayList<>();
        Path own = Path.of(
                Main.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        jars.add(own.toUri().toURL());
        Path beside = own.getParent();
        if (beside != null) {
            try (Stream<Path> files = Files.list(beside)) {
                for (Path file : files.filter(one -> one.toString().endsWith(".jar"))
                        .sorted()
                        .toList()) {
                    jars.add(file.toUri().toURL());
                }
            }
        }
        return jars.toArray(URL[]::new);
    }
}
