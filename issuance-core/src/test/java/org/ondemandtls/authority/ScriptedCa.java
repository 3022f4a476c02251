package org.ondemandtls.authority;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import java.util.function.UnaryOperator;
import org.ondemandtls.certificate.CertificationRequests;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.Pem;
import org.ondemandtls.challenge.ChallengeBoard;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.event.Event;
import org.ondemandtls.event.Events;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.MemorySecretFiles;
import org.ondemandtls.testing.TestCertificates;
import org.shredzone.acme4j.Login;
import org.shredzone.acme4j.exception.AcmeException;
import org.shredzone.acme4j.exception.AcmeServerException;

/**
 * A CA in memory, right in everything a test does not change, and one order with it by the real code. Time stands still but
 * for the waits of that code.
 */
final class ScriptedCa implements CaExchange {

    /** Says what the CA answers instead. */
    @FunctionalInterface
    interface Fault {

        /**
         * Answers.
         *
         * @param request what is asked
         * @param right asks the CA as it would be
         */
        CaAnswer answer(CaRequest request, Right right) throws IOException;
    }

    /** The right answer. */
    @FunctionalInterface
    interface Right {

        /** Asks for it; the CA then acts. */
        CaAnswer answer();
    }

    private record Rule(String path, Fault fault, AtomicInteger left) {}

    static final ServerName NAME = ServerName.parse("shop.customer.example");
    static final String DIRECTORY = "/acme/directory";
    static final String NONCE = "/acme/nonce";
    static final String NEW_ACCOUNT = "/acme/new-acct";
    static final String NEW_ORDER = "/acme/new-order";
    static final String AUTHORIZATION = "/acme/authz/";
    static final String CHALLENGE = "/acme/chall/";
    static final String FINALIZE = "/acme/finalize/";
    static final String ORDER = "/acme/order/";
    static final String CERTIFICATE = "/acme/cert/";
    static final String ORIGIN = "https://ca.example";
    static final String TOKEN = "DGyRejmCefe7v4NfDGDKfAaaaaaaaaaaaaaaaaaaaaa";

    // Made once: hundreds of cases take milliseconds each.
    private static final KeyPair KEY = TestCertificates.key();
    private static final KeyPair ISSUER = TestCertificates.key();
    private static final String CHAIN = Pem.certificates(chain(KEY.getPublic()));

    final List<CaRequest> requests = new ArrayList<>();
    final List<Event> seen = new ArrayList<>();
    final ManualTime time = new ManualTime();
    final KeyPair key = KEY;
    int failedValidations;
    String preferredChain = "";
    Duration patience = Duration.ofSeconds(25);
    Endurance.Measure measure = Endurance.Measure.LONG;
    Optional<OnDemandTlsConfig.ExternalAccountBinding> binding = Optional.empty();
    List<ChallengeType> candidates = List.of(ChallengeType.TLS_ALPN_01);
    /** The URL of the order that an earlier life left open. */
    Optional<URI> leftOpen = Optional.empty();

    final ChallengePreference preference =
            new ChallengePreference(List.of(ChallengeType.TLS_ALPN_01, ChallengeType.HTTP_01));
    /** How long the request under way may take. */
    Duration allowed = Duration.ZERO;

    private final MemorySecretFiles files = new MemorySecretFiles();
    private final Deque<Rule> rules = new ArrayDeque<>();
    private final ChallengeBoard board = new ChallengeBoard(time.clock());
    private final Pace.OfCa paces = Pace.OfCa.unknown(time::nanoTime);
    private final AtomicBoolean chainMissed = new AtomicBoolean();
    private boolean proved;
    private boolean finalized;

    /** Every answer under a path. */
    ScriptedCa always(String path, Fault fault) {
        return first(Integer.MAX_VALUE, path, fault);
    }

    /** The first answers under a path. */
    ScriptedCa first(int count, String path, Fault fault) {
        rules.addFirst(new Rule(path, fault, new AtomicInteger(count)));
        return this;
    }

    /** Other octets. */
    static Fault octets(byte[] body, String type) {
        return (request, right) -> {
            CaAnswer answer = right.answer();
            return new CaAnswer(
                    answer.uri(),
                    answer.status(),
                    HttpHeaders.of(Map.of("Content-Type", List.of(type)), (each, value) -> true),
                    body);
        };
    }

    /** The right answer with another text. */
    static Fault text(UnaryOperator<String> change) {
        return (request, right) -> {
            CaAnswer answer = right.answer();
            return new CaAnswer(
                    answer.uri(),
                    answer.status(),
                    answer.headers(),
                    change.apply(new String(answer.body(), StandardCharsets.UTF_8))
                            .getBytes(StandardCharsets.UTF_8));
        };
    }

    /** The right answer with one text in place of another. */
    static Fault replaced(String what, String by) {
        return text(text -> {
            if (!text.contains(what)) {
                throw new IllegalArgumentException(what + " is not in " + text);
            }
            return text.replace(what, by);
        });
    }

    /** The right answer with another status. */
    static Fault status(int status) {
        return (request, right) -> {
            CaAnswer answer = right.answer();
            return new CaAnswer(answer.uri(), status, answer.headers(), answer.body());
        };
    }

    /** Another answer; the CA does not hear of the request. */
    static Fault instead(int status, String body, String... headers) {
        return (request, right) -> answer(request, status, body, headers);
    }

    /** Another answer; the CA has done what it was asked for. */
    static Fault afterwards(int status, String body, String... headers) {
        return (request, right) -> {
            right.answer();
            return answer(request, status, body, headers);
        };
    }

    /** A refusal. */
    static Fault problem(int status, String type, String detail, String... headers) {
        return instead(status, "{\"type\": \"" + type + "\", \"detail\": \"" + detail + "\"}", headers);
    }

    /** The right answer with other values of a header, or without it where there are none. */
    static Fault header(String name, String... values) {
        return (request, right) -> {
            CaAnswer answer = right.answer();
            Map<String, List<String>> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
            headers.putAll(answer.headers().map());
            headers.remove(name);
            if (values.length > 0) {
                headers.put(name, List.of(values));
            }
            return new CaAnswer(
                    answer.uri(), answer.status(), HttpHeaders.of(headers, (each, value) -> true), answer.body());
        };
    }

    /** An answer. */
    static CaAnswer answer(CaRequest request, int status, String body, String... headers) {
        Map<String, List<String>> all = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        for (int i = 0; i < headers.length; i += 2) {
            all.computeIfAbsent(headers[i], name -> new ArrayList<>()).add(headers[i + 1]);
        }
        return new CaAnswer(
                request.uri(),
                status,
                HttpHeaders.of(all, (name, value) -> true),
                body.getBytes(StandardCharsets.UTF_8));
    }

    /** The lines with these words. */
    List<String> told(String words) {
        return seen.stream()
                .map(Event::text)
                .filter(text -> text.contains(words))
                .toList();
    }

    /** How often something under a path was asked for. */
    long asked(String path) {
        return requests.stream()
                .filter(request -> request.uri().getPath().startsWith(path))
                .count();
    }

    /** A chain for a key. */
    static List<X509Certificate> chain(PublicKey of) {
        Instant now = new ManualTime().clock().instant();
        return List.of(
                TestCertificates.leaf(new KeyPair(of, KEY.getPrivate()), now, NAME.value())
                        .signedBy("Issuer", ISSUER),
                TestCertificates.authority(ISSUER, now, "Issuer").signedBy("Root", TestCertificates.key()));
    }

    /** Has one name signed, within what a visitor waits. */
    List<X509Certificate> sign() throws IssuanceException {
        CountDownLatch closed = new CountDownLatch(1) {
            @Override
            public boolean await(long wait, TimeUnit unit) {
                time.advance(Duration.ofNanos(unit.toNanos(wait)));
                return false;
            }
        };
        LongSupplier nanoTime = time::nanoTime;
        CaSession session = new CaSession(new CaSession.Shared(
                URI.create(ORIGIN + DIRECTORY),
                this,
                time.clock(),
                nanoTime,
                new CaSession.Limits(CaLimits.REQUEST, closed)));
        Events events = new Events(seen::add, nanoTime);
        OrderFlow.Tools tools = new OrderFlow.Tools(
                board,
                preference,
                Optional.of("classic"),
                events,
                closed,
                new AtomicBoolean(),
                paces,
                Optional.of(preferredChain),
                chainMissed,
                new Steps(ORIGIN, events.figures(), nanoTime));
        Authority.Order order = new Authority.Order(
                NAME, key, CertificationRequests.request(key, NAME), leftOpen, Optional.empty(), patience);
        session.begin(Deadline.in(patience, nanoTime), measure);
        boolean loggingIn = true;
        try {
            Login login = new CaAccount(
                            new OnDemandTlsConfig.Directory(URI.create(ORIGIN + DIRECTORY), Optional.empty(), binding),
                            Optional.of("operator@example.com"),
                            files,
                            events,
                            nanoTime)
                    .login(session);
            loggingIn = false;
            return new OrderFlow(tools, session, login, order, journal()).run(candidates);
        } catch (AcmeException | RuntimeException e) {
            throw CaFailures.judge(NAME, e, session, loggingIn && e instanceof AcmeServerException)
                    .exception();
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private Authority.Journal journal() {
        return new Authority.Journal() {
            @Override
            public void orderCreated(URI url) {}

            @Override
            public void validationFailed() {
                failedValidations++;
            }
        };
    }

    @Override
    public CaAnswer send(CaRequest request, Duration within) throws IOException {
        requests.add(request);
        allowed = within;
        if (!isOwn(request.uri())) {
            throw new ForeignUrlException(request.uri(), URI.create(ORIGIN + DIRECTORY));
        }
        for (Rule rule : rules) {
            if (request.uri().getPath().startsWith(rule.path()) && rule.left().getAndDecrement() > 0) {
                return rule.fault().answer(request, () -> right(request));
            }
        }
        return right(request);
    }

    @Override
    public boolean isOwn(URI uri) {
        return "https".equals(uri.getScheme()) && "ca.example".equals(uri.getHost()) && uri.getPort() < 0;
    }

    /** The CA fetches the proof that is on display. */
    void looks() {
        board.challengeCertificateServed(NAME);
        board.keyAuthorization(NAME, TOKEN);
    }

    private CaAnswer right(CaRequest request) {
        String path = request.uri().getPath();
        String[] headers = {"Replay-Nonce", "bm9uY2U" + requests.size(), "Content-Type", "application/json"};
        return switch (path.replaceFirst("/[0-9]+$", "/")) {
            case DIRECTORY -> answer(request, 200, directory(), headers);
            case NONCE -> answer(request, 204, "", headers);
            case NEW_ACCOUNT ->
                answer(
                        request,
                        201,
                        "{\"status\": \"valid\", \"contact\": [\"mailto:operator@example.com\"]}",
                        "Replay-Nonce",
                        "bm9uY2Uw",
                        "Location",
                        ORIGIN + "/acme/acct/1");
            case NEW_ORDER -> {
                proved = false;
                finalized = false;
                yield answer(
                        request,
                        201,
                        order("pending"),
                        "Replay-Nonce",
                        "bm9uY2U",
                        "Content-Type",
                        "application/json",
                        "Location",
                        ORIGIN + ORDER + "1");
            }
            case AUTHORIZATION -> answer(request, 200, authorization(), headers);
            case CHALLENGE -> {
                looks();
                proved = true;
                yield answer(request, 200, challenge("processing"), headers);
            }
            case FINALIZE -> {
                finalized = true;
                yield answer(request, 200, order("processing"), headers);
            }
            case ORDER -> answer(request, 200, order(finalized ? "valid" : proved ? "ready" : "pending"), headers);
            case CERTIFICATE -> answer(request, 200, CHAIN, headers);
            default -> answer(request, 404, "{\"type\": \"urn:ietf:params:acme:error:malformed\"}", headers);
        };
    }

    private static String directory() {
        return "{\"newNonce\": \"" + ORIGIN + NONCE + "\", \"newAccount\": \"" + ORIGIN + "/acme/new-acct\","
                + " \"newOrder\": \"" + ORIGIN + NEW_ORDER + "\", \"revokeCert\": \"" + ORIGIN + "/acme/revoke\","
                + " \"meta\": {\"termsOfService\": \"" + ORIGIN + "/terms\", \"profiles\": {\"classic\": \"\"}}}";
    }

    private String order(String status) {
        return "{\"status\": \"" + status + "\", \"expires\": \"2026-12-01T00:00:00Z\","
                + " \"identifiers\": [{\"type\": \"dns\", \"value\": \"" + NAME + "\"}],"
                + " \"authorizations\": [\"" + ORIGIN + AUTHORIZATION + "1\"],"
                + " \"finalize\": \"" + ORIGIN + FINALIZE + "1\""
                + (status.equals("valid") ? ", \"certificate\": \"" + ORIGIN + CERTIFICATE + "1\"}" : "}");
    }

    private String authorization() {
        return "{\"status\": \"" + (proved ? "valid" : "pending") + "\","
                + " \"identifier\": {\"type\": \"dns\", \"value\": \"" + NAME + "\"},"
                + " \"challenges\": [" + challenge(proved ? "valid" : "pending") + "]}";
    }

    private static String challenge(String status) {
        return "{\"type\": \"tls-alpn-01\", \"status\": \"" + status + "\", \"url\": \"" + ORIGIN + CHALLENGE
                + "1\", \"token\": \"" + TOKEN + "\"}";
    }
}
