package org.ondemandtls.tomcat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import org.apache.tomcat.util.buf.ByteBufferUtils;
import org.apache.tomcat.util.net.NioEndpoint;
import org.apache.tomcat.util.net.NioEndpoint.NioSocketWrapper;
import org.apache.tomcat.util.net.SecureNioChannel;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.handshake.Visit;
import org.ondemandtls.name.ClientHelloParser;

/**
 * Tomcat's TLS channel with the buffers it needs, and no others: until its handshake begins, and while that waits, it
 * holds the octets that have come. Stock Tomcat gives every connection 48 KiB at once.
 *
 * <p>Buffers outside of the heap, which {@code socket.directSslBuffer} asks for, stay as Tomcat makes them: they are dear to
 * make, and cost no heap.
 *
 * <p><b>Threads.</b> One at a time for each connection, in an order the host of this class makes.
 */
class FrugalChannel extends SecureNioChannel {

    /** What is read at once of a ClientHello; that of a browser fits. */
    private static final int READ_OCTETS = 2048;

    private static final ByteBuffer NONE = ByteBuffer.allocate(0);
    private static final byte[] NO_OCTETS = {};

    private final LatentBuffers decrypted;
    private final int netOctets;
    private int helloEnd;
    private byte[] rest = NO_OCTETS;

    /**
     * A channel for use by one connection after another.
     *
     * @param decrypted the buffers of the decrypted side
     * @param endpoint says what buffers are like
     */
    FrugalChannel(LatentBuffers decrypted, NioEndpoint endpoint) {
        super(decrypted, endpoint);
        this.decrypted = decrypted;
        netOctets = netInBuffer.capacity();
        giveBack();
    }

    @Override
    public void reset(SocketChannel channel, @Nullable NioSocketWrapper wrapper) throws IOException {
        super.reset(channel, wrapper);
        helloEnd = 0;
        rest = NO_OCTETS;
    }

    /** Where the next octets of a ClientHello are read into: nothing else is there. */
    final ByteBuffer emptied() {
        if (netInBuffer.capacity() == 0) {
            netInBuffer = ByteBuffer.allocate(READ_OCTETS);
        }
        return netInBuffer.clear();
    }

    /** Gives back what {@link #emptied} took, where it holds nothing and more is waited for. */
    final void letGo() {
        if (!netInBuffer.isDirect() && netInBuffer.capacity() <= READ_OCTETS) {
            netInBuffer = NONE;
        }
    }

    /** Gives back all but the octets that have come, to their last. */
    final void giveBack() {
        decrypted.release();
        if (netOutBuffer.isDirect()) {
            return;
        }
        int octets = netInBuffer.position();
        netInBuffer =
                octets == 0 ? NONE : ByteBuffer.allocate(octets + Visit.ROOM).put(netInBuffer.flip());
        netOutBuffer = NONE;
    }

    /** Takes what a handshake needs. */
    final void takeBack() {
        // One octet more: Tomcat takes a buffer that is full for one that is read.
        netInBuffer = ByteBufferUtils.expand(netInBuffer, Math.max(netOctets, netInBuffer.position() + 1));
        if (netOutBuffer.capacity() < netOctets) {
            netOutBuffer = ByteBuffer.allocate(netOctets).limit(0);
        }
    }

    /** Whether more came than the ClientHello. */
    final boolean hasMoreThanHello() {
        return netInBuffer.position() > helloEnd;
    }

    /**
     * Keeps a ClientHello in place of what was received.
     *
     * <p>Tomcat looks for the server name in the first record only, so it gets the whole ClientHello as one, where one can
     * hold it; otherwise the first of two, in which it sees that it cannot read it. What follows stays behind while nobody
     * but us reads.
     *
     * @param record the ClientHello as records
     */
    final void keep(ByteBuffer record) {
        byte[] following = new byte[netInBuffer.remaining()];
        netInBuffer.get(following);
        netInBuffer.clear();
        netInBuffer = ByteBufferUtils.expand(netInBuffer, record.remaining() + following.length + 1);
        netInBuffer.put(record);
        helloEnd = Math.min(netInBuffer.position(), ClientHelloParser.LARGEST_RECORD);
        netInBuffer.put(following);
    }

    /**
     * Sets aside what follows the ClientHello. Where a ClientHello lacks an extension Tomcat looks for, it goes on looking
     * for it in what follows, and fails: so nothing follows until it has looked, neither from here nor from the socket.
     */
    final void setRestAside() {
        int octets = netInBuffer.position() - helloEnd;
        if (octets > 0) {
            rest = new byte[octets];
            netInBuffer.flip().position(helloEnd);
            netInBuffer.get(rest);
            netInBuffer.clear().position(helloEnd);
        }
        netInBuffer.limit(helloEnd);
    }

    /** Takes that back, Tomcat having looked. */
    final void bringBackRest() {
        netInBuffer.limit(netInBuffer.capacity());
        if (rest.length > 0) {
            // Looking for the name in the first of two records, Tomcat has perhaps read on.
            byte[] later = new byte[netInBuffer.position() - helloEnd];
            netInBuffer.get(helloEnd, later).position(helloEnd);
            netInBuffer = ByteBufferUtils.expand(netInBuffer, helloEnd + rest.length + later.length + 1);
            netInBuffer.put(rest).put(later);
            rest = NO_OCTETS;
        }
    }
}
