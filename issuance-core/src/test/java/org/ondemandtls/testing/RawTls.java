package org.ondemandtls.testing;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;

/** Sends any bytes to a TLS server on 127.0.0.1 and reads what comes back, record by record. */
public final class RawTls {

    private static final int RECORD_HEADER = 5;
    private static final int ALERT = 21;
    private static final int HANDSHAKE = 22;

    private RawTls() {}

    /**
     * Sends {@code parts}, each in a segment of its own, and reads until the server closes or begins a handshake.
     *
     * @param patience how long the server may be silent
     */
    public static Answer send(int port, Duration patience, byte[]... parts) throws IOException {
        try (var socket = new Socket()) {
            socket.setTcpNoDelay(true);
            socket.setSoTimeout((int) patience.toMillis());
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), (int) patience.toMillis());
            try {
                for (byte[] part : parts) {
                    socket.getOutputStream().write(part);
                    socket.getOutputStream().flush();
                }
            } catch (SocketException refusedEarly) {
                // The answer may be there all the same.
            }
            return read(socket);
        }
    }

    /** The same bytes one by one. */
    public static byte[][] single(byte[] bytes) {
        byte[][] singles = new byte[bytes.length][];
        for (int index = 0; index < bytes.length; index++) {
            singles[index] = new byte[] {bytes[index]};
        }
        return singles;
    }

    /** The handshake message of one record cut into records of at most {@code size} bytes (RFC 8446 section 5.1). */
    public static byte[] inRecordsOf(int size, byte[] record) {
        var cut = new ByteArrayOutputStream();
        for (int from = RECORD_HEADER; from < record.length; from += size) {
            int length = Math.min(size, record.length - from);
            cut.write(record, 0, 3);
            cut.write(length >> 8);
            cut.write(length);
            cut.write(record, from, length);
        }
        return cut.toByteArray();
    }

    /** Reads what comes on a connection, until the server closes or begins a handshake. */
    public static Answer answerOn(Socket socket) throws IOException {
        return read(socket);
    }

    private static Answer read(Socket socket) throws IOException {
        List<byte[]> records = new ArrayList<>();
        var in = socket.getInputStream();
        try {
            while (true) {
                byte[] header = in.readNBytes(RECORD_HEADER);
                if (header.length < RECORD_HEADER) {
                    return new Answer(records, header.length == 0, false);
                }
                byte[] body = in.readNBytes((header[3] & 0xff) << 8 | header[4] & 0xff);
                byte[] record = Arrays.copyOf(header, RECORD_HEADER + body.length);
                System.arraycopy(body, 0, record, RECORD_HEADER, body.length);
                records.add(record);
                if (header[0] == HANDSHAKE) {
                    return new Answer(records, false, false);
                }
            }
        } catch (SocketTimeoutException silent) {
            return new Answer(records, false, true);
        } catch (SocketException reset) {
            return new Answer(records, false, false);
        }
    }

    /**
     * What a server sent.
     *
     * @param records whole TLS records, headers included
     * @param closed whether it closed the connection in order, without a reset
     * @param silent whether it stopped answering and kept the connection
     */
    public record Answer(List<byte[]> records, boolean closed, boolean silent) {

        /** The description of the first alert, empty where there was none. */
        public OptionalInt alert() {
            return records.stream()
                    .filter(record -> record[0] == ALERT && record.length == RECORD_HEADER + 2)
                    .mapToInt(record -> record[RECORD_HEADER + 1] & 0xff)
                    .findFirst();
        }

        /** Whether it went on with the handshake: a ServerHello came. */
        public boolean handshakes() {
            return records.stream().anyMatch(record -> record[0] == HANDSHAKE);
        }
    }
}
