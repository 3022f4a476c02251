package org.ondemandtls.authority;

import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.InvalidPemException;
import org.ondemandtls.certificate.KeyPairs;
import org.ondemandtls.certificate.Pem;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.config.OnDemandTlsConfig.KeyType;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.shredzone.acme4j.Account;
import org.shredzone.acme4j.AccountBuilder;
import org.shredzone.acme4j.Login;
import org.shredzone.acme4j.exception.AcmeException;
import org.shredzone.acme4j.exception.AcmeNetworkException;
import org.shredzone.acme4j.exception.AcmeRateLimitedException;
import org.shredzone.acme4j.exception.AcmeServerException;

/**
 * The one account with a CA: its key and its URL, kept for good.
 *
 * <p>The key is on disk before the CA hears of it, so that a crash leaves no account behind that nobody has the key of:
 * asking for an account with a key the CA knows returns the same account (RFC 8555 section 7.3.1).
 */
final class CaAccount {

    /** How long a failed registration holds for whoever comes after it. */
    private static final Duration SHARED = Duration.ofSeconds(1);

    private record Known(KeyPair key, URL url) {}

    private final OnDemandTlsConfig.Directory directory;
    private final Optional<String> email;
    private final SecretFiles files;
    private final Events events;
    private final LongSupplier nanoTime;
    private final String keyFile;
    private final String urlFile;
    private final String contactFile;
    private final String termsFile;
    private final AtomicReference<@Nullable Known> known = new AtomicReference<>();

    // Held across requests on purpose: everybody else needs what the one who holds it is fetching. Waits are bounded.
    private final ReentrantLock making = new ReentrantLock();

    // What the last attempt failed with, and until when that holds; guarded by the lock.
    private @Nullable AcmeException lastFailure;
    private Deadline failedUntil;

    /**
     * The account that {@code files} hold, read when first needed.
     *
     * @param directory the CA and the external binding
     * @param email the contact
     * @param files where key and URL are kept
     * @param events told when the account is found or made
     * @param nanoTime monotonic time
     */
    CaAccount(
            OnDemandTlsConfig.Directory directory,
            Optional<String> email,
            SecretFiles files,
            Events events,
            LongSupplier nanoTime) {
        this.directory = directory;
        this.email = email;
        this.files = files;
        this.events = events;
        this.nanoTime = nanoTime;
        this.failedUntil = Deadline.in(Duration.ZERO, nanoTime);
        String stem = "accounts/" + digest(directory.url().toString());
        this.keyFile = stem + ".pem";
        this.urlFile = stem + ".url";
        this.contactFile = stem + ".contact";
        this.termsFile = stem + ".terms";
    }

    /** The account's URL; empty until it has been found or made. */
    Optional<String> url() {
        Known account = known.get();
        return account == null ? Optional.empty() : Optional.of(account.url().toString());
    }

    /**
     * Logs in; makes the account where there is none, one thread for all.
     *
     * @param session the line to log in over
     * @throws AcmeException if the CA gives no account
     * @throws IOException if the account cannot be kept or what was kept cannot be used
     * @throws InterruptedException if the thread was interrupted
     */
    Login login(CaSession session) throws AcmeException, IOException, InterruptedException {
        Known account = known.get();
        if (account == null) {
            if (!making.tryLock(session.deadline().left().toNanos(), TimeUnit.NANOSECONDS)) {
                throw new AcmeNetworkException(new IOException("no account within the time for an order"));
            }
            try {
                account = known.get();
                if (account == null) {
                    // Whoever waited for an attempt that failed does not make one more: what the CA said holds for all.
                    AcmeException failed = lastFailure;
                    if (failed != null && !failedUntil.isOver()) {
                        throw failed;
                    }
                    account = found(session);
                    known.set(account);
                }
            } finally {
                making.unlock();
            }
        }
        return session.session().login(account.url(), account.key());
    }

    /**
     * Forgets an account the CA does not know any more; its key stays.
     *
     * @param login what was logged in with; a newer account is left alone
     * @throws IOException if that cannot be kept
     */
    void forget(Login login) throws IOException {
        Known account = known.get();
        if (account != null
                && account.url().toString().equals(login.getAccountLocation().toString())
                && known.compareAndSet(account, null)) {
            files.write(urlFile, new byte[0], false);
            events.publish(EventKind.ACCOUNT, "the CA does not know the account any more: making another");
        }
    }

    /**
     * Tells the CA a contact that has changed in the configuration, and the log terms of service that have changed at the CA.
     *
     * @param login the account
     * @param session the line to speak over
     * @throws AcmeException if the CA does not take the contact; it is told again at the next start
     * @throws IOException if that cannot be kept
     */
    void update(Login login, CaSession session) throws AcmeException, IOException {
        Optional<String> told = files.read(contactFile).map(CaAccount::text);
        if (email.isPresent() && !email.equals(told)) {
            Account.EditableAccount changed = login.getAccount().modify();
            changed.getContacts().clear();
            changed.addEmail(email.get());
            changed.commit();
            keep(contactFile, email.get());
            events.publish(EventKind.ACCOUNT, "told " + directory.url() + " that the contact is " + email.get());
        }
        String terms = terms(session);
        Optional<String> accepted = files.read(termsFile).map(CaAccount::text);
        if (!terms.equals(accepted.orElse(""))) {
            keep(termsFile, terms);
            if (accepted.isPresent() && !terms.isEmpty()) {
                events.publish(
                        EventKind.ACCOUNT,
                        "the terms of service of " + directory.url() + " are new: " + terms
                                + "; using the CA accepts them");
            }
        }
    }

    private static String terms(CaSession session) throws AcmeException {
        return session.session()
                .getMetadata()
                .getTermsOfService()
                .map(uri -> CaProblem.oneLine(uri.toString()))
                .orElse("");
    }

    private void keep(String file, String text) throws IOException {
        files.write(file, text.getBytes(StandardCharsets.UTF_8), false);
    }

    private static String text(byte[] content) {
        return new String(content, StandardCharsets.UTF_8);
    }

    private Known found(CaSession session) throws AcmeException, IOException {
        try {
            return findOrMake(session);
        } catch (AcmeException e) {
            lastFailure = e;
            failedUntil = Deadline.in(SHARED, nanoTime);
            throw e;
        }
    }

    private Known findOrMake(CaSession session) throws AcmeException, IOException {
        boolean keyIsNew = files.read(keyFile).isEmpty();
        KeyPair key = key();
        Optional<URL> url = storedUrl();
        if (url.isPresent()) {
            events.publish(
                    EventKind.ACCOUNT,
                    "uses the account " + CaProblem.oneLine(url.get().toString()));
            return new Known(key, url.get());
        }
        // An external binding can be used once: an account that is there already needs none.
        Optional<URL> there = keyIsNew || directory.eab().isEmpty() ? Optional.empty() : existing(session, key);
        if (there.isPresent()) {
            keep(urlFile, there.get().toString());
            events.publish(
                    EventKind.ACCOUNT,
                    "found the account " + CaProblem.oneLine(there.get().toString()) + " by its key");
            return new Known(key, there.get());
        }
        String terms = terms(session);
        AccountBuilder builder = new AccountBuilder().useKeyPair(key).agreeToTermsOfService();
        email.ifPresent(builder::addEmail);
        directory.eab().ifPresent(eab -> builder.withKeyIdentifier(eab.keyId(), eab.hmac()));
        URL made = builder.createLogin(session.session()).getAccountLocation();
        keep(urlFile, made.toString());
        keep(contactFile, email.orElse(""));
        keep(termsFile, terms);
        events.publish(
                EventKind.ACCOUNT,
                "made the account " + CaProblem.oneLine(made.toString()) + " at " + directory.url()
                        + (terms.isEmpty() ? "" : ", accepting the terms of service " + terms));
        return new Known(key, made);
    }

    private static Optional<URL> existing(CaSession session, KeyPair key) throws AcmeException {
        try {
            return Optional.of(new AccountBuilder()
                    .useKeyPair(key)
                    .onlyExisting()
                    .createLogin(session.session())
                    .getAccountLocation());
        } catch (AcmeRateLimitedException e) {
            throw e;
        } catch (AcmeServerException e) {
            return Optional.empty();
        }
    }

    private KeyPair key() throws IOException {
        Optional<byte[]> stored = files.read(keyFile);
        if (stored.isPresent()) {
            return key(stored.get());
        }
        KeyPair key = KeyPairs.generate(KeyType.P_256);
        byte[] ours = Pem.privateKey(key.getPrivate()).getBytes(StandardCharsets.US_ASCII);
        byte[] first = files.writeFirst(keyFile, ours, true);
        if (!Arrays.equals(first, ours)) {
            // Another server's: the CA has one account for all who ask with its key.
            return key(first);
        }
        // A URL without its key is of an account that is lost.
        files.write(urlFile, new byte[0], false);
        return key;
    }

    private KeyPair key(byte[] stored) throws IOException {
        try {
            return KeyPairs.pair(Pem.readPrivateKey(new String(stored, StandardCharsets.US_ASCII)));
        } catch (InvalidPemException | GeneralSecurityException e) {
            throw new IOException(
                    "the account key " + keyFile + " cannot be used (" + e.getMessage()
                            + "): restore it, or remove it to make another account",
                    e);
        }
    }

    // What cannot be read is asked for again, by the key.
    private Optional<URL> storedUrl() throws IOException {
        Optional<byte[]> stored = files.read(urlFile);
        if (stored.isEmpty()) {
            return Optional.empty();
        }
        try {
            URI uri = new URI(new String(stored.get(), StandardCharsets.UTF_8).strip());
            return "https".equals(uri.getScheme()) ? Optional.of(uri.toURL()) : Optional.empty();
        } catch (URISyntaxException | MalformedURLException | IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private static String digest(String text) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest, 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("this JDK has no SHA-256", e);
        }
    }
}
