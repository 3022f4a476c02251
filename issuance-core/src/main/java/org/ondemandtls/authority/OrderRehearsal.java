package org.ondemandtls.authority;

import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import org.ondemandtls.certificate.CertificateVerifier;
import org.ondemandtls.certificate.CertificationRequests;
import org.ondemandtls.certificate.InvalidCertificateException;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeyPairs;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.certificate.Pem;
import org.ondemandtls.challenge.ChallengeBoard;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.config.OnDemandTlsConfig.KeyType;
import org.ondemandtls.event.Events;
import org.ondemandtls.name.ServerName;
import org.shredzone.acme4j.Login;
import org.shredzone.acme4j.exception.AcmeException;

/**
 * Takes a name that does not exist through a whole order with a CA that consists of a few fixed answers in memory, so
 * that the code of a first order has been loaded, and the most of it compiled, before a visitor waits for it.
 *
 * <p>Nothing leaves this class: no request is sent, nothing is stored, displayed or reported, and all keys are its own.
 *
 * <p><b>Threads.</b> Used by one thread at a time.
 */
public final class OrderRehearsal {

    private static final ServerName NAME = ServerName.parse("rehearsal.invalid");
    private static final URI DIRECTORY = URI.create("https://ca.invalid/directory");
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private final Clock clock;
    private final LongSupplier nanoTime;
    private final KeyPair account = KeyPairs.generate(KeyType.P_256);
    private final KeyPair key = KeyPairs.generate(KeyType.P_256);
    private final ChallengeBoard board;
    private final List<X509Certificate> chain;
    private final CaSession session;
    private final OrderFlow.Tools tools;

    /**
     * Sets the scene.
     *
     * @param clock tells the date
     * @param nanoTime monotonic time
     */
    public OrderRehearsal(Clock clock, LongSupplier nanoTime) {
        this.clock = clock;
        this.board = new ChallengeBoard(clock);
        this.nanoTime = nanoTime;
        Events nobody = new Events(event -> {}, nanoTime);
        try {
            this.chain = InternalAuthority.open(new Memory(), clock, nobody)
                    .sign(
                            new Authority.Order(
                                    NAME,
                                    key,
                                    CertificationRequests.request(key, NAME),
                                    Optional.empty(),
                                    Optional.empty(),
                                    PATIENCE),
                            url -> {});
        } catch (IOException | IssuanceException e) {
            throw new IllegalStateException("nothing to rehearse with", e);
        }
        this.session = new CaSession(new CaSession.Shared(
                DIRECTORY,
                new Answers(),
                clock,
                nanoTime,
                new CaSession.Limits(CaLimits.REQUEST, new CountDownLatch(1))));
        this.tools = new OrderFlow.Tools(
                board,
                new ChallengePreference(List.of(ChallengeType.TLS_ALPN_01)),
                Optional.empty(),
                nobody,
                new CountDownLatch(1),
                new AtomicBoolean(),
                Pace.OfCa.unknown(nanoTime),
                Optional.empty(),
                new AtomicBoolean(),
                new Steps(DIRECTORY.toString(), nobody.figures(), nanoTime));
    }

    /**
     * Performs one order, from the request to the verified certificate. Some milliseconds of processor time.
     *
     * @return the certificate nobody will ever be served
     */
    public KeyedCertificate perform() {
        session.begin(Deadline.in(PATIENCE, nanoTime));
        Authority.Order order = new Authority.Order(
                NAME, key, CertificationRequests.request(key, NAME), Optional.empty(), Optional.empty(), PATIENCE);
        try {
            Login login = session.session().login(DIRECTORY.resolve("/account").toURL(), account);
            List<X509Certificate> issued =
                    new OrderFlow(tools, session, login, order, url -> {}).run(List.of(ChallengeType.TLS_ALPN_01));
            CertificateVerifier.verify(issued, key.getPublic(), NAME, clock.instant());
            return new KeyedCertificate(key.getPrivate(), issued);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        } catch (AcmeException | IssuanceException | InvalidCertificateException | MalformedURLException e) {
            throw new IllegalStateException("a rehearsal went wrong", e);
        }
    }

    /** The CA: says what a real one would, whatever it is sent. */
    private final class Answers implements CaExchange {

        private boolean proved;
        private boolean finalized;

        @Override
        public CaAnswer send(CaRequest request, Duration patience) {
            // What a real line would put on the wire.
            if (request.encoded().length == 0) {
                throw new IllegalArgumentException("an empty request");
            }
            return switch (String.valueOf(request.uri().getPath())) {
                case "/directory" ->
                    json(
                            request,
                            200,
                            "{\"newNonce\": \"https://ca.invalid/nonce\", \"newAccount\": \"https://ca.invalid/account\","
                                    + " \"newOrder\": \"https://ca.invalid/new\", \"meta\": {}}");
                case "/new" -> {
                    proved = false;
                    finalized = false;
                    yield json(request, 201, order("pending"));
                }
                case "/authorization" ->
                    json(
                            request,
                            200,
                            "{\"status\": \"" + (proved ? "valid" : "pending")
                                    + "\", \"identifier\": {\"type\": \"dns\","
                                    + " \"value\": \"" + NAME + "\"}, \"expires\": \"2999-01-01T00:00:00Z\","
                                    + " \"challenges\": [" + challenge() + "]}");
                case "/challenge" -> {
                    board.challengeCertificateServed(NAME);
                    String pending = challenge();
                    proved = true;
                    yield json(request, 200, pending);
                }
                case "/finalize" -> json(request, 200, order("processing"));
                case "/order" -> {
                    finalized = true;
                    yield json(request, 200, order("valid"));
                }
                case "/certificate" ->
                    answer(request, 200, "application/pem-certificate-chain", Pem.certificates(chain));
                default -> answer(request, 204, "text/plain", "");
            };
        }

        @Override
        public boolean isOwn(URI uri) {
            return true;
        }

        private String challenge() {
            return "{\"type\": \"tls-alpn-01\", \"url\": \"https://ca.invalid/challenge\", \"status\": \""
                    + (proved ? "valid" : "pending")
                    + "\", \"token\": \"DGyRejmCefe7v4NfDGDKfAaaaaaaaaaaaaaaaaaaaaa\"}";
        }

        private String order(String status) {
            return "{\"status\": \"" + status + "\", \"identifiers\": [{\"type\": \"dns\", \"value\": \"" + NAME
                    + "\"}],"
                    + " \"expires\": \"2999-01-01T00:00:00Z\","
                    + " \"authorizations\": [\"https://ca.invalid/authorization\"],"
                    + " \"finalize\": \"https://ca.invalid/finalize\""
                    + (finalized ? ", \"certificate\": \"https://ca.invalid/certificate\"}" : "}");
        }

        private CaAnswer json(CaRequest request, int status, String text) {
            return answer(request, status, "application/json; charset=utf-8", text);
        }

        private CaAnswer answer(CaRequest request, int status, String type, String text) {
            Map<String, List<String>> headers = new HashMap<>();
            headers.put("Content-Type", List.of(type));
            headers.put("Replay-Nonce", List.of("cmVoZWFyc2Fs"));
            headers.put("Location", List.of("https://ca.invalid/order"));
            return new CaAnswer(
                    request.uri(),
                    status,
                    HttpHeaders.of(headers, (name, value) -> true),
                    text.getBytes(StandardCharsets.UTF_8));
        }
    }

    /** Files that are gone with the rehearsal. */
    private static final class Memory implements SecretFiles {

        private final Map<String, byte[]> files = new HashMap<>();

        @Override
        public Optional<byte[]> read(String name) {
            return Optional.ofNullable(files.get(name));
        }

        @Override
        public void write(String name, byte[] content, boolean secret) {
            files.put(name, content);
        }
    }
}
