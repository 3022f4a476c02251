package org.ondemandtls.name;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The encoding of Unicode labels in ASCII, with the parameters of internationalised host names.
 *
 * <p>The JDK's own {@code java.net.IDN} is not used: it follows IDNA 2003 over Unicode 3.2, which turns {@code ß}
 * into {@code ss}, takes other characters for dots, and lets A-labels pass that decode to nothing.
 *
 * <p><b>Cost.</b> Both directions are quadratic in the length of the label, which callers keep at 63 or less for
 * decoding and at {@link #MAX_CODE_POINTS} for encoding.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc3492">RFC 3492</a>
 */
final class Punycode {

    /** The most code points a label of 63 octets can stand for; longer labels are not encoded. */
    static final int MAX_CODE_POINTS = 63;

    private static final int BASE = 36;
    private static final int T_MIN = 1;
    private static final int T_MAX = 26;
    private static final int SKEW = 38;
    private static final int DAMP = 700;
    private static final int INITIAL_BIAS = 72;
    private static final int INITIAL_N = 128;
    private static final char DELIMITER = '-';

    private Punycode() {}

    /**
     * Decodes what follows {@code xn--} in an A-label.
     *
     * @param encoded lower-case letters, digits and hyphens
     * @return the code points, at least one of them not ASCII; null if {@code encoded} is no encoding
     */
    static int @Nullable [] decode(String encoded) {
        // A delimiter in first place delimits nothing and is then met as a digit, which it is not.
        int basic = Math.max(0, encoded.lastIndexOf(DELIMITER));
        int[] output = new int[encoded.length()];
        for (int i = 0; i < basic; i++) {
            output[i] = encoded.charAt(i);
        }
        int length = basic;
        int in = basic > 0 ? basic + 1 : 0;
        if (in == encoded.length()) {
            return null;
        }
        int n = INITIAL_N;
        int bias = INITIAL_BIAS;
        long i = 0;
        while (in < encoded.length()) {
            long before = i;
            long weight = 1;
            for (int k = BASE; ; k += BASE) {
                int digit = in < encoded.length() ? digit(encoded.charAt(in++)) : -1;
                if (digit < 0) {
                    return null;
                }
                i += digit * weight;
                int t = threshold(k, bias);
                if (i > Integer.MAX_VALUE) {
                    return null;
                }
                if (digit < t) {
                    break;
                }
                weight *= BASE - t;
                if (weight > Integer.MAX_VALUE) {
                    return null;
                }
            }
            length++;
            bias = adapt(i - before, length, before == 0);
            long codePoint = n + i / length;
            if (codePoint > Character.MAX_CODE_POINT) {
                return null;
            }
            n = (int) codePoint;
            i %= length;
            System.arraycopy(output, (int) i, output, (int) i + 1, length - 1 - (int) i);
            output[(int) i] = n;
            i++;
        }
        return Arrays.copyOf(output, length);
    }

    /**
     * Encodes a label that is not all ASCII.
     *
     * @param codePoints at most {@link #MAX_CODE_POINTS}
     * @return what stands after {@code xn--} in its A-label
     */
    static String encode(int[] codePoints) {
        if (codePoints.length > MAX_CODE_POINTS) {
            throw new IllegalArgumentException("a label of " + codePoints.length + " code points");
        }
        var output = new StringBuilder();
        for (int codePoint : codePoints) {
            if (codePoint < INITIAL_N) {
                output.append((char) codePoint);
            }
        }
        int basic = output.length();
        if (basic > 0) {
            output.append(DELIMITER);
        }
        int n = INITIAL_N;
        int bias = INITIAL_BIAS;
        long delta = 0;
        int handled = basic;
        while (handled < codePoints.length) {
            int next = Integer.MAX_VALUE;
            for (int codePoint : codePoints) {
                if (codePoint >= n) {
                    next = Math.min(next, codePoint);
                }
            }
            delta += (long) (next - n) * (handled + 1);
            n = next;
            for (int codePoint : codePoints) {
                if (codePoint < n) {
                    delta++;
                } else if (codePoint == n) {
                    appendVariableLength(output, delta, bias);
                    bias = adapt(delta, handled + 1, handled == basic);
                    delta = 0;
                    handled++;
                }
            }
            delta++;
            n++;
        }
        return output.toString();
    }

    private static void appendVariableLength(StringBuilder output, long delta, int bias) {
        long q = delta;
        for (int k = BASE; ; k += BASE) {
            int t = threshold(k, bias);
            if (q < t) {
                output.append(character((int) q));
                return;
            }
            output.append(character((int) (t + (q - t) % (BASE - t))));
            q = (q - t) / (BASE - t);
        }
    }

    private static int threshold(int k, int bias) {
        return Math.max(T_MIN, Math.min(T_MAX, k - bias));
    }

    private static int adapt(long delta, int length, boolean first) {
        long d = first ? delta / DAMP : delta / 2;
        d += d / length;
        int k = 0;
        while (d > (BASE - T_MIN) * T_MAX / 2) {
            d /= BASE - T_MIN;
            k += BASE;
        }
        return k + (int) ((BASE - T_MIN + 1) * d / (d + SKEW));
    }

    private static int digit(char c) {
        if (c >= 'a' && c <= 'z') {
            return c - 'a';
        }
        return c >= '0' && c <= '9' ? c - '0' + 26 : -1;
    }

    private static char character(int digit) {
        return (char) (digit < 26 ? 'a' + digit : '0' + digit - 26);
    }
}
