package org.ondemandtls.handshake;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.ondemandtls.name.ClientBlock;

/**
 * How many octets are held of ClientHellos that are not whole yet, and of large ones whose handshake waits: a bound for all
 * of them, and one for each client block, so that one stranger cannot take what others need.
 *
 * <p><b>Threads.</b> Safe for many; nothing blocks.
 *
 * <p><b>Cost.</b> One entry for each client block that keeps us waiting. A ClientHello that is whole when it is read, and
 * answered at once or small, is not counted.
 */
final class HelloOctets {

    /** The key of the bound. */
    static final String BOUND = "onDemandTls.handshake.helloOctets";

    /** Which part of all one client block may hold. */
    static final int SHARES = 16;

    /** What is small: a browser's, with a post-quantum key share. */
    static final int SMALL = 4096;

    private final long most;
    private final int largest;
    private final AtomicLong held = new AtomicLong();
    private final Map<ClientBlock, Long> byClient = new ConcurrentHashMap<>();

    /**
     * Holds none.
     *
     * @param most how many may be held at the same time; twice {@code largest} at least, for small ones to find room
     * @param largest how many the largest ClientHello takes: a client that holds nothing else may always send one
     */
    HelloOctets(long most, int largest) {
        this.most = most;
        this.largest = largest;
    }

    /**
     * Takes room for octets that have come.
     *
     * @param client whose they are; one that is not counted counts in all of them only
     * @param octets how many; none is always room for
     * @param inAll how many of this ClientHello are held then; large ones leave half of the room to small ones
     * @return false if there is no room: nothing has changed then
     */
    boolean take(ClientBlock client, int octets, int inAll) {
        if (octets == 0) {
            return true;
        }
        boolean fits = held.addAndGet(octets) <= (inAll <= SMALL ? most : Math.max(most / 2, largest));
        if (counts(client)) {
            fits &= byClient.merge(client, (long) octets, Long::sum) <= Math.max(most / SHARES, largest);
        }
        if (!fits) {
            give(client, octets);
        }
        return fits;
    }

    /**
     * Gives room back.
     *
     * @param client whose it was
     * @param octets as many as were taken
     */
    void give(ClientBlock client, int octets) {
        if (octets == 0) {
            return;
        }
        held.addAndGet(-octets);
        if (counts(client)) {
            byClient.computeIfPresent(client, (same, count) -> count == octets ? null : count - octets);
        }
    }

    /** How many are held now. */
    long held() {
        return held.get();
    }

    private static boolean counts(ClientBlock client) {
        return client.isCounted();
    }
}
