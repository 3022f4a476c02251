package org.ondemandtls.status.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.machine.Threads;
import org.ondemandtls.status.FilterText;
import org.ondemandtls.status.Status;

/**
 * The management page at {@code /ondemand-tls/}, its JSON API under {@code /ondemand-tls/api/v1/} and the figures at
 * {@code /ondemand-tls/metrics}, whichever server they are on. Off until a server is told to carry it.
 *
 * <p>A request from an address it is not offered to is none of its business: it goes on to the applications. No answer ever
 * has a key, an account's secret or a password in it.
 *
 * <p><b>Threads.</b> Safe for many. {@link #answer} blocks, for the store and for the server's users: never on a selector.
 *
 * <p><b>Cost.</b> A request for anything else costs one comparison of its path. The first of ours in a process has one page
 * of names read in the background.
 */
public final class StatusSite {

    /** What the path of every request that is ours begins with. */
    public static final String ROOT = "/ondemand-tls/";

    /** What the path of the JSON API begins with. */
    static final String API = ROOT + "api/v1/";

    private static final String WITHOUT_SLASH = "/ondemand-tls";
    private static final int LARGEST_CONTENT = 1 << 20;
    private static final int OK = 200;
    private static final int BAD = 400;
    private static final int NOT_FOUND = 404;
    private static final Map<String, String> FILES =
            Map.of("", "index.html", "page.js", "page.js", "page.css", "page.css");
    private static final Map<String, String> TYPES = Map.of(
            "html",
            "text/html; charset=utf-8",
            "js",
            "text/javascript; charset=utf-8",
            "css",
            "text/css; charset=utf-8");

    private final Status status;
    private final Access access;
    private final StatusApi api;
    private final AtomicBoolean sought = new AtomicBoolean();

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
        this.access = new Access(config, nanoTime);
        this.api = new StatusApi(status, clock);
    }

    /** What is below the path of the API, for a server that has a guard of its own. */
    public StatusApi api() {
        return api;
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
        if (sought.compareAndSet(false, true)) {
            Threads.daemon("ondemand-tls-status", this::lookAhead).start();
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
        } catch (IllegalArgumentException e) {
            return Optional.of(SiteAnswer.error(BAD, "the query cannot be read: " + e.getMessage()));
        } catch (IOException e) {
            return Optional.of(SiteAnswer.error(BAD, "the content cannot be read, or is too large"));
        }
    }

    // Whoever comes first logs in and loads the page. What the first list of a process waits for is read meanwhile.
    private void lookAhead() {
        try {
            api.look("names", Map.of());
        } catch (RuntimeException e) {
            // Whoever asks for the list is told.
            return;
        }
    }

    private SiteAnswer look(SiteRequest request) {
        String path = request.path();
        if (path.equals(ROOT + "metrics")) {
            return SiteAnswer.of(OK, Status.FIGURES_TYPE, status.figuresText());
        }
        if (!path.startsWith(API)) {
            return file(path.substring(ROOT.length()));
        }
        if (path.equals(API + "role")) {
            return SiteAnswer.json(OK, Map.of("mayAct", access.mayAct(request)));
        }
        return api.look(path.substring(API.length()), FilterText.parameters(request.query()));
    }

    private SiteAnswer command(SiteRequest request) throws IOException {
        if (!request.method().equals("POST") || !request.path().startsWith(API)) {
            return SiteAnswer.error(405, "GET and HEAD look, POST acts").with("Allow", "GET, HEAD, POST");
        }
        return api.command(
                request.path().substring(API.length()),
                FilterText.parameters(request.query()),
                new String(request.content(LARGEST_CONTENT), UTF_8));
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
