package org.ondemandtls.permission;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Expiry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.event.Outage;
import org.ondemandtls.name.ClientBlock;
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

    /**
     * What runs policies.
     *
     * @param executor runs them and completes what waits; at least {@code askConcurrency} threads
     * @param scheduler runs deadlines
     * @param nanoTime a monotonic clock in nanoseconds
     */
    public record Ports(ExecutorService executor, ScheduledExecutorService scheduler, LongSupplier nanoTime) {}

    private static final String UNDECIDED = "no source decided";
    private static final String BUSY = "all threads for permission are held by policies that do not return";

    private static final String NEW_NAMES = "onDemandTls.shield.newNamesPerClient";
    private static final String ASK_QUEUE = "onDemandTls.shield.askQueue";

    private record Source(
            String label, PermissionPolicy policy, @Nullable Circuit circuit) {}

    private record Answer(Decision decision, long forNanos) {}

    private record Question(ServerName name, Purpose purpose, long since, CompletableFuture<Decision> answer) {}

    private final NamesPolicy names;
    private final @Nullable NamesFile file;
    private final List<Source> sources;
    private final Duration timeout;
    private final Duration rememberDenied;
    private final Duration rememberGranted;
    private final int concurrency;
    private final Ports ports;
    private final Events events;
    private final Outage outage;
    private final Cache<ServerName, Answer> remembered;
    private final ReentrantLock lock = new ReentrantLock();
    private final FairQueue<Question> queue;
    private final Allowance askRate;
    private final Reasons reasons = new Reasons();
    private final NewNames newNames;
    private final @Nullable ScheduledFuture<?> fileCheck;

    private int running;
    private boolean wakeScheduled;

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
        this(config, shield, policy, key -> Optional.empty(), ports, events);
    }

    /**
     * Builds the sources on a server whose applications may publish one.
     *
     * @param config what the operator allowed
     * @param shield how much may be asked at once
     * @param policy the operator's own policy, null where none is configured
     * @param published what the server's running applications publish under a name
     * @param ports what runs policies
     * @param events where answers and trouble are reported
     * @throws IllegalArgumentException if there is no driver for the database; the message says what to do
     */
    public Permission(
            OnDemandTlsConfig.Permission config,
            OnDemandTlsConfig.Shield shield,
            @Nullable PermissionPolicy policy,
            Function<String, Optional<Object>> published,
            Ports ports,
            Events events) {
        this.names = new NamesPolicy(config.names());
        this.timeout = config.askTimeout();
        this.rememberDenied = config.rememberDenied();
        this.rememberGranted = config.rememberGranted();
        this.concurrency = shield.askConcurrency();
        this.queue = new FairQueue<>(shield.askQueue());
        this.askRate = new Allowance(shield.askRate(), ports.nanoTime());
        this.newNames = new NewNames(shield.clients().newNames(), shield.rememberedRefusals(), ports.nanoTime());
        this.ports = ports;
        this.events = events;
        this.outage = new Outage(events, EventKind.NO_ANSWER, "permission", ports.nanoTime());
        this.remembered = Caffeine.newBuilder()
                .maximumSize(shield.rememberedRefusals())
                .expireAfter(Expiry.<ServerName, Answer>creating((name, answer) -> Duration.ofNanos(answer.forNanos())))
                .ticker(ports.nanoTime()::getAsLong)
                .executor(Runnable::run)
                .build();
        List<Source> chain = new ArrayList<>();
        config.sql()
                .ifPresent(sql -> chain.add(new Source(
                        "onDemandTls.permission.sql",
                        new SqlPolicy(
                                SqlPolicy.connections(sql.dataSource(), ports.nanoTime()),
                                sql.query(),
                                timeout,
                                ports.nanoTime()),
                        new Circuit(ports.nanoTime()))));
        if (policy != null) {
            String label = config.className().isPresent() ? "onDemandTls.permission.class" : "the permission policy";
            chain.add(new Source(label, policy, null));
        }
        config.bean()
                .ifPresent(key ->
                        chain.add(new Source("onDemandTls.permission.bean", new BeanPolicy(key, published), null)));
        config.ask()
                .ifPresent(url -> chain.add(new Source(
                        "onDemandTls.permission.ask",
                        new AskPolicy(url, timeout, ports.executor(), ports.scheduler(), ports.nanoTime()),
                        new Circuit(ports.nanoTime()))));
        this.sources = List.copyOf(chain);
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
                    : CompletableFuture.completedFuture(null);
        }
        // Listed names are counted too: what they cost is the CA's.
        if (purpose == Purpose.OBTAIN && !newNames.admit(name, client)) {
            return CompletableFuture.failedFuture(new IssuanceException.Overloaded(name, NEW_NAMES));
        }
        if (listed) {
            return CompletableFuture.completedFuture(null);
        }
        Question question = new Question(name, purpose, ports.nanoTime().getAsLong(), new CompletableFuture<>());
        enqueue(question, client);
        CompletableFuture<Void> verdict = new CompletableFuture<>();
        question.answer().whenComplete((decision, failure) -> conclude(question, decision, failure, verdict));
        return verdict;
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

    /** How many answers are remembered. */
    public long rememberedCount() {
        return remembered.estimatedSize();
    }

    /** How many questions wait for their turn. */
    public int waiting() {
        lock.lock();
        try {
            return queue.size();
        } finally {
            lock.unlock();
        }
    }

    /** Stops looking at the file and closes connections; questions that wait are left without an answer. */
    @Override
    public void close() {
        if (fileCheck != null) {
            fileCheck.cancel(false);
        }
        List<Question> left = new ArrayList<>();
        lock.lock();
        try {
            for (Question next = queue.poll(); next != null; next = queue.poll()) {
                left.add(next);
            }
        } finally {
            lock.unlock();
        }
        left.forEach(
                question -> question.answer().completeExceptionally(new NoAnswerException("the server is stopping")));
        for (Source source : sources) {
            if (source.policy() instanceof AskPolicy ask) {
                ask.close();
            } else if (source.policy() instanceof SqlPolicy sql) {
                sql.close();
            }
        }
    }

    private void conclude(
            Question question,
            @Nullable Decision decision,
            @Nullable Throwable failure,
            CompletableFuture<Void> verdict) {
        ServerName name = question.name();
        if (decision != null) {
            outage.worked();
        }
        if (decision instanceof Decision.Granted) {
            remember(question, decision, rememberGranted);
            verdict.complete(null);
        } else if (decision instanceof Decision.Denied denied) {
            Decision.Denied printable = Reasons.printable(denied);
            remember(question, reasons.remembered(printable), rememberDenied);
            events.publish(EventKind.DENIED, name, "denied: " + printable.reason());
            verdict.completeExceptionally(denial(name, printable));
        } else if (failure instanceof IssuanceException) {
            verdict.completeExceptionally(failure);
        } else {
            String reason = failure instanceof NoAnswerException known
                    ? String.valueOf(known.getMessage())
                    : "the policy failed (" + failure + ")";
            outage.failed(name, "no answer: " + reason);
            verdict.completeExceptionally(new IssuanceException.NoAnswer(name, reason, NO_ANSWER_RETRY));
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

    private void enqueue(Question question, ClientBlock client) {
        Question displaced = null;
        Question next = null;
        lock.lock();
        try {
            // Nobody is asked where there are lists only.
            if (running < concurrency && queue.size() == 0 && (sources.isEmpty() || askRate.tryTake())) {
                running++;
                next = question;
            } else {
                displaced = queue.offer(client, question);
                scheduleWake();
            }
        } finally {
            lock.unlock();
        }
        if (next != null) {
            run(next);
        }
        if (displaced != null) {
            displaced.answer().completeExceptionally(new IssuanceException.Overloaded(displaced.name(), ASK_QUEUE));
        }
    }

    // Takes from the queue what may be asked now; the caller runs it. Guarded by the lock.
    private @Nullable Question nextInTurn() {
        if (running >= concurrency || queue.size() == 0 || !(sources.isEmpty() || askRate.tryTake())) {
            return null;
        }
        running++;
        return queue.poll();
    }

    // Where questions wait for nothing but their rate, nobody's end makes room for them. Guarded by the lock.
    private void scheduleWake() {
        if (!wakeScheduled && running < concurrency && queue.size() > 0) {
            wakeScheduled = true;
            ports.scheduler().schedule(this::wake, askRate.nanosUntilNext(), TimeUnit.NANOSECONDS);
        }
    }

    private void wake() {
        List<Question> turns = new ArrayList<>();
        lock.lock();
        try {
            wakeScheduled = false;
            for (Question next = nextInTurn(); next != null; next = nextInTurn()) {
                turns.add(next);
            }
            scheduleWake();
        } finally {
            lock.unlock();
        }
        turns.forEach(this::run);
    }

    private void run(Question question) {
        if (file == null) {
            ask(question, 0, new NoAnswerException(UNDECIDED));
            return;
        }
        try {
            ports.executor().execute(() -> {
                boolean granted;
                try {
                    refreshFile();
                    granted = file.grants(question.name());
                } catch (RuntimeException | Error thrown) {
                    finish(question, null, notRun(thrown));
                    return;
                }
                if (granted) {
                    finish(question, GRANTED, null);
                } else {
                    ask(question, 0, new NoAnswerException(UNDECIDED));
                }
            });
        } catch (RuntimeException | Error thrown) {
            finish(question, null, notRun(thrown));
        }
    }

    private void ask(Question question, int at, NoAnswerException last) {
        if (at == sources.size()) {
            if (sources.isEmpty()) {
                finish(question, new Decision.Denied("it is in no list of allowed names"), null);
            } else {
                finish(question, null, last);
            }
            return;
        }
        Source source = sources.get(at);
        Circuit circuit = source.circuit();
        if (circuit != null && (isLate(question, circuit) || !circuit.tryPass())) {
            NoAnswerException open =
                    new NoAnswerException(source.label() + " has failed repeatedly and is left alone for some seconds");
            ask(question, at + 1, open);
            return;
        }
        CompletableFuture<Decision> decided = new CompletableFuture<>();
        ScheduledFuture<?> end;
        try {
            end = ports.scheduler()
                    .schedule(
                            () -> decided.completeExceptionally(new NoAnswerException(
                                    source.label() + " did not answer within " + timeout.toMillis() + " ms")),
                            timeout.toNanos(),
                            TimeUnit.NANOSECONDS);
        } catch (RuntimeException | Error thrown) {
            finish(question, null, notRun(thrown));
            return;
        }
        decided.whenComplete((decision, failure) -> {
            end.cancel(false);
            concluded(question, at, source, decision, failure);
        });
        try {
            ports.executor().execute(() -> put(source.policy(), question, decided));
        } catch (RuntimeException | Error thrown) {
            decided.completeExceptionally(notRun(thrown));
        }
    }

    // Whatever it is, a thread that cannot be started for example: who keeps his slot keeps it for good.
    private static NoAnswerException notRun(Throwable thrown) {
        return new NoAnswerException(
                thrown instanceof RejectedExecutionException ? BUSY : "permission could not be asked: " + thrown);
    }

    // Whoever has waited for a quarter of an ask already would wait for all of another: not for a source that has just
    // failed.
    private boolean isLate(Question question, Circuit circuit) {
        return circuit.isFailing()
                && ports.nanoTime().getAsLong() - question.since()
                        > timeout.dividedBy(4).toNanos();
    }

    private void concluded(
            Question question, int at, Source source, @Nullable Decision decision, @Nullable Throwable failure) {
        note(source, decision != null);
        if (decision != null) {
            finish(question, decision, null);
        } else {
            ask(question, at + 1, noAnswer(source, failure));
        }
    }

    private static void put(PermissionPolicy policy, Question question, CompletableFuture<Decision> decided) {
        try {
            policy.decide(question.name(), question.purpose()).whenComplete((decision, failure) -> {
                if (decision != null) {
                    decided.complete(decision);
                } else {
                    decided.completeExceptionally(
                            failure != null ? failure : new NoAnswerException("the policy answered null"));
                }
            });
        } catch (RuntimeException | Error thrown) {
            decided.completeExceptionally(thrown);
        }
    }

    private void note(Source source, boolean answered) {
        Circuit circuit = source.circuit();
        if (circuit == null) {
            return;
        }
        if (answered) {
            if (circuit.answered()) {
                events.publish(EventKind.PERMISSION_SOURCE, source.label() + " answers again");
            }
        } else if (circuit.failed()) {
            events.publish(
                    EventKind.ADVICE,
                    source.label()
                            + " keeps failing and is left alone for some seconds at a time; new names are refused "
                            + "until it answers, names with a certificate are served");
        }
    }

    private static NoAnswerException noAnswer(Source source, @Nullable Throwable failure) {
        Throwable cause =
                failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
        return cause instanceof NoAnswerException known
                ? known
                : new NoAnswerException(source.label() + " failed ("
                        + (cause == null ? "null" : cause.getClass().getName()) + ")");
    }

    private void finish(Question question, @Nullable Decision decision, @Nullable Throwable failure) {
        Question next;
        lock.lock();
        try {
            running--;
            next = nextInTurn();
            scheduleWake();
        } finally {
            lock.unlock();
        }
        if (next != null) {
            run(next);
        }
        if (decision != null) {
            question.answer().complete(decision);
        } else {
            question.answer().completeExceptionally(failure != null ? failure : new NoAnswerException(UNDECIDED));
        }
    }

    // Where it throws, the file is never looked at again.
    private void checkFile() {
        try {
            ports.executor().execute(this::refreshFile);
        } catch (RejectedExecutionException busy) {
            // Looked at again in two seconds, and before each question.
        }
    }

    // A changed file may grant what was denied a moment ago.
    private void refreshFile() {
        if (file != null && file.refresh()) {
            remembered.asMap().values().removeIf(answer -> answer.decision() instanceof Decision.Denied);
        }
    }
}
