package org.ondemandtls.challenge;

import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.KeyedCertificate;
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

    /** A proof on display; closing it takes it down. */
    public static final class Display implements AutoCloseable {

        private final CompletableFuture<Void> fetched = new CompletableFuture<>();
        private final Runnable takeDown;

        private Display(Runnable takeDown) {
            this.takeDown = takeDown;
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

    private final ConcurrentMap<HttpKey, HttpProof> http = new ConcurrentHashMap<>();
    private final ConcurrentMap<ServerName, TlsAlpnProof> tlsAlpn = new ConcurrentHashMap<>();

    /**
     * Shows a key authorization over HTTP (RFC 8555 section 8.3).
     *
     * @param name the identifier that is being validated
     * @param token the CA's token
     * @param keyAuthorization what answers it
     * @return the display, to be closed when the CA has made up its mind
     * @throws IllegalArgumentException if the token is not 1 to 128 characters of base64url
     */
    public Display displayHttp(ServerName name, String token, String keyAuthorization) {
        if (!TOKEN.matcher(token).matches()) {
            throw new IllegalArgumentException("the CA's token is not 1 to 128 characters of base64url");
        }
        HttpKey key = new HttpKey(name, token);
        Display display = new Display(() -> http.remove(key));
        http.put(key, new HttpProof(keyAuthorization, display));
        return display;
    }

    /**
     * Shows a challenge certificate to {@code acme-tls/1} handshakes (RFC 8737 section 3).
     *
     * @param name the identifier that is being validated
     * @param certificate the challenge certificate, see {@link ChallengeCertificates}
     * @return the display, to be closed when the CA has made up its mind
     */
    public Display displayTlsAlpn(ServerName name, KeyedCertificate certificate) {
        Display display = new Display(
                () -> tlsAlpn.computeIfPresent(name, (n, proof) -> proof.certificate() == certificate ? null : proof));
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
        if (path == null
                || !path.startsWith(HTTP_PATH)
                || query != null
                || !(method.equals("GET") || method.equals("HEAD"))) {
            return Optional.empty();
        }
        return HttpHosts.serverName(host).flatMap(name -> keyAuthorization(name, path.substring(HTTP_PATH.length())));
    }

    /**
     * The answer to {@code GET /.well-known/acme-challenge/TOKEN}.
     *
     * @param name the request's host
     * @param token the last path segment, as sent
     * @return the key authorization, empty where no such proof is on display for that host
     */
    public Optional<String> keyAuthorization(ServerName name, String token) {
        if (http.isEmpty()) {
            return Optional.empty();
        }
        HttpProof proof = http.get(new HttpKey(name, token));
        if (proof == null) {
            return Optional.empty();
        }
        proof.display().fetched.complete(null);
        return Optional.of(proof.keyAuthorization());
    }

    /**
     * The certificate for an {@code acme-tls/1} handshake.
     *
     * @param name the name in the handshake's {@code server_name} extension
     * @return the challenge certificate, empty where no such proof is on display
     */
    public Optional<KeyedCertificate> challengeCertificate(ServerName name) {
        TlsAlpnProof proof = tlsAlpn.get(name);
        if (proof == null) {
            return Optional.empty();
        }
        return Optional.of(proof.certificate());
    }

    /**
     * Says that an {@code acme-tls/1} handshake for {@code name} has been finished, or failed after the
     * certificate was sent: the CA has seen the proof.
     *
     * @param name the name in the handshake
     */
    public void challengeCertificateServed(ServerName name) {
        TlsAlpnProof proof = tlsAlpn.get(name);
        if (proof != null) {
            proof.display().fetched.complete(null);
        }
    }

    /** How many proofs are on display. */
    public int size() {
        return http.size() + tlsAlpn.size();
    }
}
