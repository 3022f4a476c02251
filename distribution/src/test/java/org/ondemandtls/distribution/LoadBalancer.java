package org.ondemandtls.distribution;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** Hands each connection to the next of several ports, whatever is in it. */
final class LoadBalancer implements AutoCloseable {

    private final ServerSocket listener = new ServerSocket(0, 200, InetAddress.getLoopbackAddress());
    private final AtomicInteger next = new AtomicInteger();
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();

    private volatile List<Integer> ports = List.of();

    LoadBalancer() throws IOException {
        daemon("accept", this::accept);
    }

    /** The port to connect to. */
    int port() {
        return listener.getLocalPort();
    }

    /** To which ports on this machine connections go from now on, in turn. */
    void balance(List<Integer> targets) {
        ports = List.copyOf(targets);
    }

    @Override
    public void close() throws IOException {
        listener.close();
        for (Socket socket : open) {
            socket.close();
        }
    }

    private void accept() {
        while (!listener.isClosed()) {
            try {
                Socket client = listener.accept();
                open.add(client);
                daemon("connection", () -> serve(client));
            } catch (IOException closed) {
                return;
            }
        }
    }

    private void serve(Socket client) {
        List<Integer> targets = ports;
        int port = targets.get(Math.floorMod(next.getAndIncrement(), targets.size()));
        try (client;
                Socket server = new Socket(InetAddress.getLoopbackAddress(), port)) {
            open.add(server);
            Thread back = daemon("back", () -> copy(server, client));
            copy(client, server);
            back.join();
            open.remove(server);
        } catch (IOException refused) {
            // The client learns it by its connection's end.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            open.remove(client);
        }
    }

    private static void copy(Socket from, Socket to) {
        try {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            in.transferTo(out);
            to.shutdownOutput();
        } catch (IOException ended) {
            try {
                from.close();
                to.close();
            } catch (IOException gone) {
                // Both are to be closed.
            }
        }
    }

    private static Thread daemon(String what, Runnable task) {
        Thread thread = new Thread(task, "load-balancer-" + what);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }
}
