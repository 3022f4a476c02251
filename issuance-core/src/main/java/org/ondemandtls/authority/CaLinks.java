package org.ondemandtls.authority;

import java.net.MalformedURLException;
import java.net.URI;
import java.net.URL;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Reads the links of an answer; those that cannot be read are passed over, since an order needs none.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8288#section-3">RFC 8288 section 3</a>
 */
final class CaLinks {

    private static final Pattern LINK = Pattern.compile(
            "<([^>]*)>(?:\\s*;[^<,]{0,200}?)?\\s*;\\s*rel\\s*=\\s*\"?([^\";,]+)\"?", Pattern.CASE_INSENSITIVE);

    // One link may have several relations.
    private static final Pattern SPACES = Pattern.compile("\\s+");

    private CaLinks() {}

    /** The targets of one relation, in lower case, as they stand resolved. */
    static List<URI> of(CaAnswer answer, String relation) {
        return answer.headers().allValues("Link").stream()
                .flatMap(value -> LINK.matcher(value).results())
                .filter(link -> SPACES.splitAsStream(link.group(2).strip().toLowerCase(Locale.ROOT))
                        .anyMatch(relation::equals))
                .flatMap(link -> CaJson.resolved(link.group(1), answer.uri()).stream())
                .toList();
    }

    /** Those that are URLs. */
    static List<URL> urls(CaAnswer answer, String relation) {
        return of(answer, relation).stream().flatMap(CaLinks::url).toList();
    }

    private static Stream<URL> url(URI uri) {
        try {
            return Stream.of(uri.toURL());
        } catch (MalformedURLException | IllegalArgumentException e) {
            return Stream.empty();
        }
    }
}
