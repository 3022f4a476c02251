package org.ondemandtls.status.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.LinkedHashMap;
import java.util.Map;
import org.ondemandtls.status.Json;

/**
 * What a host sends.
 *
 * @param status the status code
 * @param headers the headers, {@code Content-Type} among them and {@code Content-Length} not
 * @param content the content; not sent in answer to HEAD
 */
public record SiteAnswer(int status, Map<String, String> headers, byte[] content) {

    private static final Map<String, String> ALWAYS = Map.of(
            "Content-Security-Policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none';"
                    + " form-action 'none'; frame-ancestors 'none'",
            "X-Content-Type-Options",
            "nosniff",
            "X-Frame-Options",
            "DENY",
            "Referrer-Policy",
            "no-referrer",
            "Cross-Origin-Opener-Policy",
            "same-origin",
            "Cross-Origin-Resource-Policy",
            "same-origin",
            "Cache-Control",
            "no-store",
            "Vary",
            "Authorization");

    /** Adds the headers that every answer has. */
    public SiteAnswer {
        Map<String, String> all = new LinkedHashMap<>(ALWAYS);
        all.putAll(headers);
        headers = Map.copyOf(all);
    }

    static SiteAnswer of(int status, String type, String content) {
        return new SiteAnswer(status, Map.of("Content-Type", type), content.getBytes(UTF_8));
    }

    static SiteAnswer json(int status, Object value) {
        return of(status, "application/json", Json.of(value) + "\n");
    }

    static SiteAnswer error(int status, String sentence) {
        return json(status, Map.of("error", sentence));
    }

    SiteAnswer with(String header, String value) {
        Map<String, String> more = new LinkedHashMap<>(headers);
        more.put(header, value);
        return new SiteAnswer(status, more, content);
    }

    @Override
    public String toString() {
        return "SiteAnswer[" + status + ", " + content.length + " octets]";
    }
}
