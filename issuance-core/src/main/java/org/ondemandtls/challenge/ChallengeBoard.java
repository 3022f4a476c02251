package org.ondemandtls.challenge;

import java.io.IOException;
import java.net.InetAddress;
import java.time.Clock;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.name.HttpHosts;
import org.ondemandtls.name.ServerName;

/**
 * The proofs of control that are on display while a CA looks at them.
 *
 * <p><b>Threads.</b> Look-ups are a map access each, never block, and are meant for a server's own threads.
 *
 * <p><b>Cost.</b> What a stranger looks up costs one hash; nothing a stranger sends is kept.
 */
public final class ChallengeBoard {

    private static final String HTTP_PATH = "/.well-known/acme-challenge/";
    private static final Pattern TOKEN = Pattern.compile("[A-Za-z0-9_-]{1,128}");

    /**
     * What other servers show that a CA may ask this one for, and what this one shows that it may ask them for.
     *
     * <p>Safe for use by many threads.
     */
    public interface Elsewhere {

        /** There are no other servers. */
        Elsewhere NONE = new Elsewhere() {
            @Override
            public boolean any() {
                return false;
            }

            @Override
            public void show(Proof proof) {
                // To nobody.
            }

            @Override
            public void takeDown(Proof proof) {
                // Nobody has it.
            }

            @Override
            public CompletableFuture<Optional<String>> find(ServerName name, ChallengeType type, String token) {
                return CompletableFuture.completedFuture(Optional.empty());
            }
        };

        /** Whether there may be other servers; does not block. */
        boolean any();

        /**
         * Has the others answer for a proof; blocks.
         *
         * @param proof what to show
         * @throws IOException if they could not be told
         */
        void show(Proof proof) throws IOException;

        /**
         * Has the others forget a proof; blocks.
         *
         * @param proof what was shown
         */
        void takeDown(Proof proof);

        /**
         * Looks for a proof; returns at once.
         *
         * <p><b>Cost.</b> At most one look into the store for a name and token, and only so many in a time.
         *
         * @param name the identifier that is being validated
         * @param type the kind of proof
         * @param token the CA's token, empty for {@code tls-alpn-01}
         * @return its content, empty where nobody shows it or too many ask; never exceptionally
         */
        CompletableFuture<Optional<String>> find(ServerName name, ChallengeType type, String token);

        /**
         * Looks for all proofs of a name that are shown over HTTP; returns at once.
         *
         * <p><b>Cost.</b> One look into the store, and only so many in a time.
         *
         * @param name the identifier that is being validated
         * @return key authorizations by their tokens, empty where nobody shows any or too many ask; never exceptionally
         */
        default CompletableFuture<Map<String, String>> httpProofs(ServerName name) {
            return CompletableFuture.completedFuture(Map.of());
        }

        /**
         * Tells of a question for a proof under a host that is no server name, where another server shows one with that token;
         * returns at once. A look into the store, of which there are a few in a time.
         *
         * @param token what may be a CA's token
         */
        default void strayed(String token) {
            // Nobody has it.
        }
    }

    /** A proof on display; closing it takes it down. Blocks where other servers show it too. */
    public static final class Display implements AutoCloseable {

        private final CompletableFuture<Void> fetched = new CompletableFuture<>();
        private final AtomicBoolean strayed = new AtomicBoolean();
        private final Set<String> networks = ConcurrentHashMap.newKeySet();
        private final boolean elsewhere;
        private final Runnable takeDown;

        private Display(boolean elsewhere, Runnable takeDown) {
            this.elsewhere = elsewhere;
            this.takeDown = takeDown;
        }

        /** The networks it was fetched from so far, {@value Vantages#MOST_NETWORKS} at most. */
        Set<String> networks() {
            return Set.copyOf(networks);
        }

        /** Whether other servers show it too. */
        boolean isElsewhere() {
            return elsewhere;
        }

        private void fetched(Optional<String> network) {
            network.filter(one -> networks.size() < Vantages.MOST_NETWORKS).ifPresent(networks::add);
            fetched.complete(null);
        }

        /**
         * Completes when the proof has been fetched from this server for the first time.
         *
         * @return a future of the caller's own, completed on the thread that served the proof
         */
        public CompletableFuture<Void> fetched() {
            return fetched.copy();
        }

        @Override
        public void close() {
            takeDown.run();
        }
    }

    private record HttpProof(String keyAuthorization, Display display) {}

    private record TlsAlpnProof(KeyedCertificate certificate, Display display) {}

    private record HttpKey(ServerName name, String token) {}

    /** Told when a proof is asked for under another host than its own, once for each proof. */
    @FunctionalInterface
    public interface Strayed {

        /**
         * A proof was asked for and not shown.
         *
         * @param name the name it is for
         * @param host the host it was asked for under, empty where that is no server name
         */
        void asked(ServerName name, Optional<ServerName> host);
    }

    private final Elsewhere elsewhere;
    private final Strayed strayed;
    private final Clock clock;
    private final Vantages vantages;
    // Tokens are a CA's, and never the same for two names.
    private final ConcurrentMap<String, HttpKey> names = new ConcurrentHashMap<>();
    private final ConcurrentMap<HttpKey, HttpProof> http = new ConcurrentHashMap<>();
    private final ConcurrentMap<ServerName, TlsAlpnProof> tlsAlpn = new ConcurrentHashMap<>();

    /**
     * The board of a server that is alone.
     *
     * @param clock dates the challenge certificates
     */
    public ChallengeBoard(Clock clock) {
        this(Elsewhere.NONE, (name, host) -> {}, clock);
    }

    /**
     * The board of one of several servers.
     *
     * @param elsewhere what the others show
     * @param strayed told of questions that come under another host
     * @param clock dates the challenge certificates
     */
    public ChallengeBoard(Elsewhere elsewhere, Strayed strayed, Clock clock) {
        this(elsewhere, strayed, clock, new Vantages(address -> false, clock));
    }

    /**
     * The board of one of several servers.
     *
     * @param elsewhere what the others show
     * @param strayed told of questions that come under another host
     * @param clock dates the challenge certificates
     * @param vantages learns from where proofs are fetched
     */
    public ChallengeBoard(Elsewhere elsewhere, Strayed strayed, Clock clock, Vantages vantages) {
        this.elsewhere = elsewhere;
        this.strayed = strayed;
        this.clock = clock;
        this.vantages = vantages;
    }

    /** From where proofs are fetched. */
    public Vantages vantages() {
        return vantages;
    }

    /**
     * Shows a key authorization over HTTP (RFC 8555 section 8.3). Blocks where other servers show it too.
     *
     * @param name the identifier that is being validated
     * @param token the CA's token
     * @param keyAuthorization what answers it
     * @return the display, to be closed when the CA has made up its mind
     * @throws IllegalArgumentException if the token is not 1 to 128 characters of base64url
     * @throws IOException if the other servers could not be told
     */
    public Display displayHttp(ServerName name, String token, String keyAuthorization) throws IOException {
        if (!TOKEN.matcher(token).matches()) {
            throw new IllegalArgumentException("the CA's token is not 1 to 128 characters of base64url");
        }
        HttpKey key = new HttpKey(name, token);
        Proof shared = new Proof(name, ChallengeType.HTTP_01, token, keyAuthorization);
        Display display = new Display(elsewhere.any(), () -> {
            http.remove(key);
            names.remove(token, key);
            elsewhere.takeDown(shared);
        });
        elsewhere.show(shared);
        http.put(key, new HttpProof(keyAuthorization, display));
        names.put(token, key);
        return display;
    }

    /**
     * Shows a challenge certificate to {@code acme-tls/1} handshakes (RFC 8737 section 3). Blocks where other servers show
     * it too.
     *
     * @param name the identifier that is being validated
     * @param keyAuthorizationDigest SHA-256 of the key authorization, 32 bytes
     * @return the display, to be closed when the CA has made up its mind
     * @throws IOException if the other servers could not be told
     */
    public Display displayTlsAlpn(ServerName name, byte[] keyAuthorizationDigest) throws IOException {
        KeyedCertificate certificate = ChallengeCertificates.create(name, keyAuthorizationDigest, clock);
        Proof shared =
                new Proof(name, ChallengeType.TLS_ALPN_01, "", HexFormat.of().formatHex(keyAuthorizationDigest));
        Display display = new Display(elsewhere.any(), () -> {
            tlsAlpn.computeIfPresent(name, (n, proof) -> proof.certificate() == certificate ? null : proof);
            elsewhere.takeDown(shared);
        });
        elsewhere.show(shared);
        tlsAlpn.put(name, new TlsAlpnProof(certificate, display));
        return display;
    }

    /**
     * The answer to a CA's HTTP-01 validation: to a GET or HEAD for exactly {@code
     * /.well-known/acme-challenge/TOKEN} and a host for which that token is on display.
     *
     * <p><b>Cost.</b> A request for anything else costs one comparison of its path.
     *
     * @param method the request's
     * @param path as it was sent: a token that has to be decoded is not one a CA asks for; null where there is none
     * @param query as it was sent, null where there is none
     * @param host without its port, as sent; null where there is none
     * @return the key authorization, empty where the request is none of ours
     * @see <a href="https://www.rfc-editor.org/rfc/rfc8555#section-8.3">RFC 8555 section 8.3</a>
     */
    public Optional<String> answer(
            String method, @Nullable String path, @Nullable String query, @Nullable String host) {
        return answer(method, path, query, host, null);
    }

    /**
     * The answer as above, to somebody whose address is known.
     *
     * @param method the request's
     * @param path as it was sent, null where there is none
     * @param query as it was sent, null where there is none
     * @param host without its port, as sent; null where there is none
     * @param peer who asks, null where that is not known
     * @return the key authorization, empty where the request is none of ours
     */
    public Optional<String> answer(
            String method,
            @Nullable String path,
            @Nullable String query,
            @Nullable String host,
            @Nullable InetAddress peer) {
        if (http.isEmpty() || !isQuestion(method, path, query)) {
            return Optional.empty();
        }
        Optional<ServerName> asked = HttpHosts.serverName(host);
        Optional<String> answer = asked.flatMap(name -> keyAuthorization(name, tokenOf(path), peer));
        if (answer.isEmpty()) {
            tellIfStrayed(asked, tokenOf(path));
        }
        return answer;
    }

    // Only who was told a token can ask for it: the CA, and what is on its way.
    private void tellIfStrayed(Optional<ServerName> asked, String token) {
        HttpKey key = names.get(token);
        if (key == null) {
            return;
        }
        HttpProof proof = http.get(key);
        if (proof != null && proof.display().strayed.compareAndSet(false, true)) {
            strayed.asked(key.name(), asked);
        }
    }

    /**
     * The answer of another server to a CA's HTTP-01 validation for which {@link #answer} has none.
     *
     * <p><b>Cost.</b> As for {@link #answer}; for a path that could be a CA's, a look into the store, of which there are only
     * so many in a time.
     *
     * @param method the request's
     * @param path as it was sent, null where there is none
     * @param query as it was sent, null where there is none
     * @param host without its port, as sent; null where there is none
     * @return empty where no other server can have it either; otherwise completes with the key authorization, or with
     *     nothing, never exceptionally, on a thread of the engine
     */
    public Optional<CompletableFuture<Optional<String>>> answerElsewhere(
            String method, @Nullable String path, @Nullable String query, @Nullable String host) {
        if (!elsewhere.any() || !isQuestion(method, path, query)) {
            return Optional.empty();
        }
        String token = tokenOf(path);
        // What is shown here is for another host, and no other server's.
        if (!TOKEN.matcher(token).matches() || names.containsKey(token)) {
            return Optional.empty();
        }
        Optional<ServerName> asked = HttpHosts.serverName(host);
        if (asked.isEmpty()) {
            elsewhere.strayed(token);
        }
        return asked.map(name -> elsewhere.find(name, ChallengeType.HTTP_01, token));
    }

    /** Whether a path is one that CAs look at, whatever token it has. */
    public static boolean isPath(String path) {
        return path.startsWith(HTTP_PATH);
    }

    /** Whether this server shows a proof of a name over HTTP; a comparison for each proof on display. */
    public boolean showsHttp(ServerName name) {
        return http.keySet().stream().anyMatch(key -> key.name().equals(name));
    }

    /**
     * The proofs of a name that other servers show over HTTP.
     *
     * <p><b>Cost.</b> A look into the store, of which there are only so many in a time.
     *
     * @param name the identifier that is being validated
     * @return empty where there are no other servers; otherwise completes with key authorizations by their tokens, never
     *     exceptionally, on a thread of the engine
     */
    public Optional<CompletableFuture<Map<String, String>>> httpProofsElsewhere(ServerName name) {
        return elsewhere.any() ? Optional.of(elsewhere.httpProofs(name)) : Optional.empty();
    }

    /**
     * The answer to a request where some of the proofs of its host are known already.
     *
     * @param proofs key authorizations by their tokens
     * @param method the request's
     * @param path as it was sent, null where there is none
     * @param query as it was sent, null where there is none
     * @return the key authorization, empty where the request is for none of these
     */
    public static Optional<String> answerOf(
            Map<String, String> proofs, String method, @Nullable String path, @Nullable String query) {
        return isQuestion(method, path, query) ? Optional.ofNullable(proofs.get(tokenOf(path))) : Optional.empty();
    }

    private static boolean isQuestion(String method, @Nullable String path, @Nullable String query) {
        return path != null
                && path.startsWith(HTTP_PATH)
                && query == null
                && (method.equals("GET") || method.equals("HEAD"));
    }

    private static String tokenOf(@Nullable String path) {
        return path == null ? "" : path.substring(HTTP_PATH.length());
    }

    /**
     * The answer to {@code GET /.well-known/acme-challenge/TOKEN}.
     *
     * @param name the request's host
     * @param token the last path segment, as sent
     * @return the key authorization, empty where no such proof is on display for that host
     */
    public Optional<String> keyAuthorization(ServerName name, String token) {
        return keyAuthorization(name, token, null);
    }

    private Optional<String> keyAuthorization(ServerName name, String token, @Nullable InetAddress peer) {
        if (http.isEmpty()) {
            return Optional.empty();
        }
        HttpProof proof = http.get(new HttpKey(name, token));
        if (proof == null) {
            return Optional.empty();
        }
        proof.display().fetched(vantages.network(peer));
        return Optional.of(proof.keyAuthorization());
    }

    /**
     * The certificate for an {@code acme-tls/1} handshake.
     *
     * @param name the name in the handshake's {@code server_name} extension
     * @return the challenge certificate, empty where no such proof is on display
     */
    public Optional<KeyedCertificate> challengeCertificate(ServerName name) {
        return Optional.ofNullable(tlsAlpn.get(name)).map(TlsAlpnProof::certificate);
    }

    /** Whether other servers may show proofs; does not block. */
    public boolean hasElsewhere() {
        return elsewhere.any();
    }

    /**
     * What another server shows to {@code acme-tls/1} handshakes.
     *
     * <p><b>Cost.</b> A look into the store, of which there are only so many in a time.
     *
     * @param name the name in the handshake's {@code server_name} extension
     * @return the caller's own; completes with what {@link #challengeCertificateOf} takes, or with nothing, never
     *     exceptionally unless it is cancelled, on a thread of the engine
     */
    public CompletableFuture<Optional<String>> challengeElsewhere(ServerName name) {
        return elsewhere.find(name, ChallengeType.TLS_ALPN_01, "");
    }

    /**
     * The certificate for an {@code acme-tls/1} handshake whose proof another server shows.
     *
     * @param name the name in the handshake's {@code server_name} extension
     * @param digest what {@link #challengeElsewhere} found
     */
    public KeyedCertificate challengeCertificateOf(ServerName name, String digest) {
        return ChallengeCertificates.create(name, HexFormat.of().parseHex(digest), clock);
    }

    /**
     * Says that an {@code acme-tls/1} handshake for {@code name} has been finished, or failed after the
     * certificate was sent: the CA has seen the proof.
     *
     * @param name the name in the handshake
     */
    public void challengeCertificateServed(ServerName name) {
        challengeCertificateServed(name, null);
    }

    /**
     * The same of somebody whose address is known.
     *
     * @param name the name in the handshake
     * @param peer who shook hands, null where that is not known
     */
    public void challengeCertificateServed(ServerName name, @Nullable InetAddress peer) {
        TlsAlpnProof proof = tlsAlpn.get(name);
        if (proof != null) {
            proof.display().fetched(vantages.network(peer));
        }
    }

    /** How many proofs are on display. */
    public int size() {
        return http.size() + tlsAlpn.size();
    }
}
