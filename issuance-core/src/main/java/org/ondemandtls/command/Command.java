package org.ondemandtls.command;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.ondemandtls.config.ConfigException;
import org.ondemandtls.config.ConfigKey;
import org.ondemandtls.config.ConfigReader;
import org.ondemandtls.config.OnDemandTlsConfig.DatabaseStore;
import org.ondemandtls.event.Events;
import org.ondemandtls.machine.Time;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.KeySealing;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.file.FileCertificateStore;
import org.ondemandtls.store.jdbc.JdbcCertificateStore;

/**
 * The command line of the jars: {@code import FROM TO}, {@code check FILE}, what {@link RemoteCommand} asks of a running
 * server, and of the jar for Tomcat {@code install CATALINA_BASE} and {@code uninstall CATALINA_BASE}. {@code --help}
 * explains each.
 *
 * <p>{@code FROM} is a store of ours (a directory or a {@code jdbc:} URL), the storage of Caddy, or the configuration
 * directory of certbot; {@code TO} is a store of ours. Secrets are read from files, never from the command line.
 */
public final class Command {

    /** All went well. */
    public static final int DONE = 0;
    /** Some of it was left out; the output says what and why. */
    public static final int INCOMPLETE = 1;
    /** Nothing was done, or not all: the error output says why. */
    public static final int FAILED = 2;

    private static final String ROOT = "root";
    private static final String DRY_RUN = "--dry-run";
    private static final String SET = "--set";
    private static final String BASE = "--base";
    private static final Set<String> OPTIONS = Set.of(
            "--from-user",
            "--from-password-file",
            "--from-encryption-key-file",
            "--to-user",
            "--to-password-file",
            "--to-encryption-key-file",
            "--ask",
            "--port",
            SET,
            BASE,
            "--server",
            "--user",
            "--password-file",
            "--reason");
    private static final Set<String> HELP = Set.of("--help", "-h");
    private static final Set<String> FLAGS = Set.of(DRY_RUN, "--json", "--help", "-h");
    private static final String ASK = "http://localhost:9123/check";
    private static final String PERMISSION = ConfigKey.PREFIX + "permission.";
    private static final int HTTPS = 443;
    private static final int LAST_PORT = 65_535;
    private static final int CONNECTIONS = 2;
    private static final int KEY_LENGTH = 32;
    private static final Pattern COMMA = Pattern.compile("\\s*,\\s*");

    private final Time time;
    private final PrintStream out;
    private final PrintStream err;
    private final Events events;
    private final Ownership ownership;

    /** Whose a file is. */
    @FunctionalInterface
    interface Ownership {
        /** The name of its owner. */
        String of(Path file) throws IOException;
    }

    /**
     * Makes it ready.
     *
     * @param time the time
     * @param out where it tells what it does
     * @param err where it tells what went wrong
     */
    public Command(Time time, PrintStream out, PrintStream err) {
        this(time, out, err, file -> Files.getOwner(file).getName());
    }

    Command(Time time, PrintStream out, PrintStream err, Ownership ownership) {
        this.ownership = ownership;
        this.time = time;
        this.out = out;
        this.err = err;
        this.events = new Events(event -> err.println(event.text()), time::nanoTime);
    }

    /**
     * Runs it; blocks until it is done.
     *
     * @param line the words as typed
     * @return the exit status: {@link #DONE}, {@link #INCOMPLETE} or {@link #FAILED}
     */
    public int run(String[] line) {
        try {
            Arguments arguments = Arguments.of(line, OPTIONS, FLAGS);
            List<String> words = arguments.words();
            String command = words.isEmpty() ? "" : words.get(0);
            if (HELP.stream().anyMatch(arguments::has) || command.equals("help")) {
                out.println(Help.of(command.equals("help") && words.size() > 1 ? words.get(1) : command));
                return DONE;
            }
            if (command.equals("import") && words.size() == 3) {
                return bring(words.get(1), words.get(2), arguments);
            }
            if (command.equals("check") && words.size() == 2) {
                return new Check(Path.of(words.get(1)), arguments.option(BASE).map(Path::of), out).run()
                        ? DONE
                        : INCOMPLETE;
            }
            if ((command.equals("install") || command.equals("uninstall")) && words.size() <= 2) {
                return settle(command.equals("install"), base(words), arguments);
            }
            if (RemoteCommand.isOne(words)) {
                return new RemoteCommand(arguments, out, err).run();
            }
            err.println(Help.of(command));
            return FAILED;
        } catch (Arguments.WrongException e) {
            err.println(e.getMessage());
            err.println("--help explains the commands and their options.");
            return FAILED;
        } catch (IOException e) {
            err.println(FileTrouble.inWords(e));
            return FAILED;
        } catch (UncheckedIOException e) {
            err.println(FileTrouble.inWords(e));
            return FAILED;
        } catch (StoreException | IllegalArgumentException e) {
            err.println(e.getMessage());
            return FAILED;
        }
    }

    // Without quotes a variable that is not set is no word at all, in quotes an empty one.
    private static Path base(List<String> words) throws Arguments.WrongException {
        if (words.size() == 1 || words.get(1).isBlank()) {
            throw new Arguments.WrongException(words.get(0)
                    + " needs the directory of the Tomcat. If you wrote $CATALINA_BASE, that variable is not set: set it"
                    + " to the directory where you unpacked Tomcat");
        }
        return Path.of(words.get(1));
    }

    private int settle(boolean in, Path base, Arguments arguments) throws IOException, Arguments.WrongException {
        TomcatInstall installer = new TomcatInstall(ownJar(), base, out);
        if (in) {
            installer.install(port(arguments), keys(base, arguments, out), arguments.has(DRY_RUN));
        } else {
            installer.uninstall(arguments.has(DRY_RUN));
        }
        return DONE;
    }

    /**
     * The keys that a connector is installed with. Permission comes first; the default endpoint is written only where nothing
     * else says who may have a certificate.
     *
     * @param base the base directory of the server
     * @param arguments the command line
     * @param out is told what only the running server can check
     * @throws Arguments.WrongException if there are mistakes
     */
    static Map<String, String> keys(Path base, Arguments arguments, PrintStream out)
            throws IOException, Arguments.WrongException {
        Map<String, String> given = new LinkedHashMap<>();
        for (String pair : arguments.all(SET)) {
            int equals = pair.indexOf('=');
            if (equals <= 0) {
                throw new Arguments.WrongException(SET + " " + pair + " is not KEY=VALUE");
            }
            given.put(pair.substring(0, equals), pair.substring(equals + 1));
        }
        Map<String, String> keys = new LinkedHashMap<>();
        Optional<String> ask = arguments.option("--ask");
        if (ask.isPresent() || given.keySet().stream().noneMatch(key -> key.startsWith(PERMISSION))) {
            keys.put(ConfigKey.PERMISSION_ASK.key(), ask.orElse(ASK));
        }
        keys.putAll(given);
        try {
            ConfigReader.read(
                    new Placeholders(base)
                            .checkable(
                                    keys,
                                    (key, unknown) -> out.println(
                                            key + " is not checked, because only the running server knows " + unknown)),
                    base);
        } catch (ConfigException e) {
            throw new Arguments.WrongException(String.join(System.lineSeparator(), e.mistakes()));
        }
        for (String key : keys.keySet()) {
            if (!key.startsWith(ConfigKey.PREFIX)) {
                throw new Arguments.WrongException(SET + " " + key + ": a key begins with " + ConfigKey.PREFIX);
            }
        }
        return keys;
    }

    private static int port(Arguments arguments) throws Arguments.WrongException {
        String text = arguments.option("--port").orElse(String.valueOf(HTTPS));
        try {
            int port = Integer.parseInt(text);
            if (port > 0 && port <= LAST_PORT) {
                return port;
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw new Arguments.WrongException("--port " + text + " is no port");
    }

    private static Path ownJar() throws Arguments.WrongException {
        try {
            CodeSource source = Command.class.getProtectionDomain().getCodeSource();
            return Path.of(
                    Objects.requireNonNull(source, "source").getLocation().toURI());
        } catch (URISyntaxException e) {
            throw new Arguments.WrongException("the place of this jar cannot be read: " + e.getMessage());
        }
    }

    private int bring(String from, String to, Arguments arguments)
            throws IOException, StoreException, Arguments.WrongException {
        if (from.equals(to)) {
            throw new Arguments.WrongException("FROM and TO are the same");
        }
        Optional<ForeignStorage> foreign = isDatabase(from) ? Optional.empty() : ForeignStorage.in(Path.of(from));
        boolean ours = isDatabase(from) || isStore(Path.of(from));
        if (!ours && foreign.isEmpty()) {
            throw new Arguments.WrongException(
                    from + " is neither a store nor what Caddy or certbot keeps, or may not be read by this user");
        }
        if (!isDatabase(to) && !isStore(Path.of(to)) && !isEmpty(Path.of(to))) {
            throw new Arguments.WrongException(to + " holds something else than a store");
        }
        try (CertificateStore target = open(to, "--to", arguments)) {
            Import bringing = new Import(target, time.clock(), new SecureRandom()::nextDouble, out);
            if (ours) {
                try (CertificateStore source = open(from, "--from", arguments)) {
                    bringing.from(source);
                }
            } else {
                out.println("reading what " + foreign.get().owner() + " keeps in " + from);
                bringing.from(foreign.get());
            }
            return bringing.isIncomplete() ? INCOMPLETE : DONE;
        } finally {
            // To open a store is to write into it, also where it is only read from.
            tellOwnership(to);
            if (ours) {
                tellOwnership(from);
            }
        }
    }

    private void tellOwnership(String where) {
        if (isDatabase(where)) {
            return;
        }
        try {
            ownership(Path.of(where)).ifPresent(out::println);
        } catch (IOException e) {
            err.println(FileTrouble.inWords(e));
        } catch (UncheckedIOException e) {
            err.println(FileTrouble.inWords(e));
        }
    }

    // Where a store was written by another user than the one who owns its surroundings, root above all.
    private Optional<String> ownership(Path store) throws IOException {
        Path file = store.resolve("FORMAT");
        if (!Files.exists(file) || !Files.getFileStore(file).supportsFileAttributeView("posix")) {
            return Optional.empty();
        }
        Path around = Objects.requireNonNull(store.toAbsolutePath().normalize().getParent(), "the root is no store");
        return ownership(Set.copyOf(owners(store)), ownership.of(around), store);
    }

    /**
     * What is left to do with a store's files, by whose they are.
     *
     * @param owners who owns files of the store
     * @param around who owns the directory that the store is in
     * @param store the store's directory
     */
    static Optional<String> ownership(Set<String> owners, String around, Path store) {
        if (!owners.contains(ROOT)) {
            return Optional.empty();
        }
        Optional<String> user = owners.stream()
                .filter(owner -> !owner.equals(ROOT))
                .sorted()
                .findFirst()
                .or(() -> Optional.of(around).filter(owner -> !owner.equals(ROOT)));
        return Optional.of(
                user.isPresent()
                        ? "some files in the store belong to root and the server cannot read them; run: chown -R "
                                + user.get() + ": " + store
                        : "the store belongs to root; if the server runs as another user, run: chown -R USER: "
                                + store);
    }

    private List<String> owners(Path store) throws IOException {
        List<String> owners = new ArrayList<>();
        try (var files = Files.walk(store)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                String owner = ownership.of(file);
                if (!owners.contains(owner)) {
                    owners.add(owner);
                }
            }
        }
        return owners;
    }

    private CertificateStore open(String where, String side, Arguments arguments)
            throws IOException, StoreException, Arguments.WrongException {
        KeySealing sealing = KeySealing.of(keys(arguments.option(side + "-encryption-key-file")));
        if (!isDatabase(where)) {
            return FileCertificateStore.open(Path.of(where), events, time, Duration.ZERO, sealing);
        }
        Optional<String> passwordFile = arguments.option(side + "-password-file");
        Optional<String> password = passwordFile.isPresent()
                ? Optional.of(Files.readString(Path.of(passwordFile.get())).strip())
                : Optional.empty();
        return JdbcCertificateStore.open(
                new DatabaseStore(where, arguments.option(side + "-user"), password, true, CONNECTIONS),
                events,
                time,
                sealing);
    }

    private static List<byte[]> keys(Optional<String> file) throws IOException, Arguments.WrongException {
        List<byte[]> keys = new ArrayList<>();
        if (file.isPresent()) {
            String text = Files.readString(Path.of(file.get()), StandardCharsets.US_ASCII);
            for (String key : COMMA.split(text.strip(), -1)) {
                byte[] octets = Base64.getDecoder().decode(key);
                if (octets.length != KEY_LENGTH) {
                    throw new Arguments.WrongException("a key in " + file.get() + " is not 32 bytes in base64");
                }
                keys.add(octets);
            }
        }
        return keys;
    }

    private static boolean isDatabase(String where) {
        return where.startsWith("jdbc:");
    }

    private static boolean isStore(Path directory) {
        return Files.isRegularFile(directory.resolve("FORMAT"));
    }

    private static boolean isEmpty(Path directory) throws IOException {
        if (!Files.exists(directory)) {
            return true;
        }
        try (var entries = Files.list(directory)) {
            return entries.findAny().isEmpty();
        }
    }
}
