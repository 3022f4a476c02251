package org.ondemandtls.spring;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.config.ConfigKey;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.Environment;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.PropertySource;
import org.springframework.core.env.SystemEnvironmentPropertySource;

/**
 * All property sources with the variables of the process read as operators mean them. Spring Boot looks a name like
 * {@code ONDEMAND_TLS_PERMISSION_ASK} up for a property it knows, and passes over one that is misspelt, or has an underscore for
 * only some of the hyphens.
 *
 * @param sources the sources, the strongest first; the variables of ours are properties among them
 * @param unread what variables say that are no key, by the name a property would have without the prefix
 */
record Variables(List<PropertySource<?>> sources, Map<String, String> unread) {

    private static final List<String> PREFIXES = List.of("ONDEMANDTLS_", "ONDEMAND_TLS_");
    // A service called ondemand-tls, or ondemand-tls-web.
    private static final Pattern OF_SERVICE =
            Pattern.compile("(?:.+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_.+)?|PORT_\\d+_(?:TCP|UDP|SCTP)(?:_.+)?)");
    private static final Pattern PORT = Pattern.compile("(?:.+_)?PORT");
    private static final Pattern ADDRESS = Pattern.compile("(?:tcp|udp|sctp)://.*");
    private static final Pattern ELEMENT = Pattern.compile("(.+)_(\\d{1,6})");

    // Properties without the prefix, by what a variable has behind its prefix, without underscores.
    private static final Map<String, String> PROPERTIES = new HashMap<>();
    private static final Map<String, String> LISTS = new HashMap<>();

    static {
        for (ConfigKey key : ConfigKey.values()) {
            String property = Keys.kebab(key.key());
            PROPERTIES.put(bare(property), property);
            PROPERTIES.put(bare(Keys.kebab(key.fileKey())), Keys.kebab(key.fileKey()));
            if (Keys.isList(key)) {
                LISTS.put(bare(property), property);
            }
        }
        Keys.OWN_NAMES.forEach(name -> PROPERTIES.put(bare(name), name));
    }

    /** Goes through the names of all variables. */
    static Variables of(Environment environment) {
        List<PropertySource<?>> sources = new ArrayList<>();
        Map<String, String> unread = new TreeMap<>();
        if (environment instanceof ConfigurableEnvironment configurable) {
            for (PropertySource<?> source : configurable.getPropertySources()) {
                if (source instanceof SystemEnvironmentPropertySource variables && hasOurs(variables)) {
                    split(variables, sources, unread);
                } else {
                    sources.add(source);
                }
            }
        }
        return new Variables(sources, unread);
    }

    // What is ours stands in front as properties; all else stays variables.
    private static void split(
            SystemEnvironmentPropertySource variables, List<PropertySource<?>> sources, Map<String, String> unread) {
        Map<String, Object> others = new HashMap<>();
        Map<String, Object> ours = new LinkedHashMap<>();
        // Of two spellings the one with the fewest underscores counts, which is Spring Boot's own.
        List<String> names = new ArrayList<>(List.of(variables.getPropertyNames()));
        names.sort(Comparator.comparingLong(Variables::underscores).thenComparing(Comparator.naturalOrder()));
        for (String name : names) {
            Object text = variables.getProperty(name);
            String rest = rest(name);
            if (rest == null) {
                others.put(name, text);
            } else if (!tellsOfService(rest, String.valueOf(text))) {
                String property = property(rest);
                if (property == null) {
                    unread.putIfAbsent(rest.toLowerCase(Locale.ROOT).replace('_', '.'), String.valueOf(text));
                } else {
                    ours.putIfAbsent(Keys.PREFIX + '.' + property, text);
                }
            }
        }
        sources.add(new MapPropertySource(Keys.PREFIX + " in " + variables.getName(), ours));
        sources.add(new SystemEnvironmentPropertySource(variables.getName(), others));
    }

    private static boolean hasOurs(SystemEnvironmentPropertySource variables) {
        for (String name : variables.getPropertyNames()) {
            if (rest(name) != null) {
                return true;
            }
        }
        return false;
    }

    // What stands behind the prefix; null where the variable is not ours.
    private static @Nullable String rest(String variable) {
        String name = variable.toUpperCase(Locale.ROOT);
        for (String prefix : PREFIXES) {
            if (name.startsWith(prefix)) {
                return name.substring(prefix.length());
            }
        }
        return null;
    }

    private static @Nullable String property(String rest) {
        Matcher element = ELEMENT.matcher(rest);
        String list = element.matches() ? LISTS.get(bare(element.group(1))) : null;
        return list == null ? PROPERTIES.get(bare(rest)) : list + '[' + Integer.parseInt(element.group(2)) + ']';
    }

    // What Kubernetes says to each pod beside a service of that name.
    private static boolean tellsOfService(String rest, String text) {
        return OF_SERVICE.matcher(rest).matches()
                || (PORT.matcher(rest).matches() && ADDRESS.matcher(text).matches());
    }

    private static long underscores(String name) {
        return name.chars().filter(c -> c == '_').count();
    }

    private static String bare(String name) {
        return name.replace(".", "").replace("-", "").replace("_", "").toUpperCase(Locale.ROOT);
    }
}
