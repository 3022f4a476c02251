package org.ondemandtls.testing;

import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.SocketException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Loopback ports nobody listens on. They lie below the range that outgoing connections take theirs from, so that a
 * server that is stopped finds its port free again; none is handed out twice, neither by one JVM nor by several that
 * test side by side on one machine.
 */
public final class FreePorts {

    private static final int FIRST = 18_000;
    private static final int BLOCK = 100;
    private static final int BLOCKS = 140;

    // A JVM's until it ends: whoever holds the lock on a block's file has its ports.
    private static final List<FileLock> HELD = new ArrayList<>();

    // Of the current block, the last one taken.
    private static int next;
    private static int end;

    private FreePorts() {}

    /** A port that is free for TCP and UDP on the loopback address at this moment. */
    public static synchronized int next() {
        while (true) {
            if (next == end) {
                next = takeBlock();
                end = next + BLOCK;
            }
            int port = next++;
            if (isFree(port)) {
                return port;
            }
        }
    }

    private static int takeBlock() {
        try {
            Path directory =
                    Files.createDirectories(Path.of(System.getProperty("java.io.tmpdir"), "ondemand-tls-ports"));
            int begin = ThreadLocalRandom.current().nextInt(BLOCKS);
            for (int attempt = 0; attempt < BLOCKS; attempt++) {
                int block = (begin + attempt) % BLOCKS;
                FileChannel file = FileChannel.open(
                        directory.resolve(Integer.toString(block)),
                        StandardOpenOption.CREATE,
                        StandardOpenOption.WRITE);
                FileLock lock =
                        HELD.stream().anyMatch(held -> held.position() == block) ? null : file.tryLock(block, 1, false);
                if (lock != null) {
                    HELD.add(lock);
                    return FIRST + block * BLOCK;
                }
                file.close();
            }
        } catch (IOException failed) {
            throw new IllegalStateException("cannot take a block of ports", failed);
        }
        throw new IllegalStateException(
                "no free block of ports between " + FIRST + " and " + (FIRST + BLOCKS * BLOCK - 1));
    }

    private static boolean isFree(int port) {
        InetAddress loopback = InetAddress.getLoopbackAddress();
        try (var tcp = new ServerSocket();
                var udp = new DatagramSocket(new InetSocketAddress(loopback, port))) {
            // A wildcard listener on the same port would otherwise go unnoticed.
            tcp.setReuseAddress(false);
            tcp.bind(new InetSocketAddress(loopback, port));
            return tcp.isBound() && udp.isBound();
        } catch (SocketException taken) {
            return false;
        } catch (IOException failed) {
            throw new IllegalStateException("cannot open a socket", failed);
        }
    }
}
