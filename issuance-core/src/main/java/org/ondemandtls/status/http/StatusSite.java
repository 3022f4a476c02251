package org.ondemandtls.status.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URLDecoder;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.ondemandtls.authority.RevocationReason;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.status.NameFilter;
import org.ondemandtls.status.Operations;
import org.ondemandtls.status.Status;
import org.ondemandtls.store.StoreException;

/**
 * The management page at {@code /ondemand-tls/}, its JSON API under {@code /ondemand-tls/api/v1/} and the figures at
 * {@code /ondemand-tls/metrics}, whichever server they are on. Off until a server is told to carry it.
 *
 * <p>A request from an address it is not offered to is none of its business: it goes on to the applications. No answer ever
 * has a key, an account's secret or a password in it.
 *
 * <p><b>Threads.</b> Safe for many. {@link #answer} blocks, for the store and for the server's users: never on a selector.
 *
 * <p><b>Cost.</b> A request for anything else costs one comparison of its path.
 */
public final class StatusSite {

    /** What the path of every request that is ours begins with. */
    public static final String ROOT = "/ondemand-tls/";

    private static final String WITHOUT_SLASH = "/ondemand-tls";
    private static final String API = ROOT + "api/v1/";
    private static final String NAMES = "names/";
    private static final String DIAGNOSIS = "/diagnosis";
    private static final int LARGEST_CONTENT = 1 << 20;
    private static final int MOST_AT_ONCE = 1_000;
    private static final int DEFAULT_PAGE = 50;
    private static final int OK = 200;
    private static final int ACCEPTED = 202;
    private static final int BAD = 400;
    private static final int NOT_FOUND = 404;
    private static final int CONFLICT = 409;
    private static final Map<String, String> FILES =
            Map.of("", "index.html", "page.js", "page.js", "page.css", "page.css");
    private static final Map<String, String> TYPES = Map.of(
            "html",
            "text/html; charset=utf-8",
            "js",
            "text/javascript; charset=utf-8",
            "css",
            "text/css; charset=utf-8");

    private static final String ACCOUNT = "account/";

    private final Status status;
    private final Operations operations;
    private final Access access;
    private final InstantSource clock;

    /**
     * Makes it for one engine.
     *
     * @param status what it shows
     * @param config who may ask
     * @param clock the wall clock
     * @param nanoTime a monotonic clock in nanoseconds
     */
    public StatusSite(Status status, OnDemandTlsConfig.Status config, InstantSource clock, LongSupplier nanoTime) {
        this.status = status;
        this.operations = status.operations();
        this.access = new Access(config, nanoTime);
        this.clock = clock;
    }

    /** Whether a path may be ours; costs one comparison. */
    public static boolean isOurs(String path) {
        return path.startsWith(WITHOUT_SLASH) && (path.length() == WITHOUT_SLASH.length() || path.startsWith(ROOT));
    }

    /**
     * Answers a request.
     *
     * @param request the request
     * @return what to send; empty where the request is to go on as if this were not here
     */
    public Optional<SiteAnswer> answer(SiteRequest request) {
        if (!isOurs(request.path()) || !access.isOffered(request)) {
            return Optional.empty();
        }
        boolean acts = !request.method().equals("GET") && !request.method().equals("HEAD");
        Optional<SiteAnswer> refused = access.refusal(request, acts);
        if (refused.isPresent()) {
            return refused;
        }
        if (request.path().equals(WITHOUT_SLASH)) {
            return Optional.of(SiteAnswer.of(308, "text/plain", "").with("Location", ROOT));
        }
        try {
            return Optional.of(acts ? command(request) : look(request));
        } catch (StoreException e) {
            return Optional.of(SiteAnswer.error(503, "the store does not answer: " + e.getMessage()));
        } catch (IllegalArgumentException e) {
            return Optional.of(SiteAnswer.error(BAD, String.valueOf(e.getMessage())));
        } catch (IOException e) {
            return Optional.of(SiteAnswer.error(BAD, "the content cannot be read, or is too large"));
        }
    }

    private SiteAnswer look(SiteRequest request) throws StoreException {
        String path = request.path();
        if (path.equals(ROOT + "metrics")) {
            return SiteAnswer.of(OK, Status.FIGURES_TYPE, status.figuresText());
        }
        if (!path.startsWith(API)) {
            return file(path.substring(ROOT.length()));
        }
        String resource = path.substring(API.length());
        Map<String, String> query = parameters(request.query());
        if (resource.equals("names")) {
            return SiteAnswer.json(OK, list(query));
        }
        if (resource.startsWith(NAMES) && resource.endsWith(DIAGNOSIS)) {
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
            case "server" -> SiteAnswer.json(OK, server());
            case "expiry" -> SiteAnswer.json(OK, Map.of("days", operations.expiry()));
            default -> SiteAnswer.error(NOT_FOUND, "there is no such thing in the API");
        };
    }

    private SiteAnswer command(SiteRequest request) throws IOException {
        if (!request.method().equals("POST") || !request.path().startsWith(API)) {
            return SiteAnswer.error(405, "GET and HEAD look, POST acts").with("Allow", "GET, HEAD, POST");
        }
        String resource = request.path().substring(API.length());
        Map<String, String> query = parameters(request.query());
        return switch (resource) {
            case "obtain" -> obtain(new String(request.content(LARGEST_CONTENT), UTF_8));
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

    private SiteAnswer obtain(String lines) {
        List<ServerName> names = new ArrayList<>();
        for (String line :
                lines.lines().map(String::strip).filter(one -> !one.isEmpty()).toList()) {
            names.add(ServerName.parse(line));
        }
        if (names.isEmpty() || names.size() > MOST_AT_ONCE) {
            return SiteAnswer.error(BAD, "give 1 to " + MOST_AT_ONCE + " names, one a line");
        }
        Map<String, Object> begun = new LinkedHashMap<>();
        names.forEach(name -> begun.put(name.value(), operations.obtain(name)));
        return SiteAnswer.json(ACCEPTED, Map.of("names", begun));
    }

    private static SiteAnswer done(Operations.Outcome outcome) {
        return SiteAnswer.json(outcome.done() ? ACCEPTED : CONFLICT, outcome);
    }

    private Operations.Page list(Map<String, String> query) throws StoreException {
        Optional<Instant> before = Optional.ofNullable(query.get("expiresWithinDays"))
                .map(days -> clock.instant().plus(Duration.ofDays(Long.parseLong(days))));
        return operations.list(
                new NameFilter(
                        query.getOrDefault("prefix", "").strip().toLowerCase(Locale.ROOT),
                        Status.states(query.getOrDefault("state", "")),
                        before,
                        Optional.ofNullable(query.get("ca"))),
                query.getOrDefault("after", ""),
                Integer.parseInt(query.getOrDefault("limit", Integer.toString(DEFAULT_PAGE))));
    }

    private Map<String, Object> server() throws StoreException {
        Map<String, Object> server = new LinkedHashMap<>(operations.server());
        server.put("parked", status.getParkedHandshakes());
        server.put("permissionQueue", status.getPermissionQueue());
        server.put("issuer", status.getIssuer());
        return server;
    }

    private static ServerName name(String text) {
        return ServerName.parse(URLDecoder.decode(text, UTF_8));
    }

    private static Map<String, String> parameters(String query) {
        Map<String, String> parameters = new HashMap<>();
        for (String pair : query.split("&", -1)) {
            int equals = pair.indexOf('=');
            if (equals > 0) {
                parameters.put(
                        URLDecoder.decode(pair.substring(0, equals), UTF_8),
                        URLDecoder.decode(pair.substring(equals + 1), UTF_8));
            }
        }
        return parameters;
    }

    private static SiteAnswer file(String wanted) {
        String name = FILES.get(wanted);
        if (name == null) {
            return SiteAnswer.error(NOT_FOUND, "there is no such page");
        }
        try (InputStream in = StatusSite.class.getResourceAsStream(name)) {
            if (in == null) {
                return SiteAnswer.error(NOT_FOUND, "the page is missing in the jar");
            }
            String type = TYPES.getOrDefault(name.substring(name.indexOf('.') + 1), "text/plain");
            return new SiteAnswer(OK, Map.of("Content-Type", type), in.readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
