package org.ondemandtls.authority;

import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.Pem;
import org.ondemandtls.challenge.ChallengeBoard;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.name.ServerName;
import org.shredzone.acme4j.Authorization;
import org.shredzone.acme4j.Certificate;
import org.shredzone.acme4j.Login;
import org.shredzone.acme4j.Metadata;
import org.shredzone.acme4j.Order;
import org.shredzone.acme4j.OrderBuilder;
import org.shredzone.acme4j.Status;
import org.shredzone.acme4j.challenge.Challenge;
import org.shredzone.acme4j.challenge.Http01Challenge;
import org.shredzone.acme4j.challenge.TlsAlpn01Challenge;
import org.shredzone.acme4j.connector.Connection;
import org.shredzone.acme4j.exception.AcmeException;
import org.shredzone.acme4j.exception.AcmeProtocolException;
import org.shredzone.acme4j.exception.AcmeRateLimitedException;
import org.shredzone.acme4j.exception.AcmeServerException;
import org.shredzone.acme4j.toolbox.JSON;
import org.shredzone.acme4j.toolbox.JSONBuilder;

/**
 * Takes one name from an order to its chain, over one session.
 *
 * <p>Nothing waits for a fixed time: a poll follows at once when the CA has fetched the proof, then in small growing
 * steps, and never sooner than the CA's {@code Retry-After}.
 *
 * <p><b>Threads.</b> Used once, by the thread it blocks.
 */
final class OrderFlow {

    /** More authorizations than one name can need. */
    private static final int MOST_AUTHORIZATIONS = 4;

    private static final int LONGEST_URL = 2048;

    /** Less than this is not enough for a request and its answer, so it is not begun. */
    private static final Duration EXCHANGE = Duration.ofMillis(100);

    private static final Duration STORE_RETRY = Duration.ofSeconds(2);

    private static final int NOT_FOUND = 404;
    private static final int CONFLICT = 409;
    private static final int GONE = 410;
    private static final int TOO_MANY_REQUESTS = 429;

    /** How CAs speak of an order they do not have any more, once it was taken up. */
    private static final Set<String> LOST = Set.of("malformed", "unauthorized", "unknown");

    /**
     * How CAs refuse an order for what it says it replaces: replaced before (RFC 9773 section 7.4), of another account,
     * or not known, which some take for a fault of their own. The same order without it tells whether that was the reason.
     */
    private static final Set<String> MINDS_REPLACES =
            Set.of("alreadyReplaced", "malformed", "unauthorized", "serverInternal", "unknown");

    /**
     * What every flow works with.
     *
     * @param board where proofs are displayed
     * @param preference remembers what worked
     * @param profile the profile to ask for where the CA offers it
     * @param events told what happens to the order
     * @param closed opened when everything has to stop
     * @param profileMissed whether it has been said that the CA does not offer the profile
     */
    record Tools(
            ChallengeBoard board,
            ChallengePreference preference,
            Optional<String> profile,
            Events events,
            CountDownLatch closed,
            AtomicBoolean profileMissed) {}

    /** An order nothing can come of any more. */
    private static final class SpentOrderException extends Exception {

        final String why;

        SpentOrderException(String why) {
            super(why, null, false, false);
            this.why = why;
        }
    }

    private final Tools tools;
    private final CaSession session;
    private final Login login;
    private final Authority.Order wanted;
    private final DeferredJournal journal;
    private final ServerName name;

    // Until the CA has minded it once.
    private boolean replaces = true;
    // Finalized, and the CA takes its time.
    private boolean processing;

    // Whether the order is one that was placed before, by an earlier life or another server.
    private boolean isOld;

    /** One run of it. */
    OrderFlow(Tools tools, CaSession session, Login login, Authority.Order wanted, Authority.Journal journal) {
        this.tools = tools;
        this.session = session;
        this.login = login;
        this.wanted = wanted;
        this.journal = new DeferredJournal(journal);
        this.name = wanted.name();
    }

    /**
     * Goes all the way, and with another kind of proof once more where the first one is not accepted.
     *
     * @param candidates the kinds of proof to try, in that order, not empty
     * @return the chain as the CA sent it
     */
    List<X509Certificate> run(List<ChallengeType> candidates)
            throws AcmeException, IssuanceException, InterruptedException {
        try {
            return issued(candidates);
        } finally {
            // An order that failed before its time is taken up again.
            journal.keepIfPossible();
        }
    }

    private List<X509Certificate> issued(List<ChallengeType> candidates)
            throws AcmeException, IssuanceException, InterruptedException {
        List<ChallengeType> untried = new ArrayList<>(candidates);
        List<ValidationFailedException> failures = new ArrayList<>();
        Optional<Order> resumed = takeUp();
        isOld = resumed.isPresent();
        Order order = isOld ? resumed.get() : create();
        while (true) {
            try {
                authorize(order, untried);
                return certificate(order);
            } catch (ValidationFailedException failed) {
                failures.add(failed);
                untried.remove(failed.type());
                if (untried.isEmpty() || !failed.isCurable()) {
                    throw rejected(failures);
                }
                tools.events()
                        .publish(
                                EventKind.CHALLENGE,
                                name,
                                token(failed.type()) + " failed ("
                                        + failed.problem().type() + ": "
                                        + failed.problem().text() + "), trying " + token(untried.get(0)));
            } catch (SpentOrderException spent) {
                if (!isOld) {
                    throw new AcmeProtocolException(spent.why, spent);
                }
                giveUp(spent.why);
            } catch (AcmeException e) {
                // A new order that the CA forgets at once is the CA's trouble, an old one may have been kept too long.
                Optional<String> lost = lost(e).filter(why -> minds(e, LOST));
                if (!isOld || lost.isEmpty()) {
                    throw e;
                }
                giveUp(lost.get());
            }
            isOld = false;
            order = create();
        }
    }

    // An order the CA has forgotten or closed costs a new one; a CA that does not answer now may answer later.
    private Optional<Order> takeUp() throws AcmeException {
        if (wanted.url().isEmpty()) {
            return Optional.empty();
        }
        URI url = wanted.url().get();
        try {
            if (!session.isOfThisCa(url)) {
                giveUp("its URL is none of this CA's");
                return Optional.empty();
            }
            Order order = login.bindOrder(url.toURL());
            order.fetch();
            Status status = order.getStatus();
            if (Set.of(Status.PENDING, Status.READY, Status.PROCESSING, Status.VALID)
                    .contains(status)) {
                tools.events().publish(EventKind.RESUMED, name, "took up the open order, which is " + word(status));
                return Optional.of(order);
            }
            giveUp("it is " + word(status));
        } catch (AcmeException e) {
            giveUp(lost(e).orElseThrow(() -> e));
        } catch (MalformedURLException | IllegalArgumentException e) {
            giveUp("its URL is none of this CA's");
        }
        return Optional.empty();
    }

    private void giveUp(String why) {
        tools.events().publish(EventKind.RESUMED, name, "gave up the open order: " + why);
    }

    // What the CA says of an order it does not have any more; empty where it may have it and is in trouble.
    private Optional<String> lost(AcmeException e) {
        int status = session.lastStatus();
        if (status == NOT_FOUND || status == GONE) {
            return Optional.of("the CA does not know it");
        }
        if (e instanceof AcmeServerException refused && !(e instanceof AcmeRateLimitedException)) {
            CaProblem problem = CaProblem.of(refused.getProblem());
            boolean passing = status >= 500
                    || status == TOO_MANY_REQUESTS
                    || Set.of("accountDoesNotExist", "badNonce").contains(problem.type());
            return passing ? Optional.empty() : Optional.of(problem.type() + ": " + problem.text());
        }
        return Optional.empty();
    }

    private boolean minds(AcmeException e, Set<String> types) {
        return !(e instanceof AcmeServerException refused)
                || types.contains(CaProblem.of(refused.getProblem()).type());
    }

    private Order create() throws AcmeException, IssuanceException.StoreFailed {
        Order order = placed();
        URL url = order.getLocation();
        if (url.toString().length() > LONGEST_URL) {
            throw new AcmeProtocolException("the order's URL is too long");
        }
        try {
            URI uri = url.toURI();
            journal.orderCreated(uri);
        } catch (URISyntaxException e) {
            throw new AcmeProtocolException("the order's URL is none", e);
        }
        return order;
    }

    // What is said about the certificate that this one replaces is a courtesy, and never worth an order.
    private Order placed() throws AcmeException {
        Optional<String> replaced = replaces && session.renewalInfo().isPresent()
                ? wanted.replaces().flatMap(RenewalInfo::certId)
                : Optional.empty();
        if (replaced.isPresent()) {
            try {
                return builder().replaces(replaced.get()).create();
            } catch (AcmeServerException e) {
                if (session.lastStatus() != CONFLICT && !minds(e, MINDS_REPLACES)) {
                    throw e;
                }
                replaces = false;
            }
        }
        return builder().create();
    }

    private OrderBuilder builder() throws AcmeException {
        OrderBuilder builder = login.newOrder().domain(name.value());
        if (tools.profile().isPresent()) {
            Metadata metadata = session.session().getMetadata();
            String profile = tools.profile().get();
            if (metadata.isProfileAllowed(profile)) {
                builder.profile(profile);
            } else if (tools.profileMissed().compareAndSet(false, true)) {
                tools.events()
                        .publish(
                                EventKind.ADVICE,
                                session.session().getServerUri()
                                        + " does not offer the profile of onDemandTls.acme.profile, so it is not asked"
                                        + " for there; it offers "
                                        + CaProblem.oneLine(
                                                metadata.getProfiles().toString()));
            }
        }
        return builder;
    }

    private void authorize(Order order, List<ChallengeType> untried)
            throws AcmeException, ValidationFailedException, SpentOrderException, IssuanceException,
                    InterruptedException {
        if (order.getStatus() != Status.PENDING) {
            return;
        }
        List<Authorization> authorizations = order.getAuthorizations();
        if (authorizations.size() > MOST_AUTHORIZATIONS) {
            throw new AcmeProtocolException("too many authorizations for one name");
        }
        for (Authorization authorization : authorizations) {
            authorization.fetch();
            switch (authorization.getStatus()) {
                case VALID -> {}
                case PENDING -> validate(authorization, untried);
                default ->
                    throw new SpentOrderException(
                            "an authorization of the open order is " + word(authorization.getStatus()));
            }
        }
    }

    private void validate(Authorization authorization, List<ChallengeType> untried)
            throws AcmeException, ValidationFailedException, SpentOrderException, IssuanceException,
                    InterruptedException {
        for (ChallengeType type : untried) {
            Optional<Challenge> challenge = challenge(authorization, type);
            if (challenge.isPresent()) {
                prove(authorization, type, challenge.get());
                tools.preference().worked(type);
                return;
            }
        }
        throw new IssuanceException.Unavailable(
                name,
                "the CA offers none of the challenges that may be used: "
                        + untried.stream().map(OrderFlow::token).collect(Collectors.joining(", ")),
                RetryAfter.DEFAULT,
                null);
    }

    // Only what is understood is looked at: a challenge type of the future must not break anything.
    private Optional<Challenge> challenge(Authorization authorization, ChallengeType type) {
        return authorization.getJSON().get("challenges").asArray().stream()
                .map(JSON.Value::asObject)
                .filter(json -> json.get("type")
                        .map(JSON.Value::asString)
                        .filter(token(type)::equals)
                        .isPresent())
                .findFirst()
                .map(login::createChallenge);
    }

    private void prove(Authorization authorization, ChallengeType type, Challenge challenge)
            throws AcmeException, ValidationFailedException, SpentOrderException, IssuanceException,
                    InterruptedException {
        try (ChallengeBoard.Display display = display(challenge)) {
            // An order that was taken up again may have been triggered already; the CA minds a second time.
            boolean triggered = challenge.getStatus() != Status.PENDING;
            if (!triggered) {
                challenge.trigger();
            }
            journal.keep();
            if (awaitDecision(authorization, display.fetched()) != Status.VALID) {
                CaProblem problem = problem(authorization, challenge);
                if (isOld && triggered) {
                    // The CA looked, or began to, while nobody answered: that says nothing about the name.
                    throw new SpentOrderException("its proof was asked for while nobody showed it (" + problem.type()
                            + ": " + problem.text() + ")");
                }
                throw new ValidationFailedException(type, problem);
            }
        }
    }

    private ChallengeBoard.Display display(Challenge challenge) throws IssuanceException.StoreFailed {
        try {
            if (challenge instanceof Http01Challenge http) {
                return tools.board().displayHttp(name, http.getToken(), http.getAuthorization());
            }
            if (challenge instanceof TlsAlpn01Challenge tlsAlpn) {
                return tools.board().displayTlsAlpn(name, tlsAlpn.getAcmeValidation());
            }
        } catch (IOException e) {
            throw new IssuanceException.StoreFailed(
                    name, "the proof cannot be shown by the other servers: " + e.getMessage(), STORE_RETRY, e);
        }
        throw new AcmeProtocolException("a challenge without a token");
    }

    private Status awaitDecision(Authorization authorization, CompletableFuture<Void> fetched)
            throws AcmeException, IssuanceException, InterruptedException {
        Pace beforeFetched = Pace.beforeFetched();
        Pace afterwards = Pace.afterwards();
        boolean seen = false;
        while (true) {
            pause(session.lastRetryAfter().orElse(Duration.ZERO), "validated the proof");
            if (seen) {
                pause(afterwards.next(), "validated the proof");
            } else {
                seen = await(fetched, beforeFetched.next());
            }
            authorization.fetch();
            Status status = authorization.getStatus();
            if (status != Status.PENDING) {
                return status;
            }
        }
    }

    private boolean await(CompletableFuture<Void> fetched, Duration atMost)
            throws IssuanceException, InterruptedException {
        requireTime(atMost, "fetched the proof");
        try {
            fetched.get(atMost.toNanos(), TimeUnit.NANOSECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (ExecutionException e) {
            throw new IllegalStateException("a display never fails", e);
        }
    }

    private CaProblem problem(Authorization authorization, Challenge challenge) {
        CaProblem problem = authorization.getJSON().get("challenges").asArray().stream()
                .map(JSON.Value::asObject)
                .filter(json -> json.contains("error"))
                .findFirst()
                .map(json -> CaProblem.of(json.get("error").asObject()))
                .orElse(CaProblem.of("unknown", "the authorization is " + word(authorization.getStatus())));
        String token = challenge.getJSON().get("token").asString();
        if (challenge instanceof Http01Challenge http) {
            problem = problem.without(http.getAuthorization(), "(key authorization)");
        }
        return problem.without(token, "(token)");
    }

    private List<X509Certificate> certificate(Order order)
            throws AcmeException, IssuanceException, InterruptedException {
        JSON state = order.getJSON();
        Status status = status(state);
        if (status == Status.PENDING || status == Status.READY) {
            journal.keep();
            state = finalizeWhenReady(order);
        }
        Pace pace = Pace.afterwards();
        while (true) {
            switch (status(state)) {
                case VALID -> {
                    return download(state.get("certificate").asURL());
                }
                case INVALID -> {
                    CaProblem problem = state.get("error")
                            .map(JSON.Value::asObject)
                            .map(CaProblem::of)
                            .orElse(CaProblem.of("unknown", "the order is invalid"));
                    throw new IssuanceException.Rejected(name, problem.type(), problem.text(), Duration.ZERO);
                }
                default -> {
                    processing = true;
                    pause(session.lastRetryAfter().orElse(Duration.ZERO), "issued the certificate");
                    pause(pace.next(), "issued the certificate");
                    order.fetch();
                    state = order.getJSON();
                }
            }
        }
    }

    // All authorizations are valid, so the order is ready, or will be as soon as the CA has noticed.
    private JSON finalizeWhenReady(Order order) throws AcmeException, IssuanceException, InterruptedException {
        Pace pace = Pace.afterwards();
        while (true) {
            try (Connection connection = session.session().connect()) {
                JSONBuilder claims = new JSONBuilder();
                claims.putBase64("csr", wanted.csr());
                connection.sendSignedRequest(order.getFinalizeLocation(), claims, login);
                return connection.readJsonResponse();
            } catch (AcmeServerException e) {
                if (!CaProblem.of(e.getProblem()).type().equals("orderNotReady")) {
                    throw e;
                }
            }
            pause(session.lastRetryAfter().orElse(Duration.ZERO), "made the order ready");
            pause(pace.next(), "made the order ready");
            order.fetch();
            if (!Set.of(Status.PENDING, Status.READY).contains(order.getStatus())) {
                return order.getJSON();
            }
        }
    }

    private List<X509Certificate> download(URL url) throws AcmeException {
        Certificate certificate = login.bindCertificate(url);
        certificate.download();
        return Pem.sharingIssuers(certificate.getCertificateChain());
    }

    private void pause(Duration wait, String until) throws IssuanceException, InterruptedException {
        requireTime(wait, until);
        if (!wait.isZero() && tools.closed().await(wait.toNanos(), TimeUnit.NANOSECONDS)) {
            throw new IssuanceException.Stopping(name);
        }
    }

    private void requireTime(Duration wait, String until) throws IssuanceException {
        if (tools.closed().getCount() == 0) {
            throw new IssuanceException.Stopping(name);
        }
        if (wait.plus(EXCHANGE).compareTo(session.deadline().left()) >= 0) {
            String what = "the CA has not " + until + " within "
                    + wanted.patience().toSeconds() + " s, or asks to wait longer";
            Duration retryAfter = RetryAfter.clamped(session.lastRetryAfter());
            throw processing
                    ? IssuanceException.Unavailable.unfinished(name, what, retryAfter)
                    : new IssuanceException.Unavailable(name, what, retryAfter, null);
        }
    }

    private IssuanceException.Rejected rejected(List<ValidationFailedException> failures) {
        String text = failures.stream()
                .map(failed -> token(failed.type()) + " " + failed.problem().type() + ": "
                        + failed.problem().text())
                .collect(Collectors.joining("; "));
        CaProblem last = failures.get(failures.size() - 1).problem();
        return new IssuanceException.Rejected(name, last.type(), text, Duration.ZERO);
    }

    private static Status status(JSON order) {
        return order.get("status").asStatus();
    }

    private static String word(Status status) {
        return status.name().toLowerCase(Locale.ROOT);
    }

    private static String token(ChallengeType type) {
        return switch (type) {
            case TLS_ALPN_01 -> TlsAlpn01Challenge.TYPE;
            case HTTP_01 -> Http01Challenge.TYPE;
        };
    }
}
