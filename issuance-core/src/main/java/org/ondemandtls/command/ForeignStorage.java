package org.ondemandtls.command;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
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

    private static final Pattern UNPRINTABLE = Pattern.compile("[^\\x20-\\x7e]");

    /** Told of each certificate in turn. */
    interface Visitor {

        /**
         * One that can be served.
         *
         * @param found the certificate
         * @param where the files it is in
         */
        void found(FoundCertificate found, String where) throws IOException;

        /**
         * One that cannot.
         *
         * @param where the files it is in
         * @param why in words for the operator
         */
        void passedOver(String where, String why);

        /**
         * An account with a CA.
         *
         * @param account the account
         * @param where the files it is in
         */
        void account(FoundAccount account, String where) throws IOException;
    }

    private final KeptFiles files;

    ForeignStorage(KeptFiles files) {
        this.files = files;
    }

    /**
     * What lies in a directory, or in an archive.
     *
     * @param root the directory, or the file
     * @return how to read it, empty if it is none that is known
     * @throws IOException if an archive cannot be read
     */
    static Optional<ForeignStorage> in(Path root) throws IOException {
        if (Files.isRegularFile(root)) {
            KeptFiles archive = KeptFiles.inArchive(root);
            return CaddyStorage.isThere(archive) ? Optional.of(new CaddyStorage(archive)) : Optional.empty();
        }
        KeptFiles files = KeptFiles.in(root);
        if (CertbotStorage.isThere(files)) {
            return Optional.of(new CertbotStorage(files));
        }
        if (CaddyStorage.isThere(files)) {
            return Optional.of(new CaddyStorage(files));
        }
        // The volume of Caddy's image, and what XDG_DATA_HOME names.
        Path below = root.resolve("caddy");
        return Files.isDirectory(below) ? in(below) : Optional.empty();
    }

    /** Whose it is. */
    abstract String owner();

    /** Goes through all of it. */
    abstract void visit(Instant now, Visitor visitor) throws IOException;

    /** Goes through the accounts with CAs. */
    abstract void visitAccounts(Visitor visitor) throws IOException;

    KeptFiles files() {
        return files;
    }

    /**
     * Reads one, and makes sure that it could be served under each of its names but those that no server can serve.
     *
     * @throws UnusableException if it cannot be served at all
     */
    FoundCertificate read(String chainFile, String keyFile, String issuer, Instant now) throws UnusableException {
        try {
            PrivateKey key = Pem.readAnyPrivateKey(files.text(keyFile));
            ChainOrder order = ChainOrder.of(
                    Pem.readSent(files.text(chainFile)), KeyPairs.pair(key).getPublic(), now);
            List<X509Certificate> chain = order.chain();
            KeyedCertificate certificate = new KeyedCertificate(key, chain);
            List<String> unservable = new ArrayList<>(KeyedCertificate.allNamesOf(certificate.leaf()));
            unservable.removeAll(certificate.names());
            if (certificate.names().isEmpty()) {
                throw new UnusableException(
                        unservable.isEmpty()
                                ? "it has no DNS name"
                                : "none of its names can be served: " + printable(String.join(" ", unservable)));
            }
            for (String name : certificate.names()) {
                CertificateVerifier.verify(chain, KeyPairs.pair(key).getPublic(), ServerName.answeredBy(name), now);
            }
            return new FoundCertificate(
                    certificate,
                    issuer,
                    order.remark(),
                    unservable.stream().map(ForeignStorage::printable).toList());
        } catch (InvalidPemException | InvalidCertificateException | IllegalArgumentException e) {
            throw new UnusableException(String.valueOf(e.getMessage()));
        } catch (GeneralSecurityException e) {
            throw new UnusableException("its key cannot be used: " + e.getMessage());
        } catch (IOException e) {
            throw new UnusableException(FileTrouble.inWords(e));
        }
    }

    private static String printable(String name) {
        return UNPRINTABLE.matcher(name).replaceAll("?");
    }

    /** Why a certificate cannot be taken over. */
    static final class UnusableException extends Exception {
        UnusableException(String why) {
            super(why, null, false, false);
        }
    }
}
