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
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.shredzone.acme4j.Account;
import org.shredzone.acme4j.AccountBuilder;
import org.shredzone.acme4j.Login;
import org.shredzone.acme4j.connector.Resource;
import org.shredzone.acme4j.exception.AcmeException;
import org.shredzone.acme4j.exception.AcmeNetworkException;
import org.shredzone.acme4j.exception.AcmeRateLimitedException;
import org.shredzone.acme4j.exception.AcmeServerException;
import org.shredzone.acme4j.toolbox.JSON;

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

    /** How CAs refuse whatever an account asks for that is closed already (RFC 8555 section 7.3.6). */
    private static final Set<String> OF_NO_ACCOUNT = Set.of("unauthorized", "accountDoesNotExist");

    private static final Pattern CLOSED = Pattern.compile(
            "\\b(?:status|is|was|been|already)\\W{1,3}(?:deactivated|revoked)\\b", Pattern.CASE_INSENSITIVE);

    /** What says nothing of an account, whatever its status. */
    private static final Set<String> PASSING = Set.of("badNonce", "rateLimited", "serverInternal");

    private static final int TOO_MANY_REQUESTS = 429;

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

    private volatile boolean updated;

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
        this.files = new AccountFiles(files, directory.url(), words -> events.publish(EventKind.STORE_FAILED, words));
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
        // Whoever looks for an account meanwhile waits: otherwise he would find the old one where it is kept.
        making.lock();
        try {
            Known account = known.get();
            if (account == null
                    || !account.url()
                            .toString()
                            .equals(login.getAccountLocation().toString())) {
                return;
            }
            known.set(null);
            files.forgetUrl();
        } finally {
            making.unlock();
        }
        events.publish(EventKind.ACCOUNT, "the CA does not know the account any more: making another");
    }

    /**
     * Whether another server, or an operator, has changed the account since it was read; it is read anew at the next login.
     * Where a change of keys was begun, the CA is asked, which changes what the session says of its last answer.
     *
     * @param session the line to ask over
     * @param login what was logged in with
     * @param refusal what the CA answered
     * @throws AcmeException if the CA was asked and cannot be reached
     * @throws IOException if the store did not say
     */
    boolean hasChanged(CaSession session, Login login, AcmeServerException refusal) throws AcmeException, IOException {
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
                || !files.url()
                        .map(URL::toString)
                        .equals(Optional.of(account.url().toString()));
        if (!changed) {
            Optional<KeyPair> successor = files.successor(account.key());
            changed =
                    successor.isPresent() && existing(session, successor.get()).isPresent();
        }
        if (changed) {
            known.compareAndSet(account, null);
        }
        return changed;
    }

    /**
     * Gives the account another key. That key is kept until it is the account's own: a CA that seems not to have taken it
     * may take it yet, and another attempt is made with the same.
     *
     * @param session the line to speak over
     * @return the account's URL
     * @throws AcmeException if the CA did not; where it may have, the next login finds out
     */
    URL rollOver(CaSession session) throws AcmeException, IOException, InterruptedException {
        // Read anew, since another server may have changed the key.
        known.set(null);
        Login login = login(session);
        // Fails here where there is none, before anything is begun.
        session.session().resourceUrl(Resource.KEY_CHANGE);
        KeyPair old = login.getKeyPair();
        KeyPair fresh = files.successorOrNew(old);
        try {
            login.getAccount().changeKey(fresh);
        } catch (AcmeException | RuntimeException e) {
            // Which of the two the CA has now is asked here, or at the next login where it does not say.
            known.set(null);
            if (existing(session, fresh).isEmpty()) {
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
     * Closes the account for good, or finishes what was begun before. That it is to be closed is kept first: until the CA has
     * refused it, nothing is obtained with the account, whatever happens then.
     *
     * @param session the line to speak over
     * @param now when, as text
     * @return the account's URL
     * @throws AcmeException if the CA did not, or did not say; {@link #deactivated} tells which
     */
    URL deactivate(CaSession session, String now) throws AcmeException, IOException, InterruptedException {
        // Read anew, since another server may have changed the key.
        known.set(null);
        boolean begun = files.deactivated().isPresent();
        if (!begun) {
            files.keepDeactivated(now);
        }
        try {
            URL url = closed(session, begun);
            events.publish(EventKind.ACCOUNT, "an operator has deactivated the account " + url);
            return url;
        } catch (AcmeServerException e) {
            if (isAnswer(session, e)) {
                files.keepDeactivated("");
            }
            throw e;
        }
    }

    private URL closed(CaSession session, boolean begun) throws AcmeException, IOException, InterruptedException {
        for (boolean again = false; ; again = true) {
            Login login = login(session);
            int unclear = session.endurance().unclear();
            try {
                login.getAccount().deactivate();
                return login.getAccountLocation();
            } catch (AcmeServerException e) {
                boolean closed = isClosed(e, begun || session.endurance().unclear() > unclear);
                if (!again && hasChanged(session, login, e)) {
                    continue;
                }
                if (!closed) {
                    throw e;
                }
                return login.getAccountLocation();
            }
        }
    }

    // Whoever asks a second time is told that there is no such account: the first time was heard.
    private static boolean isClosed(AcmeServerException refusal, boolean askedBefore) {
        CaProblem problem = CaProblem.of(refusal.getProblem());
        return OF_NO_ACCOUNT.contains(problem.type())
                && (askedBefore || CLOSED.matcher(problem.text()).find());
    }

    private static boolean isAnswer(CaSession session, AcmeServerException refusal) {
        int status = session.lastStatus();
        return status / 100 == 4
                && status != TOO_MANY_REQUESTS
                && !PASSING.contains(CaProblem.of(refusal.getProblem()).type());
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
        // Tried once, whatever comes of it: no order waits for it a second time.
        updated = true;
        Optional<String> told = files.contact();
        if (email.isPresent() && !email.equals(told)) {
            Account.EditableAccount changed = login.getAccount().modify();
            changed.getContacts().clear();
            changed.addEmail(email.get());
            changed.commit();
            files.keepContact(email.get());
            events.publish(EventKind.ACCOUNT, "sent the contact address " + email.get() + " to " + directory.url());
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

    /** Whether the CA has been told what is new since the start. */
    boolean isUpdated() {
        return updated;
    }

    private static String terms(CaSession session) throws AcmeException {
        return session.session()
                .getMetadata()
                .getJSON()
                .get("termsOfService")
                .map(JSON.Value::asString)
                .map(CaProblem::oneLine)
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
        // A change of keys was begun, and how it ended was not seen. It may yet end well where the CA does not say so
        // now.
        Optional<URL> changed = successor.isPresent() ? existing(session, successor.get()) : Optional.empty();
        if (stored.isPresent() && successor.isPresent() && changed.isPresent()) {
            files.adopt(stored.get(), successor.get());
            files.keepUrl(changed.get());
            events.publish(
                    EventKind.ACCOUNT,
                    directory.url() + " has accepted the new account key; the old key is no longer used");
            return new Known(successor.get(), changed.get());
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
        URL made = made(builder, session, key);
        files.keepUrl(made);
        files.keepContact(email.orElse(""));
        files.keepTerms(terms);
        events.publish(
                EventKind.ACCOUNT,
                "made the account " + CaProblem.oneLine(made.toString()) + " at " + directory.url()
                        + (terms.isEmpty() ? "" : ", accepting the terms of service " + terms));
        return new Known(key, made);
    }

    private static URL made(AccountBuilder builder, CaSession session, KeyPair key) throws AcmeException {
        int unclear = session.endurance().unclear();
        try {
            return builder.createLogin(session.session()).getAccountLocation();
        } catch (AcmeServerException e) {
            // Where an answer was lost, what the CA refuses the second time it may have done the first time.
            Optional<URL> there = session.endurance().unclear() > unclear ? existing(session, key) : Optional.empty();
            if (there.isEmpty()) {
                throw e;
            }
            return there.get();
        }
    }

    // CAs have many words for a key they do not know, so that a refusal says no more than that.
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
}
