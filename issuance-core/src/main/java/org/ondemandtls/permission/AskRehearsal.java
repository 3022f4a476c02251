package org.ondemandtls.permission;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.concurrent.CompletionException;
import org.ondemandtls.machine.Threads;
import org.ondemandtls.name.ServerName;

/**
 * Asks itself for permission: a young JVM loads the HTTP client of {@code onDemandTls.permission.ask} for the first time,
 * which takes longer than the answer.
 *
 * <p>A port of the loopback interface is open meanwhile, for one question of our own. Nothing leaves the machine. Blocks
 * for as long as the loading takes, two seconds at most.
 */
public final class AskRehearsal {

    private static final ServerName NAME = ServerName.parse("shop.rehearsal.invalid");
    private static final Duration LONGEST = Duration.ofSeconds(2);
    private static final byte[] GRANTED = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".getBytes(US_ASCII);

    private final Permission.Ports ports;

    /**
     * Makes one; nothing is loaded yet.
     *
     * @param ports what asking needs
     */
    public AskRehearsal(Permission.Ports ports) {
        this.ports = ports;
    }

    /**
     * Asks for a name that nobody owns.
     *
     * @return whether it was answered; a machine where that cannot be rehearsed asks all the same
     */
    public boolean perform() {
        try (ServerSocket endpoint = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            endpoint.setSoTimeout(Math.toIntExact(LONGEST.toMillis()));
            Threads.daemon("ondemand-tls-rehearsal", () -> answer(endpoint)).start();
            URI url = new URI(
                    "http", null, endpoint.getInetAddress().getHostAddress(), endpoint.getLocalPort(), "/", null, null);
            try (AskPolicy policy =
                    new AskPolicy(url, LONGEST, ports.executor(), ports.scheduler(), ports.nanoTime())) {
                return policy.decide(NAME, PermissionPolicy.Purpose.OBTAIN)
                                .toCompletableFuture()
                                .join()
                        instanceof PermissionPolicy.Decision.Granted;
            }
        } catch (IOException | URISyntaxException | CompletionException e) {
            return false;
        }
    }

    // One question, whose end is its first empty line.
    private static void answer(ServerSocket endpoint) {
        try (Socket asked = endpoint.accept()) {
            asked.setSoTimeout(Math.toIntExact(LONGEST.toMillis()));
            InputStream question = asked.getInputStream();
            int line = 1;
            for (int octet = question.read(); octet >= 0 && (octet != '\n' || line > 0); octet = question.read()) {
                line = octet == '\n' ? 0 : octet == '\r' ? line : line + 1;
            }
            asked.getOutputStream().write(GRANTED);
        } catch (IOException gone) {
            // Who asks is told by its own time.
            return;
        }
    }
}
