package org.ondemandtls.preflight;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An HTTP/1 answer as far as it has come, read as a CA reads it: interim answers passed over, chunks joined, the body as long
 * as the answer says.
 *
 * @param status the status, 0 where it is no HTTP
 * @param head what its headers say
 * @param body the body as far as it has come
 * @param complete whether that is all of it
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9112#section-6.3">RFC 9112 section 6.3</a>
 */
record HttpAnswer(int status, Head head, String body, boolean complete) {

    /**
     * What the headers of an answer say.
     *
     * @param location where a redirect points
     * @param network the content delivery network the answer came through
     */
    record Head(Optional<String> location, Optional<String> network) {}

    private static final HttpAnswer UNFINISHED =
            new HttpAnswer(0, new Head(Optional.empty(), Optional.empty()), "", false);
    private static final Pattern STATUS = Pattern.compile("HTTP/1\\.[01] ([0-9]{3})(?: .*)?");
    private static final Pattern HEAD_END = Pattern.compile("\r?\n\r?\n");
    private static final int FINAL = 200;
    private static final int NO_CONTENT = 204;
    private static final int NOT_MODIFIED = 304;
    private static final int MOST_DIGITS = 8;

    /**
     * Reads what has come.
     *
     * @param octets everything since the request, one character each
     * @param ended whether the other side has closed
     */
    static HttpAnswer read(String octets, boolean ended) {
        int from = 0;
        while (true) {
            Matcher end = HEAD_END.matcher(octets);
            if (!end.find(from)) {
                return UNFINISHED;
            }
            String[] lines = octets.substring(from, end.start()).split("\r?\n", -1);
            Matcher first = STATUS.matcher(lines[0]);
            if (!first.matches()) {
                return UNFINISHED;
            }
            int status = Integer.parseInt(first.group(1));
            if (status >= FINAL) {
                return body(status, lines, octets.substring(end.end()), ended);
            }
            from = end.end();
        }
    }

    private static HttpAnswer body(int status, String[] lines, String rest, boolean ended) {
        Head head = new Head(header(lines, "location"), CdnHeaders.network(lines));
        if (header(lines, "content-encoding")
                .filter(coding -> !coding.equalsIgnoreCase("identity"))
                .isPresent()) {
            // Nobody asked for it, and a CA may undo it.
            return new HttpAnswer(status, head, "", false);
        }
        if (status == NO_CONTENT || status == NOT_MODIFIED) {
            return new HttpAnswer(status, head, "", true);
        }
        if (header(lines, "transfer-encoding")
                .filter(coding -> coding.toLowerCase(Locale.ROOT).endsWith("chunked"))
                .isPresent()) {
            return chunks(status, head, rest);
        }
        Optional<String> length = header(lines, "content-length");
        if (length.isEmpty()) {
            return new HttpAnswer(status, head, rest, ended);
        }
        Optional<Integer> octets = number(length.get(), 10);
        if (octets.isEmpty()) {
            return new HttpAnswer(status, head, rest, false);
        }
        boolean complete = rest.length() >= octets.get();
        return new HttpAnswer(status, head, complete ? rest.substring(0, octets.get()) : rest, complete);
    }

    private static HttpAnswer chunks(int status, Head head, String rest) {
        StringBuilder body = new StringBuilder();
        int at = 0;
        while (true) {
            int lineEnd = rest.indexOf('\n', at);
            if (lineEnd < 0) {
                return new HttpAnswer(status, head, body.toString(), false);
            }
            String line = rest.substring(at, lineEnd);
            int extension = line.indexOf(';');
            Optional<Integer> size = number((extension < 0 ? line : line.substring(0, extension)).trim(), 16);
            if (size.isEmpty()) {
                return new HttpAnswer(status, head, body.toString(), false);
            }
            if (size.get() == 0) {
                return new HttpAnswer(status, head, body.toString(), true);
            }
            int begin = lineEnd + 1;
            int end = Math.min(begin + size.get(), rest.length());
            body.append(rest, begin, end);
            int next = rest.indexOf('\n', end);
            if (end < begin + size.get() || next < 0) {
                return new HttpAnswer(status, head, body.toString(), false);
            }
            at = next + 1;
        }
    }

    private static Optional<Integer> number(String digits, int radix) {
        try {
            return digits.isEmpty() || digits.length() >= MOST_DIGITS || !Character.isLetterOrDigit(digits.charAt(0))
                    ? Optional.empty()
                    : Optional.of(Integer.parseInt(digits, radix));
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }

    private static Optional<String> header(String[] lines, String name) {
        for (int i = 1; i < lines.length; i++) {
            int colon = lines[i].indexOf(':');
            if (colon > 0 && lines[i].substring(0, colon).equalsIgnoreCase(name)) {
                return Optional.of(lines[i].substring(colon + 1).trim());
            }
        }
        return Optional.empty();
    }

    /** Where a redirect points. */
    Optional<String> location() {
        return head.location();
    }

    /** Whether the body is this text, but for white space after it. */
    boolean says(String text) {
        return status == FINAL && body.stripTrailing().equals(text);
    }
}
