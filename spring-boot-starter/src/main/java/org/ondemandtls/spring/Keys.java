package org.ondemandtls.spring;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.ondemandtls.StartException;
import org.ondemandtls.config.ConfigKey;
import org.ondemandtls.config.KeyType;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.bind.PropertySourcesPlaceholdersResolver;
import org.springframework.boot.context.properties.source.ConfigurationPropertySources;
import org.springframework.core.env.Environment;
import org.springframework.core.env.PropertySource;

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

    /** The port that plain requests are redirected to. */
    static final String REDIRECT_PORT = "redirectport";

    /** Whether the management page is carried. */
    static final String PAGE = "page";

    /** The password of the page's own user. */
    static final String PAGE_PASSWORD = "pagepassword";

    /** The keys of this starter as Spring Boot spells them. */
    static final List<String> OWN_NAMES = List.of(ENABLED, PORT, REDIRECT, "redirect-port", PAGE, "page-password");

    private static final Set<String> OWN = OWN_NAMES.stream().map(Keys::fold).collect(Collectors.toUnmodifiableSet());
    private static final Set<String> ON = Set.of("true", "on", "yes", "1");
    private static final Set<String> OFF = Set.of("false", "off", "no", "0");
    private static final Set<KeyType> LISTS = Set.of(KeyType.URLS, KeyType.NAMES, KeyType.LIST, KeyType.BLOCKS);
    private static final Pattern HUMP = Pattern.compile("([a-z0-9])([A-Z])");
    private static final Pattern ELEMENT = Pattern.compile("(.+)\\.(\\d{1,6})");
    private static final Map<String, String> SPELLINGS = spellings();

    /** Reads all property sources; the first one that has a key wins, and a list is taken from one of them as a whole. */
    static Keys of(Environment environment) {
        Variables variables = Variables.of(environment);
        Binder binder = binder(variables.sources(), environment);
        Map<String, String> bound = new LinkedHashMap<>();
        // By name: a map has elements of several sources in one list.
        for (ConfigKey key : ConfigKey.values()) {
            bind(binder, kebab(key.key()), isList(key), bound);
            bind(binder, kebab(key.fileKey()), false, bound);
        }
        OWN_NAMES.forEach(name -> bind(binder, name, false, bound));
        binder.bind(PREFIX, Bindable.mapOf(String.class, String.class))
                .orElse(Map.of())
                .forEach(bound::putIfAbsent);
        variables.unread().forEach(bound::putIfAbsent);
        return of(bound);
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

    /**
     * Whether a key of this starter is on, in the words that Spring Boot takes for it.
     *
     * @param name one of the constants
     * @return empty where nothing is written
     * @throws StartException if it is written and says neither
     */
    Optional<Boolean> isOn(String name) throws StartException {
        String text = own.getOrDefault(name, "").trim().toLowerCase(Locale.ROOT);
        if (text.isEmpty()) {
            return Optional.empty();
        }
        if (!ON.contains(text) && !OFF.contains(text)) {
            throw new StartException(PREFIX + "." + name + ": write true or false");
        }
        return Optional.of(ON.contains(text));
    }

    /** Whether nothing was said. */
    boolean isEmpty() {
        return server.isEmpty() && own.isEmpty();
    }

    /** What reads properties from these sources, the strongest first. */
    static Binder binder(List<PropertySource<?>> sources, Environment environment) {
        return new Binder(
                ConfigurationPropertySources.from(sources), new PropertySourcesPlaceholdersResolver(environment));
    }

    /** Takes note of a property where it is written. */
    static void bind(Binder binder, String name, boolean list, Map<String, String> bound) {
        String property = PREFIX + "." + name;
        if (list) {
            binder.bind(property, Bindable.listOf(String.class))
                    .ifBound(elements -> bound.put(name, String.join(",", elements)));
        } else {
            binder.bind(property, String.class).ifBound(text -> bound.put(name, text));
        }
    }

    /** Whether several values are taken. */
    static boolean isList(ConfigKey key) {
        return LISTS.contains(key.type()) || key == ConfigKey.STORE_ENCRYPTION_KEY;
    }

    /** A key as Spring Boot spells it, without the prefix. */
    static String kebab(String key) {
        return HUMP.matcher(key.substring(ConfigKey.PREFIX.length()))
                .replaceAll("$1-$2")
                .toLowerCase(Locale.ROOT);
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
