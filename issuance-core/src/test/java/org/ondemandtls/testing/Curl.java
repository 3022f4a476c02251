package org.ondemandtls.testing;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Pattern;

/** Visits a server on 127.0.0.1 with {@code curl}, under whatever name, without asking DNS. */
public final class Curl {

    private static final Pattern ALERT_RECEIVED = Pattern.compile("\\(IN\\), TLS alert, [^(\\n]*\\((\\d+)\\)");

    private static final Pattern LOCATION = Pattern.compile("(?im)^< location: (\\S*)");

    private final Path trustedRoots;
    private final List<String> options = new ArrayList<>();
    private Duration patience = Duration.ofSeconds(40);

    private Curl(Path trustedRoots) {
        this.trustedRoots = trustedRoots;
    }

    /** A visitor that trusts the certificates of a PEM file and no others. */
    public static Curl trusting(Path roots) {
        return new Curl(roots);
    }

    /** Offers HTTP/2 and HTTP/1.1. */
    public Curl http2() {
        return with("--http2");
    }

    /** Offers HTTP/1.1 only. */
    public Curl http11() {
        return with("--http1.1");
    }

    /** Adds options of {@code curl}. */
    public Curl with(String... more) {
        options.addAll(List.of(more));
        return this;
    }

    /** How long a visit may take. */
    public Curl patience(Duration time) {
        patience = time;
        return this;
    }

    /** Speaks HTTP/2 without TLS from the first byte on (RFC 9113 section 3.3); for {@link #getPlain}. */
    public Curl http2PriorKnowledge() {
        return with("--http2-prior-knowledge");
    }

    /**
     * Visits {@code https://name:port/path}.
     *
     * @throws AssertionError if {@code curl} is missing
     */
    public Visit get(String name, int port, String path) {
        return visit("https", name, port, path);
    }

    /**
     * Visits {@code http://name:port/path}.
     *
     * @throws AssertionError if {@code curl} is missing
     */
    public Visit getPlain(String name, int port, String path) {
        return visit("http", name, port, path);
    }

    private Visit visit(String scheme, String name, int port, String path) {
        List<String> command = new ArrayList<>(List.of(
                Tools.onPath("curl", "apt-get install curl").toString(),
                "-q",
                "--silent",
                "--verbose",
                "--noproxy",
                "*",
                "--max-time",
                Long.toString(patience.toSeconds()),
                "--resolve",
                name + ":" + port + ":127.0.0.1",
                "--cacert",
                trustedRoots.toString(),
                "--write-out",
                "\n%{http_code} %{http_version}"));
        command.addAll(options);
        command.add(scheme + "://" + name + ":" + port + path);
        return new Visit(Command.run(command, patience.plusSeconds(10)));
    }

    /**
     * What came of a visit.
     *
     * @param command how {@code curl} ended
     */
    public record Visit(Command command) {

        /** Checks that there is something to read. */
        public Visit {
            Objects.requireNonNull(command, "command");
        }

        /** {@code curl}'s exit status: 0 for any answer, 35 for a failed handshake, 60 for a distrusted certificate. */
        public int exitCode() {
            return command.exitCode();
        }

        /** The status of the answer, 0 where there was none. */
        public int status() {
            return Integer.parseInt(lastLine()[0]);
        }

        /** The version of HTTP that was spoken: {@code 2} or {@code 1.1}, {@code 0} where none was. */
        public String httpVersion() {
            return lastLine()[1];
        }

        /** The body of the answer. */
        public String body() {
            return command.stdout().substring(0, command.stdout().lastIndexOf('\n'));
        }

        /** What the answer's {@code Location} says, empty where it has none. */
        public Optional<String> location() {
            var location = LOCATION.matcher(command.stderr());
            return location.find() ? Optional.of(location.group(1)) : Optional.empty();
        }

        /** The description of the last TLS alert received, for example 112; empty where there was none. */
        public OptionalInt alert() {
            var alerts = ALERT_RECEIVED.matcher(command.stderr());
            OptionalInt last = OptionalInt.empty();
            while (alerts.find()) {
                // OpenSSL shows level and description as one number.
                last = OptionalInt.of(Integer.parseInt(alerts.group(1)) & 0xff);
            }
            return last;
        }

        private String[] lastLine() {
            return command.stdout()
                    .substring(command.stdout().lastIndexOf('\n') + 1)
                    .split(" ", -1);
        }
    }
}
