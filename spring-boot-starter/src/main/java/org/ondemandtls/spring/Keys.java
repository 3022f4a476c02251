package org.ondemandtls.spring;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.ondemandtls.config.ConfigKey;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.core.env.Environment;

/**
 * What an application says below {@code ondemand-tls.}, in any of Spring Boot's spellings.
 *
 * @param server the keys of every server by their own spelling; unknown ones are among them, for the reader to refuse
 * @param own the keys of this starter, by their folded spelling
 */
record Keys(Map<String, String> server, Map<String, String> own) {

    /** What every property begins with. */
    static final String PREFIX = "ondemand-tls";

    /** Whether anything is done at all. */
    static final String ENABLED = "enabled";

    /** The port for HTTPS. */
    static final String PORT = "port";

    /** Whether plain requests are redirected. */
    static final String REDIRECT = "redirect";

    /** Whether the management page is carried. */
    static final String PAGE = "page";

    /** The password of the page's own user. */
    static final String PAGE_PASSWORD = "pagepassword";

    private static final Set<String> OWN = Set.of(ENABLED, PORT, REDIRECT, PAGE, PAGE_PASSWORD);
    private static final Pattern ELEMENT = Pattern.compile("(.+)\\.(\\d{1,6})");
    private static final Map<String, String> SPELLINGS = spellings();

    /** Reads all property sources; the first one that has a key wins. */
    static Keys of(Environment environment) {
        return of(Binder.get(environment)
                .bind(PREFIX, Bindable.mapOf(String.class, String.class))
                .orElse(Map.of()));
    }

    /** The same of properties as they were bound, without the prefix; earlier ones win. */
    static Keys of(Map<String, String> bound) {
        Map<String, String> server = new LinkedHashMap<>();
        Map<String, String> own = new HashMap<>();
        Map<String, SortedMap<Integer, String>> lists = new LinkedHashMap<>();
        bound.forEach((name, text) -> {
            Matcher element = ELEMENT.matcher(name);
            String folded = fold(name);
            if (element.matches()) {
                lists.computeIfAbsent(spelling(element.group(1)), list -> new TreeMap<>())
                        .putIfAbsent(Integer.parseInt(element.group(2)), text);
            } else if (OWN.contains(folded)) {
                own.putIfAbsent(folded, text);
            } else {
                server.putIfAbsent(spelling(name), text);
            }
        });
        lists.forEach((name, elements) -> server.putIfAbsent(name, String.join(",", elements.values())));
        return new Keys(Map.copyOf(server), Map.copyOf(own));
    }

    /** Whether nothing was said. */
    boolean isEmpty() {
        return server.isEmpty() && own.isEmpty();
    }

    private static Map<String, String> spellings() {
        Map<String, String> spellings = new HashMap<>();
        for (ConfigKey key : ConfigKey.values()) {
            spellings.put(fold(key.fileKey().substring(ConfigKey.PREFIX.length())), key.fileKey());
        }
        // Last, so that a key whose own name ends in .file is that key.
        for (ConfigKey key : ConfigKey.values()) {
            spellings.put(fold(key.key().substring(ConfigKey.PREFIX.length())), key.key());
        }
        return Map.copyOf(spellings);
    }

    private static String spelling(String name) {
        String known = SPELLINGS.get(fold(name));
        return known == null ? ConfigKey.PREFIX + name : known;
    }

    private static String fold(String name) {
        return name.toLowerCase(Locale.ROOT).replace("-", "").replace("_", "");
    }
}
