package org.ondemandtls.status.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.net.URLDecoder;
import java.time.InstantSource;
import java.util.Map;
import org.ondemandtls.authority.RevocationReason;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.status.FilterText;
import org.ondemandtls.status.Operations;
import org.ondemandtls.status.Status;
import org.ondemandtls.store.StoreException;

/**
 * The resources and commands of the JSON API, below whatever path and behind whatever guard: {@link StatusSite} offers them
 * to users of the server, Spring Boot's actuator to its own.
 *
 * <p>No answer ever has a key, an account's secret or a password in it.
 *
 * <p><b>Threads.</b> Safe for many; every method blocks for the store, and some for a CA or for DNS.
 */
public final class StatusApi {

    private static final String NAMES = "names/";
    private static final String DIAGNOSIS = "/diagnosis";
    private static final String ACCOUNT = "account/";
    private static final int DEFAULT_PAGE = 50;
    private static final int OK = 200;
    private static final int ACCEPTED = 202;
    private static final int BAD = 400;
    private static final int NOT_FOUND = 404;
    private static final int CONFLICT = 409;
    private static final int STORE_FAILED = 503;

    private final Status status;
    private final Operations operations;
    private final InstantSource clock;

    /**
     * Makes it for one engine.
     *
     * @param status what it shows
     * @param clock the wall clock
     */
    public StatusApi(Status status, InstantSource clock) {
        this.status = status;
        this.operations = status.operations();
        this.clock = clock;
    }

    /**
     * Shows something; changes nothing.
     *
     * @param resource the path within the API, without a slash in front
     * @param query the parameters by their names
     * @return the answer, with a status that says whether there was one
     */
    public SiteAnswer look(String resource, Map<String, String> query) {
        try {
            return shown(resource, query);
        } catch (StoreException e) {
            return storeFailed(e);
        } catch (IllegalArgumentException e) {
            return SiteAnswer.error(BAD, String.valueOf(e.getMessage()));
        }
    }

    /**
     * Does something.
     *
     * @param resource the path within the API, without a slash in front
     * @param query the parameters by their names
     * @param content the content: names, one a line, for {@code obtain}; otherwise not looked at
     * @return what was done, with a status that says whether it was
     */
    public SiteAnswer command(String resource, Map<String, String> query, String content) {
        try {
            return done(resource, query, content);
        } catch (IllegalArgumentException e) {
            return SiteAnswer.error(BAD, String.valueOf(e.getMessage()));
        }
    }

    private static SiteAnswer storeFailed(StoreException e) {
        return SiteAnswer.error(STORE_FAILED, "the store does not answer: " + e.getMessage());
    }

    private SiteAnswer shown(String resource, Map<String, String> query) throws StoreException {
        if (resource.equals("names")) {
            return SiteAnswer.json(OK, list(query));
        }
        if (resource.startsWith(NAMES)
                && resource.endsWith(DIAGNOSIS)
                && resource.length() > NAMES.length() + DIAGNOSIS.length()) {
            return SiteAnswer.json(
                    OK,
                    operations.diagnose(
                            name(resource.substring(NAMES.length(), resource.length() - DIAGNOSIS.length()))));
        }
        if (resource.startsWith(NAMES)) {
            return SiteAnswer.json(OK, operations.lookUp(name(resource.substring(NAMES.length()))));
        }
        return switch (resource) {
            case "cas" -> SiteAnswer.json(OK, Map.of("cas", operations.authorities()));
            case "server" -> SiteAnswer.json(OK, status.serverReport());
            case "expiry" -> SiteAnswer.json(OK, Map.of("days", operations.expiry()));
            default -> SiteAnswer.error(NOT_FOUND, "there is no such thing in the API");
        };
    }

    private SiteAnswer done(String resource, Map<String, String> query, String content) {
        return switch (resource) {
            case "obtain" -> SiteAnswer.json(ACCEPTED, Map.of("names", operations.obtainAll(content)));
            case "confirm-denials" -> SiteAnswer.json(ACCEPTED, Map.of("sentence", status.confirmDenials()));
            case "pause" -> done(operations.pause(query.getOrDefault("what", "")));
            case "resume" -> done(operations.resume(query.getOrDefault("what", "")));
            case "account/rollover", "account/deactivate", "account/register" ->
                done(operations
                        .accounts()
                        .command(resource.substring(ACCOUNT.length()), query.getOrDefault("ca", ""))
                        .orElseThrow());
            default -> commandFor(resource, query);
        };
    }

    private SiteAnswer commandFor(String resource, Map<String, String> query) {
        int slash = resource.lastIndexOf('/');
        if (!resource.startsWith(NAMES) || slash < NAMES.length()) {
            return SiteAnswer.error(NOT_FOUND, "there is no such command in the API");
        }
        return command(
                name(resource.substring(NAMES.length(), slash)),
                resource.substring(slash + 1),
                query.getOrDefault("reason", "unspecified"));
    }

    private SiteAnswer command(ServerName name, String word, String reason) {
        return switch (word) {
            case "obtain" -> done(operations.obtain(name));
            case "renew" -> done(operations.renew(name));
            case "retry" -> done(operations.retry(name));
            case "withdraw" -> done(operations.withdraw(name));
            case "forget" -> done(operations.forget(name));
            case "revoke" ->
                RevocationReason.of(reason)
                        .map(why -> done(operations.revoke(name, why)))
                        .orElseGet(() -> SiteAnswer.error(BAD, "the reason is one of " + RevocationReason.words()));
            default -> SiteAnswer.error(NOT_FOUND, "there is no such command in the API");
        };
    }

    private static SiteAnswer done(Operations.Outcome outcome) {
        return SiteAnswer.json(outcome.done() ? ACCEPTED : CONFLICT, outcome);
    }

    private Operations.Page list(Map<String, String> query) throws StoreException {
        return operations.list(
                FilterText.filter(query, clock.instant()),
                query.getOrDefault("after", ""),
                limit(query.getOrDefault("limit", "")));
    }

    private static int limit(String text) {
        try {
            return text.isBlank() ? DEFAULT_PAGE : Integer.parseInt(text.strip());
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "limit is a number of names, " + Operations.LONGEST_PAGE + " at most", e);
        }
    }

    private static ServerName name(String text) {
        return ServerName.parse(URLDecoder.decode(text, UTF_8));
    }
}
