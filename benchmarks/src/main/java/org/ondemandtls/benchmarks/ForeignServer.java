package org.ondemandtls.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.ondemandtls.testing.Command;
import org.ondemandtls.testing.FreePorts;
import org.ondemandtls.testing.LoopbackCertificate;

/** A server of somebody else's, for comparison: one program with a configuration of our writing. */
final class ForeignServer extends Server {

    private final String file;
    private final String content;
    private final List<String> command;
    private final String startLine;

    private ForeignServer(
            Path base, int tlsPort, String file, Configuration content, List<String> command, String startLine)
            throws IOException {
        super(null, base, tlsPort);
        this.file = file;
        this.content = content.apply(plainPort(), tlsPort());
        this.command = command;
        this.startLine = startLine;
    }

    /** Writes the configuration for two ports. */
    private interface Configuration {
        String apply(int plainPort, int tlsPort);
    }

    /** Caddy that obtains certificates on demand, asking its {@code ask} endpoint: for names from a CA of its own. */
    static ForeignServer caddyInternal(Path program, Path base, String ask) throws IOException {
        return caddy(program, base, ask, FreePorts.next(), "issuer internal");
    }

    /** Caddy that obtains certificates on demand from an ACME CA by TLS-ALPN-01. */
    static ForeignServer caddy(Path program, Path base, String ask, String directory, Path roots, int tlsPort)
            throws IOException {
        return caddy(
                program,
                base,
                ask,
                tlsPort,
                "issuer acme {\n      dir " + directory + "\n      trusted_roots " + roots
                        + "\n      disable_http_challenge\n    }");
    }

    private static ForeignServer caddy(Path program, Path base, String ask, int httpsPort, String issuer)
            throws IOException {
        return new ForeignServer(
                base,
                httpsPort,
                "Caddyfile",
                (plainPort, tlsPort) -> """
                {
                  admin off
                  skip_install_trust
                  storage file_system @storage@
                  http_port @port@
                  https_port @https@
                  on_demand_tls {
                    ask @ask@
                  }
                }
                https:// {
                  tls {
                    on_demand
                    @issuer@
                  }
                  respond "ok"
                }
                """.replace(
                                "@storage@", base.resolve("storage").toString())
                        .replace("@port@", String.valueOf(plainPort))
                        .replace("@https@", String.valueOf(tlsPort))
                        .replace("@ask@", ask)
                        .replace("@issuer@", issuer),
                List.of(program.toString(), "run", "--config", "Caddyfile", "--adapter", "caddyfile"),
                "serving initial configuration");
    }

    /** nginx with one certificate. */
    static ForeignServer nginx(Path program, Path base, LoopbackCertificate certificate) throws IOException {
        return new ForeignServer(
                base,
                FreePorts.next(),
                "nginx.conf",
                (plainPort, tlsPort) -> """
                daemon off;
                master_process off;
                pid nginx.pid;
                error_log stderr notice;
                events { worker_connections 1024; }
                http {
                  access_log off;
                  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
                  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
                  server {
                    listen 127.0.0.1:@port@ ssl;
                    ssl_certificate @certificate@;
                    ssl_certificate_key @key@;
                    ssl_protocols TLSv1.3;
                    ssl_ecdh_curve X25519;
                    location / { return 200 "ok"; }
                  }
                }
                """.replace("@port@", String.valueOf(tlsPort))
                        .replace("@certificate@", String.valueOf(certificate.certificate()))
                        .replace("@key@", String.valueOf(certificate.key())),
                List.of(program.toString(), "-p", base.toString(), "-e", "stderr", "-c", "nginx.conf"),
                "event method");
    }

    /** A program that {@code etc/caddy/fetch} has fetched, or that is on the path; empty where there is none. */
    static Optional<Path> program(Path root, String name, String inPackage) {
        Path fetched = root.resolve(".tools").resolve(name).resolve(inPackage);
        if (Files.isExecutable(fetched)) {
            return Optional.of(fetched);
        }
        Command found = Command.run(List.of("sh", "-c", "command -v " + name), PATIENCE);
        return found.exitCode() == 0 ? Optional.of(Path.of(found.stdout().strip())) : Optional.empty();
    }

    @Override
    Server carryingThePage() {
        throw new UnsupportedOperationException("has none");
    }

    @Override
    Server threads(int most) {
        throw new UnsupportedOperationException("not limited");
    }

    @Override
    Server backlog(int connections) {
        throw new UnsupportedOperationException("not limited");
    }

    @Override
    Path store() {
        return base().resolve("storage");
    }

    @Override
    String limits() {
        return "";
    }

    @Override
    Pattern threadNames() {
        return Pattern.compile("$^");
    }

    @Override
    void configure(Map<String, String> onDemandKeys) throws IOException {
        Files.writeString(base().resolve(file), content);
    }

    @Override
    List<String> command(List<String> options) {
        return command;
    }

    @Override
    Map<String, String> environment(List<String> options) {
        String home = base().toString();
        return Map.of("HOME", home, "XDG_DATA_HOME", home, "XDG_CONFIG_HOME", home);
    }

    @Override
    String startLine() {
        return startLine;
    }
}
