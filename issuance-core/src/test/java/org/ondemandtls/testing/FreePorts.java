package org.ondemandtls.testing;

import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.SocketException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Loopback ports nobody listens on. They lie below the range that outgoing connections take theirs from, so that a
 * server that is stopped finds its port free again; none is handed out twice by one JVM.
 */
public final class FreePorts {

    private static final int FIRST = 18_000;
    private static final int COUNT = 14_000;

    // Several JVMs test side by side on one machine.
    private static final AtomicInteger NEXT =
            new AtomicInteger(ThreadLocalRandom.current().nextInt(COUNT));

    private FreePorts() {}

    /** A port that is free for TCP and UDP on the loopback address at this moment. */
    public static int next() {
        for (int attempt = 0; attempt < COUNT; attempt++) {
            int port = FIRST + Math.floorMod(NEXT.getAndIncrement(), COUNT);
            if (isFree(port)) {
                return port;
            }
        }
        throw new IllegalStateException("no free port between " + FIRST + " and " + (FIRST + COUNT - 1));
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
