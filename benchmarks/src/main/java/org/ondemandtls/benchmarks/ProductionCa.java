package org.ondemandtls.benchmarks;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import org.ondemandtls.testing.FaultyAcmeProxy;
import org.ondemandtls.testing.Pebble;
import org.ondemandtls.testing.TlsProbe;

/**
 * A proxy that makes Pebble as slow as a public CA: 40 ms for each exchange, 0.7 s for a validation that fetches the proof
 * three times more, 0.9 s for an issuance.
 */
final class ProductionCa implements AutoCloseable {

    private static final Duration ROUND_TRIP = Duration.ofMillis(40);
    private static final Duration VALIDATION = Duration.ofMillis(700);
    private static final Duration ISSUANCE = Duration.ofMillis(900);
    private static final int MORE_FETCHES = 3;
    private static final Pattern CHALLENGE = Pattern.compile("/chalZ/[\\w-]+");
    private static final Pattern NAME = Pattern.compile("\"value\":\\s*\"([^\"]+)\"");

    private final FaultyAcmeProxy proxy;
    private final SSLContext context;
    private final int tlsPort;
    // By the path of an authorization: its name, and until when it is pending.
    private final Map<String, String> authorizationOf = new ConcurrentHashMap<>();
    private final Map<String, String> names = new ConcurrentHashMap<>();
    private final Map<String, Long> validAt = new ConcurrentHashMap<>();
    private final AtomicInteger exchanges = new AtomicInteger();

    /**
     * Listens at once.
     *
     * @param pebble the CA
     * @param files where the proxy's certificate is written
     * @param tlsPort where proofs are fetched
     */
    ProductionCa(Pebble pebble, Path files, int tlsPort) throws IOException, GeneralSecurityException {
        this.tlsPort = tlsPort;
        this.context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {TlsProbe.anyTrust()}, null);
        this.proxy = new FaultyAcmeProxy(pebble.directory(), pebble.trustedRoots(), files).keepingConnections();
        proxy.when(request -> true, (request, ca) -> {
            exchanges.incrementAndGet();
            sleep(ROUND_TRIP);
            return ca.ask();
        });
        proxy.when(FaultyAcmeProxy.path("/finalize-order/"), (request, ca) -> {
            exchanges.incrementAndGet();
            FaultyAcmeProxy.Answer answer = ca.ask();
            sleep(ISSUANCE.plus(ROUND_TRIP));
            return answer;
        });
        proxy.when(FaultyAcmeProxy.path("/authZ/"), (request, ca) -> {
            exchanges.incrementAndGet();
            sleep(ROUND_TRIP);
            return authorization(request.path(), ca.ask());
        });
        proxy.when(FaultyAcmeProxy.path("/chalZ/"), (request, ca) -> {
            exchanges.incrementAndGet();
            sleep(ROUND_TRIP);
            String authorization = authorizationOf.get(request.path());
            if (authorization != null
                    && validAt.putIfAbsent(authorization, System.nanoTime() + VALIDATION.toNanos()) == null) {
                FaultyAcmeProxy.Answer answer = ca.ask();
                fetch(String.valueOf(names.get(authorization)));
                return answer;
            }
            return ca.ask();
        });
    }

    /** The directory URL, as a string of configuration. */
    String directory() {
        return proxy.directory().toString();
    }

    /** Who vouches for it. */
    Path trustedRoots() {
        return proxy.trustedRoots();
    }

    /** How often it was asked for anything. */
    int exchanges() {
        return exchanges.get();
    }

    @Override
    public void close() {
        proxy.close();
    }

    private FaultyAcmeProxy.Answer authorization(String path, FaultyAcmeProxy.Answer answer) {
        String text = answer.text();
        Matcher challenge = CHALLENGE.matcher(text);
        while (challenge.find()) {
            authorizationOf.put(challenge.group(), path);
        }
        Matcher name = NAME.matcher(text);
        if (name.find()) {
            names.put(path, name.group(1));
        }
        Long at = validAt.get(path);
        return at == null || System.nanoTime() - at >= 0
                ? answer
                : answer.withBody(text.replace("\"valid\"", "\"pending\"").getBytes(StandardCharsets.UTF_8));
    }

    private void fetch(String name) {
        for (int fetch = 0; fetch < MORE_FETCHES; fetch++) {
            try (Socket tcp = new Socket(InetAddress.getLoopbackAddress(), tlsPort);
                    SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(tcp, name, tlsPort, true)) {
                SSLParameters parameters = socket.getSSLParameters();
                parameters.setServerNames(List.of(new SNIHostName(name)));
                parameters.setApplicationProtocols(new String[] {"acme-tls/1"});
                socket.setSSLParameters(parameters);
                socket.startHandshake();
            } catch (IOException gone) {
                // Taken down already: Pebble was content.
            }
        }
    }

    private static void sleep(Duration wait) {
        long until = System.nanoTime() + wait.toNanos();
        for (long left = wait.toNanos(); left > 0; left = until - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }
}
