package org.ondemandtls.preflight;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.ondemandtls.name.AddressBlock;
import org.ondemandtls.name.PublicAddresses;
import org.ondemandtls.name.ServerName;

/**
 * Asks the address a name points to for a proof that is on display here, as a CA does for HTTP-01.
 *
 * <p>An answer by somebody else is certain; no connection is not: many networks do not let a server reach itself by its
 * public address. Addresses that are not public are left alone unless the operator lists them, so that a customer's DNS
 * cannot send requests of ours into our own network. Blocks, within a deadline; reads at most {@value #MAX_ANSWER} octets.
 */
final class HttpProbe {

    private static final int MAX_ANSWER = 8192;
    private static final int HTTP = 80;
    private static final int TOKEN_OCTETS = 24;
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final Pattern STATUS = Pattern.compile("HTTP/1\\.[01] ([0-9]{3})\\b");

    private final DnsPreflight.HttpProofs proofs;
    private final int port;
    private final LongSupplier nanoTime;

    /**
     * Makes a probe.
     *
     * @param proofs how proofs are shown, and whether an order would use them now
     * @param port where a CA looks
     * @param nanoTime a monotonic clock in nanoseconds
     */
    HttpProbe(DnsPreflight.HttpProofs proofs, int port, LongSupplier nanoTime) {
        this.proofs = proofs;
        this.port = port;
        this.nanoTime = nanoTime;
    }

    boolean isUsed() {
        return proofs.isUsed();
    }

    /**
     * Asks one address.
     *
     * @param name the name
     * @param address where it points
     * @param ours the addresses the operator lists
     * @param end when to give up, on the clock
     * @return what is wrong, empty where nothing is certain
     */
    Optional<Verdict> ask(ServerName name, InetAddress address, List<AddressBlock> ours, long end) {
        boolean listed = ours.stream().anyMatch(block -> block.contains(address));
        if (!listed && !PublicAddresses.contains(address)) {
            return Optional.empty();
        }
        byte[] random = new byte[TOKEN_OCTETS];
        RANDOM.nextBytes(random);
        String token = Base64.getUrlEncoder().withoutPadding().encodeToString(random);
        String text = token + ".preflight";
        Runnable takeDown = () -> {};
        try {
            takeDown = proofs.show(name, token, text);
            return judge(name, address, listed, text, fetch(name, address, token, end));
        } catch (IOException notReached) {
            return Optional.empty();
        } finally {
            takeDown.run();
        }
    }

    private static Optional<Verdict> judge(
            ServerName name, InetAddress address, boolean listed, String text, String answer) {
        Matcher status = STATUS.matcher(answer);
        if (!status.lookingAt() || answer.endsWith(text)) {
            return Optional.empty();
        }
        // A CA follows redirects and we do not; what failed may work by the time it looks.
        char kind = status.group(1).charAt(0);
        if (kind != '2' && kind != '4') {
            return Optional.empty();
        }
        String what = "http://" + name + "/.well-known/acme-challenge/ at " + address.getHostAddress()
                + " is answered by another server (" + status.group(1) + "); ";
        return Optional.of(
                listed
                        ? new Verdict(Verdict.Who.OPERATOR, what + "send its port 80 to this one")
                        : Verdict.customer(what + "point " + name + " to this one"));
    }

    private String fetch(ServerName name, InetAddress address, String token, long end) throws IOException {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(address, port), millisUntil(end));
            socket.setSoTimeout(millisUntil(end));
            String host = port == HTTP ? name.value() : name.value() + ":" + port;
            socket.getOutputStream()
                    .write(("GET /.well-known/acme-challenge/" + token + " HTTP/1.1\r\nHost: " + host
                                    + "\r\nUser-Agent: ondemand-tls preflight\r\nAccept: */*\r\nConnection: close\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            return read(socket, end);
        }
    }

    private String read(Socket socket, long end) throws IOException {
        ByteArrayOutputStream answer = new ByteArrayOutputStream();
        InputStream in = socket.getInputStream();
        byte[] piece = new byte[1024];
        for (int length = in.read(piece);
                length > 0 && answer.size() < MAX_ANSWER && nanoTime.getAsLong() - end < 0;
                length = in.read(piece)) {
            answer.write(piece, 0, length);
        }
        return answer.toString(StandardCharsets.ISO_8859_1);
    }

    private int millisUntil(long end) throws IOException {
        long left = Duration.ofNanos(end - nanoTime.getAsLong()).toMillis();
        if (left <= 0) {
            throw new IOException("out of time");
        }
        return (int) left;
    }
}
