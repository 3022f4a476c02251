package org.ondemandtls.testing;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Shakes hands with a server on 127.0.0.1 by {@code openssl s_client}. */
public final class OpenSsl {

    private static final Duration PATIENCE = Duration.ofSeconds(40);
    private static final Pattern ALERT = Pattern.compile("SSL alert number (\\d+)");
    private static final Pattern PROTOCOL = Pattern.compile("^(?:New|Reused), (TLSv1\\.\\d)", Pattern.MULTILINE);
    private static final Pattern ALPN = Pattern.compile("^ALPN protocol: (\\S+)", Pattern.MULTILINE);

    private OpenSsl() {}

    /**
     * One handshake.
     *
     * @param port the server's
     * @param name the server name sent, null for none
     * @param trustedRoots a PEM file
     * @param options more of {@code s_client}'s, for example {@code -alpn h2}
     * @throws AssertionError if {@code openssl} is missing
     */
    public static Handshake connect(int port, @Nullable String name, Path trustedRoots, String... options) {
        return new Handshake(Command.run(command(port, name, trustedRoots, options), PATIENCE));
    }

    /**
     * One handshake and one request by HTTP/1.1, whose answer is read to its end; the session tickets of TLS 1.3 come
     * with it, so {@code -sess_out} has something to write.
     */
    public static Handshake get(int port, @Nullable String name, Path trustedRoots, String... options) {
        return ask(port, name, String.valueOf(name), trustedRoots, options);
    }

    /** The same with a {@code Host} of its own. */
    public static Handshake ask(int port, @Nullable String name, String host, Path trustedRoots, String... options) {
        List<String> command = command(port, name, trustedRoots, options);
        command.addAll(List.of("-ign_eof", "-crlf"));
        return new Handshake(Command.run(
                command, "GET / HTTP/1.1\nHost: " + host + ":" + port + "\nConnection: close\n\n", PATIENCE));
    }

    private static List<String> command(int port, @Nullable String name, Path trustedRoots, String... options) {
        List<String> command = new ArrayList<>(List.of(
                Tools.onPath("openssl", "apt-get install openssl").toString(),
                "s_client",
                "-connect",
                "127.0.0.1:" + port,
                "-CAfile",
                trustedRoots.toString()));
        if (name == null) {
            command.add("-noservername");
        } else {
            command.addAll(List.of("-servername", name, "-verify_hostname", name));
        }
        command.addAll(List.of(options));
        return command;
    }

    /**
     * How a handshake went.
     *
     * @param command how {@code s_client} ended
     */
    public record Handshake(Command command) {

        /** Whether a chain came, it leads to a trusted root, and the certificate covers the name. */
        public boolean verified() {
            return command.stdout().contains("Verify return code: 0 (ok)") && completed();
        }

        /** Whether the handshake was completed, whatever the certificate. */
        public boolean completed() {
            return PROTOCOL.matcher(command.stdout()).find();
        }

        /** Whether an earlier session was resumed. */
        public boolean resumed() {
            return command.stdout().lines().anyMatch(line -> line.startsWith("Reused, "));
        }

        /** The protocol version, for example {@code TLSv1.3}; empty without a handshake. */
        public String protocol() {
            var protocol = PROTOCOL.matcher(command.stdout());
            return protocol.find() ? protocol.group(1) : "";
        }

        /** The application protocol agreed on, empty where there is none. */
        public String alpn() {
            var alpn = ALPN.matcher(command.stdout());
            return alpn.find() ? alpn.group(1) : "";
        }

        /** The description of the fatal alert received, empty where there was none. */
        public OptionalInt alert() {
            var alert = ALERT.matcher(command.stderr());
            return alert.find() ? OptionalInt.of(Integer.parseInt(alert.group(1))) : OptionalInt.empty();
        }
    }
}
