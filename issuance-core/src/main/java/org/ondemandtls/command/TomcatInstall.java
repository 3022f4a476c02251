package org.ondemandtls.command;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Puts the drop-in jar, its connector and what they need into a {@code $CATALINA_BASE}, and takes them back. It says first
 * what it will change. It can be run again: what is there already stays.
 *
 * <p>A file that changes keeps its owner and its rights; a copy of it as it was stays beside it. The copy from before an
 * installation stays until there is another file without anything of ours to copy.
 */
final class TomcatInstall {

    private static final Pattern DROP_IN = Pattern.compile("ondemand-tls-tomcat-.+\\.jar");
    private static final String COPY = ".before-ondemand-tls";
    private static final String COPY_WITH_OURS = ".before-uninstall";
    // Not .jar, by which Tomcat would know it.
    private static final String PART = ".part";

    /** One change: what is said about it, and how it is made. */
    private record Change(String what, Path touched, Step step) {}

    /** How a change is made. */
    @FunctionalInterface
    private interface Step {
        void run() throws IOException;
    }

    private final Path jar;
    private final Path base;
    private final PrintStream out;
    private final Predicate<Path> writable;
    private final List<Change> changes = new ArrayList<>();

    /**
     * Makes it ready.
     *
     * @param jar the drop-in jar
     * @param base the {@code $CATALINA_BASE}
     * @param out where it tells what it changes
     * @throws Arguments.WrongException if one of them is something else
     */
    TomcatInstall(Path jar, Path base, PrintStream out) throws Arguments.WrongException {
        this(jar, base, out, Files::isWritable);
    }

    TomcatInstall(Path jar, Path base, PrintStream out, Predicate<Path> writable) throws Arguments.WrongException {
        if (!isDropIn(jar)) {
            throw new Arguments.WrongException(
                    "this needs the jar for Tomcat, ondemand-tls-tomcat-VERSION-all.jar, not " + jar.getFileName());
        }
        if (!Files.isRegularFile(base.resolve("conf/server.xml"))) {
            throw new Arguments.WrongException(base + " is no $CATALINA_BASE: it has no conf/server.xml");
        }
        this.jar = jar;
        this.base = base;
        this.out = out;
        this.writable = writable;
    }

    /**
     * Installs, or brings another version's jar up to this one.
     *
     * @param port the port of the connector
     * @param keys the keys of the connector, in the order in which they are written
     * @param dryRun whether it only tells
     */
    void install(int port, Map<String, String> keys, boolean dryRun) throws IOException, Arguments.WrongException {
        // The jar comes first: a server.xml that names a class which is in no jar keeps Tomcat from starting.
        Path target = base.resolve("lib").resolve(String.valueOf(jar.getFileName()));
        if (!Files.exists(target) || Files.mismatch(jar, target) != -1) {
            changes.add(new Change("add      " + base.relativize(target), base.resolve("lib"), () -> add(target)));
        }
        removeJars(other -> !other.equals(target));
        String xml = text(serverXml());
        if (TomcatFiles.hasConnector(xml)) {
            out.println("conf/server.xml has the connector already. It stays as it is; change its keys there.");
        } else if (TomcatFiles.services(xml) > 1) {
            out.println("conf/server.xml has several services. The connector goes into the first one.");
        }
        rewrite("conf/server.xml", xml, TomcatFiles.withConnector(xml, port, keys, new Placeholders(base)), false);
        if (Files.isRegularFile(properties())) {
            String exiting = TomcatFiles.withExit(text(properties()));
            rewrite("conf/catalina.properties", text(properties()), exiting, false);
            if (!TomcatFiles.exits(exiting)) {
                out.println(
                        "conf/catalina.properties sets EXIT_ON_INIT_FAILURE to another value than true. It stays as it"
                                + " is: after a mistake in the configuration Tomcat runs on without HTTPS. Set it to true to"
                                + " prevent this.");
            }
        } else {
            out.println(
                    "There is no conf/catalina.properties: after a mistake in the configuration Tomcat runs on without"
                            + " HTTPS unless CATALINA_OPTS has -Dorg.apache.catalina.startup.EXIT_ON_INIT_FAILURE=true.");
        }
        carryOut(dryRun);
    }

    /**
     * Takes back what {@link #install} did. Certificates stay where they are.
     *
     * @param dryRun whether it only tells
     */
    void uninstall(boolean dryRun) throws IOException, Arguments.WrongException {
        rewrite("conf/server.xml", text(serverXml()), TomcatFiles.withoutConnector(text(serverXml())), true);
        if (Files.isRegularFile(properties())) {
            rewrite("conf/catalina.properties", text(properties()), TomcatFiles.withoutExit(text(properties())), true);
        }
        removeJars(any -> true);
        carryOut(dryRun);
        if (Files.isDirectory(base.resolve("ondemand-tls"))) {
            out.println("Certificates stay in " + base.resolve("ondemand-tls") + ".");
        }
    }

    // Whole or not at all: half a jar would be read at the next start.
    private void add(Path target) throws IOException {
        Path lib = base.resolve("lib");
        // A link to one is fine, too, which JDK 17 would not find there.
        if (!Files.isDirectory(lib)) {
            Files.createDirectory(lib);
        }
        Path part = target.resolveSibling(target.getFileName() + PART);
        try {
            Files.copy(jar, part, StandardCopyOption.REPLACE_EXISTING);
            Files.move(part, target, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(part);
        }
    }

    private void removeJars(Predicate<Path> which) throws IOException {
        if (!Files.isDirectory(base.resolve("lib"))) {
            return;
        }
        try (Stream<Path> files = Files.list(base.resolve("lib"))) {
            for (Path file :
                    files.filter(TomcatInstall::isDropIn).filter(which).sorted().toList()) {
                changes.add(
                        new Change("remove   " + base.relativize(file), base.resolve("lib"), () -> Files.delete(file)));
            }
        }
    }

    private void rewrite(String name, String before, String after, boolean removing) {
        if (before.equals(after)) {
            return;
        }
        Path file = base.resolve(name);
        String suffix = removing ? COPY_WITH_OURS : COPY;
        Path copy = file.resolveSibling(file.getFileName() + suffix);
        // An original is never replaced by a file with something of ours.
        boolean kept = !removing && TomcatFiles.hasOurs(before) && Files.exists(copy);
        String what = "change   " + name + (kept ? ", the original stays at " : ", a copy stays at ") + name + suffix
                + difference(before, after);
        changes.add(new Change(what, file, () -> {
            if (!kept) {
                Files.copy(file, copy, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.COPY_ATTRIBUTES);
            }
            // In place: a new file would be root's where root installs, and Tomcat could not read it.
            Files.write(file, after.getBytes(StandardCharsets.ISO_8859_1));
        }));
    }

    // Lines are only ever added or only ever taken out.
    private static String difference(String before, String after) {
        boolean more = after.length() > before.length();
        List<String> rest = new ArrayList<>((more ? after : before).lines().toList());
        (more ? before : after).lines().forEach(rest::remove);
        StringBuilder lines = new StringBuilder();
        for (String line : rest) {
            lines.append(System.lineSeparator())
                    .append(more ? "           + " : "           - ")
                    .append(line.strip());
        }
        return lines.toString();
    }

    private void carryOut(boolean dryRun) throws IOException, Arguments.WrongException {
        if (changes.isEmpty()) {
            out.println("Nothing to change in " + base + ".");
            return;
        }
        out.println((dryRun ? "Would change in " : "Changes in ") + base + ":");
        for (Change change : changes) {
            out.println("  " + change.what());
        }
        if (dryRun) {
            return;
        }
        requireWritable();
        for (Change change : changes) {
            change.step().run();
        }
        out.println("Done. Tomcat sees it at its next start.");
    }

    // All or nothing: a server.xml that names a class which is in no jar keeps Tomcat from starting.
    private void requireWritable() throws Arguments.WrongException {
        for (Change change : changes) {
            Path touched = Files.exists(change.touched()) ? change.touched() : base;
            Path around = Files.isDirectory(touched) ? touched : base.resolve("conf");
            for (Path needed : List.of(touched, around)) {
                if (!writable.test(needed)) {
                    throw new Arguments.WrongException(
                            needed + " may not be written by this user; nothing was changed");
                }
            }
        }
    }

    private Path serverXml() {
        return base.resolve("conf/server.xml");
    }

    private Path properties() {
        return base.resolve("conf/catalina.properties");
    }

    private static boolean isDropIn(Path file) {
        return DROP_IN.matcher(String.valueOf(file.getFileName())).matches();
    }

    // Each byte is one character: whatever encoding the file has that contains ASCII, its bytes come back as they were.
    private static String text(Path file) throws IOException {
        return Files.readString(file, StandardCharsets.ISO_8859_1);
    }
}
