package org.ondemandtls.config;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.util.regex.Pattern;
import org.ondemandtls.name.CdnRanges;
import org.ondemandtls.name.PublicSuffixes;

/** The files that are named as values, or hold values. It reads them and never writes. */
final class ValueFiles {

    /** Longest file a value is read from, in bytes. */
    static final int MAX_VALUE_FILE = 64 * 1024;

    /** Longest file of trusted roots, in bytes; the roots of a whole browser fill a quarter of it. */
    static final int MAX_ROOTS_FILE = 1024 * 1024;

    /** Longest public suffix list, in bytes; the official one fills a twelfth of it. */
    private static final int MAX_SUFFIXES_FILE = 4 * 1024 * 1024;

    private static final Pattern PEM_BEGIN = Pattern.compile("-----BEGIN CERTIFICATE-----");

    private final Path base;

    /**
     * Files below a directory.
     *
     * @param base the directory relative paths are taken from
     */
    ValueFiles(Path base) {
        this.base = base.toAbsolutePath().normalize();
    }

    /** Makes a path absolute. */
    Path path(String text) throws Mistake {
        try {
            return base.resolve(text).normalize();
        } catch (InvalidPathException malformed) {
            throw new Mistake(text, "is no path (" + malformed.getReason() + "); correct it");
        }
    }

    /** The text of a file that holds a value, trimmed. */
    String text(Path file) throws Mistake {
        return utf8(file, bytes(file, MAX_VALUE_FILE)).trim();
    }

    /** A file this process may read; it is not read here. */
    Path readableFile(String text) throws Mistake {
        Path file = path(text);
        if (!Files.exists(file)) {
            throw new Mistake(file.toString(), "does not exist; create it or correct the path");
        }
        if (Files.isDirectory(file) || !Files.isReadable(file)) {
            throw new Mistake(file.toString(), "is no file this process may read; correct the path or its permissions");
        }
        return file;
    }

    /** The file of CDNs' addresses, after it was read. */
    Path cdnRanges(String text) throws Mistake {
        Path file = path(text);
        byte[] list = bytes(file, MAX_SUFFIXES_FILE);
        try {
            CdnRanges.read(new ByteArrayInputStream(list));
        } catch (IllegalArgumentException | IOException malformed) {
            throw new Mistake(
                    file.toString(),
                    "is no list of CDN addresses (" + malformed.getMessage()
                            + "); write a name and a block on each line");
        }
        return file;
    }

    /** The file of roots, after all of its certificates were read. */
    Path trustedRoots(String text) throws Mistake {
        Path file = path(text);
        byte[] pem = bytes(file, MAX_ROOTS_FILE);
        long begun = PEM_BEGIN
                .matcher(new String(pem, StandardCharsets.ISO_8859_1))
                .results()
                .count();
        if (begun == 0) {
            throw new Mistake(
                    file.toString(), "holds no certificate in PEM; write the roots of the CA's HTTPS into it");
        }
        // Newer JDKs pass over a block that was cut off at the end, so what was read is counted.
        if (begun != certificates(pem)) {
            throw new Mistake(
                    file.toString(),
                    "holds a certificate that cannot be read; write each from -----BEGIN CERTIFICATE----- to"
                            + " -----END CERTIFICATE-----");
        }
        return file;
    }

    private static long certificates(byte[] pem) {
        try {
            return CertificateFactory.getInstance("X.509")
                    .generateCertificates(new ByteArrayInputStream(pem))
                    .size();
        } catch (CertificateException malformed) {
            return 0;
        }
    }

    /** The file of a public suffix list, after it was read. */
    Path publicSuffixes(String text) throws Mistake {
        Path file = path(text);
        byte[] list = bytes(file, MAX_SUFFIXES_FILE);
        try {
            PublicSuffixes.read(new ByteArrayInputStream(list));
        } catch (IllegalArgumentException | IOException malformed) {
            throw new Mistake(
                    file.toString(),
                    "is no public suffix list (" + malformed.getMessage() + "); take it from publicsuffix.org");
        }
        return file;
    }

    private static byte[] bytes(Path file, int most) throws Mistake {
        if (Files.isDirectory(file)) {
            throw new Mistake(file.toString(), "is a directory; name a file");
        }
        byte[] bytes;
        try (InputStream in = Files.newInputStream(file)) {
            bytes = in.readNBytes(most + 1);
        } catch (NoSuchFileException missing) {
            throw new Mistake(file.toString(), "does not exist; create it or correct the path");
        } catch (AccessDeniedException denied) {
            throw new Mistake(file.toString(), "may not be read by this process; correct its permissions");
        } catch (IOException unreadable) {
            throw new Mistake(file.toString(), "cannot be read; correct the path");
        }
        if (bytes.length > most) {
            throw new Mistake(file.toString(), "is longer than " + most / 1024 + "KiB; correct the path");
        }
        return bytes;
    }

    private static String utf8(Path file, byte[] bytes) throws Mistake {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException malformed) {
            throw new Mistake(file.toString(), "is not text in UTF-8; save it as such");
        }
    }
}
