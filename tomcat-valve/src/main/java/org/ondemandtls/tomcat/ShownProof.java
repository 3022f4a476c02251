package org.ondemandtls.tomcat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.time.Duration;
import org.ondemandtls.handshake.Admission;
import org.ondemandtls.handshake.ProxyExchange;
import org.ondemandtls.handshake.Visit;

/**
 * Carries the octets of a proxy that may be fetching a proof; neither Tomcat's TLS nor its HTTP sees them.
 *
 * <p><b>Threads.</b> Those of {@link GatedChannel#handshake}.
 */
final class ShownProof {

    private static final int READ_OCTETS = 4096;

    private final GatedChannel channel;
    private final ProxyExchange exchange;
    private final Duration patience;
    private final ByteBuffer received = ByteBuffer.allocate(READ_OCTETS);
    private ByteBuffer unsent = ByteBuffer.allocate(0);

    /**
     * Takes a connection over.
     *
     * @param channel the connection's, which the gate has decided for
     * @param show what it decided
     * @param patience how long all of it may take
     */
    ShownProof(GatedChannel channel, Admission.Show show, Duration patience) {
        this.channel = channel;
        this.exchange = new ProxyExchange(show);
        this.patience = patience;
    }

    /**
     * Begins with what has been read already.
     *
     * @param read the ClientHello, and what followed it
     * @return what Tomcat is to wait for, as {@link GatedChannel#handshake} says it
     */
    int begin(ByteBuffer read) {
        Visit visit = channel.visit();
        if (!visit.move(Visit.State.DECIDED, Visit.State.PROVING)) {
            return channel.leave();
        }
        visit.limit(Visit.State.PROVING, patience, Visit.State.CUT);
        unsent = exchange.feed(read);
        return proceed();
    }

    /** Goes on, the connection being readable or writable. */
    int proceed() {
        try {
            while (true) {
                channel.getIOChannel().write(unsent);
                if (unsent.hasRemaining()) {
                    return SelectionKey.OP_WRITE;
                }
                if (exchange.isOver()) {
                    return channel.visit().move(Visit.State.PROVING, Visit.State.FAREWELL)
                            ? channel.bidFarewell()
                            : channel.leave();
                }
                int octets = channel.getIOChannel().read(received.clear());
                if (octets < 0) {
                    return channel.leave();
                }
                if (octets == 0) {
                    return SelectionKey.OP_READ;
                }
                unsent = exchange.feed(received.flip());
            }
        } catch (IOException e) {
            return channel.leave();
        }
    }
}
