package org.ondemandtls.benchmarks;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.event.Events;
import org.ondemandtls.machine.Time;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.Hold;
import org.ondemandtls.store.KeySealing;
import org.ondemandtls.store.Medium;
import org.ondemandtls.store.MediumStore;
import org.ondemandtls.store.Moved;
import org.ondemandtls.store.Peers;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.testing.PublicLeaves;

/**
 * What the store of a large platform holds, the same each time: names in no order, a fifth of them below one domain, of two
 * CAs and a few of a third; of a thousand, ten withdrawn by an operator, ten moved away, two hundred visited by nobody, five expired
 * and fifteen overdue. Beside them a tenth as many names that a CA has refused.
 */
final class ManyNames {

    /** The CA of nearly all; nobody listens there, so that nothing is ordered. */
    static final String CA = "https://127.0.0.1:9/directory";

    /** The CA of every tenth. */
    static final String SECOND_CA = "https://second.example/directory";

    /** The CA of one in a thousand. */
    static final String THIRD_CA = "https://third.example/directory";

    /** Below it is a fifth of all names. */
    static final String LARGE_DOMAIN = "shops.example";

    private static final int OF = 1000;
    private static final int WITHDRAWN = 10;
    private static final int MOVED = 20;
    private static final int IDLE = 220;
    private static final int EXPIRED = 225;
    private static final int OVERDUE = 240;
    private static final int PER_DOMAIN = 8;
    private static final int PER_REFUSED = 10;
    private static final long SCATTERED = 0x9E3779B1L;
    private static final long WORD = 0xffffffffL;
    private static final Duration LIFE = Duration.ofDays(90);
    private static final List<String> PROBLEMS =
            List.of("caa", "dns", "connection", "unauthorized", "rejectedIdentifier");

    private final int count;
    private final Instant now;
    private final List<PublicLeaves> young;
    private final PublicLeaves old;
    private final PublicLeaves ended;

    /**
     * Makes the CAs.
     *
     * @param count how many names have a certificate
     * @param now the moment they stand so
     */
    ManyNames(int count, Instant now) {
        this.count = count;
        this.now = now;
        this.young = Stream.of(0, 13, 26)
                .map(days -> new PublicLeaves(now.minus(Duration.ofDays(days))))
                .toList();
        this.old = new PublicLeaves(now.minus(Duration.ofDays(66)));
        this.ended = new PublicLeaves(now.minus(LIFE).minus(Duration.ofDays(1)));
    }

    int count() {
        return count;
    }

    /** The domain of a name that is not below the large one. */
    static String domain(int number) {
        return "d" + number / PER_DOMAIN + ".example";
    }

    /** A name that has a certificate. */
    static String name(int number) {
        return number % 5 == 0
                ? "s" + scattered(number) + "." + LARGE_DOMAIN
                : "www" + scattered(number) + "." + domain(number);
    }

    /** A name that a CA has refused. */
    static String refused(int number) {
        return "r" + scattered(number) + ".refused" + number % OF + ".example";
    }

    // Each number another one, in no order: names do not come in that of the alphabet.
    private static String scattered(int number) {
        return HexFormat.of().toHexDigits((int) (number * SCATTERED));
    }

    /** The certificate of a number, from 0 to {@link #count} − 1. */
    StoredCertificate certificate(int number) {
        int kind = kind(number);
        KeyedCertificate leaf = leaves(number).leaf(name(number));
        Instant renew = leaf.notBefore().plus(LIFE.multipliedBy(2).dividedBy(3));
        StoredCertificate stored = StoredCertificate.obtained(leaf, issuer(number), leaf.notBefore(), renew)
                .withVisited(now.minus(Duration.ofMinutes(number % OF)))
                // Nothing is due while lists are made.
                .withDue(renew.isAfter(now) ? renew : now.plus(Duration.ofHours(6)));
        if (kind < WITHDRAWN) {
            return stored.withWithdrawn(Optional.of(now.minus(Duration.ofDays(1))));
        }
        if (kind < MOVED) {
            return stored.withMoved(
                    Optional.of(new Moved(now.minus(Duration.ofDays(1)), "192.0.2.7", "point its A record here")));
        }
        return kind < IDLE ? stored.withDue(leaf.notAfter().plus(Duration.ofDays(30))) : stored;
    }

    private PublicLeaves leaves(int number) {
        int kind = kind(number);
        if (kind >= IDLE && kind < EXPIRED) {
            return ended;
        }
        // What nobody visits is not renewed when its time has come.
        return kind >= MOVED && kind < OVERDUE ? old : young.get(number % young.size());
    }

    // Independent of what the name and the issuer go by.
    private static int kind(int number) {
        return (int) (((number * SCATTERED) & WORD) / 7 % OF);
    }

    private static String issuer(int number) {
        if (number % OF == 7) {
            return THIRD_CA;
        }
        return number % 10 == 3 ? SECOND_CA : CA;
    }

    /** The holds of a number: that a name was refused, that an operator has withdrawn the one with the certificate. */
    List<Hold> holds(int number) {
        Stream<Hold> refused = number % PER_REFUSED == 0
                ? Stream.of(hold(
                        new Scope.Name(ServerName.parse(refused(number))), PROBLEMS.get(number / 10 % PROBLEMS.size())))
                : Stream.empty();
        Stream<Hold> withdrawn = kind(number) < WITHDRAWN
                ? Stream.of(hold(new Scope.TakenAway(ServerName.parse(name(number))), "operator"))
                : Stream.empty();
        return Stream.concat(refused, withdrawn).toList();
    }

    private Hold hold(Scope scope, String problem) {
        return new Hold(
                scope,
                CA,
                scope instanceof Scope.Name ? 2 : 0,
                now.plus(Duration.ofHours(1)),
                problem,
                "what the CA said of it, in a sentence",
                Optional.empty());
    }

    /** Turns certificates and holds into the records a store would keep, by the store's own code. */
    static final class Scribe implements InvocationHandler {

        private final CertificateStore store;
        private Medium.@Nullable Kept last;

        /** Writes private keys in clear. */
        Scribe() {
            var medium =
                    (Medium) Proxy.newProxyInstance(Medium.class.getClassLoader(), new Class<?>[] {Medium.class}, this);
            this.store = new PaperStore(medium);
        }

        /** The record of a certificate. */
        Medium.Kept of(StoredCertificate certificate) throws StoreException {
            store.save(certificate);
            return taken();
        }

        /** The record of a hold. */
        Medium.Kept of(Hold hold) throws StoreException {
            store.keepHold(hold);
            return taken();
        }

        private Medium.Kept taken() {
            Medium.Kept taken = last;
            if (taken == null) {
                throw new IllegalStateException("nothing was kept");
            }
            return taken;
        }

        @Override
        public @Nullable Object invoke(Object proxy, Method method, Object[] arguments) {
            return switch (method.getName()) {
                case "put" -> {
                    last = (Medium.Kept) arguments[0];
                    yield null;
                }
                case "handle" -> arguments[1];
                case "peers" -> Peers.NONE;
                // Asked for when the store is made, and never used here.
                case "ledger" -> null;
                default -> throw new UnsupportedOperationException(method.getName());
            };
        }
    }

    private static final class PaperStore extends MediumStore {
        PaperStore(Medium medium) {
            super(medium, new Events(event -> {}, System::nanoTime), Time.ofMachine(), KeySealing.none());
        }
    }
}
