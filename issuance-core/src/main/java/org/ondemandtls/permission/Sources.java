package org.ondemandtls.permission;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.event.Outage;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.PermissionPolicy.Decision;
import org.ondemandtls.permission.PermissionPolicy.Purpose;

/**
 * The sources that are asked: the query, the class, the bean, and the URL, in this order. The first that decides counts; no
 * answer passes on to the next.
 *
 * <p>Nothing blocks; policies run on the permission executor, each for a bounded time. Safe for use by many threads.
 */
final class Sources implements AutoCloseable {

    private static final String UNDECIDED = "no source decided";
    private static final String BUSY = "all threads for permission are held by policies that do not return";
    // Reserved for names that do not exist (RFC 6761 section 6.4): whoever grants it grants everything.
    private static final String NOBODYS = ".ondemand-tls.invalid";
    private static final int NOBODYS_OCTETS = 8;
    // Whoever diagnoses a name asks right behind its answer.
    private static final int DECIDERS = 1_000;
    private static final SecureRandom RANDOM = new SecureRandom();

    private record Source(
            String label, PermissionPolicy policy, @Nullable Circuit circuit, Outage outage) {}

    private final List<Source> sources;
    private final Duration timeout;
    private final Permission.Ports ports;
    private final Events events;
    private final AtomicReference<@Nullable ServerName> lastGranted = new AtomicReference<>();
    private final Cache<ServerName, String> deciders =
            Caffeine.newBuilder().maximumSize(DECIDERS).executor(Runnable::run).build();

    /**
     * Builds them.
     *
     * @param config what the operator allowed
     * @param policy the operator's own policy, null where none is configured
     * @param published what the server's running applications publish under a name
     * @param ports what runs policies
     * @param events where trouble is reported
     * @throws IllegalArgumentException if there is no driver for the database; the message says what to do
     */
    Sources(
            OnDemandTlsConfig.Permission config,
            @Nullable PermissionPolicy policy,
            Function<String, Optional<Object>> published,
            Permission.Ports ports,
            Events events) {
        this.timeout = config.askTimeout();
        this.ports = ports;
        this.events = events;
        List<Source> chain = new ArrayList<>();
        config.sql()
                .ifPresent(sql -> chain.add(source(
                        "onDemandTls.permission.sql",
                        new SqlPolicy(
                                SqlPolicy.connections(sql.dataSource(), ports.nanoTime()),
                                sql.query(),
                                timeout,
                                ports.nanoTime()),
                        new Circuit(ports.nanoTime()))));
        if (policy != null) {
            String label = config.className().isPresent() ? "onDemandTls.permission.class" : "the permission policy";
            chain.add(source(label, policy, null));
        }
        config.bean()
                .ifPresent(
                        key -> chain.add(source("onDemandTls.permission.bean", new BeanPolicy(key, published), null)));
        config.ask()
                .ifPresent(url -> chain.add(source(
                        "onDemandTls.permission.ask",
                        new AskPolicy(url, timeout, ports.executor(), ports.scheduler(), ports.nanoTime()),
                        new Circuit(ports.nanoTime()))));
        this.sources = List.copyOf(chain);
    }

    private Source source(String label, PermissionPolicy policy, @Nullable Circuit circuit) {
        return new Source(label, policy, circuit, new Outage(events, EventKind.ADVICE, label, ports.nanoTime()));
    }

    /** Whether there are lists only. */
    boolean isEmpty() {
        return sources.isEmpty();
    }

    /**
     * Asks one after the other.
     *
     * @param question what is asked
     * @param done told once what came of it
     */
    void ask(Question question, BiConsumer<@Nullable Decision, @Nullable Throwable> done) {
        if (sources.isEmpty()) {
            done.accept(new Decision.Denied("it is in no list of allowed names"), null);
        } else {
            ask(question, 0, new NoAnswerException(UNDECIDED), done);
        }
    }

    /** The key of the source that decided about a name last, as far as that is remembered. */
    Optional<String> decider(ServerName name) {
        return Optional.ofNullable(deciders.getIfPresent(name));
    }

    @Override
    public void close() {
        for (Source source : sources) {
            if (source.policy() instanceof AskPolicy ask) {
                ask.close();
            } else if (source.policy() instanceof SqlPolicy sql) {
                sql.close();
            }
        }
    }

    /**
     * Asks each source for a name that nobody can own, and tells where that is granted.
     *
     * @return whether all of them have answered; completes within the time of one ask
     */
    CompletableFuture<Boolean> lookForOneThatGrantsAll() {
        List<CompletableFuture<Boolean>> answered =
                sources.stream().map(this::askForNobodys).toList();
        return CompletableFuture.allOf(answered.toArray(CompletableFuture[]::new))
                .thenApply(all -> answered.stream().allMatch(one -> one.getNow(false)));
    }

    private CompletableFuture<Boolean> askForNobodys(Source source) {
        ServerName nobodys = nobodys();
        CompletableFuture<AskPolicy.Reply> replied = new CompletableFuture<>();
        CompletableFuture<Decision> decided = replied.thenApply(AskPolicy.Reply::decision);
        run(source, decided, () -> {
            if (source.policy() instanceof AskPolicy ask) {
                ask.ask(nobodys, Purpose.OBTAIN).whenComplete((reply, failure) -> hand(reply, failure, replied));
            } else {
                source.policy()
                        .decide(nobodys, Purpose.OBTAIN)
                        .whenComplete((decision, failure) ->
                                hand(decision == null ? null : new AskPolicy.Reply(decision, false), failure, replied));
            }
        });
        return decided.handle((decision, failure) -> {
            if (decision instanceof Decision.Granted) {
                boolean isPage = replied.isDone() && replied.join().isPage();
                events.publish(
                        EventKind.GRANTS_ALL,
                        source.label() + " granted " + nobodys + ", which nobody can own: it seems to grant every name,"
                                + " so that strangers can have certificates made for any name that leads here; let it"
                                + " deny names that are not yours"
                                + (isPage
                                        ? " (its answer was an HTML page: is that URL an application's front end?)"
                                        : ""));
            }
            return failure == null;
        });
    }

    private static ServerName nobodys() {
        byte[] octets = new byte[NOBODYS_OCTETS];
        RANDOM.nextBytes(octets);
        return new ServerName("check-" + HexFormat.of().formatHex(octets) + NOBODYS);
    }

    private void ask(
            Question question,
            int at,
            NoAnswerException last,
            BiConsumer<@Nullable Decision, @Nullable Throwable> done) {
        if (at == sources.size()) {
            done.accept(null, last);
            return;
        }
        Source source = sources.get(at);
        Circuit circuit = source.circuit();
        if (circuit != null && (isLate(question, circuit) || !circuit.tryPass())) {
            NoAnswerException open =
                    new NoAnswerException(source.label() + " has failed repeatedly and is left alone for some seconds");
            ask(question, at + 1, open, done);
            return;
        }
        CompletableFuture<Decision> decided = new CompletableFuture<>();
        decided.whenComplete((decision, failure) -> {
            if (decision != null) {
                answered(source, question, decision);
                done.accept(decision, null);
            } else {
                failed(source);
                ask(question, at + 1, noAnswer(source, failure), done);
            }
        });
        put(source, question.name(), question.purpose(), decided);
    }

    // Whoever has waited for a quarter of an ask already would wait for all of another: not for a source that has just
    // failed.
    private boolean isLate(Question question, Circuit circuit) {
        return circuit.isFailing()
                && ports.nanoTime().getAsLong() - question.since()
                        > timeout.dividedBy(4).toNanos();
    }

    private void put(Source source, ServerName name, Purpose purpose, CompletableFuture<Decision> decided) {
        run(
                source,
                decided,
                () -> source.policy()
                        .decide(name, purpose)
                        .whenComplete((decision, failure) -> hand(decision, failure, decided)));
    }

    // Completes, whatever happens: who keeps his slot keeps it for good.
    private void run(Source source, CompletableFuture<Decision> decided, Runnable task) {
        try {
            ScheduledFuture<?> end = ports.scheduler()
                    .schedule(
                            () -> decided.completeExceptionally(new NoAnswerException(
                                    source.label() + " did not answer within " + timeout.toMillis() + " ms")),
                            timeout.toNanos(),
                            TimeUnit.NANOSECONDS);
            decided.whenComplete((decision, failure) -> end.cancel(false));
            ports.executor().execute(() -> {
                try {
                    task.run();
                } catch (RuntimeException | Error thrown) {
                    decided.completeExceptionally(thrown);
                }
            });
        } catch (RuntimeException | Error thrown) {
            decided.completeExceptionally(notRun(thrown));
        }
    }

    /** Why a question could not even be put: a thread that cannot be started, for example. */
    static NoAnswerException notRun(Throwable thrown) {
        return new NoAnswerException(
                thrown instanceof RejectedExecutionException ? BUSY : "permission could not be asked: " + thrown);
    }

    private static <T> void hand(@Nullable T answer, @Nullable Throwable failure, CompletableFuture<T> to) {
        if (answer != null) {
            to.complete(answer);
        } else {
            to.completeExceptionally(failure != null ? failure : new NoAnswerException("the policy answered null"));
        }
    }

    private void answered(Source source, Question question, Decision decision) {
        deciders.put(question.name(), source.label());
        if (decision instanceof Decision.Granted) {
            lastGranted.set(question.name());
        }
        Circuit circuit = source.circuit();
        if (circuit != null) {
            circuit.answered();
            source.outage().worked();
        }
    }

    private void failed(Source source) {
        Circuit circuit = source.circuit();
        if (circuit == null || !circuit.failed()) {
            return;
        }
        // Strangers chose the names it failed for: it is well if it answers for one of ours.
        CompletableFuture<Boolean> nobodys = answers(source, nobodys());
        ServerName granted = lastGranted.get();
        CompletableFuture<Boolean> known =
                granted == null ? CompletableFuture.completedFuture(false) : answers(source, granted);
        nobodys.thenCombine(known, (one, other) -> one || other).whenComplete((does, never) -> {
            boolean answers = does != null && does;
            if (answers) {
                source.outage().worked();
            }
            if (circuit.confirmed(answers)) {
                source.outage()
                        .failed(
                                null,
                                source.label()
                                        + " keeps failing and is left alone for some seconds at a time; new names"
                                        + " are refused until it answers, names with a certificate are served");
            }
        });
    }

    private CompletableFuture<Boolean> answers(Source source, ServerName name) {
        CompletableFuture<Decision> decided = new CompletableFuture<>();
        CompletableFuture<Boolean> does = decided.handle((decision, failure) -> failure == null);
        put(source, name, Purpose.OBTAIN, decided);
        return does;
    }

    private static NoAnswerException noAnswer(Source source, @Nullable Throwable failure) {
        Throwable cause =
                failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
        return cause instanceof NoAnswerException known
                ? known
                : new NoAnswerException(source.label() + " failed ("
                        + (cause == null ? "null" : cause.getClass().getName()) + ")");
    }
}
