package org.ondemandtls.command;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.ondemandtls.certificate.CertificateVerifier;
import org.ondemandtls.certificate.ChainOrder;
import org.ondemandtls.certificate.InvalidCertificateException;
import org.ondemandtls.certificate.InvalidPemException;
import org.ondemandtls.certificate.KeyPairs;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.certificate.Pem;
import org.ondemandtls.name.ServerName;

/** Where another program keeps its certificates as files. Nothing is written there. */
abstract sealed class ForeignStorage permits CaddyStorage, CertbotStorage {

    private static final int LARGEST = 1 << 20;

    /** Told of each certificate in turn. */
    interface Visitor {

        /**
         * One that can be served.
         *
         * @param found the certificate
         * @param where the files it is in
         */
        void found(FoundCertificate found, Path where) throws IOException;

        /**
         * One that cannot.
         *
         * @param where the files it is in
         * @param why in words for the operator
         */
        void passedOver(Path where, String why);
    }

    private final Path root;

    ForeignStorage(Path root) {
        this.root = root;
    }

    /**
     * What lies in a directory.
     *
     * @param root the directory
     * @return how to read it, empty if it is none that is known
     */
    static Optional<ForeignStorage> in(Path root) {
        if (CertbotStorage.isThere(root)) {
            return Optional.of(new CertbotStorage(root));
        }
        return CaddyStorage.isThere(root) ? Optional.of(new CaddyStorage(root)) : Optional.empty();
    }

    /** Whose it is. */
    abstract String owner();

    /** Goes through all of it, in the order of the names. */
    abstract void visit(Instant now, Visitor visitor) throws IOException;

    Path root() {
        return root;
    }

    /** Reads one, and makes sure that it could be served. */
    static FoundCertificate read(Path chainFile, Path keyFile, String issuer, Instant now)
            throws IOException, UnusableException {
        try {
            PrivateKey key = Pem.readAnyPrivateKey(text(keyFile));
            ChainOrder order = ChainOrder.of(
                    Pem.readCertificates(text(chainFile)), KeyPairs.pair(key).getPublic(), now);
            List<X509Certificate> chain = order.chain();
            KeyedCertificate certificate = new KeyedCertificate(key, chain);
            if (certificate.names().isEmpty()) {
                throw new UnusableException("it has no DNS name");
            }
            for (String name : certificate.names()) {
                CertificateVerifier.verify(chain, KeyPairs.pair(key).getPublic(), nameIn(name), now);
            }
            return new FoundCertificate(certificate, issuer, order.remark());
        } catch (InvalidPemException | InvalidCertificateException | IllegalArgumentException e) {
            throw new UnusableException(String.valueOf(e.getMessage()));
        } catch (GeneralSecurityException e) {
            throw new UnusableException("its key cannot be used: " + e.getMessage());
        }
    }

    private static ServerName nameIn(String name) throws UnusableException {
        try {
            return ServerName.parse(name.startsWith("*.") ? "any" + name.substring(1) : name);
        } catch (IllegalArgumentException e) {
            throw new UnusableException("it has a name that cannot be served: " + e.getMessage());
        }
    }

    /** The directories in a directory, by name. */
    static List<Path> directories(Path parent) throws IOException {
        try (Stream<Path> entries = Files.list(parent)) {
            return entries.filter(Files::isDirectory).sorted().toList();
        }
    }

    static String text(Path file) throws IOException {
        if (Files.size(file) > LARGEST) {
            throw new IOException(file + " is larger than " + LARGEST + " bytes");
        }
        return Files.readString(file, StandardCharsets.ISO_8859_1);
    }

    /** Why a certificate cannot be taken over. */
    static final class UnusableException extends Exception {
        UnusableException(String why) {
            super(why, null, false, false);
        }
    }
}
