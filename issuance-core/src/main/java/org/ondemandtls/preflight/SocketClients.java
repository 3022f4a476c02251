package org.ondemandtls.preflight;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.xbill.DNS.Message;
import org.xbill.DNS.io.IoClientFactory;
import org.xbill.DNS.io.TcpIoClient;
import org.xbill.DNS.io.UdpIoClient;

/**
 * Carries DNS messages on the caller's thread: the library's own way has a thread for the whole JVM that never ends.
 *
 * <p>A connected socket of its own for each message takes answers from the server asked only, at a port the system chose.
 */
final class SocketClients implements IoClientFactory, UdpIoClient, TcpIoClient {

    @Override
    public TcpIoClient createOrGetTcpClient() {
        return this;
    }

    @Override
    public UdpIoClient createOrGetUdpClient() {
        return this;
    }

    @Override
    public CompletableFuture<byte[]> sendAndReceiveUdp(
            @Nullable InetSocketAddress local,
            InetSocketAddress remote,
            Message query,
            byte[] data,
            int max,
            Duration timeout) {
        try (DatagramSocket socket = new DatagramSocket()) {
            socket.connect(remote);
            socket.setSoTimeout(millis(timeout));
            socket.send(new DatagramPacket(data, data.length));
            DatagramPacket answer = new DatagramPacket(new byte[max], max);
            socket.receive(answer);
            return CompletableFuture.completedFuture(Arrays.copyOf(answer.getData(), answer.getLength()));
        } catch (IOException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    @Override
    public CompletableFuture<byte[]> sendAndReceiveTcp(
            @Nullable InetSocketAddress local, InetSocketAddress remote, Message query, byte[] data, Duration timeout) {
        try (Socket socket = new Socket()) {
            socket.connect(remote, millis(timeout));
            socket.setSoTimeout(millis(timeout));
            byte[] framed = new byte[data.length + 2];
            framed[0] = (byte) (data.length >> 8);
            framed[1] = (byte) data.length;
            System.arraycopy(data, 0, framed, 2, data.length);
            OutputStream out = socket.getOutputStream();
            out.write(framed);
            out.flush();
            DataInputStream in = new DataInputStream(socket.getInputStream());
            byte[] answer = new byte[in.readUnsignedShort()];
            in.readFully(answer);
            return CompletableFuture.completedFuture(answer);
        } catch (IOException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    private static int millis(Duration timeout) {
        return (int) Math.max(1, timeout.toMillis());
    }
}
