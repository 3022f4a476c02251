package org.ondemandtls.command;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;
import org.ondemandtls.config.OnDemandTlsConfig.DatabaseStore;
import org.ondemandtls.event.Events;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.FileCertificateStore;
import org.ondemandtls.store.JdbcCertificateStore;
import org.ondemandtls.store.KeySealing;
import org.ondemandtls.store.StoreException;

/**
 * The command line of the jars: {@code import FROM TO}.
 *
 * <p>{@code FROM} is a store of ours (a directory or a {@code jdbc:} URL), the storage of Caddy, or the configuration
 * directory of certbot; {@code TO} is a store of ours. Secrets are read from files, never from the command line.
 */
public final class Command {

    /** All went well. */
    public static final int DONE = 0;
    /** Some of it was left out; the output says what and why. */
    public static final int INCOMPLETE = 1;
    /** Nothing was done, or not all: the last line says why. */
    public static final int FAILED = 2;

    private static final String USAGE = """
            usage: java -jar ondemand-tls-*.jar import FROM TO [options]

            FROM  a store (a directory or a jdbc: URL), Caddy's storage (the directory that holds certificates/), or
                  certbot's (the directory that holds live/)
            TO    a store: a directory or a jdbc: URL

              --from-user NAME   --from-password-file FILE   --from-encryption-key-file FILE
              --to-user NAME     --to-password-file FILE     --to-encryption-key-file FILE

            Nothing is changed at FROM. It can be broken off and run again: what is there already is passed over. Stop the
            server that uses a directory first; a database may be in use. Run it as the user the server runs as.""";

    private static final Set<String> OPTIONS = Set.of(
            "--from-user",
            "--from-password-file",
            "--from-encryption-key-file",
            "--to-user",
            "--to-password-file",
            "--to-encryption-key-file");
    private static final int CONNECTIONS = 2;
    private static final int KEY_LENGTH = 32;
    private static final Pattern COMMA = Pattern.compile("\\s*,\\s*");

    private final Clock clock;
    private final PrintStream out;
    private final PrintStream err;
    private final Events events;

    /**
     * Makes it ready.
     *
     * @param clock the wall clock
     * @param out where it tells what it does
     * @param err where it tells what went wrong
     * @param nanoTime a monotonic clock in nanoseconds
     */
    public Command(Clock clock, PrintStream out, PrintStream err, LongSupplier nanoTime) {
        this.clock = clock;
        this.out = out;
        this.err = err;
        this.events = new Events(event -> err.println(event.text()), nanoTime);
    }

    /**
     * Runs it; blocks until it is done.
     *
     * @param line the words as typed
     * @return the exit status: {@link #DONE}, {@link #INCOMPLETE} or {@link #FAILED}
     */
    public int run(String[] line) {
        try {
            Arguments arguments = Arguments.of(line, OPTIONS);
            if (arguments.words().size() != 3 || !arguments.words().get(0).equals("import")) {
                err.println(USAGE);
                return FAILED;
            }
            return bring(arguments.words().get(1), arguments.words().get(2), arguments);
        } catch (Arguments.WrongException e) {
            err.println(e.getMessage());
            err.println(USAGE);
            return FAILED;
        } catch (IOException | StoreException | IllegalArgumentException e) {
            err.println(e.getMessage());
            return FAILED;
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
                    from + " is neither a store nor what Caddy or certbot keeps, or may not be" + " read by this user");
        }
        if (!isDatabase(to) && !isStore(Path.of(to)) && !isEmpty(Path.of(to))) {
            throw new Arguments.WrongException(to + " holds something else than a store");
        }
        try (CertificateStore target = open(to, "--to", arguments)) {
            Import bringing = new Import(target, clock, new SecureRandom()::nextDouble, out);
            if (ours) {
                try (CertificateStore source = open(from, "--from", arguments)) {
                    bringing.from(source);
                }
            } else {
                out.println("reading what " + foreign.get().owner() + " keeps in " + from);
                bringing.from(foreign.get());
            }
            return bringing.isIncomplete() ? INCOMPLETE : DONE;
        }
    }

    private CertificateStore open(String where, String side, Arguments arguments)
            throws IOException, StoreException, Arguments.WrongException {
        KeySealing sealing = KeySealing.of(keys(arguments.option(side + "-encryption-key-file")));
        if (!isDatabase(where)) {
            return FileCertificateStore.open(Path.of(where), events, clock, Duration.ZERO, sealing);
        }
        Optional<String> password = arguments.option(side + "-password-file").isPresent()
                ? Optional.of(Files.readString(Path.of(arguments.options().get(side + "-password-file")))
                        .strip())
                : Optional.empty();
        return JdbcCertificateStore.open(
                new DatabaseStore(where, arguments.option(side + "-user"), password, true, CONNECTIONS),
                events,
                clock,
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
