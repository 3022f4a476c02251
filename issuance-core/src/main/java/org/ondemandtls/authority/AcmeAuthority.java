package org.ondemandtls.authority;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.ChainOrder;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.certificate.Pem;
import org.ondemandtls.challenge.ChallengeBoard;
import org.ondemandtls.challenge.ChallengeCertificates;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.preflight.CaIdentity;
import org.shredzone.acme4j.Login;
import org.shredzone.acme4j.exception.AcmeException;
import org.shredzone.acme4j.exception.AcmeServerException;

/**
 * A CA that speaks ACME.
 *
 * <p>The CA is untrusted input: every exchange is limited in time and size and stays at the directory's origin, every
 * order ends within its patience. For seconds after the CA could not be reached, or refused the account, orders fail at once;
 * waits it asks for are told and not kept.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8555">RFC 8555</a>
 */
public final class AcmeAuthority implements Authority {

    /** How many sessions are made ready before the first order. */
    private static final Duration TELLING = Duration.ofSeconds(2);

    private static final int PREPARED = 2;

    /** Who a failure is about that is about no name in particular. */
    static final ServerName NOBODY = ServerName.parse("warm-up.invalid");

    private static final int DIGEST_LENGTH = 32;

    /**
     * What the authority works with.
     *
     * @param files where the account is kept
     * @param board where proofs are displayed
     * @param preference which proof to try first; knows the allowed ones
     * @param usable the kinds of proof this server can answer for a name, asked at every order
     * @param clock tells the date
     * @param nanoTime monotonic time, as {@link System#nanoTime()}
     * @param events told of what happens to account and orders
     * @param methods which validation methods CAA records leave this CA for a name; empty where they leave the choice
     * @param dates told what time the CA says it is
     */
    public record Ports(
            SecretFiles files,
            ChallengeBoard board,
            ChallengePreference preference,
            Function<ServerName, Set<ChallengeType>> usable,
            Clock clock,
            LongSupplier nanoTime,
            Events events,
            BiFunction<ServerName, CaIdentity, Optional<Set<String>>> methods,
            CaDates dates) {

        /** The same for a CA that may be asked for other kinds of proof. */
        public Ports with(ChallengePreference other) {
            return new Ports(files, board, other, usable, clock, nanoTime, events, methods, dates);
        }
    }

    private final URI directory;
    private final Ports ports;
    private final CaHttp http;
    private final CaSession.Shared shared;
    private final CaAccount account;
    private final OrderFlow.Tools tools;
    private final Set<String> methods;
    private final boolean alone;
    private final CountDownLatch closed = new CountDownLatch(1);
    private final CaPause pause;
    private final AtomicReference<@Nullable String> lastRemark = new AtomicReference<>();

    // Last in, first out: the session used last has the freshest nonce.
    private final Deque<CaSession> idle = new ConcurrentLinkedDeque<>();

    private AcmeAuthority(
            OnDemandTlsConfig.Acme config,
            OnDemandTlsConfig.Directory directory,
            Ports ports,
            @Nullable SSLContext trust,
            UnaryOperator<CaSession.Limits> changed) {
        CaSession.Limits limits = changed.apply(new CaSession.Limits(CaLimits.REQUEST, closed));
        this.directory = directory.url();
        this.ports = ports;
        this.http = new CaHttp(directory.url(), config.origins(), trust, config.proxy(), ports.nanoTime());
        this.shared =
                new CaSession.Shared(directory.url(), http, ports.clock(), ports.nanoTime(), limits, ports.dates());
        this.account = new CaAccount(
                directory, directory.own().email().or(config::email), ports.files(), ports.events(), ports.nanoTime());
        this.methods = directory.own().challenges().orElse(config.challenges()).stream()
                .map(ChallengeType::identifier)
                .collect(Collectors.toUnmodifiableSet());
        this.alone = config.directories().size() == 1;
        this.pause = new CaPause(ports.nanoTime(), limits.closed());
        this.tools = new OrderFlow.Tools(
                ports.board(),
                ports.preference(),
                directory.own().profile().or(config::profile),
                ports.events(),
                closed,
                new AtomicBoolean(),
                Pace.OfCa.unknown(ports.nanoTime()),
                config.preferredChain(),
                new AtomicBoolean(),
                new Steps(id(), ports.events().figures(), ports.nanoTime()));
    }

    /**
     * Makes an authority; the CA is not spoken to yet.
     *
     * @param config what is the same for all CAs
     * @param directory which CA
     * @param ports what to work with
     * @return the authority
     * @throws IOException if the trusted roots cannot be read, in one line
     */
    public static AcmeAuthority open(OnDemandTlsConfig.Acme config, OnDemandTlsConfig.Directory directory, Ports ports)
            throws IOException {
        return open(config, directory, ports, UnaryOperator.identity());
    }

    /** The same with other limits, made of the usual ones; their {@code closed} is for the waits after a fault alone. */
    static AcmeAuthority open(
            OnDemandTlsConfig.Acme config,
            OnDemandTlsConfig.Directory directory,
            Ports ports,
            UnaryOperator<CaSession.Limits> limits)
            throws IOException {
        Optional<Path> roots = directory.own().trustedRoots().or(config::trustedRoots);
        boolean several = config.directories().size() > 1;
        SSLContext trust = roots.isPresent() ? TrustedRoots.context(roots.get(), several) : null;
        return new AcmeAuthority(config, directory, ports, trust, limits);
    }

    @Override
    public String id() {
        return directory.toString();
    }

    @Override
    public void prepare() {
        // Loads what the first proof would otherwise wait for.
        ChallengeCertificates.create(NOBODY, new byte[DIGEST_LENGTH], ports.clock());
        CaSession[] prepared = new CaSession[PREPARED];
        for (int i = 0; i < PREPARED; i++) {
            CaSession session = take();
            session.begin(Deadline.in(CaLimits.ORDER, ports.nanoTime()));
            try {
                prepareSession(session);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            } catch (AcmeException | IOException | RuntimeException | StackOverflowError e) {
                if (!isStopping()) {
                    ports.events().publish(EventKind.AUTHORITY_UNAVAILABLE, directory + ": " + reason(e, session));
                }
                break;
            }
            prepared[i] = session;
        }
        for (CaSession session : prepared) {
            if (session != null) {
                idle.addFirst(session);
            }
        }
    }

    @Override
    public List<X509Certificate> sign(Order order, Journal journal) throws IssuanceException {
        ServerName name = order.name();
        if (isStopping()) {
            throw new IssuanceException.Stopping(name);
        }
        Deadline deadline = Deadline.in(order.patience(), ports.nanoTime());
        // The last one that is asked for a name is given all the time there is.
        boolean nobodyElse = alone || order.patience().equals(LONGEST_ORDER);
        pause.pass(name, nobodyElse, deadline);
        List<ChallengeType> answerable =
                ports.preference().candidates(name, ports.usable().apply(name));
        if (answerable.isEmpty()) {
            throw OrderFlow.unanswerable(name);
        }
        Endurance.Measure measure = nobodyElse && !pause.isDown() ? Endurance.Measure.LONG : Endurance.Measure.SOME;
        Order wanted = order;
        for (boolean accountIsNew = false; ; accountIsNew = true) {
            CaSession session = take();
            session.begin(deadline, measure);
            boolean usable = false;
            try {
                Login login = login(name, session);
                try {
                    // What CAA leaves this CA is said of the names its directory has.
                    session.session().getMetadata();
                    List<ChallengeType> candidates = allowed(name, answerable);
                    List<X509Certificate> sent = new OrderFlow(tools, session, login, wanted, journal).run(candidates);
                    usable = true;
                    pause.worked();
                    List<X509Certificate> chain = inOrder(order, new Pem.SentChain(sent, session.unreadable()));
                    tellWhatIsNew(login, session);
                    return chain;
                } catch (AcmeServerException e) {
                    if (!accountIsNew && account.hasChanged(session, login, e)) {
                        continue;
                    }
                    if (accountIsNew || !isGone(e)) {
                        throw e;
                    }
                    account.forget(login);
                    // Orders belong to the account that made them.
                    if (wanted.url().isPresent() && !journal.mayPlaceAnother()) {
                        throw OrderFlow.spent(name);
                    }
                    wanted = new Order(
                            name, order.key(), order.csr(), Optional.empty(), Optional.empty(), order.patience());
                }
            } catch (IssuanceException e) {
                usable = true;
                throw e;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IssuanceException.Stopping(name);
            } catch (IOException e) {
                throw storeFailed(name, e);
            } catch (AcmeException | RuntimeException | StackOverflowError e) {
                usable = e instanceof AcmeServerException;
                throw failed(name, e, session, false);
            } finally {
                if (usable) {
                    idle.addFirst(session);
                }
            }
        }
    }

    private List<ChallengeType> allowed(ServerName name, List<ChallengeType> all) throws IssuanceException.Rejected {
        Optional<Set<String>> methods = methods(name);
        if (methods.isEmpty()) {
            return all;
        }
        List<ChallengeType> allowed = all.stream()
                .filter(type -> methods.get().contains(type.identifier()))
                .toList();
        if (allowed.isEmpty()) {
            String what = methods.get().isEmpty()
                    ? "CAA names other CAs there"
                    : "CAA allows only the methods " + CaProblem.oneLine(String.join(", ", methods.get()))
                            + " there, none of which this server answers";
            throw new IssuanceException.Rejected(name, "caa", what + "; nothing was ordered", Duration.ZERO);
        }
        return allowed;
    }

    private Optional<Set<String>> methods(ServerName name) {
        return caaIdentity().flatMap(ca -> ports.methods().apply(name, ca));
    }

    @Override
    public boolean isForbidden(ServerName name) {
        return methods(name).filter(Set::isEmpty).isPresent();
    }

    @Override
    public Optional<RenewalAdvice> renewalAdvice(X509Certificate leaf) throws IssuanceException {
        ServerName name = RenewalInfo.nameOf(leaf).orElse(NOBODY);
        if (isStopping()) {
            throw new IssuanceException.Stopping(name);
        }
        CaSession session = take();
        session.begin(Deadline.in(CaLimits.ADVICE, ports.nanoTime()));
        boolean usable = false;
        try {
            Optional<RenewalAdvice> advice = RenewalInfo.read(session, leaf);
            usable = true;
            return advice;
        } catch (IssuanceException e) {
            usable = true;
            throw e;
        } catch (AcmeException | RuntimeException | StackOverflowError e) {
            usable = e instanceof AcmeServerException;
            if (isStopping()) {
                throw new IssuanceException.Stopping(name);
            }
            throw RenewalInfo.failed(name, e, session);
        } finally {
            if (usable) {
                idle.addFirst(session);
            }
        }
    }

    @Override
    public void askForTime() {
        CaSession session = take();
        session.begin(Deadline.in(CaLimits.ADVICE, ports.nanoTime()));
        try {
            session.askForNonce();
            idle.addFirst(session);
        } catch (AcmeException | RuntimeException | StackOverflowError unanswered) {
            // Asked again.
        }
    }

    @Override
    public void revoke(KeyedCertificate certificate, RevocationReason reason) throws IssuanceException {
        ServerName name = RenewalInfo.nameOf(certificate.leaf()).orElse(NOBODY);
        inSession(name, session -> {
            new Revocation(session, account.login(session)).revoke(certificate, reason);
            return certificate;
        });
    }

    @Override
    public Optional<IssuanceException> outOfService(ServerName name) throws IssuanceException.StoreFailed {
        try {
            return account.deactivated().map(since -> CaAccountAdmin.deactivated(name, directory, since));
        } catch (IOException e) {
            throw storeFailed(name, e);
        }
    }

    @Override
    public Optional<AccountAdmin> account() {
        return Optional.of(new CaAccountAdmin(account, directory, ports.clock(), this::inSession));
    }

    private <T> T inSession(ServerName name, CaAccountAdmin.Work<T> work) throws IssuanceException {
        CaSession session = take();
        session.begin(Deadline.in(CaLimits.ORDER, ports.nanoTime()), Endurance.Measure.SOME);
        boolean usable = false;
        try {
            T result = work.run(session);
            usable = true;
            return result;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IssuanceException.Stopping(name);
        } catch (IOException e) {
            throw storeFailed(name, e);
        } catch (AcmeException | RuntimeException | StackOverflowError e) {
            usable = e instanceof AcmeServerException;
            throw failed(name, e, session, false);
        } finally {
            if (usable) {
                idle.addFirst(session);
            }
        }
    }

    /** What is told where the store does not do what an account needs. */
    static IssuanceException.StoreFailed storeFailed(ServerName name, IOException e) {
        return new IssuanceException.StoreFailed(
                name, CaProblem.oneLine(String.valueOf(e.getMessage())), RetryAfter.DEFAULT, e);
    }

    @Override
    public boolean honoursReplaces() {
        return shared.offersRenewalInfo();
    }

    @Override
    public Optional<CaIdentity> caaIdentity() {
        Set<String> domains = shared.caaIdentities();
        return domains.isEmpty() ? Optional.empty() : Optional.of(new CaIdentity(domains, account.url(), methods));
    }

    /** Ends connections and threads; running calls fail at once. */
    @Override
    public void close() {
        closed.countDown();
        http.close();
        idle.clear();
    }

    private List<X509Certificate> inOrder(Order order, Pem.SentChain sent) {
        ChainOrder chain =
                ChainOrder.of(sent, order.key().getPublic(), ports.clock().instant());
        // Once, not with each order: a CA that sends its root always does.
        chain.remark()
                .filter(remark -> !remark.equals(lastRemark.getAndSet(remark)))
                .ifPresent(remark -> ports.events()
                        .publish(
                                EventKind.ADVICE,
                                directory + ": the server changes the chain that this CA sends: " + remark));
        return chain.chain();
    }

    private void prepareSession(CaSession session) throws AcmeException, IOException, InterruptedException {
        session.prepare();
        if (account.deactivated().isPresent()) {
            return;
        }
        Login login = account.login(session);
        try {
            login.getAccount().fetch();
        } catch (AcmeServerException e) {
            if (!account.hasChanged(session, login, e)) {
                if (!isGone(e)) {
                    throw e;
                }
                account.forget(login);
            }
            login = account.login(session);
        }
        account.update(login, session);
    }

    // Where the CA could not be reached when the server started.
    private void tellWhatIsNew(Login login, CaSession session) {
        if (account.isUpdated()) {
            return;
        }
        // Somebody waits for the certificate, which is there already.
        session.begin(Deadline.in(TELLING, ports.nanoTime()));
        try {
            account.update(login, session);
        } catch (AcmeException | IOException | RuntimeException | StackOverflowError e) {
            ports.events()
                    .publish(
                            EventKind.ACCOUNT,
                            "could not send the contact address to " + directory + ": " + reason(e, session));
        }
    }

    private static boolean isGone(AcmeServerException e) {
        return CaProblem.of(e.getProblem()).isOfNoAccount();
    }

    private CaSession take() {
        CaSession session = idle.pollFirst();
        return session != null ? session : new CaSession(shared);
    }

    // What the CA says here is about the account, whatever it is.
    private Login login(ServerName name, CaSession session)
            throws AcmeException, IOException, InterruptedException, IssuanceException {
        try (Steps.Running loggingIn = tools.steps().begin(Steps.Step.LOGIN, name)) {
            Login login = account.login(session);
            loggingIn.doneUncounted();
            return login;
        } catch (AcmeServerException e) {
            throw failed(name, e, session, true);
        }
    }

    private IssuanceException failed(ServerName name, Throwable thrown, CaSession session, boolean loggingIn) {
        if (isStopping()) {
            return new IssuanceException.Stopping(name);
        }
        CaFailures.Verdict verdict = CaFailures.judge(name, thrown, session, loggingIn);
        if (CaFailures.isOfAnOldDirectory(verdict.exception(), session)) {
            // The next order asks for what the CA offers then.
            session.forgetDirectory();
        }
        verdict.pause().ifPresent(wait -> pause.begin(wait, session.lastStatus() == 0, verdict.exception()));
        return verdict.exception();
    }

    private String reason(Throwable thrown, CaSession session) {
        if (thrown instanceof IOException) {
            return CaProblem.oneLine(String.valueOf(thrown.getMessage()));
        }
        return CaFailures.judge(NOBODY, thrown, session, true).exception().what();
    }

    private boolean isStopping() {
        return closed.getCount() == 0 || Thread.currentThread().isInterrupted();
    }
}
