package org.ondemandtls.status.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.net.InetAddress;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.ondemandtls.config.OnDemandTlsConfig;

/**
 * Who may ask for what: the address a request comes from, the host it is for, the user, and whether a page of another origin
 * could have caused it.
 *
 * <p>To whoever comes from elsewhere nothing is there. A password that was tried in vain {@value #TRIES} times in a minute
 * from one address is not tried again before the minute is over.
 */
final class Access {

    /** How often a login may fail from one address in a minute. */
    static final int TRIES = 10;

    /** The header that a command must have: no page of another origin can send it without being asked first. */
    static final String COMMAND_HEADER = "X-OnDemand-TLS";

    private static final Duration WINDOW = Duration.ofMinutes(1);
    private static final int ADDRESSES = 10_000;
    private static final List<String> OF_PROXIES = List.of("Forwarded", "X-Forwarded-For", "X-Real-IP");
    private static final Set<String> LOOPBACK_HOSTS = Set.of("localhost", "127.0.0.1", "[::1]");
    private static final Set<String> OWN_PAGE = Set.of("same-origin", "none");
    private static final String BASIC = "basic ";

    private final OnDemandTlsConfig.Status config;
    private final Cache<InetAddress, AtomicInteger> failures;

    Access(OnDemandTlsConfig.Status config, LongSupplier nanoTime) {
        this.config = config;
        this.failures = Caffeine.newBuilder()
                .maximumSize(ADDRESSES)
                .expireAfterWrite(WINDOW)
                .ticker(nanoTime::getAsLong)
                .executor(Runnable::run)
                .build();
    }

    /** Whether there is anything here for whoever asks from that address. */
    boolean isOffered(SiteRequest request) {
        Optional<InetAddress> peer = request.peer();
        if (peer.isEmpty()) {
            return false;
        }
        // A proxy on this machine speaks for others.
        boolean isHere = peer.get().isLoopbackAddress()
                && OF_PROXIES.stream().noneMatch(name -> request.header(name).isPresent());
        return isHere || config.addresses().stream().anyMatch(block -> block.contains(peer.get()));
    }

    /** Why a request is refused, empty where it may go on. */
    Optional<SiteAnswer> refusal(SiteRequest request, boolean acts) {
        String authority = request.header("Host").orElse("").toLowerCase(Locale.ROOT);
        if (!isOurs(host(authority))) {
            return Optional.of(SiteAnswer.error(
                    403, "not offered under this host name; onDemandTls.status.hosts lists those it is offered under"));
        }
        boolean local = request.peer().filter(InetAddress::isLoopbackAddress).isPresent();
        if (!request.secure() && !local) {
            return Optional.of(SiteAnswer.error(403, "from other machines by HTTPS only"));
        }
        // A look may ask permission and DNS: no page of another origin causes that but by opening it, which is seen.
        if (!acts
                && request.path().startsWith(StatusSite.API)
                && isOfAnotherOrigin(request)
                && request.header("Sec-Fetch-Dest").filter("document"::equals).isEmpty()) {
            return Optional.of(SiteAnswer.error(403, "no other origin may ask for this"));
        }
        if (acts && !isOwnPage(request, authority)) {
            return Optional.of(SiteAnswer.error(
                    403, "a command needs the header " + COMMAND_HEADER + ", and no other origin may send it"));
        }
        return user(request, acts);
    }

    /** Whether whoever sends a request that is not refused may act, not only look. */
    boolean mayAct(SiteRequest request) {
        return request.user()
                .or(() -> credentials(request).flatMap(pair -> request.login(pair[0], pair[1])))
                .filter(user -> user.test(config.actRole()))
                .isPresent();
    }

    private Optional<SiteAnswer> user(SiteRequest request, boolean acts) {
        Optional<Predicate<String>> user = request.user();
        if (user.isEmpty()) {
            InetAddress peer = request.peer().orElseThrow();
            AtomicInteger failed = failures.get(peer, none -> new AtomicInteger());
            if (failed.get() >= TRIES) {
                return Optional.of(
                        SiteAnswer.error(429, "too many logins have failed").with("Retry-After", "60"));
            }
            Optional<String[]> given = credentials(request);
            user = given.flatMap(pair -> request.login(pair[0], pair[1]));
            if (user.isEmpty()) {
                if (given.isPresent()) {
                    failed.incrementAndGet();
                }
                return Optional.of(SiteAnswer.error(401, "log in as a user of the server")
                        .with("WWW-Authenticate", "Basic realm=\"On-Demand TLS\", charset=\"UTF-8\""));
            }
            failures.invalidate(peer);
        }
        boolean mayAct = user.get().test(config.actRole());
        boolean may = mayAct || (!acts && user.get().test(config.lookRole()));
        return may
                ? Optional.empty()
                : Optional.of(SiteAnswer.error(
                        403, "the user has not the role " + (acts ? config.actRole() : config.lookRole())));
    }

    private static Optional<String[]> credentials(SiteRequest request) {
        String header = request.header("Authorization").orElse("");
        if (!header.regionMatches(true, 0, BASIC, 0, BASIC.length())) {
            return Optional.empty();
        }
        try {
            String pair = new String(
                    Base64.getDecoder().decode(header.substring(BASIC.length()).strip()), UTF_8);
            int colon = pair.indexOf(':');
            return colon < 0
                    ? Optional.empty()
                    : Optional.of(new String[] {pair.substring(0, colon), pair.substring(colon + 1)});
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private boolean isOurs(String host) {
        return LOOPBACK_HOSTS.contains(host)
                || config.hosts().stream().anyMatch(name -> name.value().equals(host));
    }

    private static boolean isOwnPage(SiteRequest request, String authority) {
        if (request.header(COMMAND_HEADER).isEmpty()) {
            return false;
        }
        if (isOfAnotherOrigin(request)) {
            return false;
        }
        Optional<String> origin = request.header("Origin");
        return origin.isEmpty()
                || origin.get()
                        .toLowerCase(Locale.ROOT)
                        .equals((request.secure() ? "https://" : "http://") + authority);
    }

    // Browsers say so of every request to this machine or by HTTPS; whatever else asks says nothing.
    private static boolean isOfAnotherOrigin(SiteRequest request) {
        return request.header("Sec-Fetch-Site")
                .filter(site -> !OWN_PAGE.contains(site.toLowerCase(Locale.ROOT)))
                .isPresent();
    }

    private static String host(String authority) {
        int end = authority.startsWith("[") ? authority.indexOf(']') + 1 : authority.indexOf(':');
        return end <= 0 ? authority : authority.substring(0, end);
    }
}
