package org.ondemandtls.store;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * A compact, approximate set of names: about two octets a name, no false "no", one false "maybe" in about 2,000.
 *
 * <p>A Bloom filter with a secret seed, so that nobody outside can choose names that collide. Safe for many threads.
 */
final class NameFingerprint {

    private static final SecureRandom RANDOM = new SecureRandom();
    private static final int BITS_PER_NAME = 16;
    private static final int HASHES = 8;
    private static final int SEED_OCTETS = 16;

    private final AtomicLongArray words;
    private final byte[] seed = new byte[SEED_OCTETS];
    private final int capacity;
    private final AtomicInteger added = new AtomicInteger();

    /**
     * Makes an empty fingerprint.
     *
     * @param capacity how many names it holds at the stated rate of false answers
     */
    NameFingerprint(int capacity) {
        this.capacity = Math.max(1024, capacity);
        this.words = new AtomicLongArray((int) (((long) this.capacity * BITS_PER_NAME + Long.SIZE - 1) / Long.SIZE));
        RANDOM.nextBytes(seed);
    }

    /** Whether more was added than the stated rate of false answers allows for. */
    boolean isFull() {
        return added.get() > capacity;
    }

    void add(String name) {
        added.incrementAndGet();
        long[] positions = positions(name);
        for (long position : positions) {
            long bit = 1L << (position & (Long.SIZE - 1));
            words.accumulateAndGet((int) (position >>> 6), bit, (have, add) -> have | add);
        }
    }

    boolean mayContain(String name) {
        for (long position : positions(name)) {
            if ((words.get((int) (position >>> 6)) & (1L << (position & (Long.SIZE - 1)))) == 0) {
                return false;
            }
        }
        return true;
    }

    private long[] positions(String name) {
        ByteBuffer digest = ByteBuffer.wrap(Sha256.of(seed, name.getBytes(StandardCharsets.US_ASCII)));
        long first = digest.getLong();
        long step = digest.getLong() | 1;
        long bits = (long) words.length() * Long.SIZE;
        long[] positions = new long[HASHES];
        for (int i = 0; i < HASHES; i++) {
            positions[i] = Long.remainderUnsigned(first + i * step, bits);
        }
        return positions;
    }
}
