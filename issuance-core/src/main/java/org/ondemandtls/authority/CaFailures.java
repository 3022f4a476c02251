package org.ondemandtls.authority;

import java.io.IOException;
import java.net.ConnectException;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import javax.net.ssl.SSLException;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.name.ServerName;
import org.shredzone.acme4j.exception.AcmeException;
import org.shredzone.acme4j.exception.AcmeLazyLoadingException;
import org.shredzone.acme4j.exception.AcmeNetworkException;
import org.shredzone.acme4j.exception.AcmeNotSupportedException;
import org.shredzone.acme4j.exception.AcmeProtocolException;
import org.shredzone.acme4j.exception.AcmeServerException;
import org.shredzone.acme4j.exception.AcmeUserActionRequiredException;

/** Says who has to act when acme4j or the CA fails. */
final class CaFailures {

    /** How long a CA that could not be connected to is left alone by everybody. */
    static final Duration NO_CONNECTION = Duration.ofSeconds(2);

    private static final Set<String> ABOUT_ACCOUNT = Set.of(
            "accountDoesNotExist",
            "userActionRequired",
            "externalAccountRequired",
            "badSignatureAlgorithm",
            "invalidContact",
            "unsupportedContact");

    private static final Set<String> TRANSIENT = Set.of("serverInternal", "badNonce", "rateLimited");

    /** What is said of a request, not of a name, where it is the same for every name. */
    private static final Set<String> GENERAL = Set.of("badCSR", "badPublicKey", "invalidProfile");

    /** The same where the words leave the name out. */
    private static final Set<String> UNNAMED = Set.of("unauthorized", "malformed", "unknown");

    private static final Set<String> LOOKED_UP = Set.of("caa", "dns");
    private static final String PASSING =
            "SERVFAIL|server ?failure|server misbehaving|tim(?:e|ed)[- ]?out|deadline exceeded|temporary failure";
    private static final Pattern LOOK_UP_FAILED =
            Pattern.compile("REFUSED|query timed|networking error|" + PASSING, Pattern.CASE_INSENSITIVE);
    // What does not say why, but for a name that is not there.
    private static final Pattern LOOK_UP_FAILED_SOMEHOW = Pattern.compile(
            "\\b(?:CAA|DNS)(?: records?)? (?:look-?up|query) (?:has )?fail(?:ed|ure)"
                    + "|\\bfail(?:ed|ure) (?:to (?:look ?up|query|retrieve)|looking up)\\b",
            Pattern.CASE_INSENSITIVE);
    private static final Pattern NO_SUCH_NAME =
            Pattern.compile("NXDOMAIN|no such (?:host|name|domain)|not exist|not found", Pattern.CASE_INSENSITIVE);
    private static final Pattern LOOK_UP = Pattern.compile("\\blook(?:ing)?[- ]?up\\b", Pattern.CASE_INSENSITIVE);
    // A refused connection is an answer.
    private static final Pattern WAY_FAILED = Pattern.compile(PASSING, Pattern.CASE_INSENSITIVE);

    private static final Pattern BINDING =
            Pattern.compile("external account|\\beab\\b|\\bbinding\\b|key identifier", Pattern.CASE_INSENSITIVE);

    // Of the account, with nothing between the two that may be what has ended instead.
    private static final Pattern ACCOUNT_ENDED = Pattern.compile(
            "\\baccount\\b(?:(?!\\b(?:order|authori[sz]ation|challenge|certificate|domain|identifier|name|profile)\\b).){0,80}?"
                    + "\\b(?:deactivated|revoked|suspended|disabled|blocked|closed|expired|not valid|invalid)\\b"
                    + "|\\b(?:deactivated|revoked|suspended|disabled|blocked|closed|expired|invalid) account\\b",
            Pattern.CASE_INSENSITIVE);

    private static final Pattern CONTACT = Pattern.compile("\\bcontacts?\\b|\\be-?mail\\b", Pattern.CASE_INSENSITIVE);
    private static final String CHECK_BINDING =
            "check onDemandTls.acme.eab; where the account was deactivated or lost for good, have another one made"
                    + " by account deactivate and then account register";

    private static final Set<Integer> GONE = Set.of(404, 410);
    private static final int TOO_MANY_REQUESTS = 429;
    private static final int SERVER_ERROR = 500;
    private static final int SERVICE_UNAVAILABLE = 503;

    /**
     * A failure as issuance sees it.
     *
     * @param exception what to throw
     * @param pause how long nobody should ask the CA for anything, empty where only this name is concerned
     */
    record Verdict(IssuanceException exception, Optional<Duration> pause) {}

    private CaFailures() {}

    /**
     * Judges a failure.
     *
     * @param name what the order was for
     * @param thrown what was thrown
     * @param session the line it happened on
     * @param loggingIn whether the account was being found or made, so that a refusal is about nothing else
     */
    static Verdict judge(ServerName name, Throwable thrown, CaSession session, boolean loggingIn) {
        Throwable failure =
                thrown instanceof AcmeLazyLoadingException && thrown.getCause() != null ? thrown.getCause() : thrown;
        if (failure instanceof AcmeServerException refused) {
            return refused(name, refused, session, loggingIn);
        }
        if (failure instanceof AcmeNetworkException) {
            return network(name, failure.getCause() == null ? failure : failure.getCause(), failure, session);
        }
        if (failure instanceof AcmeNotSupportedException) {
            return new Verdict(
                    IssuanceException.Unavailable.unwell(
                            name,
                            "what answers at onDemandTls.acme.directory is no ACME directory, or lacks what is needed ("
                                    + CaProblem.oneLine(String.valueOf(failure.getMessage())) + ")",
                            RetryAfter.DEFAULT,
                            failure),
                    Optional.empty());
        }
        if (failure instanceof MovedException) {
            return new Verdict(
                    IssuanceException.Unavailable.unwell(
                            name, "the CA's directory " + failure.getMessage(), RetryAfter.DEFAULT, failure),
                    Optional.empty());
        }
        int status = session.lastStatus();
        if (failure instanceof AcmeException && status / 100 != 2 && status != 0) {
            String what = "the CA answered HTTP " + status;
            if (isLimit(status, session)) {
                return limited(name, new Scope.Account(session.ca()), what, session);
            }
            return failed(name, what, status, session);
        }
        return new Verdict(
                new IssuanceException.Unavailable(
                        name,
                        "the CA's answer cannot be used: " + what(failure),
                        RetryAfter.DEFAULT,
                        // Quotes what the CA sent, a token perhaps.
                        failure instanceof AcmeProtocolException ? null : failure),
                Optional.empty());
    }

    private static Verdict refused(ServerName name, AcmeServerException refused, CaSession session, boolean loggingIn) {
        CaProblem problem = CaProblem.of(refused.getProblem());
        int status = session.lastStatus();
        String text = problem.type() + ": " + problem.text();
        Duration asked = asked(session).orElse(Duration.ZERO);
        if (problem.type().equals("rateLimited") || isLimit(status, session)) {
            if (problem.unpause().isPresent()) {
                return new Verdict(
                        IssuanceException.Rejected.paused(
                                name,
                                problem.type(),
                                problem.text(),
                                problem.unpause().get(),
                                asked),
                        Optional.empty());
            }
            return limited(name, RateLimitScope.of(problem.text(), name, session.ca()), text, session);
        }
        if (TRANSIENT.contains(problem.type()) || status >= SERVER_ERROR) {
            return failed(name, "the CA failed (" + text + ")", status, session);
        }
        if (loggingIn || isAboutAccount(problem, name)) {
            Duration wait = RetryAfter.clamped(asked(session), RetryAfter.ACCOUNT);
            String terms = refused instanceof AcmeUserActionRequiredException action
                    ? action.getTermsOfServiceUri()
                            .map(link -> "; the CA's terms are at " + CaProblem.oneLine(link.toString()))
                            .orElse("")
                    : "";
            return new Verdict(
                    new IssuanceException.AccountRefused(name, text + terms + "; " + remedy(problem), wait),
                    Optional.of(wait));
        }
        // What was just made, or the directory names, is not there: that says nothing about the name.
        if (GONE.contains(status) && UNNAMED.contains(problem.type()) && !problem.mentions(name)) {
            // Each costs the CA an order.
            Duration wait = RetryAfter.clamped(session.lastRetryAfter(), RetryAfter.LIMITED);
            return new Verdict(
                    new IssuanceException.Unavailable(
                            name, "the CA does not find what it has made (" + text + ")", wait, null),
                    Optional.empty());
        }
        // No proof was looked at: words that leave the name out are about what we may order, or how we ask.
        if (UNNAMED.contains(problem.type()) && !problem.mentions(name)) {
            return new Verdict(
                    IssuanceException.Rejected.general(
                            name, problem.byItsWords().type(), problem.text(), asked),
                    Optional.empty());
        }
        return new Verdict(rejected(name, problem, asked), Optional.empty());
    }

    /**
     * A refusal of the name, or of what would be the same for every name. A look-up that failed, or a time-out, is trouble
     * with the DNS or on the way, and passes; nobody has to change a record.
     *
     * @param name the name
     * @param problem what the CA says
     * @param asked the wait it asks for, or zero
     */
    static IssuanceException.Rejected rejected(ServerName name, CaProblem problem, Duration asked) {
        return rejected(name, problem, problem.text(), asked);
    }

    /**
     * The same with more words.
     *
     * @param name the name
     * @param problem what the CA says
     * @param text what is told
     * @param asked the wait it asks for, or zero
     */
    static IssuanceException.Rejected rejected(ServerName name, CaProblem problem, String text, Duration asked) {
        String type = problem.type();
        if (GENERAL.contains(type)) {
            return IssuanceException.Rejected.general(name, type, text, asked);
        }
        if (isLookUp(problem) && hasLookUpFailed(problem.text())) {
            return IssuanceException.Rejected.passing(name, "dns", text, asked);
        }
        return type.equals("connection") && WAY_FAILED.matcher(problem.text()).find()
                ? IssuanceException.Rejected.passing(name, type, text, asked)
                : new IssuanceException.Rejected(name, type, text, asked);
    }

    // Some CAs say of the address of a connection that they could not look it up.
    private static boolean isLookUp(CaProblem problem) {
        return LOOKED_UP.contains(problem.type())
                || (problem.type().equals("connection")
                        && LOOK_UP.matcher(problem.text()).find());
    }

    private static boolean hasLookUpFailed(String words) {
        return LOOK_UP_FAILED.matcher(words).find()
                || (LOOK_UP_FAILED_SOMEHOW.matcher(words).find()
                        && !NO_SUCH_NAME.matcher(words).find());
    }

    /** Whether the CA may do something else by now than its directory said when it was read. */
    static boolean isOfAnOldDirectory(IssuanceException failure, CaSession session) {
        return GONE.contains(session.lastStatus())
                || (failure instanceof IssuanceException.Rejected rejected
                        && rejected.problemType().equals("invalidProfile"));
    }

    /** Whether a problem is the CA's own, though it says so of an order or a proof. */
    static boolean isOfTheCa(CaProblem problem) {
        return TRANSIENT.contains(problem.type());
    }

    /**
     * What a CA says of an order or a proof with an answer that is no refusal itself.
     *
     * @param name the name
     * @param problem what it says
     * @param session the line it was said on
     */
    static IssuanceException reported(ServerName name, CaProblem problem, CaSession session) {
        String text = problem.type() + ": " + problem.text();
        if (problem.type().equals("rateLimited")) {
            // What an answer that is no refusal asks for is the pace of polling, not the length of the limit.
            Duration wait = RetryAfter.clamped(RetryAfter.in(text, session.lastDate()), RetryAfter.LIMITED);
            return new IssuanceException.RateLimited(
                    name, RateLimitScope.of(problem.text(), name, session.ca()), text, wait);
        }
        return isOfTheCa(problem)
                ? new IssuanceException.Unavailable(name, "the CA failed (" + text + ")", RetryAfter.LIMITED, null)
                : rejected(name, problem, Duration.ZERO);
    }

    // "unauthorized" is what a CA says to a deactivated account, and an enterprise CA to a name that is none of its
    // own: one bad name must not hold up all the others. What may be either waits for a name of another domain.
    private static boolean isAboutAccount(CaProblem problem, ServerName name) {
        return ABOUT_ACCOUNT.contains(problem.type())
                || (problem.type().equals("unauthorized")
                        && !problem.mentions(name)
                        && (problem.isOfNoAccount()
                                || ACCOUNT_ENDED.matcher(problem.text()).find()));
    }

    // An answer that is no refusal, to a look at the order after one, asks for the pace of polling.
    private static Optional<Duration> asked(CaSession session) {
        return session.lastStatus() / 100 == 2 ? Optional.empty() : session.lastRetryAfter();
    }

    private static boolean isLimit(int status, CaSession session) {
        return status == TOO_MANY_REQUESTS
                || (status == SERVICE_UNAVAILABLE && session.lastRetryAfter().isPresent());
    }

    // Kept by issuance, for whom it concerns and over restarts.
    private static Verdict limited(ServerName name, Scope.OfLimit scope, String text, CaSession session) {
        Optional<Duration> asked = asked(session).or(() -> RetryAfter.in(text, session.lastDate()));
        Duration wait = RetryAfter.clamped(asked, RetryAfter.LIMITED);
        return new Verdict(new IssuanceException.RateLimited(name, scope, text, wait), Optional.empty());
    }

    private static Verdict failed(ServerName name, String what, int status, CaSession session) {
        Duration wait = RetryAfter.clamped(asked(session));
        return new Verdict(
                status >= SERVER_ERROR
                        ? IssuanceException.Unavailable.unwell(name, what, wait, null)
                        : new IssuanceException.Unavailable(name, what, wait, null),
                status == SERVICE_UNAVAILABLE ? Optional.of(wait) : Optional.empty());
    }

    private static String remedy(CaProblem problem) {
        if (problem.type().equals("unauthorized")
                && BINDING.matcher(problem.text()).find()) {
            return "a binding is spent once an account was made with it: get another from the CA and set"
                    + " onDemandTls.acme.eab to it";
        }
        return switch (problem.type()) {
            case "externalAccountRequired" -> "set onDemandTls.acme.eab to the KEYID:BASE64URL-HMAC the CA gave you";
            case "invalidContact", "unsupportedContact" -> "correct onDemandTls.acme.email";
            case "userActionRequired" -> "do what the CA asks for, at the CA";
            case "malformed", "unknown" ->
                CONTACT.matcher(problem.text()).find()
                        ? "set onDemandTls.acme.email to an address that the CA takes"
                        : CHECK_BINDING;
            default -> CHECK_BINDING;
        };
    }

    private static Verdict network(ServerName name, Throwable cause, Throwable failure, CaSession session) {
        boolean noConnection = cause instanceof ConnectException
                || cause instanceof HttpConnectTimeoutException
                || cause instanceof CaProxyException;
        String what;
        if (cause instanceof HttpConnectTimeoutException) {
            what = "no connection within " + CaLimits.CONNECT.toSeconds() + " s";
        } else if (cause instanceof ConnectException) {
            what = "no connection";
        } else if (cause instanceof HttpTimeoutException) {
            what = "no complete answer within " + session.requestLimit().toSeconds() + " s";
        } else if (cause instanceof SSLException) {
            what = "its own HTTPS is not trusted or fails (" + CaProblem.oneLine(String.valueOf(cause.getMessage()))
                    + "): for a private CA see onDemandTls.acme.trustedRoots";
        } else if (cause instanceof IOException) {
            what = CaProblem.oneLine(String.valueOf(cause.getMessage()));
        } else {
            what = cause.getClass().getSimpleName();
        }
        String told = cause instanceof ForeignUrlException || cause instanceof CaProxyException
                ? what
                : "the CA cannot be reached: " + what;
        Duration wait = noConnection ? NO_CONNECTION : RetryAfter.DEFAULT;
        // A request that our own time cut short says nothing about the CA.
        boolean cutShort = cause instanceof HttpTimeoutException && !noConnection && session.wasCutShort();
        return new Verdict(
                cutShort
                        ? new IssuanceException.Unavailable(name, told, wait, failure)
                        : IssuanceException.Unavailable.unwell(name, told, wait, failure),
                noConnection ? Optional.of(NO_CONNECTION) : Optional.empty());
    }

    // What acme4j quotes after a colon came from the CA and may be a token.
    private static String what(Throwable failure) {
        String message = String.valueOf(failure.getMessage());
        int colon = message.indexOf(':');
        return CaProblem.oneLine(
                failure.getClass().getSimpleName() + " " + (colon < 0 ? message : message.substring(0, colon)));
    }
}
