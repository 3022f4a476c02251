package org.ondemandtls.challenge;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.name.AddressBlock;
import org.ondemandtls.name.ServerName;

/**
 * From which networks CAs fetch proofs, and which of them have stayed away.
 *
 * <p>A CA looks from several places at once and wants most of them to succeed. Where a firewall keeps one of them out, orders
 * become slow or fail, and nothing in the CA's answer names the one. Therefore each order is compared with the last ones of
 * the same CA that succeeded.
 *
 * <p>A network is {@value #IPV4_BITS} bits of an IPv4 address or {@value #IPV6_BITS} bits of an IPv6 address: what one
 * provider has in one region. A CA's places change their addresses within it from one order to the next.
 *
 * <p><b>Cost.</b> Only the fetch of a proof that is on display counts, at most {@value #MOST_NETWORKS} networks of one proof.
 * Safe for use by many threads; never blocks.
 */
public final class Vantages {

    /** How many networks of one proof are kept. */
    static final int MOST_NETWORKS = 16;

    /** How many orders of one CA are kept for comparison. */
    static final int ORDERS = 50;

    /** How many orders have to have succeeded before anything is expected of the next one. */
    static final int LEARNED_AFTER = 3;

    static final int IPV4_BITS = 16;
    static final int IPV6_BITS = 32;

    private static final int NAMES = 2_000;
    private static final int IPV4_OCTETS = 4;

    /**
     * From where a CA came for one order.
     *
     * @param at when the CA had made up its mind
     * @param ca the CA's {@code id()}
     * @param challenge the kind of proof, as the protocol spells it
     * @param accepted whether the CA accepted the proof
     * @param networks the networks it came from, in their order
     * @param missing the networks its last successful orders came from and this one did not
     * @param elsewhere whether it may have come to other servers too, so that nothing is said to be missing
     */
    public record Order(
            Instant at,
            String ca,
            String challenge,
            boolean accepted,
            List<String> networks,
            List<String> missing,
            boolean elsewhere) {

        /** Keeps copies. */
        public Order {
            networks = List.copyOf(networks);
            missing = List.copyOf(missing);
        }

        /** The same in one or two sentences. */
        public String sentence() {
            String came = switch (networks.size()) {
                case 0 -> "No network of the CA was seen to fetch the proof (" + challenge + ")";
                case 1 -> "The CA fetched the proof (" + challenge + ") from 1 network: " + networks.get(0);
                default ->
                    "The CA fetched the proof (" + challenge + ") from " + networks.size() + " networks: "
                            + String.join(", ", networks);
            };
            if (missing.isEmpty()) {
                return came + (elsewhere ? ", as far as this server saw." : ".");
            }
            return came + ". It did not come from " + String.join(", ", missing)
                    + " as in its last orders: a firewall may keep that vantage point out.";
        }
    }

    /**
     * From where one CA comes.
     *
     * @param last from how many networks it came for its last order, 0 before the first
     * @param usual from how many it came for the middle one of its last successful orders, 0 before the first
     * @param missing which were missing at the last order
     */
    public record OfCa(int last, int usual, List<String> missing) {

        static final OfCa UNKNOWN = new OfCa(0, 0, List.of());

        /** Keeps a copy. */
        public OfCa {
            missing = List.copyOf(missing);
        }
    }

    private static final class Known {
        final Deque<List<String>> accepted = new ArrayDeque<>();
        OfCa state = OfCa.UNKNOWN;
    }

    private final Predicate<InetAddress> uncounted;
    private final Clock clock;
    private final Map<String, Known> byCa = new ConcurrentHashMap<>();
    private final Cache<ServerName, Order> byName =
            Caffeine.newBuilder().maximumSize(NAMES).executor(Runnable::run).build();

    /**
     * Knows nothing yet.
     *
     * @param uncounted whose addresses are no CA's: proxies that pass its questions on
     * @param clock dates the orders
     */
    public Vantages(Predicate<InetAddress> uncounted, Clock clock) {
        this.uncounted = uncounted;
        this.clock = clock;
    }

    /**
     * Reads an address as servers write it; looks nothing up.
     *
     * @param text an address, in brackets or not, with a scope or not; null where there is none
     * @return the address, empty where the text is none
     */
    public static Optional<InetAddress> address(@Nullable String text) {
        if (text == null) {
            return Optional.empty();
        }
        String bare = text.startsWith("[") && text.endsWith("]") ? text.substring(1, text.length() - 1) : text;
        int scope = bare.indexOf('%');
        try {
            return Optional.of(InetAddress.getByAddress(AddressBlock.parse(scope < 0 ? bare : bare.substring(0, scope))
                    .prefix()));
        } catch (UnknownHostException | IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /** The network of an address, empty where that is nobody's vantage point. */
    Optional<String> network(@Nullable InetAddress address) {
        if (address == null || uncounted.test(address)) {
            return Optional.empty();
        }
        int bits = address.getAddress().length == IPV4_OCTETS ? IPV4_BITS : IPV6_BITS;
        String text = address.getHostAddress();
        int scope = text.indexOf('%');
        return Optional.of(AddressBlock.parse((scope < 0 ? text : text.substring(0, scope)) + '/' + bits)
                .toString());
    }

    /**
     * A CA has made up its mind about a proof.
     *
     * @param name the name that was validated
     * @param ca the CA's {@code id()}
     * @param challenge the kind of proof, as the protocol spells it
     * @param display the proof
     * @param accepted whether the CA accepted it
     * @return from where it came
     */
    public Order decided(
            ServerName name, String ca, String challenge, ChallengeBoard.Display display, boolean accepted) {
        List<String> networks = display.networks().stream().sorted().toList();
        boolean elsewhere = display.isElsewhere();
        Known known = byCa.computeIfAbsent(ca, unknown -> new Known());
        Order order;
        synchronized (known) {
            List<String> missing = elsewhere ? List.of() : missing(known.accepted, networks);
            order = new Order(clock.instant(), ca, challenge, accepted, networks, missing, elsewhere);
            if (accepted && !networks.isEmpty()) {
                known.accepted.addLast(networks);
                if (known.accepted.size() > ORDERS) {
                    known.accepted.removeFirst();
                }
            }
            if (!networks.isEmpty()) {
                known.state = new OfCa(networks.size(), middle(known.accepted), missing);
            }
        }
        byName.put(name, order);
        return order;
    }

    /** From where a CA came for the last order of a name on this server, as far as that is remembered. */
    public Optional<Order> of(ServerName name) {
        return Optional.ofNullable(byName.getIfPresent(name));
    }

    /** From where a CA comes. */
    public OfCa ofCa(String ca) {
        Known known = byCa.get(ca);
        if (known == null) {
            return OfCa.UNKNOWN;
        }
        synchronized (known) {
            return known.state;
        }
    }

    // What came for at least half of them is expected; a place that a CA gave up is forgotten by and by.
    private static List<String> missing(Deque<List<String>> before, List<String> now) {
        // A CA takes IPv6 where a name has such an address: orders are compared within the family that came.
        List<List<String>> accepted = before.stream()
                .map(networks -> networks.stream()
                        .filter(network -> now.stream().anyMatch(seen -> isOfOneFamily(seen, network)))
                        .toList())
                .filter(networks -> !networks.isEmpty())
                .toList();
        // Where nobody was seen, the name leads elsewhere, or through a proxy: that says nothing of one place.
        if (accepted.size() < LEARNED_AFTER) {
            return List.of();
        }
        Map<String, Integer> times = new HashMap<>();
        accepted.forEach(networks -> networks.forEach(network -> times.merge(network, 1, Integer::sum)));
        List<String> missing = new ArrayList<>();
        times.forEach((network, often) -> {
            if (2 * often >= accepted.size() && !now.contains(network)) {
                missing.add(network);
            }
        });
        missing.sort(null);
        return missing;
    }

    private static boolean isOfOneFamily(String network, String other) {
        return network.indexOf(':') < 0 == other.indexOf(':') < 0;
    }

    private static int middle(Deque<List<String>> accepted) {
        List<Integer> sizes = accepted.stream().map(List::size).sorted().toList();
        return sizes.isEmpty() ? 0 : sizes.get(sizes.size() / 2);
    }
}
