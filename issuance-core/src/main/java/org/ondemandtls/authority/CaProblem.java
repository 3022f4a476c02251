package org.ondemandtls.authority;

import java.util.List;
import java.util.regex.Pattern;
import org.shredzone.acme4j.Problem;
import org.shredzone.acme4j.toolbox.JSON;

/**
 * What a CA says went wrong (RFC 8555 section 6.7), fit for a log.
 *
 * @param type the ACME error type without its URN prefix, {@code unknown} where it is something else
 * @param text the CA's words in one line of at most {@value #LONGEST} characters
 */
record CaProblem(String type, String text) {

    /** The longest text kept, in characters. */
    static final int LONGEST = 500;

    private static final int MOST_SUBPROBLEMS = 5;
    private static final String PREFIX = "urn:ietf:params:acme:error:";
    private static final Pattern TYPE = Pattern.compile("[A-Za-z]{1,40}");

    // Control characters, and those that are not seen or turn what is seen around.
    private static final Pattern UNPRINTABLE = Pattern.compile("[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}\\p{Cs}\\p{Co}\\p{Cn}]+");

    /** Reads a problem document; sub-problems one level deep. */
    static CaProblem of(Problem problem) {
        return of(problem.asJSON());
    }

    /** Reads a problem document; sub-problems one level deep. */
    static CaProblem of(JSON problem) {
        StringBuilder text = new StringBuilder(words(problem));
        List<JSON> subproblems = problem.get("subproblems").asArray().stream()
                .limit(MOST_SUBPROBLEMS)
                .map(JSON.Value::asObject)
                .toList();
        for (JSON subproblem : subproblems) {
            text.append("; ").append(type(subproblem)).append(": ").append(words(subproblem));
        }
        return new CaProblem(type(problem), oneLine(text.toString()));
    }

    /** The same without words that must not be logged. */
    CaProblem without(String secret, String instead) {
        return new CaProblem(type, text.replace(secret, instead));
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
}
