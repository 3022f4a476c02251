package org.ondemandtls.authority;

import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
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
    private static final Set<Integer> GOOD = Set.of(200, 201, 202, 203);
    private static final Set<Integer> MOVED = Set.of(301, 302, 307, 308);
    private static final int MOST_REDIRECTS = 3;
    private static final Set<Integer> WITHOUT_CONTENT = Set.of(202, 204);
    private static final int NO_CONTENT = 204;
    private static final int TOO_MANY_REQUESTS = 429;
    private static final int NOT_IMPLEMENTED = 501;
    private static final String BYTE_ORDER_MARK = "\uFEFF";
    private static final String BAD_NONCE = "badNonce";
    private static final Pattern PRINTABLE = Pattern.compile("[\\x21-\\x7e]{1,1024}");

    private final CaSession line;
    private @Nullable CaAnswer answer;

    /** Sends over a line that somebody else limits. */
    CaConnection(CaSession line) {
        this.line = line;
    }

    @Override
    public void resetNonce(Session session) throws AcmeException {
        URL url = session.resourceUrl(Resource.NEW_NONCE);
        try (NonceHolder nonce = session.lockNonce()) {
            nonce.setNonce(null);
            while (nonce.getNonce() == null) {
                try {
                    nonce.setNonce(freshNonce(url));
                } catch (AcmeException e) {
                    if (!line.bears(e, false)) {
                        throw e;
                    }
                } catch (AcmeProtocolException e) {
                    if (!line.bears(e, false)) {
                        throw e;
                    }
                }
            }
        } finally {
            close();
        }
    }

    // Some CAs, and what stands before them, answer one of the two methods only (RFC 8555 section 7.2 wants both).
    private String freshNonce(URL url) throws AcmeException {
        CaAnswer got = sendThere("HEAD", url);
        boolean unwell = got.status() == TOO_MANY_REQUESTS || (got.status() >= 500 && got.status() != NOT_IMPLEMENTED);
        if (!unwell && anyNonce().isEmpty()) {
            got = sendThere("GET", url);
        }
        int status = got.status();
        return anyNonce()
                .orElseThrow(() -> GOOD.contains(status) || status == NO_CONTENT
                        ? new AcmeException("Server did not provide a nonce")
                        : new AcmeException("HTTP " + status));
    }

    private CaAnswer sendThere(String method, URL url) throws AcmeNetworkException {
        CaAnswer got = send(method, url, "*/*", "");
        for (int redirects = 0; redirects < MOST_REDIRECTS && MOVED.contains(got.status()); redirects++) {
            Optional<URL> moved = anyNonce().isEmpty() ? movedWithin() : Optional.empty();
            if (moved.isEmpty()) {
                return got;
            }
            got = send(method, moved.get(), "*/*", "");
        }
        return got;
    }

    // The CA has nothing else: what it takes back is its own affair.
    private Optional<String> anyNonce() {
        return getNonce().or(() -> header("Replay-Nonce").filter(PRINTABLE.asMatchPredicate()));
    }

    /**
     * Sends what the CA is to act upon, whose answer nobody needs: what comes of it is looked up elsewhere.
     *
     * @return the answer where it is an object, otherwise empty
     */
    Optional<JSON> tell(URL url, JSONBuilder claims, Login login) throws AcmeException {
        try {
            sendSignedRequest(url, claims, login);
            return Optional.of(readJsonResponse());
        } catch (AcmeServerException | AcmeNetworkException e) {
            throw e;
        } catch (AcmeException e) {
            if (!isHeard()) {
                throw e;
            }
        } catch (AcmeProtocolException e) {
            if (!isHeard()) {
                throw e;
            }
        }
        return Optional.empty();
    }

    // Without an answer it was another request that failed, for a nonce.
    private boolean isHeard() {
        return answer != null && line.lastStatus() / 100 == 2;
    }

    /** Follows a redirect within the directory's origin, nowhere else; only a GET gets here. */
    @Override
    public int sendRequest(URL url, Session session, @Nullable ZonedDateTime ifModifiedSince) throws AcmeException {
        try (NonceHolder nonce = session.lockNonce()) {
            URL wanted = url;
            int redirects = 0;
            while (true) {
                try {
                    CaAnswer got = send("GET", wanted, JSON_TYPE, "");
                    getNonce().ifPresent(nonce::setNonce);
                    if (MOVED.contains(got.status())) {
                        URI target = movedTo(got);
                        boolean isOwn = line.isOfThisCa(target);
                        if (++redirects > MOST_REDIRECTS || !isOwn) {
                            throw new MovedException(target, isOwn);
                        }
                        wanted = url(target);
                        continue;
                    }
                    int status = good(got, JSON_TYPE);
                    readJsonResponse();
                    line.endurance().succeeded();
                    return status;
                } catch (AcmeException e) {
                    if (e instanceof MovedException || !line.bears(e, false)) {
                        throw e;
                    }
                } catch (AcmeProtocolException e) {
                    if (!line.bears(e, false)) {
                        throw e;
                    }
                }
            }
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
        // Some CAs, and what stands before them, label it as they like: what parses is one.
        return CaJson.read(text(), answer().uri());
    }

    @Override
    public List<X509Certificate> readCertificates() {
        // Some CAs label it as they like: what parses is one.
        try {
            Pem.SentChain sent = Pem.readSent(answer().body());
            line.noteUnreadable(sent.unreadable());
            return sent.certificates();
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
        // One that is none is passed over (RFC 8555 section 6.5.1).
        return header("Replay-Nonce").filter(AcmeUtils::isValidBase64Url);
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
        return CaLinks.urls(answer(), relation);
    }

    @Override
    public void close() {
        answer = null;
    }

    private int post(
            URL url, @Nullable JSONBuilder claims, Session session, KeyPair key, @Nullable URL account, String accept)
            throws AcmeException {
        // Asked now: where the directory has to be read for it, an answer must not be lost.
        boolean isNewOrder = isAt(Resource.NEW_ORDER, session, url);
        boolean isLookedUp = isNewOrder || isAt(Resource.NEW_ACCOUNT, session, url);
        boolean isRead = !isAt(Resource.REVOKE_CERT, session, url) && !isAt(Resource.KEY_CHANGE, session, url);
        // Whatever an order or an authorization is, it has one; an account's is not looked at.
        boolean hasStatus = claims == null && !url.toString().equals(String.valueOf(account));
        URL wanted = url;
        int nonces = 1;
        int redirects = 0;
        while (true) {
            try (NonceHolder nonce = session.lockNonce()) {
                String current = nonce.getNonce();
                if (current == null) {
                    resetNonce(session);
                    current = String.valueOf(nonce.getNonce());
                }
                // Used up, whatever comes of it.
                nonce.setNonce(null);
                CaAnswer got = send("POST", wanted, accept, Jws.sign(wanted, key, claims, current, account));
                nonce.setNonce(getNonce().orElse(null));
                Optional<URL> moved = MOVED.contains(got.status()) ? movedWithin() : Optional.empty();
                if (moved.isPresent() && redirects < MOST_REDIRECTS) {
                    redirects++;
                    wanted = moved.get();
                    continue;
                }
                if (accept.equals(CHAIN_TYPE) && got.status() == NO_CONTENT) {
                    throw new NotYetException();
                }
                int status = good(got, accept);
                if (isLookedUp) {
                    lookUpWhereItIs(got, session, key, account);
                }
                if (isRead) {
                    requireReadable(got, accept, hasStatus);
                }
                line.endurance().succeeded();
                return status;
            } catch (BadNonceException e) {
                if (nonces == NONCES) {
                    throw e;
                }
                nonces++;
            } catch (AcmeException e) {
                if (!line.bears(e, isNewOrder)) {
                    throw e;
                }
            } catch (AcmeProtocolException e) {
                if (!line.bears(e, isNewOrder)) {
                    throw e;
                }
            }
        }
    }

    // An answer without its content still says where what was made is, so that nothing has to be made once more.
    private void lookUpWhereItIs(CaAnswer got, Session session, KeyPair key, @Nullable URL account)
            throws AcmeException {
        Optional<URL> made = hasContent(account == null) ? Optional.empty() : movedWithin();
        if (made.isEmpty()) {
            return;
        }
        byte[] content = "{}".getBytes(StandardCharsets.US_ASCII);
        if (account != null) {
            post(made.get(), null, session, key, account, JSON_TYPE);
            content = answer().body();
        }
        String url = made.get().toString();
        answer = new CaAnswer(
                URI.create(url),
                got.status(),
                HttpHeaders.of(Map.of("Location", List.of(url)), (name, value) -> true),
                content);
    }

    private boolean hasContent(boolean anything) {
        try {
            return readJsonResponse().contains("status") || anything;
        } catch (AcmeProtocolException e) {
            return false;
        }
    }

    // What cannot be read is found out here, where it can be asked for once more.
    private void requireReadable(CaAnswer got, String accept, boolean hasStatus) throws NotYetException {
        if (accept.equals(CHAIN_TYPE)) {
            if (WITHOUT_CONTENT.contains(got.status()) || text().isBlank()) {
                throw new NotYetException();
            }
            readCertificates();
        } else {
            JSON json = readJsonResponse();
            if (hasStatus) {
                json.get("status").asString();
            }
        }
    }

    // The requests whose answers need no body (RFC 8555 sections 7.3.5 and 7.6).
    private static boolean isAt(Resource resource, Session session, URL url) throws AcmeException {
        Optional<URL> known = session.resourceUrlOptional(resource);
        return known.isPresent() && known.get().toString().equals(url.toString());
    }

    private CaAnswer send(String method, URL url, String accept, String body) throws AcmeNetworkException {
        try {
            CaAnswer got = line.send(new CaRequest(method, url.toURI(), accept, body));
            answer = got;
            return got;
        } catch (URISyntaxException e) {
            throw new AcmeProtocolException("a link is not a URL", e);
        } catch (IOException e) {
            throw new AcmeNetworkException(e);
        }
    }

    private Optional<URL> movedWithin() {
        return header("Location")
                .flatMap(link -> CaJson.resolved(link, answer().uri()))
                .filter(line::isOfThisCa)
                .map(CaConnection::url);
    }

    private URI movedTo(CaAnswer got) throws AcmeException {
        return resolve(header("Location").orElseThrow(() -> new AcmeException("HTTP " + got.status())));
    }

    private int good(CaAnswer got, String accept) throws AcmeException {
        if (GOOD.contains(got.status())) {
            return got.status();
        }
        JSON document = problemDocument().orElseThrow(() -> unexplained(got));
        Problem problem = new Problem(document, url(got.uri()));
        switch (CaProblem.of(problem).type()) {
            case BAD_NONCE -> throw new BadNonceException(problem);
            case "orderNotReady" ->
                throw accept.equals(CHAIN_TYPE) ? new NotYetException() : new AcmeServerException(problem);
            case "unauthorized" -> throw new AcmeUnauthorizedException(problem);
            case "userActionRequired" ->
                throw new AcmeUserActionRequiredException(
                        problem,
                        CaLinks.of(got, "terms-of-service").stream().findFirst().orElse(null));
            case "rateLimited" -> throw new AcmeRateLimitedException(problem, null, getLinks("help"));
            default -> throw new AcmeServerException(problem);
        }
    }

    // By what it says, not by how it is labelled: some CAs send application/json.
    private Optional<JSON> problemDocument() {
        try {
            JSON document = readJsonResponse();
            return contentType().equals(PROBLEM_TYPE) || CaProblem.isMeant(document)
                    ? Optional.of(CaProblem.readable(document))
                    : Optional.empty();
        } catch (AcmeProtocolException e) {
            return Optional.empty();
        }
    }

    private AcmeException unexplained(CaAnswer got) {
        if (text().contains(BAD_NONCE)) {
            String document =
                    "{\"type\":\"" + CaProblem.PREFIX + BAD_NONCE + "\",\"detail\":\"HTTP " + got.status() + "\"}";
            return new BadNonceException(new Problem(JSON.parse(document), url(got.uri())));
        }
        return new AcmeException("HTTP " + got.status());
    }

    /** A nonce the CA did not like; another one will do. */
    private static final class BadNonceException extends AcmeServerException {
        private static final long serialVersionUID = 1L;

        BadNonceException(Problem problem) {
            super(problem);
        }
    }

    private CaAnswer answer() {
        if (answer == null) {
            throw new IllegalStateException("nothing was answered");
        }
        return answer;
    }

    private String text() {
        String text = new String(answer().body(), StandardCharsets.UTF_8);
        return text.startsWith(BYTE_ORDER_MARK) ? text.substring(1) : text;
    }

    private Optional<String> header(String name) {
        return answer().headers().firstValue(name).map(String::strip).filter(value -> !value.isEmpty());
    }

    private String contentType() {
        String type = header("Content-Type").orElse("");
        int parameters = type.indexOf(';');
        return (parameters < 0 ? type : type.substring(0, parameters)).strip().toLowerCase(Locale.ROOT);
    }

    private URL resolved(String link) {
        return url(resolve(link));
    }

    private URI resolve(String link) {
        return CaJson.resolved(link, answer().uri())
                .orElseThrow(() -> new AcmeProtocolException("Cannot resolve relative link"));
    }

    private static URL url(URI uri) {
        try {
            return uri.toURL();
        } catch (MalformedURLException | IllegalArgumentException e) {
            throw new AcmeProtocolException("Cannot resolve relative link", e);
        }
    }
}
