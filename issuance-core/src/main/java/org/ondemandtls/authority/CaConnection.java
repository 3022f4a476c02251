package org.ondemandtls.authority;

import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.InvalidPemException;
import org.ondemandtls.certificate.Pem;
import org.shredzone.acme4j.Login;
import org.shredzone.acme4j.Problem;
import org.shredzone.acme4j.Session;
import org.shredzone.acme4j.connector.Connection;
import org.shredzone.acme4j.connector.NonceHolder;
import org.shredzone.acme4j.connector.Resource;
import org.shredzone.acme4j.exception.AcmeException;
import org.shredzone.acme4j.exception.AcmeNetworkException;
import org.shredzone.acme4j.exception.AcmeProtocolException;
import org.shredzone.acme4j.exception.AcmeRateLimitedException;
import org.shredzone.acme4j.exception.AcmeServerException;
import org.shredzone.acme4j.exception.AcmeUnauthorizedException;
import org.shredzone.acme4j.exception.AcmeUserActionRequiredException;
import org.shredzone.acme4j.toolbox.AcmeUtils;
import org.shredzone.acme4j.toolbox.JSON;
import org.shredzone.acme4j.toolbox.JSONBuilder;

/**
 * What acme4j sends its requests by: nonces, signatures and problems over a {@link CaSession}.
 *
 * <p><b>Threads.</b> Used by one thread at a time.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8555#section-6">RFC 8555 section 6</a>
 */
final class CaConnection implements Connection {

    /**
     * How often a request is signed until the CA likes its nonce: acme4j's ten are not enough for one order in a hundred
     * where a CA refuses every second one.
     */
    static final int NONCES = 20;

    private static final String JSON_TYPE = "application/json";
    private static final String PROBLEM_TYPE = "application/problem+json";
    private static final String CHAIN_TYPE = "application/pem-certificate-chain";
    private static final Set<Integer> GOOD = Set.of(200, 201);
    private static final int NO_CONTENT = 204;
    private static final String BAD_NONCE = "badNonce";
    private static final Pattern LINK = Pattern.compile("<([^>]*)>\\s*;\\s*rel=\"?([^\";,]+)\"?");

    private final CaSession line;
    private @Nullable CaAnswer answer;

    /** Sends over a line that somebody else limits. */
    CaConnection(CaSession line) {
        this.line = line;
    }

    @Override
    public void resetNonce(Session session) throws AcmeException {
        try (NonceHolder nonce = session.lockNonce()) {
            nonce.setNonce(null);
            CaAnswer got = send("HEAD", session.resourceUrl(Resource.NEW_NONCE), "*/*", "");
            if (!GOOD.contains(got.status()) && got.status() != NO_CONTENT) {
                throw new AcmeException("HTTP " + got.status());
            }
            nonce.setNonce(getNonce().orElseThrow(() -> new AcmeProtocolException("Server did not provide a nonce")));
        } finally {
            close();
        }
    }

    @Override
    public int sendRequest(URL url, Session session, @Nullable ZonedDateTime ifModifiedSince) throws AcmeException {
        try (NonceHolder nonce = session.lockNonce()) {
            CaAnswer got = send("GET", url, JSON_TYPE, "");
            getNonce().ifPresent(nonce::setNonce);
            return good(got);
        }
    }

    @Override
    public int sendCertificateRequest(URL url, Login login) throws AcmeException {
        return post(url, null, login.getSession(), login.getKeyPair(), login.getAccountLocation(), CHAIN_TYPE);
    }

    @Override
    public int sendSignedPostAsGetRequest(URL url, Login login) throws AcmeException {
        return post(url, null, login.getSession(), login.getKeyPair(), login.getAccountLocation(), JSON_TYPE);
    }

    @Override
    public int sendSignedRequest(URL url, JSONBuilder claims, Login login) throws AcmeException {
        return post(url, claims, login.getSession(), login.getKeyPair(), login.getAccountLocation(), JSON_TYPE);
    }

    @Override
    public int sendSignedRequest(URL url, JSONBuilder claims, Session session, KeyPair keypair) throws AcmeException {
        return post(url, claims, session, keypair, null, JSON_TYPE);
    }

    @Override
    public JSON readJsonResponse() {
        expect(Set.of(JSON_TYPE, PROBLEM_TYPE));
        return JSON.parse(text());
    }

    @Override
    public List<X509Certificate> readCertificates() {
        expect(Set.of(CHAIN_TYPE));
        try {
            return Pem.readCertificates(text());
        } catch (InvalidPemException e) {
            throw new AcmeProtocolException("Failed to read certificate", e);
        }
    }

    /** Always empty: whoever works on an order keeps to {@link CaSession#lastRetryAfter}, and acme4j never waits. */
    @Override
    public Optional<Instant> getRetryAfter() {
        return Optional.empty();
    }

    @Override
    public Optional<String> getNonce() {
        Optional<String> nonce = header("Replay-Nonce");
        if (nonce.isPresent() && !AcmeUtils.isValidBase64Url(nonce.get())) {
            throw new AcmeProtocolException("Invalid replay nonce");
        }
        return nonce;
    }

    @Override
    public URL getLocation() {
        return resolved(header("Location").orElseThrow(() -> new AcmeProtocolException("location header is missing")));
    }

    /** Always empty: the directory is kept by {@link CaSession}. */
    @Override
    public Optional<ZonedDateTime> getLastModified() {
        return Optional.empty();
    }

    /** Always empty: the directory is kept by {@link CaSession}. */
    @Override
    public Optional<ZonedDateTime> getExpiration() {
        return Optional.empty();
    }

    @Override
    public Collection<URL> getLinks(String relation) {
        return links(relation).stream().map(this::resolved).toList();
    }

    @Override
    public void close() {
        answer = null;
    }

    private int post(
            URL url, @Nullable JSONBuilder claims, Session session, KeyPair key, @Nullable URL account, String accept)
            throws AcmeException {
        for (int attempt = 1; ; attempt++) {
            try (NonceHolder nonce = session.lockNonce()) {
                String current = nonce.getNonce();
                if (current == null) {
                    resetNonce(session);
                    current = String.valueOf(nonce.getNonce());
                }
                // Used up, whatever comes of it.
                nonce.setNonce(null);
                CaAnswer got = send("POST", url, accept, Jws.sign(url, key, claims, current, account));
                nonce.setNonce(getNonce().orElse(null));
                return good(got);
            } catch (AcmeServerException e) {
                if (attempt == NONCES || !CaProblem.of(e.getProblem()).type().equals(BAD_NONCE)) {
                    throw e;
                }
            }
        }
    }

    private CaAnswer send(String method, URL url, String accept, String body) throws AcmeNetworkException {
        try {
            CaAnswer got = line.send(new CaRequest(method, url.toURI(), accept, body));
            answer = got;
            return got;
        } catch (URISyntaxException e) {
            throw new AcmeProtocolException("a URL that is none", e);
        } catch (IOException e) {
            throw new AcmeNetworkException(e);
        }
    }

    private int good(CaAnswer got) throws AcmeException {
        if (GOOD.contains(got.status())) {
            return got.status();
        }
        if (!contentType().equals(PROBLEM_TYPE)) {
            throw new AcmeException("HTTP " + got.status());
        }
        Problem problem = new Problem(readJsonResponse(), url(got.uri()));
        switch (CaProblem.of(problem).type()) {
            case "unauthorized" -> throw new AcmeUnauthorizedException(problem);
            case "userActionRequired" ->
                throw new AcmeUserActionRequiredException(
                        problem,
                        links("terms-of-service").stream()
                                .findFirst()
                                .map(link -> resolve(link))
                                .orElse(null));
            case "rateLimited" -> throw new AcmeRateLimitedException(problem, null, getLinks("help"));
            default -> throw new AcmeServerException(problem);
        }
    }

    private CaAnswer answer() {
        if (answer == null) {
            throw new IllegalStateException("nothing was answered");
        }
        return answer;
    }

    private String text() {
        return new String(answer().body(), StandardCharsets.UTF_8);
    }

    private Optional<String> header(String name) {
        return answer().headers().firstValue(name).map(String::strip).filter(value -> !value.isEmpty());
    }

    private String contentType() {
        String type = header("Content-Type").orElse("");
        int parameters = type.indexOf(';');
        return (parameters < 0 ? type : type.substring(0, parameters)).strip().toLowerCase(Locale.ROOT);
    }

    private void expect(Set<String> types) {
        if (!types.contains(contentType())) {
            throw new AcmeProtocolException("Unexpected content type");
        }
    }

    private List<String> links(String relation) {
        return answer().headers().allValues("Link").stream()
                .flatMap(value -> LINK.matcher(value).results())
                .filter(link -> link.group(2).strip().equals(relation))
                .map((MatchResult link) -> link.group(1))
                .toList();
    }

    private URL resolved(String link) {
        return url(resolve(link));
    }

    private URI resolve(String link) {
        try {
            return answer().uri().resolve(link);
        } catch (IllegalArgumentException e) {
            throw new AcmeProtocolException("Cannot resolve relative link", e);
        }
    }

    private static URL url(URI uri) {
        try {
            return uri.toURL();
        } catch (MalformedURLException | IllegalArgumentException e) {
            throw new AcmeProtocolException("Cannot resolve relative link", e);
        }
    }
}
