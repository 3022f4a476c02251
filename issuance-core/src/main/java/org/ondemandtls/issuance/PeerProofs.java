package org.ondemandtls.issuance;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.ondemandtls.challenge.ChallengeBoard;
import org.ondemandtls.challenge.Proof;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.config.Rate;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.Allowance;
import org.ondemandtls.store.Peers;
import org.ondemandtls.store.StoreException;

/**
 * The proofs that servers on one store show for each other, read through when a CA asks for one.
 *
 * <p>Anybody can ask: one look per name and token at a time, only so many looks in a time, and what is not there is
 * remembered for a moment.
 *
 * <p><b>Threads.</b> Safe for use by many threads.
 */
public final class PeerProofs implements ChallengeBoard.Elsewhere {

    // A CA asks when the proof is in the store, and again after a second or more.
    private static final Duration MISS = Duration.ofMillis(500);

    // A CA waits some seconds for an answer, and a database that was gone may be back within them.
    private static final Duration RETRY = Duration.ofMillis(500);
    private static final int ATTEMPTS = 10;

    // What is asked under another host is told once; strangers may ask for tokens that nobody has.
    private static final Rate STRAYED = new Rate(10, Duration.ofSeconds(10));
    private static final Duration TOLD = Duration.ofMinutes(15);
    private static final int MOST_TOLD = 1_000;

    private record Question(ServerName name, ChallengeType type, String token) {}

    private final Peers peers;
    private final Executor lookups;
    private final ScheduledExecutorService scheduler;
    private final Events events;
    private final Allowance rate;
    private final Cache<Question, Boolean> misses;
    private final ChallengeBoard.Strayed strayed;
    private final Allowance strays;
    private final Cache<String, Boolean> told;
    private final SingleFlight<Question, Optional<String>> flights = new SingleFlight<>();

    /**
     * Joins them.
     *
     * @param peers what the servers share
     * @param lookups runs looks into the store; bounded, rejects what does not fit
     * @param scheduler begins them again where the store did not answer
     * @param rate how many looks are begun in a time
     * @param remembered how many misses are remembered
     * @param nanoTime a monotonic clock in nanoseconds
     * @param events where trouble is reported
     * @param strayed told once of a proof that was asked for under another host
     */
    public PeerProofs(
            Peers peers,
            Executor lookups,
            ScheduledExecutorService scheduler,
            Rate rate,
            int remembered,
            LongSupplier nanoTime,
            Events events,
            ChallengeBoard.Strayed strayed) {
        this.peers = peers;
        this.lookups = lookups;
        this.scheduler = scheduler;
        this.events = events;
        this.rate = new Allowance(rate, nanoTime);
        this.strayed = strayed;
        this.strays = new Allowance(STRAYED, nanoTime);
        this.misses = remembered(remembered, MISS, nanoTime);
        this.told = remembered(MOST_TOLD, TOLD, nanoTime);
    }

    private static <K> Cache<K, Boolean> remembered(int most, Duration time, LongSupplier nanoTime) {
        return Caffeine.newBuilder()
                .maximumSize(most)
                .expireAfterWrite(time)
                .ticker(nanoTime::getAsLong)
                .executor(Runnable::run)
                .build();
    }

    @Override
    public boolean any() {
        return peers.any();
    }

    @Override
    public void show(Proof proof) throws IOException {
        try {
            peers.show(proof);
        } catch (StoreException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    @Override
    public void takeDown(Proof proof) {
        peers.takeDown(proof);
    }

    @Override
    public CompletableFuture<Optional<String>> find(ServerName name, ChallengeType type, String token) {
        Question question = new Question(name, type, token);
        if (misses.getIfPresent(question) != null) {
            return CompletableFuture.completedFuture(Optional.empty());
        }
        return flights.join(question, this::look);
    }

    // Nothing is remembered: what is not there now is shown as soon as the order is placed.
    @Override
    public CompletableFuture<Map<String, String>> httpProofs(ServerName name) {
        CompletableFuture<Map<String, String>> answer = new LeavableFuture<>();
        if (!rate.tryTake()) {
            events.overflowed(StoreLookups.RATE, name);
            answer.complete(Map.of());
            return answer;
        }
        try {
            lookups.execute(() -> {
                try {
                    answer.complete(peers.httpProofs(name));
                } catch (StoreException e) {
                    events.publish(EventKind.STORE_FAILED, name, String.valueOf(e.getMessage()));
                } finally {
                    // A handshake waits for it, whatever went wrong.
                    answer.complete(Map.of());
                }
            });
        } catch (RejectedExecutionException e) {
            events.overflowed("onDemandTls.shield.lookupsQueued", name);
            answer.complete(Map.of());
        }
        return answer;
    }

    private CompletableFuture<Optional<String>> look(Question question) {
        CompletableFuture<Optional<String>> answer = new CompletableFuture<>();
        if (!rate.tryTake()) {
            events.overflowed(StoreLookups.RATE, question.name());
            answer.complete(Optional.empty());
            return answer;
        }
        look(question, answer, 1);
        return answer;
    }

    private void look(Question question, CompletableFuture<Optional<String>> answer, int attempt) {
        try {
            lookups.execute(() -> read(question, answer, attempt));
        } catch (RejectedExecutionException e) {
            events.overflowed("onDemandTls.shield.lookupsQueued", question.name());
            answer.complete(Optional.empty());
        }
    }

    private void read(Question question, CompletableFuture<Optional<String>> answer, int attempt) {
        try {
            Optional<String> found = peers.proof(question.name(), question.type(), question.token());
            if (found.isEmpty()) {
                misses.put(question, Boolean.TRUE);
            }
            answer.complete(found);
            if (found.isEmpty() && question.type() == ChallengeType.HTTP_01 && mayHaveStrayed(question.token())) {
                tellIfStrayed(question.token(), Optional.of(question.name()));
            }
        } catch (StoreException e) {
            if (attempt < ATTEMPTS) {
                scheduler.schedule(() -> look(question, answer, attempt + 1), RETRY.toNanos(), TimeUnit.NANOSECONDS);
                return;
            }
            events.publish(EventKind.STORE_FAILED, question.name(), String.valueOf(e.getMessage()));
            answer.complete(Optional.empty());
        } catch (RuntimeException | Error e) {
            // A request waits for it, and a defect of ours must not keep it for good.
            answer.complete(Optional.empty());
            throw e;
        }
    }

    @Override
    public void strayed(String token) {
        if (!mayHaveStrayed(token)) {
            return;
        }
        try {
            lookups.execute(() -> tellIfStrayed(token, Optional.empty()));
        } catch (RejectedExecutionException busy) {
            // A CA asks more than once.
        }
    }

    private boolean mayHaveStrayed(String token) {
        return told.getIfPresent(token) == null && strays.tryTake();
    }

    private void tellIfStrayed(String token, Optional<ServerName> asked) {
        try {
            Optional<ServerName> shown = peers.nameOf(token);
            // The same name: it was put on display just now.
            if (shown.isPresent() && !shown.equals(asked) && told.asMap().putIfAbsent(token, true) == null) {
                strayed.asked(shown.get(), asked);
            }
        } catch (StoreException e) {
            events.publish(EventKind.STORE_FAILED, String.valueOf(e.getMessage()));
        }
    }
}
