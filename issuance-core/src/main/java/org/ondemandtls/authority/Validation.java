package org.ondemandtls.authority;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.ondemandtls.authority.OrderFlow.SpentOrderException;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.challenge.ChallengeBoard;
import org.ondemandtls.challenge.Vantages;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.name.ServerName;
import org.shredzone.acme4j.Authorization;
import org.shredzone.acme4j.Login;
import org.shredzone.acme4j.Status;
import org.shredzone.acme4j.challenge.Challenge;
import org.shredzone.acme4j.challenge.Http01Challenge;
import org.shredzone.acme4j.challenge.TlsAlpn01Challenge;
import org.shredzone.acme4j.exception.AcmeException;
import org.shredzone.acme4j.exception.AcmeNetworkException;
import org.shredzone.acme4j.exception.AcmeProtocolException;
import org.shredzone.acme4j.exception.AcmeServerException;
import org.shredzone.acme4j.toolbox.JSON;
import org.shredzone.acme4j.toolbox.JSONBuilder;

/**
 * Takes one authorization of an order from pending to valid.
 *
 * @param tools what every flow works with
 * @param session the line to the CA
 * @param login the account
 * @param name the name of the order
 * @param waits waits within the order's time
 * @param isOld whether the order was placed before, by an earlier life or another server
 */
record Validation(
        OrderFlow.Tools tools, CaSession session, Login login, ServerName name, OrderWaits waits, boolean isOld) {

    private static final Set<Status> OPEN = Set.of(Status.PENDING, Status.PROCESSING);
    private static final Set<Status> DECIDED = Set.of(Status.VALID, Status.INVALID);

    /** What a proof cannot be accepted by any more. */
    private static final Set<Status> OVER =
            Set.of(Status.INVALID, Status.REVOKED, Status.DEACTIVATED, Status.EXPIRED, Status.CANCELED);

    // An authorization may have an answer a moment later than the proof it is the answer to.
    private static final int LOOKS_AT_A_FAILURE = 2;

    // A failure of before tells nothing of the proof that is looked at now, until it has stood for long.
    private static final int LOOKS_AT_AN_OLD_FAILURE = 10;

    // RFC 8555 section 8.3.
    private static final Pattern TOKEN = Pattern.compile("[A-Za-z0-9_-]{1,512}");
    private static final int TOO_MANY_REQUESTS = 429;
    private static final Duration STORE_RETRY = Duration.ofSeconds(2);

    /**
     * Proves, with the first kind of proof that the CA offers and has not refused before.
     *
     * @param authorization what is pending
     * @param untried the kinds of proof, in that order
     * @param journal kept while the CA looks
     * @throws ValidationFailedException if the CA looked and did not accept the proof
     * @throws SpentOrderException if nothing can come of the order any more
     */
    void run(Authorization authorization, List<ChallengeType> untried, DeferredJournal journal)
            throws AcmeException, ValidationFailedException, SpentOrderException, IssuanceException,
                    InterruptedException {
        List<ChallengeType> offered = untried.stream()
                .filter(type -> !challenges(authorization, type).isEmpty())
                .toList();
        if (offered.isEmpty()) {
            throw new IssuanceException.Unavailable(
                    name,
                    "the CA offers none of the challenges that may be used: " + tokens(untried),
                    RetryAfter.DEFAULT,
                    null);
        }
        for (ChallengeType type : offered) {
            Optional<Challenge> challenge = challenge(authorization, type);
            if (challenge.isPresent()) {
                List<ChallengeType> others =
                        offered.stream().filter(other -> other != type).toList();
                prove(authorization, type, challenge.get(), others, journal);
                tools.preference().worked(name, type);
                return;
            }
        }
        if (!isOld) {
            // Another order would be given the same authorization.
            throw new IssuanceException.Unavailable(
                    name,
                    "the CA hands out an authorization again whose every proof has failed before: " + tokens(offered),
                    RetryAfter.LIMITED,
                    new UnexplainedException());
        }
        throw new SpentOrderException(
                "every proof of an authorization of the open order has failed before: " + tokens(offered));
    }

    private static String tokens(List<ChallengeType> types) {
        return types.stream().map(OrderFlow::token).collect(Collectors.joining(", "));
    }

    // One that can still be met, of several of a kind one that waits for it first.
    private Optional<Challenge> challenge(Authorization authorization, ChallengeType type) {
        List<JSON> ofThatType = challenges(authorization, type).stream()
                .filter(json -> !OVER.contains(status(json)))
                .toList();
        return ofThatType.stream()
                .filter(json -> OPEN.contains(status(json)))
                .findFirst()
                .or(() -> ofThatType.stream().findFirst())
                .map(login::createChallenge);
    }

    // Only what is understood is looked at: a challenge type of the future must not break anything, nor one that lacks
    // what another one has.
    private static List<JSON> challenges(Authorization authorization, ChallengeType type) {
        return authorization.getJSON().get("challenges").asArray().stream()
                .map(JSON.Value::asObject)
                .filter(json -> is(json, OrderFlow.token(type)) && json.contains("url"))
                .filter(json -> json.get("token")
                        .map(JSON.Value::asString)
                        .filter(TOKEN.asMatchPredicate())
                        .isPresent())
                .toList();
    }

    private static Status status(JSON challengeOrAuthorization) {
        return challengeOrAuthorization.get("status").asStatus();
    }

    private static boolean is(JSON challenge, String type) {
        return challenge
                .get("type")
                .map(JSON.Value::asString)
                .filter(type::equals)
                .isPresent();
    }

    private void prove(
            Authorization authorization,
            ChallengeType type,
            Challenge challenge,
            List<ChallengeType> others,
            DeferredJournal journal)
            throws AcmeException, ValidationFailedException, SpentOrderException, IssuanceException,
                    InterruptedException {
        try (ChallengeBoard.Display display = display(challenge);
                Steps.Running validating = tools.steps().begin(Steps.Step.VALIDATE, name)) {
            // An order that was taken up again may have been triggered already.
            boolean triggered = challenge.getStatus() != Status.PENDING;
            Optional<CaProblem> before = said(challenge.getJSON());
            trigger(authorization, challenge);
            journal.keep();
            Status decision = awaitDecision(authorization, challenge, before, display.fetched());
            if (!DECIDED.contains(decision)) {
                throw new SpentOrderException("an authorization of the open order is " + OrderFlow.word(decision));
            }
            boolean accepted = decision == Status.VALID;
            Vantages.Order seen = tools.board()
                    .vantages()
                    .decided(name, tools.steps().ca(), OrderFlow.token(type), display, accepted);
            tools.events().publish(EventKind.CHALLENGE, name, seen.sentence());
            if (accepted) {
                validating.done();
            } else {
                CaProblem problem = problemWithoutSecrets(authorization, challenge);
                if (isOld && triggered) {
                    // The CA looked, or began to, while nobody answered: that says nothing about the name.
                    throw new SpentOrderException("its proof was asked for while nobody showed it (" + problem.type()
                            + ": " + problem.text() + ")");
                }
                throw new ValidationFailedException(type, problem, left(authorization, others));
            }
        }
    }

    // Some CAs leave an authorization pending beside a proof that has failed.
    private ValidationFailedException.Left left(Authorization authorization, List<ChallengeType> others) {
        if (others.isEmpty()) {
            return ValidationFailedException.Left.NOTHING;
        }
        boolean open = OPEN.contains(authorization.getStatus())
                && others.stream()
                        .anyMatch(other -> challenge(authorization, other).isPresent());
        return open ? ValidationFailedException.Left.THIS_ORDER : ValidationFailedException.Left.ANOTHER_ORDER;
    }

    // Some CAs hand challenges out as processing and still want to be told; others mind a second time. Where the answer
    // to the first time was lost, the second one is minded as well.
    private void trigger(Authorization authorization, Challenge challenge) throws AcmeException {
        Status status = challenge.getStatus();
        if (status != Status.PENDING && status != Status.PROCESSING) {
            return;
        }
        try {
            session.tell(challenge.getLocation(), new JSONBuilder(), login);
        } catch (AcmeException e) {
            if (!mayBeMinded(e)) {
                throw e;
            }
            authorization.fetch();
            boolean untouched = authorization.getStatus() == Status.PENDING
                    && same(authorization, challenge).map(Validation::status).orElse(Status.PENDING) == Status.PENDING;
            if (untouched) {
                throw e;
            }
        }
    }

    // What a CA says of a proof it has been told of, in whatever words; never what it says of an account or a limit.
    private boolean mayBeMinded(AcmeException e) {
        int status = session.lastStatus();
        if (e instanceof AcmeNetworkException || status / 100 != 4 || status == TOO_MANY_REQUESTS) {
            return false;
        }
        return !(e instanceof AcmeServerException refused)
                || !Set.of("accountDoesNotExist", "badNonce", "rateLimited", "userActionRequired")
                        .contains(CaProblem.of(refused.getProblem()).type());
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

    // By the authorization, or while that is open by the challenge: some CAs leave it open beside a proof that has
    // failed.
    private Status awaitDecision(
            Authorization authorization,
            Challenge challenge,
            Optional<CaProblem> before,
            CompletableFuture<Void> fetched)
            throws AcmeException, IssuanceException, InterruptedException {
        Pace sinceTold = tools.paces().validation().begin();
        Optional<Pace> sinceFetched = Optional.empty();
        int failures = 0;
        while (true) {
            if (sinceFetched.isEmpty() && waits.await(fetched, sinceTold)) {
                sinceFetched = Optional.of(tools.paces().afterFetch().begin());
            }
            if (sinceFetched.isPresent()) {
                waits.pause(sinceFetched.get(), "validated the proof");
            }
            sinceTold.asks();
            authorization.fetch();
            switch (authorization.getStatus()) {
                case PENDING, PROCESSING -> {
                    Optional<JSON> failed = same(authorization, challenge).filter(Validation::hasFailed);
                    failures = failed.isPresent() ? failures + 1 : 0;
                    boolean isNew = failed.isPresent()
                            && (OVER.contains(status(failed.get()))
                                    || !said(failed.get()).equals(before));
                    if (failures >= (isNew ? LOOKS_AT_A_FAILURE : LOOKS_AT_AN_OLD_FAILURE)) {
                        return Status.INVALID;
                    }
                }
                case UNKNOWN -> throw new AcmeProtocolException("an authorization has a status that is not known");
                default -> {
                    sinceTold.done();
                    sinceFetched.ifPresent(Pace::done);
                    return authorization.getStatus();
                }
            }
        }
    }

    // A CA that tries again says so by "processing" (RFC 8555 section 8.2), whatever has gone wrong so far.
    private static boolean hasFailed(JSON proof) {
        Status status = status(proof);
        return OVER.contains(status) || (status == Status.PENDING && said(proof).isPresent());
    }

    // The challenge as the authorization has it now.
    private static Optional<JSON> same(Authorization authorization, Challenge challenge) {
        String url = challenge.getLocation().toString();
        return authorization.getJSON().get("challenges").asArray().stream()
                .map(JSON.Value::asObject)
                .filter(json -> is(json, challenge.getType())
                        && json.get("url")
                                .map(JSON.Value::asString)
                                .filter(url::equals)
                                .isPresent())
                .findFirst();
    }

    private CaProblem problemWithoutSecrets(Authorization authorization, Challenge challenge) {
        CaProblem problem = OPEN.contains(authorization.getStatus())
                ? same(authorization, challenge)
                        .flatMap(Validation::said)
                        .orElse(CaProblem.of("unknown", "the challenge is invalid"))
                : problem(authorization.getJSON(), challenge.getType());
        String token = challenge.getJSON().get("token").asString();
        if (challenge instanceof Http01Challenge http) {
            problem = problem.without(http.getAuthorization(), "(key authorization)");
        }
        return problem.without(token, "(token)");
    }

    /** Why an authorization is not valid, without the tokens that may be in the CA's words. */
    static CaProblem problemWithoutTokens(JSON authorization) {
        CaProblem problem = problem(authorization, "");
        for (JSON.Value challenge : authorization.get("challenges").asArray()) {
            String token =
                    challenge.asObject().get("token").map(JSON.Value::asString).orElse("");
            problem = token.isEmpty() ? problem : problem.without(token, "(token)");
        }
        return problem;
    }

    /**
     * Why an authorization is not valid: what its challenges say, or else itself.
     *
     * @param authorization the authorization
     * @param type the kind of proof that was shown, whose reason comes first
     */
    private static CaProblem problem(JSON authorization, String type) {
        List<JSON> challenges = authorization.get("challenges").asArray().stream()
                .map(JSON.Value::asObject)
                .toList();
        return Stream.concat(
                        Stream.concat(
                                challenges.stream().filter(json -> is(json, type)),
                                challenges.stream().filter(json -> !is(json, type))),
                        Stream.of(authorization))
                .flatMap(json -> said(json).stream())
                .findFirst()
                .orElse(CaProblem.of("unknown", "the authorization is " + OrderFlow.word(status(authorization))));
    }

    // Why a challenge or an authorization failed; empty where nothing is said.
    private static Optional<CaProblem> said(JSON failed) {
        return failed.get("error")
                .map(JSON.Value::asObject)
                .map(CaProblem::of)
                .filter(problem -> !problem.saysNothing())
                .map(problem -> problem.seenAt(failed));
    }
}
