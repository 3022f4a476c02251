package org.ondemandtls.handshake;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.challenge.ChallengeBoard;
import org.ondemandtls.name.HttpHosts;

/**
 * One TLS connection of a proxy that may be fetching a proof, from its ClientHello to its end: a handshake, one request,
 * one answer. A host carries the octets; nothing of its own sees them.
 *
 * <p>A GET or HEAD for a pending proof of exactly the name of the handshake gets it. Another path below {@code
 * /.well-known/acme-challenge/} gets 404, another host 421, and a visitor, who is told from the proxy's fetch by his path
 * only, 503 with {@code Retry-After}.
 *
 * <p><b>Threads.</b> One at a time; nothing blocks, the handshake's signature is made by the caller.
 *
 * <p><b>Cost.</b> One TLS engine and its buffers, {@value #MOST_OCTETS} octets taken at most; the host limits the time.
 */
public final class ProxyExchange {

    /** What a proxy may be shown. */
    @FunctionalInterface
    public interface Proofs {

        /**
         * Answers a request for a proof.
         *
         * @param method the request's
         * @param path as it was sent
         * @param query as it was sent, null where there is none
         * @param host without its port, as sent
         * @return the key authorization, empty where no such proof is on display for that host
         */
        Optional<String> answer(String method, String path, @Nullable String query, String host);
    }

    /** How many octets are taken, handshake included. */
    static final int MOST_OCTETS = 64 * 1024;

    private static final String HTTP_1_1 = "http/1.1";
    private static final int MOST_HEAD = 16 * 1024;
    private static final int RETRY_AFTER_SECONDS = 5;
    private static final String END_OF_HEAD = "\r\n\r\n";
    private static final Pattern REQUEST_LINE = Pattern.compile("([A-Z]{1,20}) (/[!-~]*) HTTP/1\\.[01]");
    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0).asReadOnlyBuffer();

    private final Admission.Show show;
    private final SSLEngine engine;
    private final StringBuilder head = new StringBuilder();
    private final ByteBuffer plain;
    private ByteBuffer in;
    private ByteBuffer out;
    private int taken;
    private boolean over;

    /**
     * Begins with a connection of which nothing has been read yet, or whose octets have been kept.
     *
     * @param show what the gate decided
     */
    public ProxyExchange(Admission.Show show) {
        this.show = show;
        this.engine = ChallengeTls.engine(show.certificate(), HTTP_1_1, TlsProvider.JDK);
        int record = engine.getSession().getPacketBufferSize();
        this.in = ByteBuffer.allocate(record);
        this.out = ByteBuffer.allocate(record);
        this.plain = ByteBuffer.allocate(engine.getSession().getApplicationBufferSize());
    }

    /** Whether the last has been said: what the peer sends from now on is of no interest. */
    public boolean isOver() {
        return over;
    }

    /**
     * Takes octets of the peer's.
     *
     * @param received the octets, all of them are taken
     * @return what to send, perhaps nothing; belongs to the caller
     */
    public ByteBuffer feed(ByteBuffer received) {
        taken += received.remaining();
        if (over || taken > MOST_OCTETS) {
            over = true;
            received.position(received.limit());
            return NOTHING;
        }
        if (in.remaining() < received.remaining()) {
            in = ByteBuffer.allocate(in.position() + received.remaining()).put(in.flip());
        }
        in.put(received);
        try {
            proceed();
        } catch (SSLException | IllegalStateException e) {
            sayAlert();
        }
        ByteBuffer said = ByteBuffer.allocate(out.position()).put(out.flip()).flip();
        out.clear();
        return said;
    }

    private void proceed() throws SSLException {
        while (!over) {
            switch (engine.getHandshakeStatus()) {
                case NEED_TASK -> runTasks();
                case NEED_WRAP -> wrap(NOTHING);
                default -> {
                    if (!unwrap()) {
                        return;
                    }
                }
            }
        }
    }

    private void runTasks() {
        Runnable task = engine.getDelegatedTask();
        while (task != null) {
            task.run();
            task = engine.getDelegatedTask();
        }
    }

    // Returns whether there may be more to do with what has come.
    private boolean unwrap() throws SSLException {
        SSLEngineResult result;
        in.flip();
        try {
            result = engine.unwrap(in, plain.clear());
        } finally {
            in.compact();
        }
        if (result.getStatus() == SSLEngineResult.Status.CLOSED) {
            over = true;
            return false;
        }
        plain.flip();
        if (plain.hasRemaining()) {
            head.append(StandardCharsets.ISO_8859_1.decode(plain));
            answerWhenComplete();
        }
        return result.bytesConsumed() > 0 || engine.getHandshakeStatus() == SSLEngineResult.HandshakeStatus.NEED_TASK;
    }

    private void answerWhenComplete() throws SSLException {
        int end = head.indexOf(END_OF_HEAD);
        if (end < 0 && head.length() <= MOST_HEAD) {
            return;
        }
        String answer = end < 0 || end > MOST_HEAD ? status("431 Request Header Fields Too Large") : answer(end);
        wrap(ByteBuffer.wrap(answer.getBytes(StandardCharsets.US_ASCII)));
        sayGoodbye();
    }

    private String answer(int end) {
        String[] lines = head.substring(0, end).split("\r\n", -1);
        Matcher request = REQUEST_LINE.matcher(lines[0]);
        String host = host(lines);
        if (!request.matches() || host == null) {
            return status("400 Bad Request");
        }
        if (!HttpHosts.serverName(host).filter(show.name()::equals).isPresent()) {
            return status("421 Misdirected Request");
        }
        String method = request.group(1);
        String target = request.group(2);
        int question = target.indexOf('?');
        String path = question < 0 ? target : target.substring(0, question);
        String query = question < 0 ? null : target.substring(question + 1);
        if (!ChallengeBoard.isPath(path)) {
            return head("503 Service Unavailable") + "Retry-After: " + RETRY_AFTER_SECONDS
                    + "\r\nContent-Length: 0\r\n\r\n";
        }
        boolean asks = method.equals("GET") || method.equals("HEAD");
        Optional<String> proof = asks ? show.proofs().answer(method, path, query, host) : Optional.empty();
        return proof.map(text -> head("200 OK") + "Content-Type: application/octet-stream\r\nContent-Length: "
                        + text.length() + END_OF_HEAD + (method.equals("GET") ? text : ""))
                .orElseGet(() -> status("404 Not Found"));
    }

    // The one host, null where there is none or more than one.
    private static @Nullable String host(String[] lines) {
        String found = null;
        for (int i = 1; i < lines.length; i++) {
            if (lines[i].regionMatches(true, 0, "host:", 0, 5)) {
                if (found != null) {
                    return null;
                }
                found = HttpHosts.withoutPort(lines[i].substring(5).strip());
            }
        }
        return found;
    }

    private static String status(String status) {
        return head(status) + "Content-Length: 0" + END_OF_HEAD;
    }

    private static String head(String status) {
        return "HTTP/1.1 " + status + "\r\nCache-Control: no-store\r\nConnection: close\r\n";
    }

    private void wrap(ByteBuffer said) throws SSLException {
        int record = engine.getSession().getPacketBufferSize();
        if (out.remaining() < record) {
            out = ByteBuffer.allocate(out.position() + 2 * record).put(out.flip());
        }
        if (engine.wrap(said, out).getStatus() != SSLEngineResult.Status.OK && !engine.isOutboundDone()) {
            throw new SSLException("nothing can be said");
        }
    }

    private void sayGoodbye() throws SSLException {
        engine.closeOutbound();
        over = true;
        wrap(NOTHING);
    }

    // What went wrong is the peer's affair, and in the alert that the engine has made of it.
    private void sayAlert() {
        over = true;
        try {
            if (engine.getHandshakeStatus() == SSLEngineResult.HandshakeStatus.NEED_WRAP) {
                wrap(NOTHING);
            }
        } catch (SSLException e) {
            // Then it goes without.
        }
    }
}
