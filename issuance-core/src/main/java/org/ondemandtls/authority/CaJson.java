package org.ondemandtls.authority;

import java.net.MalformedURLException;
import java.net.URI;
import java.net.URL;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.shredzone.acme4j.connector.Resource;
import org.shredzone.acme4j.toolbox.JSON;

/**
 * Reads the objects of a CA leniently: relative URLs are resolved, names in another case are recognised, and what is empty or
 * of another type than it has to be counts as missing. Nothing is believed for it: whether a URL may be asked is decided where
 * it is asked.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8555#section-7.1">RFC 8555 section 7.1</a>
 */
final class CaJson {

    private static final String AUTHORIZATIONS = "authorizations";
    private static final String CHALLENGES = "challenges";
    private static final String CERTIFICATE = "certificate";
    private static final String ERROR = "error";
    private static final String FINALIZE = "finalize";
    private static final String META = "meta";
    private static final String STATUS = "status";
    private static final String TOKEN = "token";
    private static final String TYPE = "type";
    private static final String URL_OF_IT = "url";

    private static final Set<String> URLS = Stream.concat(
                    Stream.of(FINALIZE, CERTIFICATE, URL_OF_IT, "orders"),
                    Stream.of(Resource.values()).map(Resource::path))
            .collect(Collectors.toUnmodifiableSet());

    /** Lower case to the spelling of the protocol. */
    private static final Map<String, String> SPELLINGS = Stream.concat(
                    URLS.stream(),
                    Stream.of(
                            AUTHORIZATIONS,
                            CHALLENGES,
                            ERROR,
                            META,
                            STATUS,
                            TOKEN,
                            TYPE,
                            "expires",
                            "identifier",
                            "identifiers",
                            "detail",
                            "title",
                            "suggestedWindow",
                            "explanationURL"))
            .collect(Collectors.toUnmodifiableMap(key -> key.toLowerCase(Locale.ROOT), key -> key));

    private CaJson() {}

    /**
     * Reads an object.
     *
     * @param text what the CA sent
     * @param base the URL it was sent from
     * @throws org.shredzone.acme4j.exception.AcmeProtocolException if it is no JSON object
     */
    static JSON read(String text, URI base) {
        JSON json = JSON.parse(text);
        Map<String, Object> sent = json.toMap();
        Map<String, Object> read = object(sent, base);
        list(read.remove(CHALLENGES))
                .ifPresent(challenges -> read.put(
                        CHALLENGES,
                        challenges.stream()
                                .filter(Map.class::isInstance)
                                .map(each -> challenge((Map<?, ?>) each, base))
                                .toList()));
        list(read.remove(AUTHORIZATIONS))
                .ifPresent(urls -> read.put(
                        AUTHORIZATIONS,
                        List.copyOf(urls.stream()
                                .map(each -> resolved(each, base).orElse(String.valueOf(each)))
                                .collect(Collectors.toCollection(LinkedHashSet::new)))));
        if (read.remove(META) instanceof Map<?, ?> meta) {
            read.put(META, meta(meta, base));
        }
        if (read.containsKey(FINALIZE) && !read.containsKey(STATUS)) {
            read.put(STATUS, read.containsKey(CERTIFICATE) ? "valid" : "pending");
        }
        return read.equals(sent) ? json : JSON.fromMap(read);
    }

    /** Resolves a link against the URL of the answer it came with; empty where it is no link. */
    static Optional<URI> resolved(String link, URI base) {
        try {
            URI target = base.resolve(link.strip().replace(" ", "%20"));
            // What is relative to an origin without a path is glued to the host, and climbs above the root.
            if (base.getRawPath() == null || base.getRawPath().isEmpty()) {
                target = base.resolve("/").resolve(link.strip().replace(" ", "%20"));
            }
            String path = target.getRawPath();
            while (path != null && path.startsWith("/../")) {
                path = path.substring(3);
                target = target.resolve(path + (target.getRawQuery() == null ? "" : "?" + target.getRawQuery()));
            }
            return Optional.of(target);
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private static Optional<String> resolved(@Nullable Object link, URI base) {
        if (!(link instanceof String text) || text.isBlank()) {
            return Optional.empty();
        }
        return resolved(text, base).flatMap(CaJson::url).map(URL::toString);
    }

    private static Optional<URL> url(URI uri) {
        try {
            return Optional.of(uri.toURL());
        } catch (MalformedURLException | IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    // The exact spelling wins; null counts as missing everywhere.
    private static Map<String, Object> object(Map<?, ?> sent, URI base) {
        Map<String, Object> read = new LinkedHashMap<>();
        sent.forEach((name, value) -> {
            String key = String.valueOf(name);
            String spelling = SPELLINGS.getOrDefault(key.toLowerCase(Locale.ROOT), key);
            if (value != null && (spelling.equals(key) || !sent.containsKey(spelling))) {
                read.put(spelling, value);
            }
        });
        for (String key : URLS) {
            Object link = read.remove(key);
            resolved(link, base).ifPresent(url -> read.put(key, url));
        }
        read.computeIfPresent(STATUS, (key, status) -> String.valueOf(status).strip());
        if (read.get(ERROR) instanceof String words) {
            read.put(ERROR, Map.of("detail", words));
        } else if (!(read.get(ERROR) instanceof Map<?, ?>)) {
            read.remove(ERROR);
        }
        return read;
    }

    private static Map<String, Object> challenge(Map<?, ?> sent, URI base) {
        Map<String, Object> read = object(sent, base);
        // As drafts of the protocol called it.
        if (!read.containsKey(URL_OF_IT)) {
            resolved(sent.get("uri"), base).ifPresent(url -> read.put(URL_OF_IT, url));
        }
        read.computeIfPresent(TYPE, (key, type) -> String.valueOf(type).strip().toLowerCase(Locale.ROOT));
        read.putIfAbsent(STATUS, "pending");
        return read;
    }

    // What no order needs never stops one.
    private static Map<String, Object> meta(Map<?, ?> sent, URI base) {
        Map<String, Object> read = new LinkedHashMap<>();
        sent.forEach((name, value) -> {
            if (value != null) {
                read.put(String.valueOf(name), value);
            }
        });
        // Of whatever scheme: nobody asks for it.
        if (read.remove("termsOfService") instanceof String terms && !terms.isBlank()) {
            resolved(terms, base).ifPresent(uri -> read.put("termsOfService", uri.toString()));
        }
        list(read.remove("caaIdentities"))
                .ifPresent(domains -> read.put(
                        "caaIdentities",
                        domains.stream().filter(String.class::isInstance).toList()));
        Object profiles = read.remove("profiles");
        if (profiles instanceof Map<?, ?>) {
            read.put("profiles", profiles);
        } else {
            list(profiles)
                    .ifPresent(names -> read.put(
                            "profiles",
                            names.stream()
                                    .map(String::valueOf)
                                    .distinct()
                                    .collect(Collectors.toMap(name -> name, name -> ""))));
        }
        return read;
    }

    // One thing where there may be several is a list of one.
    private static Optional<List<Object>> list(@Nullable Object value) {
        if (value instanceof List<?> several) {
            List<Object> all = new ArrayList<>();
            several.forEach(each -> {
                if (each != null) {
                    all.add(each);
                }
            });
            return Optional.of(all);
        }
        return value instanceof String || value instanceof Map<?, ?> ? Optional.of(List.of(value)) : Optional.empty();
    }
}
