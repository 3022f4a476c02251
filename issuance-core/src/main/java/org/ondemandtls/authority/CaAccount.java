package org.ondemandtls.authority;

import java.io.IOException;
import java.net.URL;
import java.security.KeyPair;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.config.OnDemandTlsConfig;
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

    /** How CAs refuse what was signed by a key that is not the account's any more. */
    private static final Set<String> OF_ANOTHER_KEY =
            Set.of("malformed", "unauthorized", "accountDoesNotExist", "badPublicKey", "badSignatureAlgorithm");

    /** How long a failed registration holds for whoever comes after it. */
    private static final Duration SHARED = Duration.ofSeconds(1);

    private record Known(KeyPair key, URL url) {}

    private final OnDemandTlsConfig.Directory directory;
    private final Optional<String> email;
    private final AccountFiles files;
    private final Events events;
    private final LongSupplier nanoTime;
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
        this.files = new AccountFiles(files, directory.url());
        this.events = events;
        this.nanoTime = nanoTime;
        this.failedUntil = Deadline.in(Duration.ZERO, nanoTime);
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
            files.forgetUrl();
            events.publish(EventKind.ACCOUNT, "the CA does not know the account any more: making another");
        }
    }

    /**
     * Whether another server, or an operator, has changed the account since it was read; it is read anew at the next login.
     *
     * @param login what was logged in with
     * @param refusal what the CA answered
     * @throws IOException if the store did not say
     */
    boolean hasChanged(Login login, AcmeServerException refusal) throws IOException {
        if (!OF_ANOTHER_KEY.contains(CaProblem.of(refusal.getProblem()).type())) {
            return false;
        }
        Known account = known.get();
        if (account == null || !account.key().equals(login.getKeyPair())) {
            return true;
        }
        Optional<KeyPair> stored = files.key();
        boolean changed = stored.isEmpty()
                || !same(stored.get(), account.key())
                || files.successor(account.key()).isPresent()
                || !files.url()
                        .map(URL::toString)
                        .equals(Optional.of(account.url().toString()));
        return changed && known.compareAndSet(account, null);
    }

    /**
     * Gives the account another key.
     *
     * @param session the line to speak over
     * @return the account's URL
     * @throws AcmeException if the CA did not; where it may have, the next login finds out
     */
    URL rollOver(CaSession session) throws AcmeException, IOException, InterruptedException {
        Login login = login(session);
        KeyPair old = login.getKeyPair();
        KeyPair fresh = files.successorOrNew(old);
        try {
            login.getAccount().changeKey(fresh);
        } catch (AcmeException | RuntimeException e) {
            // Which of the two the CA has now is asked here, or at the next login where it does not say.
            known.set(null);
            if (known(session, fresh).isEmpty()) {
                files.dropSuccessor(old);
                throw e;
            }
        }
        files.adopt(old, fresh);
        known.set(new Known(fresh, login.getAccountLocation()));
        events.publish(EventKind.ACCOUNT, "gave the account " + login.getAccountLocation() + " another key");
        return login.getAccountLocation();
    }

    /** When an operator has deactivated the account, as text. */
    Optional<String> deactivated() throws IOException {
        return files.deactivated();
    }

    /**
     * Closes the account for good. That it is to be closed is kept first: whatever happens then, nothing is obtained with it
     * until an operator says so.
     *
     * @param session the line to speak over
     * @param now when, as text
     * @return the account's URL
     * @throws AcmeException if the CA did not
     */
    URL deactivate(CaSession session, String now) throws AcmeException, IOException, InterruptedException {
        Login login = login(session);
        files.keepDeactivated(now);
        try {
            login.getAccount().deactivate();
        } catch (AcmeException | RuntimeException e) {
            if (e instanceof AcmeServerException) {
                files.keepDeactivated("");
            }
            throw e;
        }
        events.publish(EventKind.ACCOUNT, "an operator has deactivated the account " + login.getAccountLocation());
        return login.getAccountLocation();
    }

    /** Makes another account in place of one that was deactivated; the next login makes it where the CA does not answer. */
    URL register(CaSession session) throws AcmeException, IOException, InterruptedException {
        files.startAnew();
        files.keepDeactivated("");
        known.set(null);
        return login(session).getAccountLocation();
    }

    private static boolean same(KeyPair one, KeyPair other) {
        return Arrays.equals(one.getPublic().getEncoded(), other.getPublic().getEncoded());
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
        Optional<String> told = files.contact();
        if (email.isPresent() && !email.equals(told)) {
            Account.EditableAccount changed = login.getAccount().modify();
            changed.getContacts().clear();
            changed.addEmail(email.get());
            changed.commit();
            files.keepContact(email.get());
            events.publish(EventKind.ACCOUNT, "told " + directory.url() + " that the contact is " + email.get());
        }
        String terms = terms(session);
        Optional<String> accepted = files.terms();
        if (!terms.equals(accepted.orElse(""))) {
            files.keepTerms(terms);
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
        Optional<KeyPair> stored = files.key();
        Optional<KeyPair> successor = stored.isPresent() ? files.successor(stored.get()) : Optional.empty();
        Optional<URL> changed = successor.isPresent() ? known(session, successor.get()) : Optional.empty();
        if (stored.isPresent() && successor.isPresent()) {
            // A change of keys was begun, and how it ended was not seen.
            if (changed.isPresent()) {
                files.adopt(stored.get(), successor.get());
                files.keepUrl(changed.get());
                events.publish(EventKind.ACCOUNT, "found that " + directory.url() + " has the account's new key");
                return new Known(successor.get(), changed.get());
            }
            files.dropSuccessor(stored.get());
        }
        KeyPair key = files.keyOrNew();
        Optional<URL> url = files.url();
        if (url.isPresent()) {
            events.publish(
                    EventKind.ACCOUNT,
                    "uses the account " + CaProblem.oneLine(url.get().toString()));
            return new Known(key, url.get());
        }
        // An external binding can be used once: an account that is there already needs none.
        Optional<URL> there = stored.isEmpty() || directory.eab().isEmpty() ? Optional.empty() : existing(session, key);
        if (there.isPresent()) {
            files.keepUrl(there.get());
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
        files.keepUrl(made);
        files.keepContact(email.orElse(""));
        files.keepTerms(terms);
        events.publish(
                EventKind.ACCOUNT,
                "made the account " + CaProblem.oneLine(made.toString()) + " at " + directory.url()
                        + (terms.isEmpty() ? "" : ", accepting the terms of service " + terms));
        return new Known(key, made);
    }

    private static Optional<URL> existing(CaSession session, KeyPair key) throws AcmeException {
        try {
            return known(session, key);
        } catch (AcmeRateLimitedException e) {
            throw e;
        } catch (AcmeServerException e) {
            return Optional.empty();
        }
    }

    // Only where the CA says so it does not know a key: nothing else may lose one.
    private static Optional<URL> known(CaSession session, KeyPair key) throws AcmeException {
        try {
            return Optional.of(new AccountBuilder()
                    .useKeyPair(key)
                    .onlyExisting()
                    .createLogin(session.session())
                    .getAccountLocation());
        } catch (AcmeServerException e) {
            if (CaProblem.of(e.getProblem()).type().equals("accountDoesNotExist")) {
                return Optional.empty();
            }
            throw e;
        }
    }
}
