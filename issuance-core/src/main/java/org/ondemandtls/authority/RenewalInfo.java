package org.ondemandtls.authority;

import java.net.MalformedURLException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.ondemandtls.authority.Authority.RenewalAdvice;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.RenewalWindow;
import org.ondemandtls.name.ServerName;
import org.shredzone.acme4j.connector.Connection;
import org.shredzone.acme4j.exception.AcmeException;
import org.shredzone.acme4j.exception.AcmeNetworkException;
import org.shredzone.acme4j.exception.AcmeProtocolException;
import org.shredzone.acme4j.exception.AcmeServerException;
import org.shredzone.acme4j.toolbox.AcmeUtils;
import org.shredzone.acme4j.toolbox.JSON;

/**
 * Asks a CA when to replace a certificate, and believes only what can be meant.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9773">RFC 9773</a>
 */
final class RenewalInfo {

    /** When to ask again where the CA does not say (RFC 9773 section 4.3.3). */
    static final Duration DEFAULT = Duration.ofHours(6);

    /** When to ask again where it failed in a way that may pass soon. */
    static final Duration AFTER_FAILURE = Duration.ofMinutes(10);

    private static final Duration SHORTEST = Duration.ofMinutes(1);
    private static final Duration LONGEST = Duration.ofDays(1);
    private static final int BAD_REQUEST = 400;
    private static final int NOT_FOUND = 404;
    private static final int TOO_MANY_REQUESTS = 429;
    private static final int DNS_NAME = 2;
    private static final Pattern EXPLANATION = Pattern.compile("https?://[\\x21-\\x7e]{1,500}");

    private RenewalInfo() {}

    /**
     * Asks.
     *
     * @param session the line to ask over
     * @param leaf the certificate
     * @return the advice; empty where the CA has no such thing, or does not know the certificate
     * @throws AcmeException if there is no answer
     * @throws IssuanceException.Unavailable if the answer is no window that can be meant
     */
    static Optional<RenewalAdvice> read(CaSession session, X509Certificate leaf)
            throws AcmeException, IssuanceException.Unavailable {
        Optional<URL> resource = session.renewalInfo();
        Optional<String> id = certId(leaf);
        if (resource.isEmpty() || id.isEmpty()) {
            return Optional.empty();
        }
        try (Connection connection = session.session().connect()) {
            connection.sendRequest(under(resource.get(), id.get()), session.session(), null);
            return Optional.of(advice(connection.readJsonResponse(), leaf, session.lastRetryAfter()));
        } catch (AcmeException e) {
            if (isUnknown(e, session.lastStatus())) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** What a failure to get an answer means: we go on without, and ask again when there may be one. */
    static IssuanceException.Unavailable failed(ServerName name, Throwable thrown, CaSession session) {
        IssuanceException judged =
                CaFailures.judge(name, thrown, session, false).exception();
        String words = judged.what();
        boolean mayPass = thrown instanceof AcmeNetworkException
                || session.lastStatus() == TOO_MANY_REQUESTS
                || session.lastStatus() >= 500;
        return unavailable(
                name,
                words,
                session.lastRetryAfter().map(RenewalInfo::clamped).orElse(mayPass ? AFTER_FAILURE : DEFAULT));
    }

    /**
     * What a CA knows a certificate by (RFC 9773 section 4.1).
     *
     * @return the identifier; empty where the certificate does not name its issuer's key
     */
    static Optional<String> certId(X509Certificate leaf) {
        try {
            return Optional.of(AcmeUtils.getRenewalUniqueIdentifier(leaf));
        } catch (IllegalArgumentException | AcmeProtocolException e) {
            return Optional.empty();
        }
    }

    /** The first DNS name of a leaf that is a server name. */
    static Optional<ServerName> nameOf(X509Certificate leaf) {
        try {
            Collection<List<?>> alternatives = leaf.getSubjectAlternativeNames();
            if (alternatives != null) {
                for (List<?> alternative : alternatives) {
                    if (alternative.get(0) instanceof Integer type
                            && type == DNS_NAME
                            && alternative.get(1) instanceof String text) {
                        return Optional.of(ServerName.parse(text));
                    }
                }
            }
            return Optional.empty();
        } catch (CertificateParsingException | IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /**
     * Reads an answer.
     *
     * @param json the answer
     * @param leaf what it is about
     * @param retryAfter the wait the CA asks for
     * @return the advice, its window cut off at the leaf's expiry: a moment after that is of no use
     * @throws IssuanceException.Unavailable if there is no window in it, or none that can be meant
     */
    static RenewalAdvice advice(JSON json, X509Certificate leaf, Optional<Duration> retryAfter)
            throws IssuanceException.Unavailable {
        ServerName name = nameOf(leaf).orElse(AcmeAuthority.NOBODY);
        Duration wait = retryAfter.map(RenewalInfo::clamped).orElse(DEFAULT);
        Instant start;
        Instant end;
        Optional<URI> explanation;
        try {
            JSON window = json.get("suggestedWindow").asObject();
            start = window.get("start").asInstant();
            end = window.get("end").asInstant();
            explanation = json.get("explanationURL").map(JSON.Value::asString).flatMap(RenewalInfo::explanation);
        } catch (AcmeProtocolException | IllegalArgumentException | DateTimeException e) {
            throw unavailable(name, "the CA's answer has no suggested window", wait);
        }
        Instant expiry = leaf.getNotAfter().toInstant();
        if (!end.isAfter(start)) {
            throw unavailable(
                    name, "the CA's suggested window " + start + " to " + end + " ends before it begins", wait);
        }
        if (!start.isBefore(expiry)) {
            throw unavailable(
                    name,
                    "the CA's suggested window " + start + " to " + end
                            + " begins when the certificate has expired, at " + expiry,
                    wait);
        }
        return new RenewalAdvice(new RenewalWindow(start, end.isAfter(expiry) ? expiry : end, explanation), wait);
    }

    // A CA that does not know the issuer either finds the identifier malformed.
    private static boolean isUnknown(AcmeException e, int status) {
        return status == NOT_FOUND
                || (status == BAD_REQUEST
                        && e instanceof AcmeServerException refused
                        && CaProblem.of(refused.getProblem()).type().equals("malformed"));
    }

    // For people and their logs only; never followed, so it may be of any origin.
    private static Optional<URI> explanation(String text) {
        if (!EXPLANATION.matcher(text).matches()) {
            return Optional.empty();
        }
        try {
            URI uri = new URI(text);
            return uri.getHost() != null && uri.getRawUserInfo() == null ? Optional.of(uri) : Optional.empty();
        } catch (URISyntaxException e) {
            return Optional.empty();
        }
    }

    private static URL under(URL resource, String id) {
        String base = resource.toString();
        try {
            return URI.create(base.endsWith("/") ? base + id : base + "/" + id).toURL();
        } catch (MalformedURLException e) {
            throw new IllegalArgumentException("the URL of the renewal information is not a URL", e);
        }
    }

    private static IssuanceException.Unavailable unavailable(ServerName name, String what, Duration retryAfter) {
        return new IssuanceException.Unavailable(name, "no renewal information: " + what, retryAfter, null);
    }

    private static Duration clamped(Duration wait) {
        if (wait.compareTo(SHORTEST) < 0) {
            return SHORTEST;
        }
        return wait.compareTo(LONGEST) > 0 ? LONGEST : wait;
    }
}
