package org.ondemandtls.name;

import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.util.Arrays;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;

/**
 * The DNS host name a client asked for in its {@code server_name} extension, in the one spelling the rest of the
 * house uses: lower-case A-labels, no trailing dot, at least two labels.
 *
 * <p>An instance is proof that the text was checked; nothing downstream checks it again. It consists of letters
 * {@code a-z}, digits, hyphens and single dots; labels that begin with {@code xn--} decode to what they encode.
 * What was refused is never echoed.
 *
 * @param value the name, 3 to 253 ASCII characters, for example {@code "xn--bcher-kva.example"}
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6066#section-3">RFC 6066 section 3</a>
 * @see <a href="https://www.rfc-editor.org/rfc/rfc5890#section-2.3.2.1">RFC 5890, A-label</a>
 */
public record ServerName(String value) {

    /** Longest name that fits a DNS message, in octets without the root label (RFC 1035 section 3.1). */
    static final int MAX_LENGTH = 253;

    /** Longest label, in octets (RFC 1035 section 3.1). */
    static final int MAX_LABEL = 63;

    // Composed characters can be written longer than the A-labels they become, but no name needs this much.
    private static final int MAX_WRITTEN = 4 * MAX_LENGTH;

    private static final String ACE_PREFIX = "xn--";

    /** What other software takes for a dot (RFC 3490 section 3.1); its compatibility variants map to it or to a dot. */
    private static final int IDEOGRAPHIC_FULL_STOP = 0x3002;

    private static final int ZERO_WIDTH_NON_JOINER = 0x200C;
    private static final int ZERO_WIDTH_JOINER = 0x200D;

    /**
     * Rejects any text that is not already in the canonical spelling; what people write goes to {@link #parse},
     * what peers send to {@link #fromWire}.
     *
     * @throws IllegalArgumentException if {@code value} is not canonical
     */
    public ServerName {
        Objects.requireNonNull(value, "value");
        if (!isCanonical(value)) {
            throw new IllegalArgumentException("not a canonical server name (" + value.length() + " characters)");
        }
    }

    /**
     * Reads a name as an operator may spell it: any case, U-labels, one trailing dot.
     *
     * <p>U-labels are brought to lower case and compatibility composition and then encoded, as browsers do: {@code
     * ß} stays {@code ß}, and the only dot is the ASCII one.
     *
     * @param text the name as written
     * @return the canonical name
     * @throws IllegalArgumentException if the text is no host name, is an IP address literal (RFC 6066 forbids
     *     them in SNI), has one label only, or is longer than {@value #MAX_LENGTH} octets
     */
    public static ServerName parse(String text) {
        if (text.length() <= MAX_WRITTEN) {
            String undotted = text.endsWith(".") ? text.substring(0, text.length() - 1) : text;
            String ascii = isAscii(undotted) ? undotted.toLowerCase(Locale.ROOT) : encoded(undotted);
            if (isCanonical(ascii)) {
                return new ServerName(ascii);
            }
        }
        throw new IllegalArgumentException("not a DNS host name (" + text.length() + " characters)");
    }

    /**
     * Reads the {@code HostName} of a {@code server_name} extension: ASCII in any case, without a trailing dot.
     *
     * <p><b>Cost.</b> Anybody may cause it: linear in the length and below a microsecond for a plain name; at most
     * some tens of microseconds for a name full of A-labels; nothing is allocated for more than {@value
     * #MAX_LENGTH} octets, and no exception is made.
     *
     * @param octets the name as received
     * @return the canonical name, empty if the octets are none
     */
    public static Optional<ServerName> fromWire(byte[] octets) {
        return fromWire(octets, 0, octets.length);
    }

    /**
     * Reads the {@code HostName} that stands in a part of an array, as {@link #fromWire(byte[])} does.
     *
     * @param octets where the name stands
     * @param offset its first octet
     * @param length how many octets it has
     * @return the canonical name, empty if the octets are none
     * @throws IndexOutOfBoundsException if the part is not within the array
     */
    public static Optional<ServerName> fromWire(byte[] octets, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, octets.length);
        if (length > MAX_LENGTH) {
            return Optional.empty();
        }
        boolean upperCase = false;
        for (int i = offset; i < offset + length; i++) {
            if (octets[i] < 0) {
                return Optional.empty();
            }
            upperCase |= octets[i] >= 'A' && octets[i] <= 'Z';
        }
        String ascii = new String(octets, offset, length, StandardCharsets.US_ASCII);
        String lowerCase = upperCase ? ascii.toLowerCase(Locale.ROOT) : ascii;
        return isCanonical(lowerCase) ? Optional.of(new ServerName(lowerCase)) : Optional.empty();
    }

    /**
     * A server name that a name of a certificate answers for: itself, or for a wildcard one under it that hardly anybody has.
     *
     * @param certificateName a name of a certificate in lower case, or a wildcard of one label
     * @return a name to look the certificate up by
     * @throws IllegalArgumentException if it is neither
     */
    public static ServerName answeredBy(String certificateName) {
        return new ServerName(
                certificateName.startsWith("*.") ? "any--label" + certificateName.substring(1) : certificateName);
    }

    /** The same name with its left-most label replaced by {@code *}, the one wildcard RFC 9525 lets match it. */
    public String wildcard() {
        return "*" + value.substring(value.indexOf('.'));
    }

    @Override
    public String toString() {
        return value;
    }

    private static boolean isCanonical(String text) {
        if (text.length() > MAX_LENGTH) {
            return false;
        }
        int start = 0;
        for (int dot = text.indexOf('.'); dot >= 0; dot = text.indexOf('.', start)) {
            if (!isLabel(text, start, dot)) {
                return false;
            }
            start = dot + 1;
        }
        return start > 0 && isLabel(text, start, text.length()) && !isNumber(text, start);
    }

    // LDH label of RFC 5890 section 2.3.1, lower case only, and no "fake A-label".
    private static boolean isLabel(String text, int start, int end) {
        if (start == end || end - start > MAX_LABEL || text.charAt(start) == '-' || text.charAt(end - 1) == '-') {
            return false;
        }
        for (int i = start; i < end; i++) {
            char c = text.charAt(i);
            if (!((c >= 'a' && c <= 'z') || isDigit(c) || c == '-')) {
                return false;
            }
        }
        return !text.startsWith(ACE_PREFIX, start) || isEncoded(text.substring(start + ACE_PREFIX.length(), end));
    }

    // Some resolvers read a name with such a top label as an IPv4 address: decimal, or hexadecimal after 0x.
    private static boolean isNumber(String text, int start) {
        if (text.startsWith("0x", start)) {
            return text.chars().skip(start + 2L).allMatch(c -> isDigit((char) c) || (c >= 'a' && c <= 'f'));
        }
        for (int i = start; i < text.length(); i++) {
            if (!isDigit(text.charAt(i))) {
                return false;
            }
        }
        return true;
    }

    private static boolean isEncoded(String encoded) {
        int[] codePoints = Punycode.decode(encoded);
        if (codePoints == null || !isUnicodeLabel(codePoints)) {
            return false;
        }
        String label = new String(codePoints, 0, codePoints.length);
        return label.equals(mapped(label)) && Punycode.encode(codePoints).equals(encoded);
    }

    // RFC 5891 section 5.4, as far as it does not depend on the version of Unicode: what this JDK does not know
    // yet is another's letter, and symbols were registered before they were disallowed.
    private static boolean isUnicodeLabel(int[] codePoints) {
        int last = codePoints.length - 1;
        boolean reserved = last >= 3 && codePoints[2] == '-' && codePoints[3] == '-';
        return !reserved
                && codePoints[0] != '-'
                && codePoints[last] != '-'
                && !isMark(codePoints[0])
                && Arrays.stream(codePoints).allMatch(ServerName::mayStandInLabel);
    }

    private static boolean isMark(int codePoint) {
        int type = Character.getType(codePoint);
        return type == Character.NON_SPACING_MARK
                || type == Character.ENCLOSING_MARK
                || type == Character.COMBINING_SPACING_MARK;
    }

    private static boolean mayStandInLabel(int codePoint) {
        boolean nonCharacter = (codePoint & 0xFFFE) == 0xFFFE || (codePoint >= 0xFDD0 && codePoint <= 0xFDEF);
        if (nonCharacter || codePoint == IDEOGRAPHIC_FULL_STOP) {
            return false;
        }
        return switch ((byte) Character.getType(codePoint)) {
            case Character.FORMAT -> codePoint == ZERO_WIDTH_NON_JOINER || codePoint == ZERO_WIDTH_JOINER;
            case Character.CONTROL,
                    Character.SURROGATE,
                    Character.PRIVATE_USE,
                    Character.SPACE_SEPARATOR,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR -> false;
            default -> true;
        };
    }

    /**
     * The suffix of names that some text stands for, as {@link #parse} reads names, but of one label too.
     *
     * @return lower-case A-labels, empty if the text is no suffix of a canonical name
     */
    static Optional<String> suffix(String text) {
        if (text.length() > MAX_LENGTH) {
            return Optional.empty();
        }
        String ascii = isAscii(text) ? text.toLowerCase(Locale.ROOT) : encoded(text);
        return isCanonical("a." + ascii) ? Optional.of(ascii) : Optional.empty();
    }

    private static String encoded(String text) {
        String[] labels = text.split("\\.", -1);
        for (int i = 0; i < labels.length; i++) {
            if (isAscii(labels[i])) {
                labels[i] = labels[i].toLowerCase(Locale.ROOT);
                continue;
            }
            String label = mapped(labels[i]);
            int[] codePoints = label.codePoints().toArray();
            if (label.indexOf('.') >= 0 || codePoints.length > Punycode.MAX_CODE_POINTS) {
                return "";
            }
            labels[i] = isAscii(label) ? label : ACE_PREFIX + Punycode.encode(codePoints);
        }
        return String.join(".", labels);
    }

    // Each code point by itself: as a word, a final sigma would become another letter than it is in the DNS.
    private static String mapped(String label) {
        var lowerCase = new StringBuilder(label.length());
        Normalizer.normalize(label, Normalizer.Form.NFKC)
                .codePoints()
                .forEach(c -> lowerCase.append(Character.toString(c).toLowerCase(Locale.ROOT)));
        return Normalizer.normalize(lowerCase, Normalizer.Form.NFKC);
    }

    private static boolean isAscii(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) >= 0x80) {
                return false;
            }
        }
        return true;
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }
}
