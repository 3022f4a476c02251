package org.ondemandtls.preflight;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.ondemandtls.name.ServerName;

/**
 * Asks the address a name points to for a proof that is on display here, as a CA does for HTTP-01: redirects followed on the
 * same host, chunks joined, white space after the proof borne.
 *
 * <p>Certain is only a complete 200 with another content, or a 404, and only from an address that a CA would reach as we do.
 * No connection is not certain: many networks do not let a server reach itself by its public address, and some answer such a
 * request with a page of the router's. Addresses that are not public are left alone unless the operator lists them, so that a
 * customer's DNS cannot send requests of ours into our own network. Blocks, within a deadline; reads at most {@value
 * #MAX_ANSWER} octets of each answer.
 */
final class HttpProbe {

    private static final String PATH = "/.well-known/acme-challenge/";
    private static final int MAX_ANSWER = 8192;
    private static final int LONGEST_PROOF = 256;
    private static final int MAX_REDIRECTS = 5;
    private static final int HTTP = 80;
    private static final int HTTPS = 443;
    private static final int OK = 200;
    private static final int NOT_FOUND = 404;
    private static final Set<Integer> FOLLOWED = Set.of(301, 302, 307, 308);
    private static final int TOKEN_OCTETS = 24;
    private static final int MOST_REMEMBERED = 1_000;
    private static final Duration REMEMBERED = Duration.ofDays(7);
    // A network of this machine that drops what it sends to itself costs the first visits no more than this.
    private static final Duration RECOGNISED = Duration.ofMillis(400);
    private static final Duration LEFT_ALONE = Duration.ofMinutes(10);
    private static final SecureRandom RANDOM = new SecureRandom();

    /**
     * What is known of addresses.
     *
     * @param listed whether the operator says that one leads here
     * @param own whether this machine has one itself
     * @param isPublic whether the whole internet means the same machine by it
     * @param reachedDirectly whether there is no translator between this machine and it
     */
    record Addresses(
            Predicate<InetAddress> listed,
            Predicate<InetAddress> own,
            Predicate<InetAddress> isPublic,
            Predicate<InetAddress> reachedDirectly) {}

    private final DnsPreflight.HttpProofs proofs;
    private final Addresses addresses;
    private final int port;
    private final LongSupplier nanoTime;
    private final Cache<ServerName, InetAddress> failed;
    private final Cache<InetAddress, Boolean> disbelieved;
    private final Cache<ServerName, String> networks;
    private final Cache<InetAddress, Boolean> silent;
    private final Cache<InetAddress, Boolean> cameBack;

    /**
     * Makes a probe.
     *
     * @param proofs how proofs are shown, and whether an order would use them now
     * @param addresses what is known of addresses
     * @param port where a CA looks
     * @param nanoTime a monotonic clock in nanoseconds
     */
    HttpProbe(DnsPreflight.HttpProofs proofs, Addresses addresses, int port, LongSupplier nanoTime) {
        this.proofs = proofs;
        this.addresses = addresses;
        this.port = port;
        this.nanoTime = nanoTime;
        this.failed = remembered(REMEMBERED, nanoTime);
        this.disbelieved = remembered(REMEMBERED, nanoTime);
        this.networks = remembered(REMEMBERED, nanoTime);
        this.silent = remembered(LEFT_ALONE, nanoTime);
        this.cameBack = remembered(REMEMBERED, nanoTime);
    }

    private static <K, V> Cache<K, V> remembered(Duration time, LongSupplier nanoTime) {
        return Caffeine.newBuilder()
                .maximumSize(MOST_REMEMBERED)
                .expireAfterWrite(time)
                .ticker(nanoTime::getAsLong)
                .executor(Runnable::run)
                .build();
    }

    boolean isUsed() {
        return proofs.isUsed();
    }

    /**
     * Asks one address.
     *
     * @param name the name
     * @param address where it points
     * @param end when to give up, on the clock
     * @return what is wrong, empty where nothing is certain
     */
    Optional<Verdict> ask(ServerName name, InetAddress address, long end) {
        if (!mayBeAsked(address)) {
            return Optional.empty();
        }
        try {
            Optional<String> wrong = fetchProof(name, address, end);
            if (wrong.isEmpty() || !isBelieved(address)) {
                return Optional.empty();
            }
            failed.put(name, address);
            String what = "http://" + name + PATH + " at " + address.getHostAddress() + " " + wrong.get() + "; ";
            return Optional.of(
                    isOurs(address)
                            ? new Verdict(Verdict.Who.OPERATOR, what + remedy(wrong.get()))
                            : Verdict.customer(what + "point " + name + " to this one"));
        } catch (IOException notReached) {
            return Optional.empty();
        }
    }

    /**
     * Learns which network stands in front of a name, where an order would use another proof first, which cannot pass such a
     * network: as {@link #learn(ServerName, List, long)}.
     */
    void recognise(ServerName name, List<InetAddress> found, long end) {
        if (!proofs.isUsed() && proofs.isPossible()) {
            learn(name, found, end);
        }
    }

    /**
     * Learns which network stands in front of a name from whatever answers there, by IPv6 where that answers, as a CA prefers
     * it, otherwise by IPv4: this machine may have no IPv6. Blocks for less than half a second; an address that does not
     * answer in time is left alone for ten minutes.
     *
     * @param name the name
     * @param found where it points, IPv6 last
     * @param end when to give up at the latest, on the clock
     */
    void learn(ServerName name, List<InetAddress> found, long end) {
        long soon = nanoTime.getAsLong() + RECOGNISED.toNanos();
        if (end - soon < 0) {
            // No time is left to tell one that is silent.
            return;
        }
        List<InetAddress> asked = Stream.of(last(found, Inet6Address.class), last(found, Inet4Address.class))
                .flatMap(Optional::stream)
                .filter(address -> mayBeAsked(address) && silent.getIfPresent(address) == null)
                .toList();
        for (int i = 0; i < asked.size(); i++) {
            if (soon - nanoTime.getAsLong() <= 0) {
                // Nobody was asked, so nobody is silent.
                return;
            }
            boolean isLast = i == asked.size() - 1;
            // One that swallows everything leaves time for the other.
            long until = isLast ? soon : soon - RECOGNISED.dividedBy(2).toNanos();
            try {
                learn(name, fetch(name, asked.get(i), URI.create("http://" + name + PATH + token()), until));
                return;
            } catch (IOException nothingCame) {
                silent.put(asked.get(i), Boolean.TRUE);
            }
        }
    }

    private static Optional<InetAddress> last(List<InetAddress> found, Class<? extends InetAddress> kind) {
        return found.stream().filter(kind::isInstance).reduce((before, after) -> after);
    }

    private boolean mayBeAsked(InetAddress address) {
        return addresses.listed().test(address) || addresses.isPublic().test(address);
    }

    private static String token() {
        byte[] random = new byte[TOKEN_OCTETS];
        RANDOM.nextBytes(random);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(random);
    }

    // What is wrong with what is fetched, in words that follow the URL.
    private Optional<String> fetchProof(ServerName name, InetAddress address, long end) throws IOException {
        String token = token();
        String text = token + ".preflight";
        Runnable takeDown = () -> {};
        try {
            takeDown = proofs.show(name, token, text);
            return follow(name, address, token, text, end);
        } finally {
            takeDown.run();
        }
    }

    private static String remedy(String wrong) {
        return wrong.startsWith("is redirected")
                ? "leave this path out of the redirect"
                : "send its port 80 to this one";
    }

    /** The content delivery network that a name's last answer came through, going by its headers. */
    Optional<String> network(ServerName name) {
        return Optional.ofNullable(networks.getIfPresent(name));
    }

    /** A CA has validated a name: where the probe had failed, it saw something else than the CA. */
    void accepted(ServerName name) {
        InetAddress address = failed.getIfPresent(name);
        if (address != null) {
            failed.invalidate(name);
            disbelieved.put(address, Boolean.TRUE);
        }
    }

    // Behind a translator a request to the own public address may end at the translator's own page: not where a proof
    // has
    // come back through it already, nor where nothing is translated.
    private boolean isBelieved(InetAddress address) {
        return disbelieved.getIfPresent(address) == null
                && (!isTranslated(address)
                        || cameBack.asMap().keySet().stream().anyMatch(other -> isLike(other, address)));
    }

    private boolean isTranslated(InetAddress address) {
        return addresses.isPublic().test(address)
                && !addresses.reachedDirectly().test(address);
    }

    // IPv4 and IPv6 pass by different translators, or by none.
    private static boolean isLike(InetAddress one, InetAddress other) {
        return one.getAddress().length == other.getAddress().length;
    }

    // Where the operator says so, and where the machine has the address. That a proof of ours came from there says only
    // that
    // port 80 leads here: another one's proxy may have a port 443 of its own.
    private boolean isOurs(InetAddress address) {
        return addresses.listed().test(address) || addresses.own().test(address);
    }

    // What is wrong, in words that follow the URL.
    private Optional<String> follow(ServerName name, InetAddress address, String token, String text, long end)
            throws IOException {
        URI at = URI.create("http://" + name + PATH + token);
        for (int redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
            HttpAnswer answer = fetch(name, address, at, end);
            if (redirects == 0) {
                learn(name, answer);
            }
            if (answer.says(text)) {
                learnThatItCameBack(address, answer);
                return Optional.empty();
            }
            if (FOLLOWED.contains(answer.status()) && answer.location().isPresent()) {
                Optional<URI> next = resolve(at, answer.location().get());
                if (next.isEmpty() || !name.value().equalsIgnoreCase(next.get().getHost())) {
                    return Optional.empty();
                }
                if ("https".equalsIgnoreCase(next.get().getScheme())) {
                    return secure(name, address, next.get());
                }
                if (!"http".equalsIgnoreCase(next.get().getScheme()) || !isPlainPort(next.get())) {
                    return Optional.empty();
                }
                at = next.get();
                continue;
            }
            boolean certain = answer.status() == NOT_FOUND || (answer.status() == OK && answer.complete());
            return certain ? Optional.of("is answered by another server (" + answer.status() + ")") : Optional.empty();
        }
        return Optional.empty();
    }

    // What comes back from this machine's own network, or through another one's, says nothing about a translator.
    private void learnThatItCameBack(InetAddress address, HttpAnswer answer) {
        if (isTranslated(address) && answer.head().network().isEmpty()) {
            cameBack.put(address, Boolean.TRUE);
        }
    }

    private void learn(ServerName name, HttpAnswer answer) {
        if (answer.head().network().isPresent()) {
            networks.put(name, answer.head().network().get());
        } else if (answer.status() != 0) {
            networks.invalidate(name);
        }
    }

    // The CA would come to our own TLS port for the name, and wait there for the certificate that waits for the CA. A
    // network in front has a certificate of its own, and comes to us in its own way.
    private Optional<String> secure(ServerName name, InetAddress address, URI next) {
        boolean ours = isOurs(address) && (next.getPort() == -1 || next.getPort() == HTTPS);
        return ours && network(name).isEmpty() && !proofs.isServed(name, address)
                ? Optional.of("is redirected to https, where the name has no certificate yet")
                : Optional.empty();
    }

    private boolean isPlainPort(URI uri) {
        return uri.getPort() == -1 || uri.getPort() == HTTP || uri.getPort() == port;
    }

    private static Optional<URI> resolve(URI at, String location) {
        try {
            return Optional.of(at.resolve(location));
        } catch (IllegalArgumentException malformed) {
            return Optional.empty();
        }
    }

    private HttpAnswer fetch(ServerName name, InetAddress address, URI at, long end) throws IOException {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(address, port), millisUntil(end));
            socket.setSoTimeout(millisUntil(end));
            String host = port == HTTP ? name.value() : name.value() + ":" + port;
            String path = at.getRawPath() == null || at.getRawPath().isEmpty() ? "/" : at.getRawPath();
            String query = at.getRawQuery() == null ? "" : "?" + at.getRawQuery();
            socket.getOutputStream()
                    .write(("GET " + path + query + " HTTP/1.1\r\nHost: " + host
                                    + "\r\n"
                                    + "User-Agent: ondemand-tls preflight\r\n"
                                    + "Accept: */*\r\n"
                                    + "Connection: close\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            return read(socket, end);
        }
    }

    private HttpAnswer read(Socket socket, long end) throws IOException {
        ByteArrayOutputStream octets = new ByteArrayOutputStream();
        InputStream in = socket.getInputStream();
        byte[] piece = new byte[1024];
        while (true) {
            int length = in.read(piece);
            if (length > 0) {
                octets.write(piece, 0, length);
            }
            HttpAnswer answer = HttpAnswer.read(octets.toString(StandardCharsets.ISO_8859_1), length < 0);
            if (length < 0 || answer.complete()) {
                return answer;
            }
            if (octets.size() >= MAX_ANSWER) {
                // No proof is as long: whatever comes yet, it is another content. Not where the head took the room.
                boolean isOther =
                        answer.status() == OK && answer.body().stripTrailing().length() > LONGEST_PROOF;
                return new HttpAnswer(answer.status(), answer.head(), answer.body(), isOther);
            }
            socket.setSoTimeout(millisUntil(end));
        }
    }

    private int millisUntil(long end) throws IOException {
        long left = Duration.ofNanos(end - nanoTime.getAsLong()).toMillis();
        if (left <= 0) {
            throw new IOException("out of time");
        }
        return (int) left;
    }
}
