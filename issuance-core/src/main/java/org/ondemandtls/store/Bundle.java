package org.ondemandtls.store;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The text form of what the store keeps: a kind and version, named fields, PEM blocks (RFC 7468), a checksum.
 *
 * @param kind what it is, for example {@code certificate}
 * @param fields the named fields in their order
 * @param blocks the PEM blocks in their order
 */
record Bundle(String kind, Map<String, String> fields, List<Block> blocks) {

    static final String MAGIC = "ondemand-tls ";
    private static final int VERSION = 1;
    private static final String BEGIN = "-----BEGIN ";
    private static final String CHECKSUM = "sha-256: ";
    private static final int ESCAPE = "\\u0000".length();
    private static final Base64.Encoder MIME = Base64.getMimeEncoder(64, new byte[] {'\n'});

    /**
     * One PEM block.
     *
     * @param label what stands after BEGIN
     * @param der its content; never shown
     */
    record Block(String label, byte[] der) {

        @Override
        public String toString() {
            return "Block[" + label + "]";
        }
    }

    byte[] encode() {
        StringBuilder text = new StringBuilder(2048);
        text.append(MAGIC).append(kind).append(' ').append(VERSION).append('\n');
        fields.forEach((name, value) -> {
            if (value.indexOf('\n') >= 0 || value.indexOf('\r') >= 0) {
                throw new IllegalArgumentException("the field " + name + " has a line break");
            }
            text.append(name).append(": ").append(value).append('\n');
        });
        for (Block block : blocks) {
            text.append(BEGIN).append(block.label()).append("-----\n");
            text.append(MIME.encodeToString(block.der())).append('\n');
            text.append("-----END ").append(block.label()).append("-----\n");
        }
        String checksum = sha256(text.toString());
        text.append(CHECKSUM).append(checksum).append('\n');
        return text.toString().getBytes(StandardCharsets.ISO_8859_1);
    }

    static Bundle decode(String expectedKind, byte[] content) throws UnreadableException {
        String text = new String(content, StandardCharsets.ISO_8859_1);
        int checksumAt = text.lastIndexOf('\n' + CHECKSUM) + 1;
        if (checksumAt == 0 || !text.endsWith("\n")) {
            throw new UnreadableException("it has no checksum: not written to the end, or not ours");
        }
        String checksum = text.substring(checksumAt + CHECKSUM.length(), text.length() - 1);
        String covered = text.substring(0, checksumAt);
        if (!sha256(covered).equals(checksum)) {
            throw new UnreadableException("its checksum does not fit: changed or torn");
        }
        List<String> lines = covered.lines().toList();
        if (!lines.get(0).equals(MAGIC + expectedKind + ' ' + VERSION)) {
            throw new UnreadableException("it is not a version " + VERSION + " " + expectedKind);
        }
        Map<String, String> fields = new LinkedHashMap<>();
        List<Block> blocks = new ArrayList<>();
        int at = 1;
        while (at < lines.size() && !lines.get(at).startsWith(BEGIN)) {
            String line = lines.get(at++);
            int colon = line.indexOf(": ");
            if (colon <= 0 || fields.put(line.substring(0, colon), line.substring(colon + 2)) != null) {
                throw new UnreadableException("a field cannot be read");
            }
        }
        while (at < lines.size()) {
            at = block(lines, at, blocks);
        }
        return new Bundle(expectedKind, fields, blocks);
    }

    String field(String name) throws UnreadableException {
        return optional(name).orElseThrow(() -> new UnreadableException("it has no field " + name));
    }

    Optional<String> optional(String name) {
        return Optional.ofNullable(fields.get(name));
    }

    /** A moment, empty where the field is not there; throws what is thrown where it is none. */
    Optional<Instant> moment(String name) {
        return optional(name).map(Instant::parse);
    }

    /** Any text as a field can hold it. What a CA says may have line breaks, which would make fields, and any script. */
    static String escape(String text) {
        StringBuilder escaped = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < ' ' || c >= 0x7f || c == '\\') {
                escaped.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
            } else {
                escaped.append(c);
            }
        }
        return escaped.toString();
    }

    /** The text that was escaped. */
    static String unescape(String escaped) throws UnreadableException {
        StringBuilder text = new StringBuilder(escaped.length());
        int at = 0;
        while (at < escaped.length()) {
            char c = escaped.charAt(at);
            if (c != '\\') {
                text.append(c);
                at++;
            } else if (at + ESCAPE <= escaped.length()) {
                text.append((char) Integer.parseInt(escaped.substring(at + 2, at + ESCAPE), 16));
                at += ESCAPE;
            } else {
                throw new UnreadableException("a field ends in the middle");
            }
        }
        return text.toString();
    }

    private static int block(List<String> lines, int from, List<Block> blocks) throws UnreadableException {
        String begin = lines.get(from);
        if (!begin.startsWith(BEGIN)) {
            throw new UnreadableException("a line behind its fields is of no PEM block");
        }
        String label = begin.substring(BEGIN.length(), Math.max(BEGIN.length(), begin.length() - "-----".length()));
        String end = "-----END " + label + "-----";
        StringBuilder base64 = new StringBuilder();
        for (int at = from + 1; at < lines.size(); at++) {
            if (lines.get(at).equals(end)) {
                try {
                    blocks.add(new Block(label, Base64.getDecoder().decode(base64.toString())));
                } catch (IllegalArgumentException e) {
                    throw new UnreadableException("a PEM block is no base64", e);
                }
                return at + 1;
            }
            base64.append(lines.get(at));
        }
        throw new UnreadableException("a PEM block has no end");
    }

    private static String sha256(String text) {
        return Sha256.hex(text.getBytes(StandardCharsets.ISO_8859_1));
    }
}
