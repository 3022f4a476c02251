package org.ondemandtls.spring;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.ondemandtls.config.ConfigKey;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.Environment;
import org.springframework.core.env.PropertySource;
import org.springframework.core.env.SystemEnvironmentPropertySource;

/**
 * What variables of the process say that Spring Boot reads as no property: it looks a name like
 * {@code ONDEMAND_TLS_PERMISSION_ASK} up for a property it knows and passes a misspelt one over.
 *
 * @param unread what such variables say, by the name a property would have without the prefix
 * @param ofServices names, spelled as Spring Boot makes them from variables, of what Kubernetes says about a service
 */
record Variables(Map<String, String> unread, Set<String> ofServices) {

    private static final String WITH_UNDERSCORE = "ONDEMAND_TLS_";
    private static final String WITHOUT = "ONDEMANDTLS_";
    // A service called ondemand-tls, or ondemand-tls-web.
    private static final Pattern OF_SERVICE =
            Pattern.compile("(?:.+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_.+)?|PORT_\\d+_(?:TCP|UDP|SCTP)(?:_.+)?)");
    private static final Pattern PORT = Pattern.compile("(?:.+_)?PORT");
    private static final Pattern ADDRESS = Pattern.compile("(?:tcp|udp|sctp)://.*");
    private static final Pattern ELEMENT = Pattern.compile("_\\d+$");
    private static final Set<String> READ = new HashSet<>();
    private static final Set<String> LISTS = new HashSet<>();

    static {
        for (ConfigKey key : ConfigKey.values()) {
            READ.add(variable(Keys.kebab(key.key())));
            READ.add(variable(Keys.kebab(key.fileKey())));
            if (Keys.isList(key)) {
                LISTS.add(variable(Keys.kebab(key.key())));
            }
        }
        Keys.OWN_NAMES.forEach(name -> READ.add(variable(name)));
    }

    /** Goes through the names of all variables. */
    static Variables of(Environment environment) {
        Map<String, String> unread = new TreeMap<>();
        Set<String> ofServices = new HashSet<>();
        for (SystemEnvironmentPropertySource source : sources(environment)) {
            for (String variable : source.getPropertyNames()) {
                String text = String.valueOf(source.getProperty(variable));
                String name = variable.toUpperCase(Locale.ROOT);
                if (name.startsWith(WITHOUT)) {
                    String rest = name.substring(WITHOUT.length());
                    if (tellsOfService(rest, text)) {
                        ofServices.add(property(rest));
                    }
                } else if (name.startsWith(WITH_UNDERSCORE)) {
                    String rest = name.substring(WITH_UNDERSCORE.length());
                    if (!isRead(rest) && !tellsOfService(rest, text)) {
                        unread.putIfAbsent(property(rest), text);
                    }
                }
            }
        }
        return new Variables(unread, ofServices);
    }

    /** Whether a property that Spring Boot has made from a variable is what Kubernetes says about a service. */
    boolean isOfService(String name) {
        return ofServices.contains(name);
    }

    /** Whether the text is what Kubernetes says in {@code ONDEMAND_TLS_PORT} to each pod beside a service of that name. */
    static boolean isAddressOfService(String text) {
        return ADDRESS.matcher(text).matches();
    }

    private static boolean tellsOfService(String rest, String text) {
        return OF_SERVICE.matcher(rest).matches() || (PORT.matcher(rest).matches() && isAddressOfService(text));
    }

    private static boolean isRead(String rest) {
        return READ.contains(rest) || LISTS.contains(ELEMENT.matcher(rest).replaceFirst(""));
    }

    private static List<SystemEnvironmentPropertySource> sources(Environment environment) {
        List<SystemEnvironmentPropertySource> sources = new ArrayList<>();
        if (environment instanceof ConfigurableEnvironment configurable) {
            for (PropertySource<?> source : configurable.getPropertySources()) {
                if (source instanceof SystemEnvironmentPropertySource variables) {
                    sources.add(variables);
                }
            }
        }
        return sources;
    }

    private static String variable(String kebab) {
        return kebab.replace('.', '_').replace('-', '_').toUpperCase(Locale.ROOT);
    }

    private static String property(String rest) {
        return rest.toLowerCase(Locale.ROOT).replace('_', '.');
    }
}
