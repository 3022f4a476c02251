package org.ondemandtls.authority;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.ondemandtls.name.PublicAddresses;

/**
 * Gets a file by plain HTTP from the public internet: no redirects, no private addresses, limited in time and size as a whole.
 * What it gets has to prove itself.
 *
 * <p>It speaks HTTP/1.0, in which an answer ends with its connection.
 */
final class PublicHttp implements RevocationLists.Source {

    /** How large an answer may be. */
    static final int MOST = 16 * 1024 * 1024;

    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final int HTTP = 80;
    private static final int PIECE = 8192;
    private static final int LONGEST_HEADER = 16_384;

    private final LongSupplier nanoTime;
    private final Predicate<InetAddress> allowed;

    PublicHttp(LongSupplier nanoTime) {
        this(nanoTime, PublicAddresses::contains);
    }

    PublicHttp(LongSupplier nanoTime, Predicate<InetAddress> allowed) {
        this.nanoTime = nanoTime;
        this.allowed = allowed;
    }

    @Override
    public byte[] get(URI url) throws IOException {
        long end = nanoTime.getAsLong() + PATIENCE.toNanos();
        int port = url.getPort() < 0 ? HTTP : url.getPort();
        // Looked up once, so that what was checked is what is connected to.
        InetAddress address = InetAddress.getByName(url.getHost());
        if (!allowed.test(address)) {
            throw new IOException("not a public address");
        }
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(address, port), left(end));
            socket.getOutputStream().write(request(url).getBytes(StandardCharsets.US_ASCII));
            return body(read(socket, end));
        }
    }

    private static String request(URI url) {
        String path = url.getRawPath() == null || url.getRawPath().isEmpty() ? "/" : url.getRawPath();
        String query = url.getRawQuery() == null ? "" : "?" + url.getRawQuery();
        String host = url.getPort() < 0 ? url.getHost() : url.getHost() + ":" + url.getPort();
        return "GET " + path + query + " HTTP/1.0\r\nHost: " + host
                + "\r\nAccept-Encoding: identity\r\nUser-Agent: ondemand-tls\r\nConnection: close\r\n\r\n";
    }

    private byte[] read(Socket socket, long end) throws IOException {
        ByteArrayOutputStream answer = new ByteArrayOutputStream();
        InputStream in = socket.getInputStream();
        byte[] piece = new byte[PIECE];
        while (true) {
            socket.setSoTimeout(left(end));
            int count = in.read(piece);
            if (count < 0) {
                return answer.toByteArray();
            }
            answer.write(piece, 0, count);
            if (answer.size() > MOST) {
                throw new IOException("larger than " + MOST + " octets");
            }
        }
    }

    private static byte[] body(byte[] answer) throws IOException {
        String head = new String(answer, 0, Math.min(answer.length, LONGEST_HEADER), StandardCharsets.ISO_8859_1);
        int end = head.indexOf("\r\n\r\n");
        if (end < 0 || !head.matches("(?s)HTTP/1\\.[01] 200 .*")) {
            throw new IOException("no answer with status 200");
        }
        int from = end + 4;
        byte[] body = new byte[answer.length - from];
        System.arraycopy(answer, from, body, 0, body.length);
        return body;
    }

    private int left(long end) throws IOException {
        long millis = TimeUnit.NANOSECONDS.toMillis(end - nanoTime.getAsLong());
        if (millis <= 0) {
            throw new SocketTimeoutException("no complete answer within " + PATIENCE.toSeconds() + " s");
        }
        return (int) millis;
    }
}
