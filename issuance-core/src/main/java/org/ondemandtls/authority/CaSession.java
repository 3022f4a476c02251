package org.ondemandtls.authority;

import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.security.KeyPair;
import java.time.Clock;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.shredzone.acme4j.Session;
import org.shredzone.acme4j.connector.Connection;
import org.shredzone.acme4j.connector.DefaultConnection;
import org.shredzone.acme4j.connector.HttpConnector;
import org.shredzone.acme4j.connector.NetworkSettings;
import org.shredzone.acme4j.connector.NonceHolder;
import org.shredzone.acme4j.connector.Resource;
import org.shredzone.acme4j.exception.AcmeException;
import org.shredzone.acme4j.exception.AcmeProtocolException;
import org.shredzone.acme4j.exception.AcmeServerException;
import org.shredzone.acme4j.provider.AbstractAcmeProvider;
import org.shredzone.acme4j.toolbox.JSON;
import org.shredzone.acme4j.toolbox.JSONBuilder;

/**
 * One line to the CA with a nonce of its own: acme4j lets one request at a time through a session, so whoever works on
 * an order holds a whole one.
 *
 * <p><b>Threads.</b> Used by one thread at a time.
 */
final class CaSession {

    /** A directory as the CA sent it, shared by all sessions. */
    private static final class Directory {

        final JSON json;
        final Deadline believedUntil;

        Directory(JSON json, Deadline believedUntil) {
            this.json = json;
            this.believedUntil = believedUntil;
        }
    }

    /** What all sessions with one CA share. */
    static final class Shared {

        private final URI url;
        private final CaHttp http;
        private final Clock clock;
        private final LongSupplier nanoTime;
        private final AtomicReference<@Nullable Directory> directory = new AtomicReference<>();

        /**
         * What sessions are made with.
         *
         * @param url the directory URL
         * @param http how the CA is reached
         * @param clock reads dates in {@code Retry-After}
         * @param nanoTime monotonic time
         */
        Shared(URI url, CaHttp http, Clock clock, LongSupplier nanoTime) {
            this.url = url;
            this.http = http;
            this.clock = clock;
            this.nanoTime = nanoTime;
        }

        /** Whether the directory, as read last, offers renewal information (RFC 9773) of the CA's own; no I/O. */
        boolean offersRenewalInfo() {
            Directory known = directory.get();
            return known != null && renewalInfo(known.json).isPresent();
        }

        private Optional<URL> renewalInfo(JSON json) {
            try {
                Optional<URL> url = json.get(Resource.RENEWAL_INFO.path()).map(JSON.Value::asURL);
                return url.isPresent() && http.isOwn(url.get().toURI()) ? url : Optional.empty();
            } catch (AcmeProtocolException | URISyntaxException e) {
                return Optional.empty();
            }
        }
    }

    private final Shared shared;
    private final Session session;
    private Deadline deadline;
    private int lastStatus;
    private Optional<Duration> lastRetryAfter = Optional.empty();
    private @Nullable Directory read;

    /** Opens a line; nothing is sent yet. */
    CaSession(Shared shared) {
        this.shared = shared;
        this.deadline = Deadline.in(CaLimits.ORDER, shared.nanoTime);
        this.session = new Session(shared.url, new Provider());
        session.setLocale(Locale.ENGLISH);
        session.networkSettings().setCompressionEnabled(false);
        session.networkSettings().setTimeout(CaLimits.REQUEST);
    }

    /** The session for acme4j. */
    Session session() {
        return session;
    }

    /**
     * Where the CA's renewal information is (RFC 9773 section 4.1), reading the directory where need be.
     *
     * @return the URL, of the directory's origin; empty where the CA offers none there
     * @throws AcmeException if there is no directory to be had
     */
    Optional<URL> renewalInfo() throws AcmeException {
        session.getMetadata();
        Directory known = read;
        return known == null ? Optional.empty() : shared.renewalInfo(known.json);
    }

    /** Whether a URL is one this session may ask for. */
    boolean isOfThisCa(URI url) {
        return shared.http.isOwn(url);
    }

    /** Begins a piece of work that has to be done by then; no request lasts longer. */
    void begin(Deadline end) {
        deadline = end;
        lastStatus = 0;
        lastRetryAfter = Optional.empty();
    }

    /** When the work has to be done. */
    Deadline deadline() {
        return deadline;
    }

    /** The HTTP status of the last answer, 0 where there was none. */
    int lastStatus() {
        return lastStatus;
    }

    /** The wait the last answer asked for. */
    Optional<Duration> lastRetryAfter() {
        return lastRetryAfter;
    }

    /**
     * Has directory and nonce at hand.
     *
     * @throws AcmeException if the CA gives none
     */
    void prepare() throws AcmeException {
        session.getMetadata();
        boolean noNonce;
        try (NonceHolder nonce = session.lockNonce()) {
            noNonce = nonce.getNonce() == null;
        }
        if (noNonce) {
            try (Connection connection = session.connect()) {
                connection.resetNonce(session);
            }
        }
    }

    private final class Provider extends AbstractAcmeProvider {

        @Override
        public boolean accepts(URI serverUri) {
            return serverUri.equals(shared.url);
        }

        @Override
        public URL resolve(URI serverUri) {
            try {
                return serverUri.toURL();
            } catch (MalformedURLException e) {
                throw new IllegalArgumentException("the directory URL is no URL", e);
            }
        }

        @Override
        public HttpClient createHttpClient(NetworkSettings networkSettings) {
            return shared.http.client();
        }

        @Override
        public Connection connect(URI serverUri, NetworkSettings networkSettings, HttpClient httpClient) {
            return new Limited(createHttpConnector(networkSettings, httpClient));
        }

        /** Every public CA expects this one, whatever the length of the key (RFC 8555 section 7.3.4). */
        @Override
        public Optional<String> getProposedEabMacAlgorithm() {
            return Optional.of("HS256");
        }

        /** Reads the directory once for all sessions; null says that the session has the current one. */
        @Override
        public @Nullable JSON directory(Session ours, URI serverUri) throws AcmeException {
            Directory known = shared.directory.get();
            if (known == null || known.believedUntil.isOver()) {
                known = fetch(ours, serverUri);
                shared.directory.set(known);
            }
            if (known == read) {
                return null;
            }
            read = known;
            return known.json;
        }

        private Directory fetch(Session ours, URI serverUri) throws AcmeException {
            try (NonceHolder nonce = ours.lockNonce();
                    Connection connection = ours.connect()) {
                connection.sendRequest(resolve(serverUri), ours, null);
                connection.getNonce().ifPresent(nonce::setNonce);
                return new Directory(connection.readJsonResponse(), Deadline.in(CaLimits.DIRECTORY, shared.nanoTime));
            }
        }
    }

    /** A connection within the limits of {@link CaHttp}. */
    private final class Limited extends DefaultConnection {

        Limited(HttpConnector connector) {
            super(connector);
        }

        // acme4j gives up after ten refused nonces in a row, which a CA that refuses every second one gets to with one
        // order in a hundred.
        @Override
        protected int sendSignedRequest(
                URL url,
                @Nullable JSONBuilder claims,
                Session ours,
                KeyPair keypair,
                @Nullable URL accountLocation,
                String accept)
                throws AcmeException {
            try {
                return super.sendSignedRequest(url, claims, ours, keypair, accountLocation, accept);
            } catch (AcmeServerException e) {
                if (!CaProblem.of(e.getProblem()).type().equals("badNonce")) {
                    throw e;
                }
                // Lets go of the answer, not of the line.
                close();
                return super.sendSignedRequest(url, claims, ours, keypair, accountLocation, accept);
            }
        }

        @Override
        protected void sendRequest(Session ours, URL url, Consumer<HttpRequest.Builder> body) throws IOException {
            HttpRequest.Builder builder =
                    httpConnector.createRequestBuilder(url).header("Accept-Language", ours.getLanguageHeader());
            body.accept(builder);
            lastStatus = 0;
            lastRetryAfter = Optional.empty();
            Duration left = deadline.left();
            var answer =
                    shared.http.send(builder.build(), left.compareTo(CaLimits.REQUEST) < 0 ? left : CaLimits.REQUEST);
            lastStatus = answer.statusCode();
            lastRetryAfter = RetryAfter.in(CaHttp.headersOf(answer), shared.clock);
            lastResponse = answer;
        }
    }
}
