package org.ondemandtls.testing;

import java.net.URI;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.authority.RevocationReason;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.certificate.RenewalWindow;
import org.ondemandtls.name.ServerName;

/** Signs at once, with a CA of the tests, or fails as it is told; remembers what it was asked. No handshake proves it. */
public final class FakeAuthority implements Authority {

    /** The URL of every order. */
    public static final URI ORDER_URL = URI.create("https://ca.example/order/7");

    private final String id;
    private Supplier<Instant> now;
    private final List<Order> asked = new ArrayList<>();
    private final Deque<IssuanceException> failuresOnce = new ArrayDeque<>();
    private final List<X509Certificate> advisedOf = new ArrayList<>();

    private IssuanceException failure;
    private Error crashAfterUrl;
    private String[] names;
    private PublicKey key;
    private Duration lifetime = Duration.ofDays(90);
    private Optional<RenewalAdvice> advice = Optional.empty();
    private IssuanceException adviceFailure;
    private Error adviceCrash;
    private boolean advisesOthers;
    private boolean unreachable;
    private boolean placesBeforeFailing = true;
    private boolean forbidden;
    private IssuanceException outOfService;
    private boolean losesOrders;
    private boolean mindsReplaces;
    private Instant expiresBefore;
    private int validationsPerRefusal = 1;
    private Runnable whileSigning = () -> {};
    private Runnable whenAskedForTime = () -> {};
    private int askedForTime;

    /** A CA called {@code id} whose certificates begin a day before {@code now}. */
    public FakeAuthority(String id, Supplier<Instant> now) {
        this.id = id;
        this.now = now;
    }

    /** Fails every order from now on, or none where null. */
    public void fail(IssuanceException with) {
        failure = with;
    }

    /** Fails the next order. */
    public void failOnce(IssuanceException with) {
        failuresOnce.add(with);
    }

    /** Whether the CA has told the order's URL before an order fails. */
    public void placesBeforeFailing(boolean places) {
        placesBeforeFailing = places;
    }

    /** Whether the CAA records of every name name others only. */
    public void forbidden(boolean now) {
        forbidden = now;
    }

    /** Takes no orders at present, for a reason of its own; null where it does. */
    public void putOutOfService(IssuanceException why) {
        outOfService = why;
    }

    /** Whether the CA has forgotten every order that is taken up. */
    public void losesOrders(boolean loses) {
        losesOrders = loses;
    }

    /** Whether the CA takes no order that says what it replaces, but the same without it. */
    public void mindsReplaces(boolean minds) {
        mindsReplaces = minds;
    }

    /** Places another order first each time, which the CA gives up then; null for none. */
    public void placesAnotherBefore(Instant expires) {
        expiresBefore = expires;
    }

    /** How many proofs fail before a name is refused that cannot be validated. */
    public void validationsPerRefusal(int failed) {
        validationsPerRefusal = failed;
    }

    /** Runs something each time between an order and its certificate. */
    public void whileSigning(Runnable task) {
        whileSigning = task;
    }

    /** Runs something each time it is asked what time it is. */
    public void whenAskedForTime(Runnable task) {
        whenAskedForTime = task;
    }

    /** How often it was asked what time it is. */
    public int askedForTime() {
        return askedForTime;
    }

    /** Throws once the order's URL is told, as if the process ended there; null for no more. */
    public void crashAfterUrl(Error with) {
        crashAfterUrl = with;
    }

    /** Signs other names than were asked for. */
    public void signNames(String... others) {
        names = others;
    }

    /** Signs another key than was asked for. */
    public void signKey(PublicKey other) {
        key = other;
    }

    /** How long certificates are valid from now on, counted from a day before they are signed. */
    public void lifetime(Duration other) {
        lifetime = other;
    }

    /** Signs by a clock of its own that stands still. */
    public void signedAt(Instant at) {
        now = () -> at;
    }

    /** Advises when to renew; a CA that advises honours {@code replaces}. */
    public void advise(Instant start, Instant end, Duration retryAfter) {
        advice = Optional.of(new RenewalAdvice(
                new RenewalWindow(start, end, Optional.of(URI.create("https://ca.example/why"))), retryAfter));
        adviceFailure = null;
    }

    /** Has no advice to give but an answer that cannot be believed. */
    public void adviseBadly(IssuanceException with) {
        adviceFailure = with;
    }

    /** Offers advice and has none for whatever it is asked about. */
    public void advisesOthers() {
        advisesOthers = true;
    }

    /** Throws the next time it is asked for advice. */
    public void crashOnceAdvising(Error with) {
        adviceCrash = with;
    }

    /** Cannot be reached from the start on, so that not even its directory is known; or can be again. */
    public void unreachable(boolean now) {
        unreachable = now;
    }

    @Override
    public void revoke(KeyedCertificate certificate, RevocationReason reason) {
        // Done.
    }

    /** The orders, in order. */
    public List<Order> asked() {
        return asked;
    }

    /** The leaves advice was asked about. */
    public List<X509Certificate> advisedOf() {
        return advisedOf;
    }

    @Override
    public String id() {
        return id;
    }

    @Override
    public boolean isForbidden(ServerName name) {
        return forbidden;
    }

    @Override
    public Optional<IssuanceException> outOfService(ServerName name) {
        return Optional.ofNullable(outOfService);
    }

    @Override
    public void prepare() {}

    @Override
    public List<X509Certificate> sign(Order order, Journal journal) throws IssuanceException {
        asked.add(order);
        if (losesOrders && order.url().isPresent() && !journal.mayPlaceAnother()) {
            throw new IssuanceException.Unavailable(order.name(), "the order is lost", Duration.ZERO, null);
        }
        if (mindsReplaces && order.url().isEmpty()) {
            journal.notReplacing();
        }
        if (expiresBefore != null) {
            journal.orderExpires(expiresBefore);
            journal.orderCreated(URI.create("https://ca.example/order/6"));
        }
        IssuanceException fails = failuresOnce.isEmpty() ? failure : failuresOnce.poll();
        if (fails == null || placesBeforeFailing) {
            journal.orderCreated(ORDER_URL);
        }
        whileSigning.run();
        if (crashAfterUrl != null) {
            throw crashAfterUrl;
        }
        if (fails instanceof IssuanceException.Rejected rejected && !rejected.elsewhere()) {
            for (int i = 0; i < validationsPerRefusal; i++) {
                journal.validationFailed();
            }
        }
        if (fails != null) {
            throw fails;
        }
        Instant from = now.get().minus(Duration.ofDays(1));
        KeyedCertificate ca = TestLeaves.valid(
                key != null ? key : order.key().getPublic(),
                from,
                from.plus(lifetime),
                names != null ? names : new String[] {order.name().value()});
        return ca.chain();
    }

    @Override
    public Optional<RenewalAdvice> renewalAdvice(X509Certificate leaf) throws IssuanceException {
        advisedOf.add(leaf);
        if (adviceCrash != null) {
            Error thrown = adviceCrash;
            adviceCrash = null;
            throw thrown;
        }
        if (unreachable) {
            throw new IssuanceException.Unavailable(
                    ServerName.parse("any.example"), "no connection", Duration.ofMinutes(10), null);
        }
        if (adviceFailure != null) {
            throw adviceFailure;
        }
        return advice;
    }

    @Override
    public void askForTime() {
        askedForTime++;
        whenAskedForTime.run();
    }

    @Override
    public boolean honoursReplaces() {
        return !unreachable && (advice.isPresent() || adviceFailure != null || advisesOthers);
    }

    @Override
    public void close() {}
}
