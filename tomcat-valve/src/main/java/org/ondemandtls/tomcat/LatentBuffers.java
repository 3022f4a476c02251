package org.ondemandtls.tomcat;

import java.nio.ByteBuffer;
import org.apache.tomcat.util.net.SocketBufferHandler;
import org.jspecify.annotations.Nullable;

/**
 * Tomcat's buffers of the decrypted side, which exist from their first use on: nothing is decrypted before a handshake
 * begins.
 *
 * <p><b>Threads.</b> As Tomcat uses its own: one thread at a time for each connection.
 *
 * <p><b>Cost.</b> A connection that has not begun its handshake holds none; one that has, what {@code
 * socket.appReadBufSize} and {@code socket.appWriteBufSize} say.
 */
final class LatentBuffers extends SocketBufferHandler {

    private final int readOctets;
    private final int writeOctets;
    private final boolean direct;
    private volatile @Nullable SocketBufferHandler buffers;

    /**
     * Buffers of these sizes, later.
     *
     * @param readOctets the size of the one that is read from
     * @param writeOctets the size of the one that is written to
     * @param direct whether they are outside of the heap
     */
    LatentBuffers(int readOctets, int writeOctets, boolean direct) {
        super(0, 0, false);
        this.readOctets = readOctets;
        this.writeOctets = writeOctets;
        this.direct = direct;
    }

    /** Gives the buffers back where they are on the heap; they hold nothing. Those outside of it are kept, being dear. */
    void release() {
        if (!direct) {
            buffers = null;
        }
    }

    @Override
    public void configureReadBufferForWrite() {
        buffers().configureReadBufferForWrite();
    }

    @Override
    public void configureReadBufferForRead() {
        buffers().configureReadBufferForRead();
    }

    @Override
    public ByteBuffer getReadBuffer() {
        return buffers().getReadBuffer();
    }

    @Override
    public boolean isReadBufferEmpty() {
        SocketBufferHandler there = buffers;
        return there == null || there.isReadBufferEmpty();
    }

    @Override
    public void unReadReadBuffer(ByteBuffer returned) {
        buffers().unReadReadBuffer(returned);
    }

    @Override
    public void configureWriteBufferForWrite() {
        buffers().configureWriteBufferForWrite();
    }

    @Override
    public void configureWriteBufferForRead() {
        buffers().configureWriteBufferForRead();
    }

    @Override
    public boolean isWriteBufferWritable() {
        return buffers().isWriteBufferWritable();
    }

    @Override
    public ByteBuffer getWriteBuffer() {
        return buffers().getWriteBuffer();
    }

    @Override
    public boolean isWriteBufferEmpty() {
        SocketBufferHandler there = buffers;
        return there == null || there.isWriteBufferEmpty();
    }

    @Override
    public void reset() {
        SocketBufferHandler there = buffers;
        if (there != null) {
            there.reset();
        }
    }

    @Override
    public void expand(int octets) {
        SocketBufferHandler there = buffers;
        if (there == null) {
            buffers = new SocketBufferHandler(Math.max(readOctets, octets), Math.max(writeOctets, octets), direct);
        } else {
            there.expand(octets);
        }
    }

    @Override
    public void free() {
        SocketBufferHandler there = buffers;
        if (there != null) {
            there.free();
        }
    }

    private SocketBufferHandler buffers() {
        SocketBufferHandler there = buffers;
        if (there == null) {
            there = new SocketBufferHandler(readOctets, writeOctets, direct);
            buffers = there;
        }
        return there;
    }
}
