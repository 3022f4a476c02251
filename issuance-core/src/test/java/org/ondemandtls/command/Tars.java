package org.ondemandtls.command;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Tar archives as other programs write them. */
final class Tars {

    private static final int BLOCK = 512;

    private Tars() {}

    /** A regular file with a ustar header. */
    static byte[] file(String name, byte[] content) {
        return entry(name, '0', content);
    }

    /** Any entry. */
    static byte[] entry(String name, char type, byte[] content) {
        byte[] header = new byte[BLOCK];
        String shortName = name.length() > 100 ? name.substring(0, 100) : name;
        put(header, 0, shortName);
        put(header, 100, "0000600\0");
        put(header, 124, String.format("%011o\0", content.length));
        put(header, 148, "        ");
        header[156] = (byte) type;
        put(header, 257, "ustar\0" + "00");
        int sum = 0;
        for (byte one : header) {
            sum += one & 0xff;
        }
        put(header, 148, String.format("%06o\0 ", sum));
        ByteArrayOutputStream entry = new ByteArrayOutputStream();
        entry.writeBytes(header);
        entry.writeBytes(content);
        entry.writeBytes(new byte[(BLOCK - content.length % BLOCK) % BLOCK]);
        return entry.toByteArray();
    }

    /** A file whose name is in a pax record before it. */
    static byte[] longFile(String name, byte[] content) {
        String rest = " path=" + name + "\n";
        int length = rest.length() + 3;
        ByteArrayOutputStream both = new ByteArrayOutputStream();
        both.writeBytes(entry("PaxHeaders.0/x", 'x', (length + rest).getBytes(StandardCharsets.UTF_8)));
        both.writeBytes(entry(name, '0', content));
        return both.toByteArray();
    }

    /** What an archive ends with. */
    static byte[] end() {
        return new byte[2 * BLOCK];
    }

    private static void put(byte[] header, int at, String text) {
        byte[] octets = text.getBytes(StandardCharsets.UTF_8);
        System.arraycopy(octets, 0, header, at, octets.length);
    }
}
