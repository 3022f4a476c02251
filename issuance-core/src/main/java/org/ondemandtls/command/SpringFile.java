package org.ondemandtls.command;

import java.io.IOException;
import java.io.PrintStream;
import java.io.StringReader;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.ondemandtls.config.ConfigKey;

/** An {@code application.properties} of Spring Boot, with the keys in its spelling. */
final class SpringFile {

    // The words of the starter: keys of its own, and what stands for the application's database.
    private static final Set<String> OF_THE_STARTER =
            Set.of("enabled", "port", "redirect", "redirectport", "page", "pagepassword");
    private static final String DATA_SOURCE = "dataSource";

    private static final Pattern OURS = Pattern.compile("(?im)^[ \\t]*ondemand-?tls[.:]");
    private static final Pattern PROPERTY = Pattern.compile("(?i)ondemand-?tls\\.(.+?)(?:\\[(\\d{1,6})])?");
    private static final Pattern YAML = Pattern.compile(".*\\.ya?ml");
    private static final String PERMISSION = ConfigKey.PREFIX + "permission.";

    private SpringFile() {}

    /** Whether a text has keys as Spring Boot spells them. */
    static boolean isOne(String text) {
        return OURS.matcher(text).find();
    }

    /**
     * The keys in the spelling of all servers; those that only an application has are left out.
     *
     * @param file where the text is from
     * @param text the text
     * @param out is told what is not checked
     * @throws Arguments.WrongException if it cannot be read without the application
     */
    static Map<String, String> keys(Path file, String text, PrintStream out) throws Arguments.WrongException {
        if (YAML.matcher(file.toString()).matches()) {
            throw new Arguments.WrongException(file + " is YAML; start the application to check it");
        }
        Map<String, String> keys = new TreeMap<>();
        Map<String, SortedMap<Integer, String>> lists = new TreeMap<>();
        Properties properties = properties(file, text);
        for (String name : properties.stringPropertyNames()) {
            Matcher ours = PROPERTY.matcher(name);
            if (ours.matches() && !OF_THE_STARTER.contains(fold(ours.group(1)))) {
                String key = spelling(ours.group(1));
                String value = properties.getProperty(name, "");
                if (ours.group(2) == null) {
                    keys.put(key, inServer(key, value));
                } else {
                    lists.computeIfAbsent(key, list -> new TreeMap<>()).put(Integer.valueOf(ours.group(2)), value);
                }
            }
        }
        lists.forEach((key, elements) -> keys.putIfAbsent(key, String.join(",", elements.values())));
        if (keys.keySet().stream().noneMatch(key -> key.startsWith(PERMISSION))) {
            out.println(file + ": permission is not checked, because a bean of the application may give it");
            keys.put(ConfigKey.PERMISSION_NAMES.key(), "placeholder.invalid");
        }
        return keys;
    }

    private static Properties properties(Path file, String text) throws Arguments.WrongException {
        Properties properties = new Properties();
        try {
            properties.load(new StringReader(text));
        } catch (IOException | IllegalArgumentException e) {
            throw new Arguments.WrongException(file + " is no file of properties: " + e.getMessage());
        }
        return properties;
    }

    private static String inServer(String key, String value) {
        return key.equals(ConfigKey.STORE.key()) && value.strip().equals(DATA_SOURCE) ? "jndi:" + DATA_SOURCE : value;
    }

    private static String spelling(String name) {
        Map<String, String> spellings = new HashMap<>();
        for (ConfigKey key : ConfigKey.values()) {
            spellings.put(fold(key.fileKey().substring(ConfigKey.PREFIX.length())), key.fileKey());
        }
        for (ConfigKey key : ConfigKey.values()) {
            spellings.put(fold(key.key().substring(ConfigKey.PREFIX.length())), key.key());
        }
        return spellings.getOrDefault(fold(name), ConfigKey.PREFIX + name);
    }

    private static String fold(String name) {
        return name.toLowerCase(Locale.ROOT).replace("-", "").replace("_", "");
    }
}
