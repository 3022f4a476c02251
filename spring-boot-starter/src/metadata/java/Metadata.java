import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.ondemandtls.config.ConfigKey;
import org.ondemandtls.config.KeyType;

/**
 * Writes what editors complete and explain in {@code application.properties}: every key of every server, and the keys of
 * this starter. Run while the starter is built, as {@code Metadata FILE}, so that a new key is there by itself.
 */
class Metadata {

    private static final String PREFIX = "ondemand-tls.";
    private static final Pattern KEY = Pattern.compile("onDemandTls\\.([A-Za-z.]+[A-Za-z])");

    private final List<String> properties = new ArrayList<>();

    public static void main(String[] arguments) throws IOException {
        Path file = Path.of(arguments[0]);
        Files.createDirectories(file.getParent());
        Files.writeString(file, new Metadata().text());
    }

    private String text() {
        property(
                "enabled",
                "java.lang.Boolean",
                "true",
                "Whether the starter does anything. In a @SpringBootTest only the test itself can turn it on.");
        property(
                "port",
                "java.lang.Integer",
                "8443",
                "Port for HTTPS. server.port stays a plain HTTP port beside it; where both are the same, HTTPS takes its"
                        + " place.");
        property(
                "redirect",
                "java.lang.Boolean",
                "true",
                "Whether a plain request is redirected to HTTPS when its host has a certificate.");
        property(
                "redirect-port",
                "java.lang.Integer",
                null,
                "Port that visitors reach HTTPS at, for redirects. Without it ondemand-tls.port.");
        property(
                "page",
                "java.lang.Boolean",
                "false",
                "Whether the management page is offered at /ondemand-tls/, to this machine only unless"
                        + " onDemandTls.status.addresses lists others.");
        property(
                "page-password",
                "java.lang.String",
                null,
                "Password of the page's user operator. Without it Spring Security's users may log in who have the role of"
                        + " onDemandTls.status.lookRole or onDemandTls.status.actRole.");
        for (ConfigKey key : ConfigKey.values()) {
            if (key == ConfigKey.PERMISSION_BEAN) {
                // Of a server that is not the application's own.
                continue;
            }
            String name = kebab(key.key().substring(ConfigKey.PREFIX.length()));
            property(name, type(key.type()), key.defaultText().orElse(null), key.sentence());
            if (key.type() == KeyType.SECRET) {
                property(name + ".file", "java.lang.String", null, "File that holds " + PREFIX + name + ".");
            }
        }
        properties.add(entry(
                "management.health.ondemandtls.enabled",
                "java.lang.Boolean",
                "true",
                "Whether the health of obtaining certificates is shown."));
        properties.add(entry(
                "management.endpoint.ondemandtls.access",
                "org.springframework.boot.actuate.endpoint.Access",
                "unrestricted",
                "Permitted level of access for the ondemandtls endpoint."));
        return """
                {
                  "groups": [
                    {"name": "ondemand-tls", "description": "Certificates obtained during the first TLS handshake."}
                  ],
                  "properties": [
                %s
                  ],
                  "hints": [
                %s
                  ]
                }
                """.formatted(
                        String.join(",\n", properties),
                        String.join(
                                ",\n",
                                hint("issuer", "acme", "internal"),
                                hint("acme.directory", "letsencrypt-staging", "letsencrypt", "google", "zerossl"),
                                hint("certificate.key", "P-256", "P-384", "RSA-2048", "RSA-3072", "RSA-4096"),
                                hint("preflight", "auto", "true", "false")));
    }

    private void property(String name, String type, String byDefault, String description) {
        properties.add(entry(PREFIX + name, type, byDefault, description));
    }

    private static String entry(String name, String type, String byDefault, String description) {
        return "    {\"name\": " + quoted(name) + ", \"type\": " + quoted(type)
                + (byDefault == null ? "" : ", \"defaultValue\": " + quoted(byDefault)) + ", \"description\": "
                + quoted(inSpring(description)) + "}";
    }

    private static String hint(String name, String... values) {
        List<String> words = new ArrayList<>();
        for (String value : values) {
            words.add("{\"value\": " + quoted(value) + "}");
        }
        return "    {\"name\": " + quoted(PREFIX + name) + ", \"values\": [" + String.join(", ", words)
                + "], \"providers\": [{\"name\": \"any\"}]}";
    }

    private static String type(KeyType type) {
        return switch (type) {
            case DURATION -> "java.time.Duration";
            case INTEGER -> "java.lang.Integer";
            case BOOLEAN -> "java.lang.Boolean";
            case URLS, NAMES, LIST, BLOCKS -> "java.util.List<java.lang.String>";
            default -> "java.lang.String";
        };
    }

    private static String inSpring(String sentence) {
        return KEY.matcher(sentence).replaceAll(key -> Matcher.quoteReplacement(PREFIX + kebab(key.group(1))));
    }

    private static String kebab(String key) {
        return key.replaceAll("([a-z0-9])([A-Z])", "$1-$2").toLowerCase(Locale.ROOT);
    }

    private static String quoted(String text) {
        return "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
    }
}
