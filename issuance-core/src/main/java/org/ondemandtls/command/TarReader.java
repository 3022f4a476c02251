package org.ondemandtls.command;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads the regular files of a tar archive, as far as other programs write it: ustar headers (POSIX.1-1988), with long names in
 * pax records (POSIX.1-2001) or in those of GNU.
 */
final class TarReader {

    private static final int BLOCK = 512;
    private static final int NAME_LENGTH = 100;
    private static final int SIZE_AT = 124;
    private static final int SIZE_LENGTH = 12;
    private static final int CHECKSUM_AT = 148;
    private static final int CHECKSUM_LENGTH = 8;
    private static final int TYPE_AT = 156;
    private static final int MAGIC_AT = 257;
    private static final int PREFIX_AT = 345;
    private static final int PREFIX_LENGTH = 155;
    private static final int OCTAL = 8;
    private static final Pattern PAX_PATH = Pattern.compile("(?m)^\\d+ path=(.*)$");

    private TarReader() {}

    /**
     * Reads an archive to its end.
     *
     * @param in the archive; left open
     * @param largest the most octets of a file that is wanted
     * @param wanted which names are wanted; the others are skipped
     * @param files takes each file
     * @throws IOException if it cannot be read, is no such archive, or a wanted file is larger
     */
    static void read(InputStream in, int largest, Predicate<String> wanted, BiConsumer<String, byte[]> files)
            throws IOException {
        String longName = "";
        byte[] header = in.readNBytes(BLOCK);
        while (header.length == BLOCK && !isEnd(header)) {
            requireChecksum(header);
            long size = octal(header, SIZE_AT, SIZE_LENGTH);
            String name = longName.isEmpty() ? name(header) : longName;
            longName = "";
            char type = (char) header[TYPE_AT];
            if (type == 'x' || type == 'L') {
                String record = new String(content(in, size, largest, name), StandardCharsets.UTF_8);
                longName = type == 'L' ? record.replace("\0", "") : path(record);
            } else if ((type == '0' || type == '\0') && wanted.test(bare(name))) {
                files.accept(bare(name), content(in, size, largest, name));
            } else {
                in.skipNBytes(padded(size));
            }
            header = in.readNBytes(BLOCK);
        }
    }

    private static byte[] content(InputStream in, long size, int largest, String name) throws IOException {
        if (size > largest) {
            throw new IOException(name + " in the archive is larger than " + largest + " bytes");
        }
        byte[] content = in.readNBytes((int) size);
        if (content.length < size) {
            throw new EOFException("the archive ends within " + name);
        }
        in.skipNBytes(padded(size) - size);
        return content;
    }

    private static long padded(long size) {
        return (size + BLOCK - 1) / BLOCK * BLOCK;
    }

    private static String path(String pax) {
        Matcher path = PAX_PATH.matcher(pax);
        return path.find() ? path.group(1) : "";
    }

    private static String bare(String name) {
        return name.startsWith("./") ? name.substring(2) : name;
    }

    private static String name(byte[] header) {
        String name = text(header, 0, NAME_LENGTH);
        boolean ustar = text(header, MAGIC_AT, "ustar".length()).equals("ustar");
        String prefix = ustar ? text(header, PREFIX_AT, PREFIX_LENGTH) : "";
        return prefix.isEmpty() ? name : prefix + '/' + name;
    }

    private static String text(byte[] header, int at, int length) {
        String text = new String(header, at, length, StandardCharsets.UTF_8);
        int end = text.indexOf('\0');
        return end < 0 ? text : text.substring(0, end);
    }

    private static long octal(byte[] header, int at, int length) throws IOException {
        try {
            String digits = text(header, at, length).strip();
            return digits.isEmpty() ? 0 : Long.parseLong(digits, OCTAL);
        } catch (NumberFormatException e) {
            throw new IOException("it is no tar archive", e);
        }
    }

    private static void requireChecksum(byte[] header) throws IOException {
        long sum = 0;
        for (int i = 0; i < BLOCK; i++) {
            boolean own = i >= CHECKSUM_AT && i < CHECKSUM_AT + CHECKSUM_LENGTH;
            sum += own ? ' ' : header[i] & 0xff;
        }
        if (sum != octal(header, CHECKSUM_AT, CHECKSUM_LENGTH)) {
            throw new IOException("it is no tar archive");
        }
    }

    private static boolean isEnd(byte[] header) {
        for (byte one : header) {
            if (one != 0) {
                return false;
            }
        }
        return true;
    }
}
