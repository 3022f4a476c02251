package org.ondemandtls.certificate;

import java.security.KeyPair;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.ondemandtls.config.OnDemandTlsConfig.KeyType;

/**
 * Key pairs made before they are needed, so that no handshake waits for one. Each pair is given out once.
 *
 * <p>Safe for use by many threads.
 */
public final class SpareKeyPairs {

    private final KeyType type;
    private final int target;
    private final Executor executor;
    private final Queue<KeyPair> spares = new ConcurrentLinkedQueue<>();
    private final AtomicInteger count = new AtomicInteger();
    private final AtomicBoolean refilling = new AtomicBoolean();

    /**
     * Makes an empty supply; nothing is made before {@link #refill} or the first {@link #take}.
     *
     * @param type the kind of key
     * @param target how many to keep ready, at least 1
     * @param executor where spares are made, one at a time
     */
    public SpareKeyPairs(KeyType type, int target, Executor executor) {
        if (target < 1) {
            throw new IllegalArgumentException("a supply keeps at least one spare");
        }
        this.type = type;
        this.target = target;
        this.executor = executor;
    }

    /** Gives out a pair: a spare one, or one made on the caller's thread where there is none. */
    public KeyPair take() {
        KeyPair spare = spares.poll();
        if (spare != null) {
            count.decrementAndGet();
        }
        refill();
        return spare != null ? spare : KeyPairs.generate(type);
    }

    /** Has the supply filled up on the executor; returns at once. */
    public void refill() {
        if (count.get() >= target || !refilling.compareAndSet(false, true)) {
            return;
        }
        try {
            executor.execute(this::makeOne);
        } catch (RejectedExecutionException e) {
            // The executor is stopping or full: whoever needs a pair makes it.
            refilling.set(false);
        }
    }

    /** How many are ready. */
    public int size() {
        return count.get();
    }

    // One per task, so that the executor's other work is never held up for longer than one key takes.
    private void makeOne() {
        try {
            spares.add(KeyPairs.generate(type));
            count.incrementAndGet();
        } finally {
            refilling.set(false);
        }
        refill();
    }
}
