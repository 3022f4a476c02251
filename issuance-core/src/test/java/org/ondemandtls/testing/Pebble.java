package org.ondemandtls.testing;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A real ACME CA on loopback ports: {@code pebble}, with {@code pebble-challtestsrv} as the DNS that sends every name to
 * 127.0.0.1. Its management and ACME certificates are made for the run. Both processes end with {@link #close}, at the
 * latest with the JVM.
 *
 * <p>Where nothing else is said it validates without delay, never refuses a good nonce, reuses no authorization and
 * sends no {@code Retry-After}.
 */
public final class Pebble implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofMinutes(3);

    private static final int MOST_ATTEMPTS = 3;

    /**
     * What a CA was asked for, and what it did.
     *
     * @param orders how many new orders were placed
     * @param issued how many certificates were issued
     */
    public record Count(long orders, long issued) {}

    /** See {@link #unlessItStandsStill}. */
    @FunctionalInterface
    public interface Attempt {

        /** Tries for the {@code number}th time. */
        void run(int number) throws Exception;
    }

    private final Path directory;
    private final Options options;
    private final int acmePort;
    private final int managementPort;
    private final int dnsPort;
    private final int dnsManagementPort;
    private final LoopbackCertificate https;
    private final HttpClient client;
    private @Nullable BackgroundProcess dns;
    private @Nullable BackgroundProcess pebble;

    private Pebble(Path directory, Options options) throws IOException, GeneralSecurityException {
        this.directory = Files.createDirectories(directory);
        this.options = options;
        acmePort = FreePorts.next();
        managementPort = FreePorts.next();
        dnsPort = FreePorts.next();
        dnsManagementPort = FreePorts.next();
        https = LoopbackCertificate.create(directory);
        client = HttpClient.newBuilder()
                .sslContext(LoopbackCertificate.trusting(https.certificate()))
                .connectTimeout(PATIENCE)
                .build();
    }

    /** Options as the class says, to be changed before {@link Options#start}. */
    public static Options options() {
        return new Options();
    }

    /** The ACME directory URL. */
    public URI directory() {
        return URI.create("https://localhost:" + acmePort + "/dir");
    }

    /** A PEM file with the root of the CA's own HTTPS: {@code onDemandTls.acme.trustedRoots}. */
    public Path trustedRoots() {
        return https.certificate();
    }

    /**
     * A PEM file with the root that signs the issued certificates; a restarted Pebble has another one.
     *
     * @return the file, written anew by each call
     */
    public Path issuerRoot() {
        String pem = get("/roots/0");
        try {
            return Files.writeString(directory.resolve("issuer-root.pem"), pem);
        } catch (IOException failed) {
            throw new IllegalStateException(failed);
        }
    }

    /** Starts both processes on the ports they had before, with no memory of accounts and orders; returns when ready. */
    public void start() {
        if (pebble != null && pebble.isAlive()) {
            throw new IllegalStateException("Pebble runs already");
        }
        try {
            dns = BackgroundProcess.start(
                    List.of(
                            Tools.pebble("pebble-challtestsrv").toString(),
                            "-defaultIPv4",
                            "127.0.0.1",
                            "-defaultIPv6",
                            "",
                            "-dnsserver",
                            "127.0.0.1:" + dnsPort,
                            "-doh",
                            "",
                            "-http01",
                            "",
                            "-https01",
                            "",
                            "-tlsalpn01",
                            "",
                            "-management",
                            "127.0.0.1:" + dnsManagementPort),
                    directory,
                    Map.of(),
                    directory.resolve("challtestsrv.log"));
            dns.awaitPort(dnsPort, PATIENCE);
            dns.awaitPort(dnsManagementPort, PATIENCE);
            pebble =
                    BackgroundProcess.start(command(), directory, options.environment, directory.resolve("pebble.log"));
            pebble.awaitPort(managementPort, PATIENCE);
            pebble.awaitPort(acmePort, PATIENCE);
        } catch (IOException failed) {
            throw new IllegalStateException("cannot start Pebble", failed);
        }
    }

    /** Ends both processes; connections to the ports are refused until {@link #start}. */
    public void stop() {
        if (pebble != null) {
            if (pebble.isAlive()) {
                // One that is frozen would not hear that it is to end.
                thaw();
            }
            pebble.close();
        }
        if (dns != null) {
            dns.close();
        }
    }

    /** Has the CA hang: connections are accepted by the system, and nothing is answered until {@link #thaw}. */
    public void freeze() {
        signal("STOP");
    }

    /** Ends {@link #freeze}. */
    public void thaw() {
        signal("CONT");
    }

    private void signal(String name) {
        Command sent =
                Command.run(List.of("kill", "-" + name, Long.toString(current().pid())), PATIENCE);
        if (sent.exitCode() != 0) {
            throw new IllegalStateException("kill -" + name + ": " + sent.stderr());
        }
    }

    /** The ACME requests since the last start, each as method and path, the CA's own log of them. */
    public List<String> requests() {
        return current()
                .output()
                .lines()
                .filter(line -> line.contains("-> calling handler()"))
                .map(line -> line.replaceFirst("^.*?\\b(GET|HEAD|POST) ", "$1 ").replaceFirst(" -> .*$", ""))
                .toList();
    }

    /** How many orders were placed since the last start. */
    public long orders() {
        return requests().stream()
                .filter(request -> request.startsWith("POST /order-plz"))
                .count();
    }

    /** How many certificates were issued since the last start. */
    public long issued() {
        return log().lines()
                .filter(line -> line.contains("Issued certificate serial "))
                .count();
    }

    /** Orders placed and certificates issued until now, since the last start. */
    public Count count() {
        return new Count(orders(), issued());
    }

    /**
     * Requires that so many certificates were issued since the last start, each by one order as far as its client knows. On
     * a machine that stalls a new order may be placed twice, since the answer to the first came too late: that one is never
     * finalized.
     */
    public void assertIssued(long certificates) {
        assertIssued(new Count(0, 0), certificates);
    }

    /** The same for what came after {@code before}. */
    public void assertIssued(Count before, long certificates) {
        Count now = count();
        long issued = now.issued() - before.issued();
        long orders = now.orders() - before.orders();
        if (issued != certificates || orders < certificates || orders > 2 * certificates) {
            throw new AssertionError(
                    "expected " + certificates + " certificates, each by an order of its own, but there were " + issued
                            + " of them by " + orders + " orders:\n" + String.join("\n", requests()));
        }
    }

    /** Whether it stands still for good, as it does about once in a thousand orders (docs/TESTING.md); waits up to five seconds. */
    public boolean standsStill() {
        try {
            client.send(
                    HttpRequest.newBuilder(
                                    URI.create("https://localhost:" + managementPort + "/cert-status-by-serial/0"))
                            .timeout(Duration.ofSeconds(5))
                            .build(),
                    BodyHandlers.discarding());
            return false;
        } catch (IOException noAnswer) {
            return true;
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(interrupted);
        }
    }

    /**
     * Tries what places many orders at once, and begins again with a fresh Pebble where this one stood still for good.
     *
     * @param attempt is given its number, from 1: the names and the root of the one before are of no use to the next
     * @throws Exception what the last attempt ended with, or the first that Pebble has no part in
     */
    public void unlessItStandsStill(Attempt attempt) throws Exception {
        for (int number = 1; ; number++) {
            try {
                attempt.run(number);
                return;
            } catch (Exception | AssertionError failed) {
                if (number == MOST_ATTEMPTS || !standsStill()) {
                    throw failed;
                }
                stop();
                start();
            }
        }
    }

    /** Everything Pebble wrote since the last start. */
    public String log() {
        return current().output();
    }

    /**
     * Sends a command to the DNS server's management interface.
     *
     * @param path for example {@code /set-servfail}
     * @param json for example <code>{"host":"a.example."}</code>
     */
    public void dns(String path, String json) {
        exchange(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + dnsManagementPort + path))
                .POST(HttpRequest.BodyPublishers.ofString(json)));
    }

    /** The address of the DNS server, host and port. */
    public String dnsServer() {
        return "127.0.0.1:" + dnsPort;
    }

    /** Reads a resource of the management interface, for example {@code /intermediates/0}. */
    public String get(String path) {
        return exchange(HttpRequest.newBuilder(URI.create("https://localhost:" + managementPort + path)));
    }

    /**
     * Sets what is said about when to replace a certificate (RFC 9773).
     *
     * @param leaf a certificate of this CA
     * @param answer the body of the answer, any text
     */
    public void setRenewalInfo(X509Certificate leaf, String answer) {
        String pem;
        try {
            pem = "-----BEGIN CERTIFICATE-----\n" + Base64.getEncoder().encodeToString(leaf.getEncoded())
                    + "\n-----END CERTIFICATE-----\n";
        } catch (CertificateEncodingException failed) {
            throw new IllegalStateException(failed);
        }
        String json = "{\"certificate\": %s, \"ariResponse\": %s}".formatted(quoted(pem), quoted(answer));
        exchange(HttpRequest.newBuilder(URI.create("https://localhost:" + managementPort + "/set-renewal-info/"))
                .POST(HttpRequest.BodyPublishers.ofString(json)));
    }

    private static String quoted(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + '"';
    }

    /** Ends both processes. */
    @Override
    public void close() {
        stop();
    }

    private BackgroundProcess current() {
        if (pebble == null) {
            throw new IllegalStateException("Pebble was never started");
        }
        return pebble;
    }

    private List<String> command() throws IOException {
        Path config = Files.writeString(directory.resolve("pebble-config.json"), configuration());
        return List.of(
                Tools.pebble("pebble").toString(),
                "-strict=" + options.strict,
                "-dnsserver",
                dnsServer(),
                "-config",
                config.toString());
    }

    private String configuration() {
        String profiles = options.profiles.entrySet().stream()
                .map(profile -> "\"%s\": {\"description\": \"%s\", \"validityPeriod\": %d}"
                        .formatted(
                                profile.getKey(),
                                profile.getKey(),
                                profile.getValue().toSeconds()))
                .collect(Collectors.joining(", "));
        String macKeys = options.externalAccounts.entrySet().stream()
                .map(account -> "\"%s\": \"%s\"".formatted(account.getKey(), account.getValue()))
                .collect(Collectors.joining(", "));
        String blocked =
                options.blocked.stream().map(name -> "\"" + name + "\"").collect(Collectors.joining(", "));
        // Pebble 2.4 reads certificateValidityPeriod, later ones the profiles.
        return """
                {
                  "pebble": {
                    "listenAddress": "127.0.0.1:%d",
                    "managementListenAddress": "127.0.0.1:%d",
                    "certificate": "%s",
                    "privateKey": "%s",
                    "httpPort": %d,
                    "tlsPort": %d,
                    "ocspResponderURL": "",
                    "externalAccountBindingRequired": %b,
                    "externalAccountMACKeys": {%s},
                    "domainBlocklist": [%s],
                    %s
                    "keyAlgorithm": "ecdsa",
                    "certificateValidityPeriod": %d,
                    "profiles": {%s}
                  }
                }
                """.formatted(
                        acmePort,
                        managementPort,
                        https.certificate(),
                        https.key(),
                        options.httpPort,
                        options.tlsPort,
                        !options.externalAccounts.isEmpty(),
                        macKeys,
                        blocked,
                        options.retryAfter == null
                                ? ""
                                : "\"retryAfter\": {\"authz\": %d, \"order\": %d},"
                                        .formatted(options.retryAfter.toSeconds(), options.retryAfter.toSeconds()),
                        options.profiles.values().iterator().next().toSeconds(),
                        profiles);
    }

    private String exchange(HttpRequest.Builder request) {
        try {
            var response = client.send(request.timeout(PATIENCE).build(), BodyHandlers.ofString());
            if (response.statusCode() / 100 != 2) {
                throw new IllegalStateException(response.uri() + ": " + response.statusCode() + " " + response.body());
            }
            return response.body();
        } catch (IOException failed) {
            throw new IllegalStateException("Pebble's management interface does not answer", failed);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(interrupted);
        }
    }

    /** How a {@link Pebble} is to behave; each method returns the same object. */
    public static final class Options {

        private final Map<String, String> environment = new TreeMap<>(Map.of(
                "PEBBLE_VA_NOSLEEP", "1",
                "PEBBLE_WFE_NONCEREJECT", "0",
                "PEBBLE_AUTHZREUSE", "0"));
        private final Map<String, Duration> profiles = new LinkedHashMap<>();
        private final Map<String, String> externalAccounts = new LinkedHashMap<>();
        private List<String> blocked = List.of();
        private int httpPort = FreePorts.next();
        private int tlsPort = FreePorts.next();
        private boolean strict;
        private @Nullable Duration retryAfter;

        private Options() {}

        /** The port HTTP-01 is validated at; a port where nobody listens if this is never called. */
        public Options httpPort(int port) {
            httpPort = port;
            return this;
        }

        /** The port TLS-ALPN-01 is validated at; a port where nobody listens if this is never called. */
        public Options tlsPort(int port) {
            tlsPort = port;
            return this;
        }

        /** Up to how many whole seconds each validation waits; a random time below is taken. */
        public Options validationDelay(int seconds) {
            environment.remove("PEBBLE_VA_NOSLEEP");
            return environment("PEBBLE_VA_SLEEPTIME", Integer.toString(seconds));
        }

        /** How many of a hundred good nonces are refused. */
        public Options rejectNonces(int percent) {
            return environment("PEBBLE_WFE_NONCEREJECT", Integer.toString(percent));
        }

        /** How many of a hundred orders reuse a valid authorization. */
        public Options reuseAuthorizations(int percent) {
            return environment("PEBBLE_AUTHZREUSE", Integer.toString(percent));
        }

        /** How many intermediates stand between a leaf and the root. */
        public Options chainLength(int intermediates) {
            return environment("PEBBLE_CHAIN_LENGTH", Integer.toString(intermediates));
        }

        /** How many further roots there are, each with a chain of its own. */
        public Options alternateRoots(int roots) {
            return environment("PEBBLE_ALTERNATE_ROOTS", Integer.toString(roots));
        }

        /** Any other variable Pebble reads. */
        public Options environment(String name, String value) {
            environment.put(name, value);
            return this;
        }

        /** The {@code Retry-After} on authorizations and orders, whole seconds; none is sent without. */
        public Options retryAfter(Duration wait) {
            retryAfter = wait;
            return this;
        }

        /** Offers a profile; without any there is one named {@code default}, valid for 90 days. Needs Pebble 2.6. */
        public Options profile(String name, Duration validity) {
            profiles.put(name, validity);
            return this;
        }

        /** Requires an external account binding, and knows this one. */
        public Options externalAccount(String keyId, String base64UrlHmac) {
            externalAccounts.put(keyId, base64UrlHmac);
            return this;
        }

        /** Names, subdomains included, for which orders are refused with {@code rejectedIdentifier}. */
        public Options blocked(String... names) {
            blocked = List.of(names);
            return this;
        }

        /** Whether Pebble tests coming changes of the protocol. */
        public Options strict(boolean on) {
            strict = on;
            return this;
        }

        /**
         * Starts Pebble and returns when it answers.
         *
         * @param directory its files and logs, made where it is not there
         * @throws AssertionError if its programs are missing; the message has the install line
         */
        public Pebble start(Path directory) {
            if (profiles.isEmpty()) {
                profiles.put("default", Duration.ofDays(90));
            }
            Pebble pebble = create(directory.toAbsolutePath());
            try {
                pebble.start();
                return pebble;
            } catch (RuntimeException | Error failed) {
                pebble.close();
                throw failed;
            }
        }

        private Pebble create(Path directory) {
            try {
                return new Pebble(directory, this);
            } catch (IOException | GeneralSecurityException failed) {
                throw new IllegalStateException("cannot prepare Pebble", failed);
            }
        }
    }
}
