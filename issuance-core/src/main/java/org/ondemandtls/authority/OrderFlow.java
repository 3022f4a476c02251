package org.ondemandtls.authority;

import java.net.MalformedURLException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.security.cert.X509Certificate;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.challenge.ChallengeBoard;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.name.ServerName;
import org.shredzone.acme4j.Authorization;
import org.shredzone.acme4j.Login;
import org.shredzone.acme4j.Metadata;
import org.shredzone.acme4j.Order;
import org.shredzone.acme4j.OrderBuilder;
import org.shredzone.acme4j.Status;
import org.shredzone.acme4j.challenge.Http01Challenge;
import org.shredzone.acme4j.challenge.TlsAlpn01Challenge;
import org.shredzone.acme4j.exception.AcmeException;
import org.shredzone.acme4j.exception.AcmeProtocolException;
import org.shredzone.acme4j.exception.AcmeRateLimitedException;
import org.shredzone.acme4j.exception.AcmeServerException;

/**
 * Takes one name from an order to its chain, over one session.
 *
 * <p>Nothing waits for a fixed time: the CA is asked just after the time it took lately ({@link Pace}), and faults that pass
 * are borne ({@link Endurance}).
 *
 * <p><b>Threads.</b> Used once, by the thread it blocks.
 */
final class OrderFlow {

    private static final int LONGEST_URL = 2048;
    private static final int LOOKS_FOR_AUTHORIZATIONS = 4;

    /** What an order that has just been placed cannot be, unless it is one of before. */
    private static final Set<Status> OVER = Set.of(Status.PROCESSING, Status.VALID, Status.INVALID);

    private static final int NOT_FOUND = 404;
    private static final int CONFLICT = 409;
    private static final int GONE = 410;
    private static final int TOO_MANY_REQUESTS = 429;
    private static final int SERVER_ERROR = 500;
    private static final int SERVICE_UNAVAILABLE = 503;

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
     * @param paces how long the CA takes
     * @param preferredChain at whom the chain should end, where the CA offers a choice
     * @param chainMissed whether it has been said that the CA offers no such chain
     * @param steps times what is done
     */
    record Tools(
            ChallengeBoard board,
            ChallengePreference preference,
            Optional<String> profile,
            Events events,
            CountDownLatch closed,
            AtomicBoolean profileMissed,
            Pace.OfCa paces,
            Optional<String> preferredChain,
            AtomicBoolean chainMissed,
            Steps steps) {}

    /** An order nothing can come of any more. */
    static final class SpentOrderException extends Exception {

        final String why;

        /** An order that is of no more use, and why. */
        SpentOrderException(String why) {
            super(why, null, false, false);
            this.why = why;
        }
    }

    /** The CA has answered a new order with one that is over, and that another one is worth trying. */
    private static final class OverAndDoneException extends Exception {
        private static final long serialVersionUID = 1L;

        OverAndDoneException() {
            super(null, null, false, false);
        }
    }

    private final Tools tools;
    private final CaSession session;
    private final Login login;
    private final Authority.Order wanted;
    private final DeferredJournal journal;
    private final ServerName name;
    private final OrderWaits waits;

    // Until the CA has minded it once.
    private boolean replaces = true;
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
        this.waits = new OrderWaits(wanted, session, tools.closed());
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
        boolean mayBeAnothers = true;
        while (true) {
            try {
                // Some CAs answer a new order with one of before, whose certificate may be for the key of that time.
                boolean isOver = !isOld && OVER.contains(order.getStatus());
                if (isOver && order.getStatus() == Status.INVALID && mayBeAnothers) {
                    throw new OverAndDoneException();
                }
                authorize(order, untried);
                OrderCompletion completion = new OrderCompletion(tools, session, login, wanted, journal, waits);
                List<X509Certificate> chain = completion.run(order);
                if (isOver && mayBeAnothers && !completion.isOurs(chain)) {
                    throw new OverAndDoneException();
                }
                return chain;
            } catch (OverAndDoneException over) {
                mayBeAnothers = false;
            } catch (ValidationFailedException failed) {
                journal.validationFailed();
                if (!CaFailures.isOfTheCa(failed.problem())) {
                    tools.preference().failed(name, failed.type());
                }
                failures.add(failed);
                untried.remove(failed.type());
                if (untried.isEmpty() || !failed.isCurable()) {
                    throw refused(failures);
                }
                tools.events()
                        .publish(
                                EventKind.CHALLENGE,
                                name,
                                token(failed.type()) + " failed ("
                                        + failed.problem().type() + ": "
                                        + failed.problem().text() + "), trying " + token(untried.get(0)));
                if (failed.isOrderOpen()) {
                    continue;
                }
            } catch (SpentOrderException spent) {
                if (!isOld && !mayBeAnothers) {
                    throw new AcmeProtocolException(spent.why, spent);
                }
                if (isOld) {
                    giveUp(spent.why);
                } else {
                    mayBeAnothers = false;
                }
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
        session.endurance().takeMissingFor(Endurance.Missing.GONE);
        try {
            if (!session.isOfThisCa(url)) {
                giveUp("its URL does not belong to this CA");
                return Optional.empty();
            }
            Order order = login.bindOrder(url.toURL());
            order.fetch();
            Status status = order.getStatus();
            if (OrderCompletion.GOING_ON.contains(status)) {
                tools.events()
                        .publish(EventKind.RESUMED, name, "continues the open order (status: " + word(status) + ")");
                return Optional.of(order);
            }
            giveUp("it is " + word(status));
        } catch (AcmeException e) {
            giveUp(lost(e).orElseThrow(() -> e));
        } catch (MalformedURLException | IllegalArgumentException e) {
            giveUp("its URL does not belong to this CA");
        }
        return Optional.empty();
    }

    private void giveUp(String why) {
        tools.events().publish(EventKind.RESUMED, name, "dropped the open order: " + why);
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

    private Order create() throws AcmeException, IssuanceException {
        if (wanted.url().isPresent() && !journal.mayPlaceAnother()) {
            throw spent(name);
        }
        session.endurance().takeMissingFor(Endurance.Missing.STRANGE);
        Order order;
        try (Steps.Running placing = tools.steps().begin(Steps.Step.PLACE, name)) {
            order = placed();
            placing.done();
        } catch (AcmeProtocolException e) {
            if (session.lastStatus() / 100 != 2) {
                throw e;
            }
            // Each costs the CA an order.
            throw new IssuanceException.Unavailable(
                    name,
                    "the CA's answer to a new order cannot be used ("
                            + CaProblem.oneLine(String.valueOf(e.getMessage())) + ")",
                    RetryAfter.LIMITED,
                    null);
        }
        session.endurance().takeMissingFor(Endurance.Missing.LATE);
        URL url = order.getLocation();
        if (url.toString().length() > LONGEST_URL) {
            throw new AcmeProtocolException("the order's URL is too long");
        }
        try {
            URI uri = url.toURI();
            journal.orderCreated(uri, expires(order));
        } catch (URISyntaxException e) {
            throw new AcmeProtocolException("the order's URL is not a URL", e);
        }
        return order;
    }

    // A date that cannot be read is no reason to give an order up.
    private static @Nullable Instant expires(Order order) {
        try {
            return order.getExpires().orElse(null);
        } catch (AcmeProtocolException | DateTimeException e) {
            return null;
        }
    }

    /** What is told where the open order is of no more use and another may not be placed. */
    static IssuanceException spent(ServerName name) {
        return new IssuanceException.Unavailable(
                name, "the open order is of no more use, and another needs permission", Duration.ZERO, null);
    }

    /** What is told where the server can show no proof of any kind that the operator allows. */
    static IssuanceException unanswerable(ServerName name) {
        return new IssuanceException.Unavailable(
                name,
                "none of onDemandTls.acme.challenges can be answered by this server: http-01 needs a plain connector, and"
                        + " behind a CDN that ends TLS there is no other",
                RetryAfter.DEFAULT,
                null);
    }

    // What is said about the certificate that this one replaces is a courtesy, and never worth an order.
    private Order placed() throws AcmeException, IssuanceException {
        Optional<String> replaced = replaces && session.renewalInfo().isPresent()
                ? wanted.replaces().flatMap(RenewalInfo::certId)
                : Optional.empty();
        if (replaced.isPresent()) {
            // An error of the CA's may be its answer to "replaces".
            session.endurance().bearServerErrors(false);
            try {
                return builder().replaces(replaced.get()).create();
            } catch (AcmeException e) {
                boolean mustWait = session.lastStatus() == SERVICE_UNAVAILABLE
                        && session.lastRetryAfter().isPresent();
                boolean failed = session.lastStatus() >= SERVER_ERROR && !mustWait;
                boolean minded = e instanceof AcmeServerException
                        && (session.lastStatus() == CONFLICT || minds(e, MINDS_REPLACES));
                if (!failed && !minded) {
                    throw e;
                }
                replaces = false;
            } finally {
                session.endurance().bearServerErrors(true);
            }
        }
        journal.notReplacing();
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
                                        + " does not offer the profile " + profile
                                        + " (onDemandTls.acme.profile); certificates are ordered without a profile; it"
                                        + " offers "
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
        List<Authorization> authorizations = authorizations(order);
        if (authorizations.size() > OrderCompletion.MOST_AUTHORIZATIONS) {
            throw new AcmeProtocolException("too many authorizations for one name");
        }
        for (Authorization authorization : authorizations) {
            authorization.fetch();
            switch (authorization.getStatus()) {
                case VALID -> {}
                case PENDING, PROCESSING ->
                    new Validation(tools, session, login, name, waits, isOld).run(authorization, untried, journal);
                case UNKNOWN -> throw new AcmeProtocolException("an authorization has a status that is not known");
                default ->
                    throw new SpentOrderException(
                            "an authorization of the open order is " + word(authorization.getStatus()));
            }
        }
    }

    // Some CAs have the order before what it consists of.
    private List<Authorization> authorizations(Order order)
            throws AcmeException, IssuanceException, InterruptedException {
        Pace pace = tools.paces().seldom().begin();
        for (int look = 0; look < LOOKS_FOR_AUTHORIZATIONS; look++) {
            if (!order.getAuthorizations().isEmpty() || order.getStatus() != Status.PENDING) {
                return order.getAuthorizations();
            }
            waits.pause(pace, "said what has to be proved");
            order.fetch();
        }
        throw new AcmeProtocolException("an order without authorizations");
    }

    // What is the name's own counts, even where the CA failed at another proof.
    private IssuanceException refused(List<ValidationFailedException> failures) {
        List<CaProblem> problems =
                failures.stream().map(ValidationFailedException::problem).toList();
        Optional<CaProblem> ofTheName = problems.stream()
                .filter(problem -> !CaFailures.isOfTheCa(problem))
                .reduce((one, later) -> later);
        if (ofTheName.isEmpty()) {
            return CaFailures.reported(name, problems.get(0), session);
        }
        String text = failures.stream()
                .map(failed -> token(failed.type()) + " " + failed.problem().type() + ": "
                        + failed.problem().text())
                .collect(Collectors.joining("; "));
        return CaFailures.rejected(name, ofTheName.get(), text, Duration.ZERO);
    }

    /** How the protocol spells a status. */
    static String word(Status status) {
        return status.name().toLowerCase(Locale.ROOT);
    }

    /** How the protocol spells a kind of proof. */
    static String token(ChallengeType type) {
        return switch (type) {
            case TLS_ALPN_01 -> TlsAlpn01Challenge.TYPE;
            case HTTP_01 -> Http01Challenge.TYPE;
        };
    }
}
