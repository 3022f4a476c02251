package org.ondemandtls.authority;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import org.shredzone.acme4j.Problem;
import org.shredzone.acme4j.toolbox.JSON;

/**
 * What a CA says went wrong (RFC 8555 section 6.7), fit for a log.
 *
 * @param type the ACME error type without its URN prefix, that of the first sub-problem where it is {@code compound},
 *     {@code unknown} where it is something else
 * @param text the CA's words in one line of at most {@value #LONGEST} characters
 * @param unpause the page that has to be visited before the CA goes on with a name it has paused, which the text then
 *     leaves out; empty where no name is paused
 */
record CaProblem(String type, String text, Optional<URI> unpause) {

    /** The longest text kept, in characters. */
    static final int LONGEST = 500;

    private static final int MOST_SUBPROBLEMS = 5;
    private static final String COMPOUND = "compound";
    /** What the types of ACME begin with (RFC 8555 section 6.7). */
    static final String PREFIX = "urn:ietf:params:acme:error:";

    private static final Pattern TYPE = Pattern.compile("[A-Za-z]{1,40}");

    // The link carries a signed token of several hundred characters.
    private static final Pattern LINK = Pattern.compile("https://[\\x21-\\x7e&&[^\"'<>\\\\^`{|}]]{1,2000}");
    private static final int LONGEST_PAUSED = 4096;

    // Control characters, and those that are not seen or turn what is seen around.
    private static final Pattern UNPRINTABLE = Pattern.compile("[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}\\p{Cs}\\p{Co}\\p{Cn}]+");

    /** Reads a problem document; sub-problems one level deep. */
    static CaProblem of(Problem problem) {
        return of(problem.asJSON());
    }

    /** Reads a problem document; sub-problems one level deep. */
    static CaProblem of(JSON problem) {
        List<JSON> subproblems = problem.get("subproblems").asArray().stream()
                .limit(MOST_SUBPROBLEMS)
                .map(JSON.Value::asObject)
                .toList();
        String type = type(problem);
        if (type.equals(COMPOUND) && !subproblems.isEmpty()) {
            type = type(subproblems.get(0));
        }
        String words = words(problem);
        Optional<URI> unpause = unpause(words);
        StringBuilder text = new StringBuilder(
                unpause.isPresent() ? words.replace(unpause.get().toString(), "(link)") : words);
        for (JSON subproblem : subproblems) {
            text.append("; ").append(type(subproblem)).append(": ").append(words(subproblem));
        }
        if (type.equals("userActionRequired")) {
            problem.get("instance")
                    .map(JSON.Value::asString)
                    .filter(link -> LINK.matcher(link).matches())
                    .ifPresent(link -> text.append("; see ").append(link));
        }
        return new CaProblem(type, oneLine(text.toString()), unpause);
    }

    /** A problem that pauses nothing. */
    static CaProblem of(String type, String text) {
        return new CaProblem(type, text, Optional.empty());
    }

    /** The same with where the CA looked, which some CAs say beside the problem ({@code validationRecord}). */
    CaProblem seenAt(JSON challenge) {
        List<String> looked = challenge.get("validationRecord").asArray().stream()
                .limit(MOST_SUBPROBLEMS)
                .map(JSON.Value::asObject)
                .filter(record -> record.contains("addressUsed"))
                .map(record -> record.get("addressUsed").asString()
                        + record.get("port")
                                .map(JSON.Value::asString)
                                .map(port -> " port " + port)
                                .orElse(""))
                .distinct()
                .toList();
        return looked.isEmpty()
                ? this
                : new CaProblem(
                        type, oneLine(text + "; the CA looked at " + String.join(", then at ", looked)), unpause);
    }

    /** The same without words that must not be logged. */
    CaProblem without(String secret, String instead) {
        return new CaProblem(type, text.replace(secret, instead), unpause);
    }

    /** Text from outside made fit for a log: one line, printable, bounded. */
    static String oneLine(String text) {
        String start = text.length() > 4 * LONGEST ? text.substring(0, 4 * LONGEST) : text;
        String printable = UNPRINTABLE.matcher(start).replaceAll(" ").strip();
        return printable.length() > LONGEST ? printable.substring(0, LONGEST - 1) + "…" : printable;
    }

    private static String type(JSON problem) {
        String urn = problem.get("type").map(JSON.Value::asString).orElse("");
        String type = urn.startsWith(PREFIX) ? urn.substring(PREFIX.length()) : "";
        return TYPE.matcher(type).matches() ? type : "unknown";
    }

    private static String words(JSON problem) {
        return problem.get("detail")
                .map(JSON.Value::asString)
                .or(() -> problem.get("title").map(JSON.Value::asString))
                .orElse("no detail given");
    }

    // Let's Encrypt: "Your account is temporarily prevented from requesting certificates for a.example and possibly
    // others. Please visit: https://…/sfe/v1/unpause?jwt=…"
    private static Optional<URI> unpause(String words) {
        if (words.length() > LONGEST_PAUSED) {
            return Optional.empty();
        }
        String lower = words.toLowerCase(Locale.ROOT);
        if (!lower.contains("temporarily prevented") && !lower.contains("paused")) {
            return Optional.empty();
        }
        return LINK.matcher(words)
                .results()
                .map(found -> found.group().replaceFirst("[.,;:!?)\\]]+$", ""))
                .filter(link -> link.toLowerCase(Locale.ROOT).contains("unpause"))
                .flatMap(link -> https(link).stream())
                .findFirst();
    }

    private static Optional<URI> https(String link) {
        try {
            URI uri = new URI(link);
            return uri.getHost() != null && uri.getRawUserInfo() == null ? Optional.of(uri) : Optional.empty();
        } catch (URISyntaxException e) {
            return Optional.empty();
        }
    }
}
