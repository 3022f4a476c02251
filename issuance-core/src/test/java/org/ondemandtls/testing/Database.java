package org.ondemandtls.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.awaitility.Awaitility;

/**
 * A real database server on a loopback port, with its files in a directory of its own under the system's temporary one;
 * run as its package's user where the tests run as root, since it refuses that.
 */
public final class Database implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    /** Which server it is. */
    public enum Kind {
        /** PostgreSQL of the distribution, whatever its version. */
        POSTGRESQL("postgres"),
        /** MariaDB of the distribution. */
        MARIADB("mysql");

        private final String user;

        Kind(String user) {
            this.user = user;
        }
    }

    private static final Map<Kind, Database> SHARED = new EnumMap<>(Kind.class);

    private final Kind kind;
    private final Path directory;
    private final int port = FreePorts.next();
    private final AtomicInteger fresh = new AtomicInteger();

    private BackgroundProcess process;

    private Database(Kind kind) throws IOException {
        this.kind = kind;
        this.directory = Files.createTempDirectory("ondemand-tls-" + kind.user);
        if (isRoot()) {
            run("chown", kind.user, directory.toString());
        }
        if (kind == Kind.POSTGRESQL) {
            runAsUser(postgres("initdb"), "--no-sync", "-A", "trust", "-U", "tests", "-D", data().toString());
        } else {
            runAsUser(
                    Tools.onPath("mariadb-install-db", "apt-get install mariadb-server")
                            .toString(),
                    "--no-defaults",
                    "--auth-root-authentication-method=normal",
                    "--skip-test-db",
                    "--datadir=" + data());
        }
        process = launch();
        update("CREATE TABLE customer_domain (name VARCHAR(253) PRIMARY KEY)");
    }

    /** Makes an empty one with a table {@code customer_domain} of names, and waits until it answers. */
    public static Database start(Kind kind) {
        try {
            return new Database(kind);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** One that all tests of this JVM share, which leave it running; ended with the JVM. */
    public static synchronized Database shared(Kind kind) {
        return SHARED.computeIfAbsent(kind, missing -> {
            Database started = start(missing);
            Runtime.getRuntime().addShutdownHook(new Thread(started::close));
            return started;
        });
    }

    /** Where it is, user included. */
    public String url() {
        return kind == Kind.POSTGRESQL
                ? "jdbc:postgresql://127.0.0.1:" + port + "/postgres?user=tests"
                : "jdbc:mariadb://127.0.0.1:" + port + "/mysql?user=root";
    }

    /** Where an empty schema of its own is, user included; made now. */
    public String fresh() {
        String name = "fresh_" + fresh.incrementAndGet();
        update("CREATE SCHEMA " + name);
        return kind == Kind.POSTGRESQL
                ? url() + "&currentSchema=" + name
                : "jdbc:mariadb://127.0.0.1:" + port + "/" + name + "?user=root";
    }

    /** Which server it is. */
    public Kind kind() {
        return kind;
    }

    /** The TCP port on 127.0.0.1. */
    public int port() {
        return port;
    }

    /** What a query answers: the columns of each row, separated by {@code |}. */
    public static List<String> query(String url, String sql) {
        try (Connection connection = DriverManager.getConnection(url);
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            List<String> lines = new ArrayList<>();
            int columns = rows.getMetaData().getColumnCount();
            while (rows.next()) {
                StringBuilder line = new StringBuilder();
                for (int column = 1; column <= columns; column++) {
                    line.append(column == 1 ? "" : "|").append(rows.getString(column));
                }
                lines.add(line.toString());
            }
            return lines;
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Runs a statement somewhere in it. */
    public static void update(String url, String sql) {
        try (Connection connection = DriverManager.getConnection(url);
                Statement statement = connection.createStatement()) {
            statement.executeUpdate(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Copies the rows of a file into columns of a table, on PostgreSQL, which reads the file itself. */
    public static void copy(String url, String into, Path file) {
        update(url, "COPY " + into + " FROM '" + file + "'");
    }

    /** Runs our script of the tables by the database's own tool, as an operator would. */
    public void script(String url) {
        String schema = schema(url);
        String directory = System.getProperty("maven.multiModuleProjectDirectory", "..");
        Path script = Path.of(directory, "etc", "sql", kind == Kind.POSTGRESQL ? "postgresql.sql" : "mariadb.sql");
        String port = Integer.toString(port());
        List<String> command = kind == Kind.POSTGRESQL
                ? List.of(
                        Tools.onPath("psql", "apt-get install postgresql").toString(),
                        "--single-transaction",
                        "--set=ON_ERROR_STOP=1",
                        "--file=" + script,
                        "host=127.0.0.1 port=" + port + " user=tests dbname=postgres options=-csearch_path=" + schema)
                : List.of(
                        Tools.onPath("mariadb", "apt-get install mariadb-server")
                                .toString(),
                        "--no-defaults",
                        "--protocol=tcp",
                        "--host=127.0.0.1",
                        "--port=" + port,
                        "--user=root",
                        "--execute=source " + script,
                        schema);
        run(command.toArray(String[]::new));
    }

    /** Everything in a schema as the database's own tool writes it out for a backup. */
    public String dump(String url) {
        String schema = schema(url);
        List<String> command = kind == Kind.POSTGRESQL
                ? List.of(
                        postgres("pg_dump"),
                        "--schema=" + schema,
                        "--dbname=host=127.0.0.1 port=" + port + " user=tests dbname=postgres")
                : List.of(
                        Tools.onPath("mariadb-dump", "apt-get install mariadb-server")
                                .toString(),
                        "--no-defaults",
                        "--protocol=tcp",
                        "--host=127.0.0.1",
                        "--port=" + port,
                        "--user=root",
                        schema);
        Command done = Command.run(command, PATIENCE);
        if (done.exitCode() != 0) {
            throw new AssertionError(command + " failed: " + done.stderr());
        }
        return done.stdout();
    }

    /** Writes our tables of a schema to a file, as OPERATIONS says, while servers use them. */
    public void backUp(String url, Path file) {
        String port = Integer.toString(port());
        run(
                kind == Kind.POSTGRESQL
                        ? new String[] {
                            postgres("pg_dump"),
                            "--clean",
                            "--if-exists",
                            "--table=" + schema(url) + ".ondemand_tls_*",
                            "--file=" + file,
                            "--dbname=host=127.0.0.1 port=" + port + " user=tests dbname=postgres"
                        }
                        : new String[] {
                            Tools.onPath("mariadb-dump", "apt-get install mariadb-server")
                                    .toString(),
                            "--no-defaults",
                            "--single-transaction",
                            "--protocol=tcp",
                            "--host=127.0.0.1",
                            "--port=" + port,
                            "--user=root",
                            "--result-file=" + file,
                            schema(url)
                        });
    }

    /** Puts back what {@link #backUp} wrote. */
    public void restore(String url, Path file) {
        String port = Integer.toString(port());
        run(
                kind == Kind.POSTGRESQL
                        ? new String[] {
                            Tools.onPath("psql", "apt-get install postgresql").toString(),
                            "--quiet",
                            "--set=ON_ERROR_STOP=1",
                            "--file=" + file,
                            "host=127.0.0.1 port=" + port + " user=tests dbname=postgres"
                        }
                        : new String[] {
                            Tools.onPath("mariadb", "apt-get install mariadb-server")
                                    .toString(),
                            "--no-defaults",
                            "--protocol=tcp",
                            "--host=127.0.0.1",
                            "--port=" + port,
                            "--user=root",
                            "--execute=source " + file,
                            schema(url)
                        });
    }

    private static String schema(String url) {
        return url.replaceAll(".*(fresh_[0-9]+).*", "$1");
    }

    /** Runs a statement. */
    public void update(String sql) {
        update(url(), sql);
    }

    /** Ends it at once, its connections broken off; returns when it can be started again. */
    public void stop() {
        if (!process.isAlive()) {
            return;
        }
        List<ProcessHandle> children = ProcessHandle.of(process.pid()).stream()
                .flatMap(ProcessHandle::descendants)
                .toList();
        if (kind == Kind.POSTGRESQL) {
            // Killed otherwise, it would leave processes behind that keep its memory for a while.
            run("kill", "-QUIT", Long.toString(process.pid()));
            process.ended(PATIENCE);
        }
        process.kill();
        children.forEach(child -> child.onExit().join());
    }

    /** Starts it again on its port. */
    public void restart() {
        process = launch();
    }

    /** Lets it hang with all its connections, or go on. */
    public void hang(boolean stopped) {
        List<String> command = new ArrayList<>(List.of("kill", stopped ? "-STOP" : "-CONT"));
        List<String> pids = ProcessHandle.of(process.pid()).stream()
                .flatMap(server -> Stream.concat(Stream.of(server), server.descendants()))
                .map(each -> Long.toString(each.pid()))
                .toList();
        command.addAll(pids);
        run(command.toArray(String[]::new));
        if (stopped) {
            // A thread that runs on another processor may answer once more before it stops.
            Awaitility.await()
                    .atMost(Duration.ofMinutes(1))
                    .until(() -> pids.stream().allMatch(Database::isStopped));
        }
    }

    private static boolean isStopped(String pid) {
        try (Stream<Path> threads = Files.list(Path.of("/proc", pid, "task"))) {
            return threads.allMatch(thread -> {
                try {
                    return Files.readString(thread.resolve("status")).contains("\nState:\tT");
                } catch (IOException gone) {
                    return true;
                }
            });
        } catch (IOException gone) {
            return true;
        }
    }

    @Override
    public void close() {
        stop();
        // Where the JVM ended the server at the same time, its children may still write for a moment.
        Awaitility.await().atMost(PATIENCE).until(this::removed);
    }

    private boolean removed() {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (IOException | UncheckedIOException e) {
            return !Files.exists(directory);
        }
        return true;
    }

    private BackgroundProcess launch() {
        List<String> command = kind == Kind.POSTGRESQL
                ? asUser(
                        postgres("postgres"),
                        "-D",
                        data().toString(),
                        "-p",
                        Integer.toString(port),
                        "-k",
                        directory.toString(),
                        "-c",
                        "listen_addresses=127.0.0.1",
                        "-c",
                        "fsync=off",
                        // It would keep a VACUUM of a test's own from marking what it has seen, now and then.
                        "-c",
                        "autovacuum=off")
                : asUser(
                        Tools.onPath("mariadbd", "apt-get install mariadb-server")
                                .toString(),
                        "--no-defaults",
                        "--debug-no-sync",
                        "--datadir=" + data(),
                        "--port=" + port,
                        "--bind-address=127.0.0.1",
                        "--socket=" + directory.resolve("socket"),
                        "--pid-file=" + directory.resolve("pid"));
        try {
            Path log = Files.createTempFile("ondemand-tls-" + kind.user, ".log");
            log.toFile().deleteOnExit();
            BackgroundProcess started = BackgroundProcess.start(command, directory, Map.of(), log);
            started.await("answer", this::answers, PATIENCE);
            return started;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private boolean answers() {
        try (Connection connection = DriverManager.getConnection(url())) {
            return connection.isValid(1);
        } catch (SQLException notYet) {
            return false;
        }
    }

    private Path data() {
        return directory.resolve("data");
    }

    // Debian keeps each version's programs in a directory of its own.
    private static String postgres(String program) {
        try (Stream<Path> versions = Files.list(Path.of("/usr/lib/postgresql"))) {
            Optional<Path> found = versions.map(
                            version -> version.resolve("bin").resolve(program))
                    .filter(Files::isExecutable)
                    .max(Comparator.naturalOrder());
            if (found.isPresent()) {
                return found.get().toString();
            }
        } catch (IOException notDebian) {
            // Looked for on the path then.
        }
        return Tools.onPath(program, "apt-get install postgresql").toString();
    }

    private void runAsUser(String... command) {
        run(asUser(command).toArray(String[]::new));
    }

    private List<String> asUser(String... command) {
        List<String> whole = new ArrayList<>();
        if (isRoot()) {
            whole.addAll(List.of("setpriv", "--reuid=" + kind.user, "--regid=" + kind.user, "--clear-groups"));
        }
        whole.addAll(List.of(command));
        return whole;
    }

    private static boolean isRoot() {
        return "root".equals(System.getProperty("user.name"));
    }

    private static void run(String... command) {
        Command done = Command.run(List.of(command), PATIENCE);
        if (done.exitCode() != 0) {
            throw new AssertionError(List.of(command) + " failed: " + done.stdout() + done.stderr());
        }
    }
}
