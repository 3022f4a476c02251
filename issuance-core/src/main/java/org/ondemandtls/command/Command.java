package org.ondemandtls.command;

import java.io.IOException;
import java.io.PrintStream;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
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
 * The command line of the jars: {@code import FROM TO}, what {@link RemoteCommand} asks of a running server, and of the jar for Tomcat {@code install CATALINA_BASE} and
 * {@code uninstall CATALINA_BASE}.
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
                   java -jar ondemand-tls-tomcat-VERSION-all.jar install CATALINA_BASE [--ask URL] [--port PORT] [--dry-run]
                   java -jar ondemand-tls-tomcat-VERSION-all.jar uninstall CATALINA_BASE [--dry-run]
                   java -jar ondemand-tls-*.jar status [options]
                   java -jar ondemand-tls-*.jar explain|diagnose|obtain|renew|retry|withdraw|revoke|forget NAME [options]

            install puts the jar into lib, a connector and a valve into conf/server.xml, and into conf/catalina.properties
            the line by which a mistake in the configuration ends the start. It says first what it changes and keeps a
            copy of each file. It can be run again. uninstall takes all of it back. Stop Tomcat first.

              --ask URL     the endpoint that is asked for permission (http://localhost:9123/check)
              --port PORT   the port of the connector (443)
              --dry-run     only say what would change

            import brings certificates into a store.

            FROM  a store (a directory or a jdbc: URL), Caddy's storage (the directory that holds certificates/), or
                  certbot's (the directory that holds live/)
            TO    a store: a directory or a jdbc: URL

              --from-user NAME   --from-password-file FILE   --from-encryption-key-file FILE
              --to-user NAME     --to-password-file FILE     --to-encryption-key-file FILE

            Nothing is changed at FROM. It can be broken off and run again: what is there already is passed over. Stop the
            server that uses a directory first; a database may be in use. Run it as the user the server runs as.

            status, explain and so on ask a running server that carries the management page.

              --server URL   where the page is (http://localhost:8080/ondemand-tls/)
              --user NAME    --password-file FILE
              --reason WORD  why a certificate is revoked: unspecified, keyCompromise, affiliationChanged, superseded or
                             cessationOfOperation

            Exit status: 0 all is done; 1 some was left out, the output says what and why; 2 nothing was done or not all,
            the last line says why.""";

    private static final Set<String> OPTIONS = Set.of(
            "--from-user",
            "--from-password-file",
            "--from-encryption-key-file",
            "--to-user",
            "--to-password-file",
            "--to-encryption-key-file",
            "--ask",
            "--port",
            "--server",
            "--user",
            "--password-file",
            "--reason");
    private static final String DRY_RUN = "--dry-run";
    private static final Set<String> FLAGS = Set.of(DRY_RUN, "--help");
    private static final String ASK = "http://localhost:9123/check";
    private static final int HTTPS = 443;
    private static final int LAST_PORT = 65_535;
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
            Arguments arguments = Arguments.of(line, OPTIONS, FLAGS);
            List<String> words = arguments.words();
            if (arguments.has("--help") || words.equals(List.of("help"))) {
                out.println(USAGE);
                return DONE;
            }
            if (words.size() == 3 && words.get(0).equals("import")) {
                return bring(words.get(1), words.get(2), arguments);
            }
            if (words.size() == 2
                    && (words.get(0).equals("install") || words.get(0).equals("uninstall"))) {
                return settle(words.get(0).equals("install"), Path.of(words.get(1)), arguments);
            }
            if (RemoteCommand.isOne(words)) {
                return new RemoteCommand(arguments, out, err).run();
            }
            err.println(USAGE);
            return FAILED;
        } catch (Arguments.WrongException e) {
            err.println(e.getMessage());
            err.println(USAGE);
            return FAILED;
        } catch (IOException | StoreException | IllegalArgumentException e) {
            err.println(e.getMessage());
            return FAILED;
        }
    }

    private int settle(boolean in, Path base, Arguments arguments) throws IOException, Arguments.WrongException {
        TomcatInstall installer = new TomcatInstall(ownJar(), base, out);
        if (in) {
            installer.install(port(arguments), arguments.option("--ask").orElse(ASK), arguments.has(DRY_RUN));
        } else {
            installer.uninstall(arguments.has(DRY_RUN));
        }
        return DONE;
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
