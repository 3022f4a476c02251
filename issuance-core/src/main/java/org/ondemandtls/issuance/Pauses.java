package org.ondemandtls.issuance;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.StoreException;

/**
 * What an operator has paused: all issuing, that of one CA, or that for one domain. What is stored goes on being served.
 *
 * <p>Kept in the store, so that every server keeps to it and a restart does not end it. Every order looks it up: one read.
 *
 * <p><b>Threads.</b> Safe for many; every method blocks for the store. Of two operators who change it at the same moment
 * one may win over the other.
 */
public final class Pauses {

    /** What stands for all issuing. */
    public static final String ALL = "all";

    /** Where it is kept, one line for each pause: a moment, a space, what is paused. */
    static final String PLACE = "operator/paused";

    private static final String CA = "ca ";
    private static final String DOMAIN = "domain ";
    private static final Duration AGAIN = Duration.ofMinutes(1);

    private final CertificateStore store;
    private final Clock clock;
    private final Events events;
    private final AtomicBoolean unreadable = new AtomicBoolean();

    private volatile Map<String, Instant> lastRead = Map.of();

    Pauses(CertificateStore store, Clock clock, Events events) {
        this.store = store;
        this.clock = clock;
        this.events = events;
    }

    /** What stands for the issuing of one CA. */
    public static String ca(String issuer) {
        return CA + issuer;
    }

    /** What stands for the issuing for every name at or below a domain. */
    public static String domain(String domain) {
        return DOMAIN + domain;
    }

    /**
     * What is paused, with the moment since.
     *
     * @throws StoreException if the store could not be read
     */
    public Map<String, Instant> all() throws StoreException {
        Map<String, Instant> paused = new TreeMap<>();
        String text = new String(store.readSecret(PLACE).orElseGet(() -> new byte[0]), UTF_8);
        for (String line : text.lines().toList()) {
            int space = line.indexOf(' ');
            if (space > 0) {
                paused.put(line.substring(space + 1), moment(line.substring(0, space)));
            }
        }
        lastRead = Map.copyOf(paused);
        return paused;
    }

    // That something is paused protects; since when is for people to read.
    private static Instant moment(String text) {
        try {
            return Instant.parse(text);
        } catch (DateTimeException e) {
            return Instant.EPOCH;
        }
    }

    // Where the place cannot be read, what was read last goes on: it must not keep every name from being renewed.
    private Map<String, Instant> known() {
        try {
            Map<String, Instant> paused = all();
            unreadable.set(false);
            return paused;
        } catch (StoreException e) {
            if (unreadable.compareAndSet(false, true)) {
                events.publish(
                        EventKind.STORE_FAILED,
                        "cannot read the list of pauses from the store; the last known pauses stay in force: "
                                + e.getMessage());
            }
            return lastRead;
        }
    }

    /**
     * Pauses; nothing happens where it is paused already.
     *
     * @param what {@link #ALL}, or what {@link #ca} or {@link #domain} says
     * @throws StoreException if the store could not be written
     */
    public void pause(String what) throws StoreException {
        Map<String, Instant> paused = all();
        if (paused.putIfAbsent(what, clock.instant()) == null) {
            write(paused);
            events.publish(EventKind.ADVICE, "issuing is paused by an operator: " + what);
        }
    }

    /**
     * Ends a pause; nothing happens where there is none.
     *
     * @param what as it was paused
     * @throws StoreException if the store could not be written
     */
    public void resume(String what) throws StoreException {
        Map<String, Instant> paused = all();
        if (paused.remove(what) != null) {
            write(paused);
            events.publish(EventKind.ADVICE, "issuing is resumed by an operator: " + what);
        }
    }

    /**
     * What is paused that stands in the way of every order for a name: all issuing, a domain of its, or every CA.
     *
     * @param name the name
     * @param issuers the {@code id()} of every CA there is
     * @return empty where an order may be placed
     * @throws StoreException if the store could not be read
     */
    public List<String> concerning(ServerName name, List<String> issuers) throws StoreException {
        Map<String, Instant> paused = all();
        List<String> own = new ArrayList<>(
                scopes(name).stream().filter(paused::containsKey).toList());
        List<String> cas = issuers.stream().map(Pauses::ca).toList();
        if (paused.keySet().containsAll(cas)) {
            own.addAll(cas);
        }
        return own;
    }

    /**
     * Leaves the CAs that may be asked for a name.
     *
     * @param name the name
     * @param candidates the CAs in the order they would be asked in
     * @return those that are not paused, not empty, not to be changed
     * @throws IssuanceException.Unavailable if all are paused
     */
    List<Authority> allowed(ServerName name, List<Authority> candidates) throws IssuanceException.Unavailable {
        Map<String, Instant> paused = known();
        if (paused.isEmpty()) {
            return candidates;
        }
        for (String what : scopes(name)) {
            Instant since = paused.get(what);
            if (since != null) {
                throw paused(name, what, since);
            }
        }
        List<Authority> left = candidates.stream()
                .filter(candidate -> !paused.containsKey(ca(candidate.id())))
                .toList();
        if (left.isEmpty()) {
            String what = ca(candidates.get(0).id());
            throw paused(name, what, paused.getOrDefault(what, clock.instant()));
        }
        return left;
    }

    private static List<String> scopes(ServerName name) {
        List<String> scopes = new ArrayList<>(List.of(ALL));
        String domain = name.value();
        while (domain.indexOf('.') > 0) {
            scopes.add(domain(domain));
            domain = domain.substring(domain.indexOf('.') + 1);
        }
        return scopes;
    }

    private static IssuanceException.Unavailable paused(ServerName name, String what, Instant since) {
        return new IssuanceException.Unavailable(
                name, "an operator has paused issuing since " + since + ": " + what, AGAIN, null);
    }

    private void write(Map<String, Instant> paused) throws StoreException {
        StringBuilder text = new StringBuilder();
        paused.forEach(
                (what, since) -> text.append(since).append(' ').append(what).append('\n'));
        store.writePublic(PLACE, text.toString().getBytes(UTF_8));
    }
}
