package org.ondemandtls.spring;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.status.OnDemandTlsMXBean;
import org.ondemandtls.status.http.SiteAnswer;
import org.ondemandtls.status.http.StatusApi;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.actuate.endpoint.annotation.ReadOperation;
import org.springframework.boot.actuate.endpoint.annotation.Selector;
import org.springframework.boot.actuate.endpoint.annotation.Selector.Match;
import org.springframework.boot.actuate.endpoint.annotation.WriteOperation;
import org.springframework.boot.actuate.endpoint.web.WebEndpointResponse;
import org.springframework.util.MimeTypeUtils;

/**
 * The whole management contract as an endpoint of Spring Boot's actuator:
 *
 * <pre>
 * GET  /actuator/ondemandtls             all figures
 * GET  /actuator/ondemandtls/NAME        says what would be done with a name, and why
 * POST /actuator/ondemandtls/NAME        has a name tried again
 * GET  /actuator/ondemandtls/RESOURCE    what the JSON API has there: names, names/NAME, names/NAME/diagnosis, cas, server, expiry
 * POST /actuator/ondemandtls/COMMAND     what the JSON API does there: names/NAME/obtain, pause, account/register, ...
 * </pre>
 *
 * <p>A command needs {@code Content-Type: application/json}, so that no page of another origin can send it unasked.
 *
 * <p>Safe for use by many threads. What concerns a name looks into the store, and blocks for that.
 */
@Endpoint(id = "ondemandtls")
public final class OnDemandTlsEndpoint {

    private static final String GETTER = "get";
    private static final String NOT_RUNNING = "On-Demand TLS does not run";
    private static final int UNAVAILABLE = 503;
    /** What the JSON API has under one word; no server name is one. */
    private static final Set<String> RESOURCES = Set.of("names", "cas", "server", "expiry");

    private static final Set<String> COMMANDS = Set.of("obtain", "pause", "resume", "confirm-denials");

    private final Supplier<Optional<? extends OnDemandTlsMXBean>> running;
    private final Supplier<Optional<StatusApi>> api;

    OnDemandTlsEndpoint(Supplier<Optional<? extends OnDemandTlsMXBean>> running, Supplier<Optional<StatusApi>> api) {
        this.running = running;
        this.api = api;
    }

    /** Every attribute of the MXBean, by its name; empty while the engine does not run. */
    @ReadOperation
    public Map<String, Object> figures() {
        Map<String, Object> figures = new TreeMap<>();
        Optional<? extends OnDemandTlsMXBean> bean = running.get();
        if (bean.isPresent()) {
            for (Method method : OnDemandTlsMXBean.class.getMethods()) {
                if (method.getName().startsWith(GETTER) && method.getParameterCount() == 0) {
                    figures.put(attribute(method), value(method, bean.get()));
                }
            }
        }
        return figures;
    }

    /**
     * Says what would be done with a name now, and why; or shows what the JSON API has under one word.
     *
     * @param subject a server name as an operator spells it, or {@code names}, {@code cas}, {@code server} or {@code expiry}
     * @param prefix what listed names begin with
     * @param state states of listed names, separated by commas
     * @param domain the registered domain of listed names
     * @param ca the CA listed names are from
     * @param expiresWithinDays in how many days at most listed names expire
     * @param refusal the ACME error type listed names were refused for, or {@code any}
     * @param after the {@code next} of the page before
     * @param limit how many names a page has at most
     * @return one line; or what the JSON API answers
     */
    @ReadOperation
    public Object explain(
            @Selector String subject,
            @org.springframework.lang.Nullable @Nullable String prefix,
            @org.springframework.lang.Nullable @Nullable String state,
            @org.springframework.lang.Nullable @Nullable String domain,
            @org.springframework.lang.Nullable @Nullable String ca,
            @org.springframework.lang.Nullable @Nullable String expiresWithinDays,
            @org.springframework.lang.Nullable @Nullable String refusal,
            @org.springframework.lang.Nullable @Nullable String after,
            @org.springframework.lang.Nullable @Nullable String limit) {
        if (!RESOURCES.contains(subject)) {
            return answer(subject, running.get().map(bean -> bean.explain(subject)));
        }
        Map<String, String> query = new HashMap<>();
        put(query, "prefix", prefix);
        put(query, "state", state);
        put(query, "domain", domain);
        put(query, "ca", ca);
        put(query, "expiresWithinDays", expiresWithinDays);
        put(query, "refusal", refusal);
        put(query, "after", after);
        put(query, "limit", limit);
        return look(subject, query);
    }

    /**
     * Shows what the JSON API has.
     *
     * @param path the path within the API, for example {@code names/shop.example.com/diagnosis}
     * @return what the JSON API answers
     */
    @ReadOperation
    public WebEndpointResponse<byte[]> look(@Selector(match = Match.ALL_REMAINING) String[] path) {
        return look(String.join("/", path), Map.of());
    }

    /**
     * Has a name tried again at once. {@link #command} offers it to the network: without a parameter it would be reached by a
     * form of any web page.
     *
     * @param name a server name as an operator spells it
     * @return what was done
     */
    public Map<String, String> retry(@Selector String name) {
        return answer(name, running.get().map(bean -> bean.retry(name)));
    }

    /**
     * Does what the JSON API does under one word.
     *
     * @param name {@code pause}, {@code resume}, {@code obtain} or {@code confirm-denials}, or a server name that is to be tried again
     * @param what what is paused or resumed
     * @param names the names that are obtained, separated by commas or line breaks
     * @return what the JSON API answers
     */
    @WriteOperation
    public Object command(
            @Selector String name,
            @org.springframework.lang.Nullable @Nullable String what,
            @org.springframework.lang.Nullable @Nullable String names) {
        if (!COMMANDS.contains(name)) {
            return retry(name);
        }
        Map<String, String> query = new HashMap<>();
        put(query, "what", what);
        return act(name, query, names == null ? "" : names.replace(',', '\n'));
    }

    /**
     * Does what the JSON API does. As it has parameters, it takes JSON only, which no page of another origin can send unasked.
     *
     * @param path the path within the API, for example {@code account/rollover}
     * @param reason why a certificate is revoked
     * @param ca the CA whose account is meant
     * @return what the JSON API answers
     */
    @WriteOperation
    public WebEndpointResponse<byte[]> act(
            @Selector(match = Match.ALL_REMAINING) String[] path,
            @org.springframework.lang.Nullable @Nullable String reason,
            @org.springframework.lang.Nullable @Nullable String ca) {
        Map<String, String> query = new HashMap<>();
        put(query, "reason", reason);
        put(query, "ca", ca);
        return act(String.join("/", path), query, "");
    }

    private WebEndpointResponse<byte[]> look(String resource, Map<String, String> query) {
        return response(api.get().map(one -> one.look(resource, query)));
    }

    private WebEndpointResponse<byte[]> act(String resource, Map<String, String> query, String content) {
        return response(api.get().map(one -> one.command(resource, query, content)));
    }

    private static WebEndpointResponse<byte[]> response(Optional<SiteAnswer> answer) {
        return answer.map(one -> new WebEndpointResponse<>(one.content(), one.status(), MimeTypeUtils.APPLICATION_JSON))
                .orElseGet(() -> new WebEndpointResponse<>(UNAVAILABLE));
    }

    private static void put(Map<String, String> query, String name, @Nullable String value) {
        if (value != null) {
            query.put(name, value);
        }
    }

    private static Map<String, String> answer(String name, Optional<String> words) {
        return Map.of("name", name, "answer", words.orElse(NOT_RUNNING));
    }

    private static String attribute(Method getter) {
        String name = getter.getName().substring(GETTER.length());
        return name.substring(0, 1).toLowerCase(Locale.ROOT) + name.substring(1);
    }

    private static Object value(Method getter, OnDemandTlsMXBean bean) {
        try {
            return getter.invoke(bean);
        } catch (IllegalAccessException | InvocationTargetException e) {
            throw new IllegalStateException(getter.getName() + " cannot be read", e);
        }
    }
}
