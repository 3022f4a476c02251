package org.ondemandtls.handshake;

import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ClientHelloParser;

/**
 * The reading of one connection's ClientHello, which takes room among those that are not whole for as long as it waits for
 * more.
 *
 * <p><b>Threads.</b> One thread reads; any may end it, and it may be ended more than once.
 */
public final class HelloReading {

    /** The largest ClientHello that is read, in octets with its header: what the JDK's engines of this JVM take. */
    static final int MOST = most(Integer.getInteger("jdk.tls.maxHandshakeMessageSize"));

    /** How many octets of memory the reading of the largest holds. */
    public static final int MOST_HELD = ClientHelloParser.heldOf(MOST);

    private static final int ENDED = -1;

    // A client holds as much while it is parked, so the JVM's bound is followed within bounds of ours.
    private static final int LOWEST = 16 * 1024;
    private static final int HIGHEST = 64 * 1024;
    private static final int HEADER = 4;

    private final ClientHelloParser parser = new ClientHelloParser(MOST);
    private final @Nullable HandshakeGate gate;
    private final AtomicInteger taken = new AtomicInteger();
    private volatile ClientBlock client = ClientBlock.LOCAL;

    /**
     * Begins; memory is taken when octets arrive.
     *
     * @param gate counts what is held, null where there is none: then nothing is
     */
    public HelloReading(@Nullable HandshakeGate gate) {
        this.gate = gate;
    }

    /**
     * The largest ClientHello that is read.
     *
     * @param ofJvm what the JVM was told about handshake messages without their header, null if nothing
     * @return octets with its header
     */
    static int most(@Nullable Integer ofJvm) {
        return ofJvm == null
                ? ClientHelloParser.MAX_MESSAGE_OF_JSSE
                : HEADER + Math.max(LOWEST, Math.min(ofJvm, HIGHEST));
    }

    /** As {@link ClientHelloParser#feed}. */
    public ClientHelloParser.Progress feed(ByteBuffer octets) {
        return parser.feed(octets);
    }

    /** As {@link ClientHelloParser#records}. */
    public ByteBuffer records() {
        return parser.records();
    }

    /**
     * Whether what has come may be held until more comes.
     *
     * @param peer the client's address, null if it is not known
     * @return false where too much is held already, or the reading was ended
     */
    public boolean mayWait(@Nullable SocketAddress peer) {
        int before = taken.get();
        int more = parser.held() - before;
        if (gate == null || before == ENDED || more <= 0) {
            return before != ENDED;
        }
        if (before == 0) {
            client = gate.clientOf(peer);
        }
        if (!gate.hellos().take(client, more, before + more)) {
            return false;
        }
        if (taken.compareAndSet(before, before + more)) {
            return true;
        }
        gate.hellos().give(client, more);
        return false;
    }

    /** Gives back what is held. */
    public void end() {
        int before = taken.getAndSet(ENDED);
        if (gate != null && before > 0) {
            gate.hellos().give(client, before);
        }
    }
}
