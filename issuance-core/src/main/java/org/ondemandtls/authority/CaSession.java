package org.ondemandtls.authority;

import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.http.HttpHeaders;
import java.net.http.HttpTimeoutException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.shredzone.acme4j.Login;
import org.shredzone.acme4j.Session;
import org.shredzone.acme4j.connector.Connection;
import org.shredzone.acme4j.connector.NonceHolder;
import org.shredzone.acme4j.connector.Resource;
import org.shredzone.acme4j.exception.AcmeException;
import org.shredzone.acme4j.exception.AcmeNetworkException;
import org.shredzone.acme4j.exception.AcmeNotSupportedException;
import org.shredzone.acme4j.exception.AcmeProtocolException;
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

    /**
     * When a request and everything has to end.
     *
     * @param request how long one request may take at most
     * @param closed opened when everything has to stop
     */
    record Limits(Duration request, CountDownLatch closed) {}

    /** What all sessions with one CA share. */
    static final class Shared {

        private final URI url;
        private final CaExchange http;
        private final Clock clock;
        private final LongSupplier nanoTime;
        private final Limits limits;
        private final CaDates dates;
        private final AtomicReference<@Nullable Directory> directory = new AtomicReference<>();

        /**
         * What sessions are made with.
         *
         * @param url the directory URL
         * @param http how the CA is reached
         * @param clock reads dates in {@code Retry-After}
         * @param nanoTime monotonic time
         * @param limits when a request and everything has to end
         */
        Shared(URI url, CaExchange http, Clock clock, LongSupplier nanoTime, Limits limits) {
            this(url, http, clock, nanoTime, limits, CaDates.UNREAD);
        }

        /** The same, where somebody wants to know what time the CA says it is. */
        Shared(URI url, CaExchange http, Clock clock, LongSupplier nanoTime, Limits limits, CaDates dates) {
            this.url = url;
            this.http = http;
            this.clock = clock;
            this.nanoTime = nanoTime;
            this.limits = limits;
            this.dates = dates;
        }

        /** Whether the directory, as read last, offers renewal information (RFC 9773) of the CA's own; no I/O. */
        boolean offersRenewalInfo() {
            Directory known = directory.get();
            return known != null && renewalInfo(known.json).isPresent();
        }

        /** How CAA records name the CA, as its directory, as read last, says (RFC 8555 section 9.7.6); no I/O. */
        Set<String> caaIdentities() {
            Directory known = directory.get();
            if (known == null) {
                return Set.of();
            }
            try {
                return known.json
                        .get("meta")
                        .map(JSON.Value::asObject)
                        .map(meta -> meta.get("caaIdentities").asArray().stream()
                                .map(JSON.Value::asString)
                                .map(domain -> domain.toLowerCase(Locale.ROOT))
                                .collect(Collectors.toUnmodifiableSet()))
                        .orElse(Set.of());
            } catch (AcmeProtocolException e) {
                return Set.of();
            }
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

    // A CA that does not answer within less is not said to be unwell for it.
    private static final Duration LEAST_TRY = Duration.ofSeconds(3);

    /** What no order can do without. */
    private static final List<Resource> NEEDED = List.of(Resource.NEW_NONCE, Resource.NEW_ACCOUNT, Resource.NEW_ORDER);

    private final Shared shared;
    private final Session session;
    private final Endurance endurance = new Endurance();
    private Deadline deadline;
    private int lastStatus;
    private int unreadable;
    private boolean cutShort;
    private boolean unanswered;
    private Duration firstTry = CaLimits.FIRST_TRY;
    private Optional<Duration> lastRetryAfter = Optional.empty();
    private @Nullable HttpHeaders lastHeaders;
    private @Nullable Directory read;

    /** Opens a line; nothing is sent yet. */
    CaSession(Shared shared) {
        this.shared = shared;
        this.deadline = Deadline.in(CaLimits.ORDER, shared.nanoTime);
        this.session = new Line();
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

    /** Begins a piece of work that has to be done by then and bears no fault; no request lasts longer. */
    void begin(Deadline end) {
        begin(end, Endurance.Measure.NONE);
    }

    /** Begins a piece of work that has to be done by then and bears so many faults that pass. */
    void begin(Deadline end, Endurance.Measure faults) {
        endurance.begin(faults);
        deadline = end;
        unanswered = false;
        unreadable = 0;
        // Of a time that is short, too, a whole try has to fit in: a CA that never answers is found out by that.
        firstTry = shorter(CaLimits.FIRST_TRY, end.left().multipliedBy(3).dividedBy(4));
        lastStatus = 0;
        lastRetryAfter = Optional.empty();
    }

    /** Which faults are borne. */
    Endurance endurance() {
        return endurance;
    }

    /**
     * Waits before a request is sent once more, where its fault is one to bear.
     *
     * @param thrown what the request ended with
     * @param isNewOrder whether a repetition may place a second order
     * @return whether to send it once more; no, where there is no time for it or everything stops
     */
    boolean bears(Exception thrown, boolean isNewOrder) {
        Optional<Duration> wait = endurance.bear(thrown, lastStatus, lastRetryAfter, isNewOrder);
        if (wait.isEmpty() || wait.get().plus(CaLimits.EXCHANGE).compareTo(deadline.left()) >= 0) {
            return false;
        }
        try {
            return !shared.limits.closed().await(wait.get().toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** The CA's {@code id()}. */
    String ca() {
        return shared.url.toString();
    }

    /** Has the directory read again: it does not tell any more what the CA does. */
    void forgetDirectory() {
        // What it said counts until then: which names of the CA stand in CAA records, for example.
        shared.directory.updateAndGet(
                known -> known == null ? null : new Directory(known.json, Deadline.in(Duration.ZERO, shared.nanoTime)));
    }

    /** How long one request may take at most. */
    Duration requestLimit() {
        return shared.limits.request();
    }

    private static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }

    /** When the work has to be done. */
    Deadline deadline() {
        return deadline;
    }

    /** The HTTP status of the last answer, 0 where there was none. */
    int lastStatus() {
        return lastStatus;
    }

    /**
     * Whether the last request had less time than one has otherwise, since the work's time was nearly over, and none before it
     * went without an answer for as long as it has to.
     */
    boolean wasCutShort() {
        return cutShort && !unanswered;
    }

    /** Notes that a chain was read, but for so many of its blocks. */
    void noteUnreadable(int blocks) {
        unreadable = Math.max(unreadable, blocks);
    }

    /** How many blocks of a chain could not be read since the work began. */
    int unreadable() {
        return unreadable;
    }

    /** The wait the last answer asked for. */
    Optional<Duration> lastRetryAfter() {
        return lastRetryAfter;
    }

    /** When the last answer says it was made; the time now where there was none. */
    Instant lastDate() {
        HttpHeaders headers = lastHeaders;
        return headers == null ? shared.clock.instant() : RetryAfter.date(headers, shared.clock);
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
            askForNonce();
        }
    }

    /**
     * Asks for a fresh nonce: the smallest question that every CA answers.
     *
     * @throws AcmeException if the CA gives none
     */
    void askForNonce() throws AcmeException {
        session.getMetadata();
        try (Connection connection = session.connect()) {
            connection.resetNonce(session);
        }
    }

    /**
     * Sends a request within the limits of {@link CaExchange} and the time there is, and notes what the answer says.
     *
     * @throws IOException if there is no complete answer in time, or if it may not be asked for
     */
    CaAnswer send(CaRequest request) throws IOException {
        lastStatus = 0;
        lastRetryAfter = Optional.empty();
        Duration left = deadline.left();
        Duration limit = shared.limits.request();
        if (endurance.isLeft() && !endurance.isRepeating()) {
            limit = shorter(limit, firstTry);
        }
        cutShort = left.compareTo(limit) < 0;
        CaAnswer answer = answered(request, shorter(left, limit));
        lastStatus = answer.status();
        lastRetryAfter = RetryAfter.in(answer.headers(), shared.clock);
        // Most dates are never looked at.
        lastHeaders = answer.headers();
        shared.dates.answered(() -> RetryAfter.saidDate(answer.headers(), shared.clock));
        return answer;
    }

    private CaAnswer answered(CaRequest request, Duration within) throws IOException {
        try {
            CaAnswer answer = shared.http.send(request, within);
            unanswered = false;
            return answer;
        } catch (HttpTimeoutException e) {
            unanswered |= !cutShort && within.compareTo(LEAST_TRY) >= 0;
            throw e;
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
                throw new IllegalArgumentException("the URL of the directory is not a URL", e);
            }
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
                for (boolean again = false; ; again = true) {
                    connection.sendRequest(resolve(serverUri), ours, null);
                    connection.getNonce().ifPresent(nonce::setNonce);
                    JSON json = connection.readJsonResponse();
                    Optional<Resource> missing = NEEDED.stream()
                            .filter(resource -> !json.contains(resource.path()))
                            .findFirst();
                    if (missing.isEmpty()) {
                        requireOwn(json);
                        return new Directory(json, Deadline.in(CaLimits.DIRECTORY, shared.nanoTime));
                    }
                    // Never kept: it may be what stands before the CA that answers.
                    if (again || !bears(new AcmeException("no directory"), false)) {
                        throw new AcmeNotSupportedException(missing.get().path());
                    }
                }
            }
        }
    }

    // What no order can do without. Renewal information elsewhere is left alone.
    private void requireOwn(JSON directory) throws AcmeNetworkException {
        for (Resource resource : NEEDED) {
            Optional<URI> url =
                    directory.get(resource.path()).map(JSON.Value::asURL).map(CaSession::uri);
            if (url.isPresent() && !isOfThisCa(url.get())) {
                throw new AcmeNetworkException(new ForeignUrlException(url.get(), shared.url));
            }
        }
    }

    private static URI uri(URL url) {
        return URI.create(url.toString());
    }

    /** Sends what the CA is to act upon, whatever its answer is: see {@link CaConnection#tell}. */
    Optional<JSON> tell(URL url, JSONBuilder claims, Login login) throws AcmeException {
        CaConnection connection = new CaConnection(this);
        try {
            return connection.tell(url, claims, login);
        } finally {
            connection.close();
        }
    }

    /** Makes acme4j send by {@link CaConnection}; an HTTP client of its own is never made. */
    private final class Line extends Session {

        Line() {
            super(shared.url, new Provider());
        }

        @Override
        public Connection connect() {
            return new CaConnection(CaSession.this);
        }
    }
}
