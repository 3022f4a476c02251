package org.ondemandtls.permission;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Expiry;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.event.Outage;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.PublicSuffixes;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.PermissionPolicy.Decision;
import org.ondemandtls.permission.PermissionPolicy.Purpose;

/**
 * Decides who may have a certificate, from all configured sources: names and file, which can only grant; then the query,
 * the class, the bean, and the URL. The first that decides counts; no answer passes on to the next.
 *
 * <p><b>Threads.</b> {@link #decide} and {@link #remembered} never block. Policies run on an executor of their own, a
 * bounded number at once; a bounded number more wait, shared fairly between client blocks.
 *
 * <p><b>Cost.</b> An answer is remembered, in bounded memory, so that a stranger who repeats a name costs a look-up.
 */
public final class Permission implements AutoCloseable {

    private static final Decision GRANTED = new Decision.Granted();
    private static final Duration FILE_CHECK = Duration.ofSeconds(2);
    private static final Duration NO_ANSWER_RETRY = Duration.ofSeconds(3);
    private static final Duration NOBODYS_CHECK = Duration.ofDays(1);
    private static final Duration NOBODYS_RETRY = Duration.ofMinutes(1);

    /**
     * What runs policies.
     *
     * @param executor runs them and completes what waits; at least {@code askConcurrency} threads
     * @param scheduler runs deadlines
     * @param nanoTime a monotonic clock in nanoseconds
     */
    public record Ports(ExecutorService executor, ScheduledExecutorService scheduler, LongSupplier nanoTime) {}

    private static final String NEW_NAMES = "onDemandTls.shield.newNamesPerClient";
    private static final String ASK_QUEUE = "onDemandTls.shield.askQueue";

    private record Answer(Decision decision, long forNanos) {}

    private final NamesPolicy names;
    private final @Nullable NamesFile file;
    private final Sources sources;
    private final Duration rememberDenied;
    private final Duration rememberGranted;
    private final Ports ports;
    private final Events events;
    private final Outage outage;
    private final Cache<ServerName, Answer> remembered;
    private final Turns<Question> turns;
    private final Reasons reasons = new Reasons();
    private final NewNames newNames;
    private final DomainNames domainNames;
    private final @Nullable ScheduledFuture<?> fileCheck;

    private volatile boolean closed;

    /**
     * Builds the sources; the file, where there is one, is read before this returns.
     *
     * @param config what the operator allowed
     * @param shield how much may be asked at once
     * @param policy the operator's own policy, null where none is configured
     * @param ports what runs policies
     * @param events where answers and trouble are reported
     * @throws IllegalArgumentException if there is no driver for the database; the message says what to do
     */
    public Permission(
            OnDemandTlsConfig.Permission config,
            OnDemandTlsConfig.Shield shield,
            @Nullable PermissionPolicy policy,
            Ports ports,
            Events events) {
        this(
                config,
                shield,
                policy,
                new House(
                        key -> Optional.empty(),
                        name -> PublicSuffixes.bundled().registeredDomain(name)),
                ports,
                events);
    }

    /**
     * What is around.
     *
     * @param published what the server's running applications publish under a name
     * @param registeredDomain what the public suffix list makes of a name
     */
    public record House(Function<String, Optional<Object>> published, Function<ServerName, String> registeredDomain) {}

    /**
     * Builds the sources on a server whose applications may publish one.
     *
     * @param config what the operator allowed
     * @param shield how much may be asked at once
     * @param policy the operator's own policy, null where none is configured
     * @param house what is around
     * @param ports what runs policies
     * @param events where answers and trouble are reported
     * @throws IllegalArgumentException if there is no driver for the database; the message says what to do
     */
    public Permission(
            OnDemandTlsConfig.Permission config,
            OnDemandTlsConfig.Shield shield,
            @Nullable PermissionPolicy policy,
            House house,
            Ports ports,
            Events events) {
        this.names = new NamesPolicy(config.names());
        this.rememberDenied = config.rememberDenied();
        this.rememberGranted = config.rememberGranted();
        this.newNames = new NewNames(shield.clients().newNames(), shield.rememberedRefusals(), ports.nanoTime());
        this.domainNames = new DomainNames(
                shield.clients().newNamesPerDomain(),
                shield.rememberedRefusals(),
                house.registeredDomain(),
                ports.nanoTime(),
                events);
        this.ports = ports;
        this.events = events;
        this.outage = new Outage(events, EventKind.NO_ANSWER, "permission", ports.nanoTime());
        this.remembered = Caffeine.newBuilder()
                .maximumSize(shield.rememberedRefusals())
                .expireAfter(Expiry.<ServerName, Answer>creating((name, answer) -> Duration.ofNanos(answer.forNanos())))
                .ticker(ports.nanoTime()::getAsLong)
                .executor(Runnable::run)
                .build();
        this.sources = new Sources(config, policy, house.published(), ports, events);
        this.turns = new Turns<>(
                shield.askConcurrency(),
                shield.askQueue(),
                // Nobody is asked where there are lists only.
                sources.isEmpty() ? Optional.empty() : Optional.of(new Allowance(shield.askRate(), ports.nanoTime())),
                ports.scheduler(),
                this::run);
        this.file = config.file().map(path -> new NamesFile(path, events)).orElse(null);
        if (file == null) {
            this.fileCheck = null;
        } else {
            file.refresh();
            this.fileCheck = ports.scheduler()
                    .scheduleWithFixedDelay(
                            this::checkFile, FILE_CHECK.toNanos(), FILE_CHECK.toNanos(), TimeUnit.NANOSECONDS);
        }
    }

    /**
     * Begins to look, now and once a day, for a source that grants everything: each is asked for a name that nobody can own.
     * Called once the server accepts connections, since it may be asked itself. Returns at once.
     */
    public void watch() {
        if (closed || sources.isEmpty()) {
            return;
        }
        sources.lookForOneThatGrantsAll().whenComplete((answered, failure) -> {
            Duration next = answered != null && answered ? NOBODYS_CHECK : NOBODYS_RETRY;
            ports.scheduler().schedule(this::watch, next.toNanos(), TimeUnit.NANOSECONDS);
        });
    }

    /**
     * Asks for a name.
     *
     * @param name the name the certificate would carry
     * @param purpose whether it would be the first one or a successor
     * @param client who made us ask: shares the queue fairly, and is never told to a policy
     * @return completes on the permission executor or at once: normally if granted; exceptionally with {@link
     *     IssuanceException.NotPermitted}, {@link IssuanceException.NoAnswer} or {@link IssuanceException.Overloaded}
     */
    public CompletableFuture<Void> decide(ServerName name, Purpose purpose, ClientBlock client) {
        boolean listed = names.grants(name) || (file != null && file.grants(name));
        Answer known = purpose == Purpose.OBTAIN && !listed ? remembered.getIfPresent(name) : null;
        if (known != null) {
            return known.decision() instanceof Decision.Denied denied
                    ? CompletableFuture.failedFuture(denial(name, denied))
                    : granted(name, purpose, client);
        }
        // Listed names are counted too: what they cost is the CA's.
        if (purpose == Purpose.OBTAIN && !newNames.admit(name, client)) {
            return CompletableFuture.failedFuture(new IssuanceException.Overloaded(name, NEW_NAMES));
        }
        if (listed) {
            return granted(name, purpose, client);
        }
        Question question = new Question(name, purpose, ports.nanoTime().getAsLong(), new CompletableFuture<>());
        CompletableFuture<Void> verdict = new CompletableFuture<>();
        question.answer().whenComplete((decision, failure) -> {
            try {
                conclude(question, decision, failure);
                if (isWithinItsDomain(name, purpose, client)) {
                    verdict.complete(null);
                } else {
                    verdict.completeExceptionally(new IssuanceException.Overloaded(name, DomainNames.KEY));
                }
            } catch (IssuanceException refused) {
                verdict.completeExceptionally(refused);
            } catch (RuntimeException | Error defect) {
                // A listener's, for example: whoever waits must hear of it.
                verdict.completeExceptionally(defect);
            }
        });
        Question displaced = turns.offer(client, question);
        if (displaced != null) {
            displaced.answer().completeExceptionally(new IssuanceException.Overloaded(displaced.name(), ASK_QUEUE));
        }
        return verdict;
    }

    private CompletableFuture<Void> granted(ServerName name, Purpose purpose, ClientBlock client) {
        return isWithinItsDomain(name, purpose, client)
                ? CompletableFuture.completedFuture(null)
                : CompletableFuture.failedFuture(new IssuanceException.Overloaded(name, DomainNames.KEY));
    }

    private boolean isWithinItsDomain(ServerName name, Purpose purpose, ClientBlock client) {
        return purpose == Purpose.RENEW || domainNames.admit(name, client);
    }

    /**
     * The denial remembered for a name, if any; one look-up.
     *
     * @param name the name asked for
     * @return why it is denied
     */
    public Optional<IssuanceException.NotPermitted> remembered(ServerName name) {
        Answer known = remembered.getIfPresent(name);
        return known != null && known.decision() instanceof Decision.Denied denied
                ? Optional.of(denial(name, denied))
                : Optional.empty();
    }

    /**
     * Forgets what was answered for a name: it has a certificate, so the answer has changed.
     *
     * @param name the name
     */
    public void forget(ServerName name) {
        remembered.invalidate(name);
    }

    /**
     * What decided about a name last, by its configuration key: the lists, where one of them has the name; otherwise the
     * source that was asked, as far as that is remembered. No I/O.
     *
     * @param name the name
     */
    public Optional<String> source(ServerName name) {
        if (names.grants(name)) {
            return Optional.of("onDemandTls.permission.names");
        }
        return file != null && file.grants(name) ? Optional.of("onDemandTls.permission.file") : sources.decider(name);
    }

    /** How many answers are remembered. */
    public long rememberedCount() {
        // What is over the bound and not let go yet is none of them.
        remembered.cleanUp();
        return remembered.estimatedSize();
    }

    /** How many questions wait for their turn. */
    public int waiting() {
        return turns.waiting();
    }

    /** Stops looking at the file and closes connections; questions that wait are left without an answer. */
    @Override
    public void close() {
        if (fileCheck != null) {
            fileCheck.cancel(false);
        }
        closed = true;
        turns.drain()
                .forEach(question ->
                        question.answer().completeExceptionally(new NoAnswerException("the server is stopping")));
        sources.close();
    }

    private void conclude(Question question, @Nullable Decision decision, @Nullable Throwable failure)
            throws IssuanceException {
        ServerName name = question.name();
        if (decision != null) {
            outage.worked();
        }
        if (decision instanceof Decision.Granted) {
            remember(question, decision, rememberGranted);
        } else if (decision instanceof Decision.Denied denied) {
            Decision.Denied printable = Reasons.printable(denied);
            remember(question, reasons.remembered(printable), rememberDenied);
            events.publish(EventKind.DENIED, name, "denied: " + printable.reason());
            throw denial(name, printable);
        } else if (failure instanceof IssuanceException known) {
            throw known;
        } else {
            String reason = failure instanceof NoAnswerException known
                    ? String.valueOf(known.getMessage())
                    : "the policy failed (" + failure + ")";
            outage.failed(name, "no answer: " + reason);
            throw new IssuanceException.NoAnswer(name, reason, NO_ANSWER_RETRY);
        }
    }

    // What is said about a renewal is not remembered for visitors: a name may be denied and still have its certificate.
    // But
    // it ends the opposite answer of before: a name that is withdrawn must not come back by a grant that is over.
    private void remember(Question question, Decision decision, Duration time) {
        if (question.purpose() == Purpose.RENEW) {
            remembered
                    .asMap()
                    .computeIfPresent(
                            question.name(),
                            (name, answer) -> answer.decision().getClass() == decision.getClass() ? answer : null);
        } else if (!time.isZero()) {
            remembered.put(question.name(), new Answer(decision, time.toNanos()));
        }
    }

    private IssuanceException.NotPermitted denial(ServerName name, Decision.Denied denied) {
        return new IssuanceException.NotPermitted(name, denied.reason(), rememberDenied);
    }

    private void run(Question question) {
        if (file == null) {
            ask(question);
            return;
        }
        try {
            ports.executor().execute(() -> {
                boolean granted;
                try {
                    refreshFile();
                    granted = file.grants(question.name());
                } catch (RuntimeException | Error thrown) {
                    finish(question, null, Sources.notRun(thrown));
                    return;
                }
                if (granted) {
                    finish(question, GRANTED, null);
                } else {
                    ask(question);
                }
            });
        } catch (RuntimeException | Error thrown) {
            finish(question, null, Sources.notRun(thrown));
        }
    }

    private void ask(Question question) {
        sources.ask(question, (decision, failure) -> finish(question, decision, failure));
    }

    private void finish(Question question, @Nullable Decision decision, @Nullable Throwable failure) {
        turns.end();
        if (decision != null) {
            question.answer().complete(decision);
        } else {
            question.answer()
                    .completeExceptionally(failure != null ? failure : new NoAnswerException("no source decided"));
        }
    }

    // Where it throws, the file is never looked at again.
    private void checkFile() {
        try {
            ports.executor().execute(this::refreshFile);
        } catch (RuntimeException | Error notRun) {
            // Too busy, or no thread can be started: looked at again in two seconds, and before each question.
        }
    }

    // A changed file may grant what was denied a moment ago.
    private void refreshFile() {
        if (file != null && file.refresh()) {
            remembered.asMap().values().removeIf(answer -> answer.decision() instanceof Decision.Denied);
        }
    }
}
