package org.ondemandtls.preflight;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.io.IOException;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.event.FlightRecorder;
import org.ondemandtls.event.Outage;
import org.ondemandtls.name.CdnRanges;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.PublicAddresses;
import org.ondemandtls.name.ServerName;
import org.xbill.DNS.Name;
import org.xbill.DNS.TextParseException;

/**
 * Looks at a name's DNS before an order is spent on it: does it resolve, to an address of ours, and may the CA issue?
 *
 * <p>Only what is certain stands in the way. A resolver that does not answer, a look that takes longer than two seconds, or
 * too many at once say nothing, and the order goes its way.
 *
 * <p><b>Threads.</b> {@link #look} never blocks; the questions are asked on an executor of its own.
 *
 * <p><b>Cost.</b> A permitted new name costs five DNS questions to our own resolver, ten at most whatever its length, each
 * counted against the client block and in all; a bounded number of names at once, four of one registered domain.
 */
public final class DnsPreflight implements Preflight {

    /** How long one look may take. */
    public static final Duration LIMIT = Duration.ofSeconds(2);

    private static final Duration TO_TELL = Duration.ofMillis(100);
    private static final Duration RECORDS_LIMIT = Duration.ofSeconds(8);
    private static final int DNS_PORT = 53;
    private static final String PROBE = "probe";
    private static final int MOST_PASSED = 1_000;
    private static final int MOST_PROBED = 4;
    private static final int MOST_BEHIND = 10_000;
    // Looked at again before each order; longer than an order takes.
    private static final Duration BEHIND = Duration.ofDays(1);
    private static final Duration PASSED = Duration.ofMinutes(10);

    /**
     * What runs the looks.
     *
     * @param executor asks; bounded, rejects what does not fit
     * @param scheduler runs deadlines
     * @param nanoTime a monotonic clock in nanoseconds
     * @param events told when the resolver falls silent
     */
    public record Ports(Executor executor, ScheduledExecutorService scheduler, LongSupplier nanoTime, Events events) {}

    /** How many DNS questions may be sent. */
    @FunctionalInterface
    public interface Bounds {

        /**
         * Takes one question.
         *
         * @param client whose visit causes it
         * @return empty if it may be sent, otherwise the key of the bound that was reached
         */
        Optional<String> tryTake(ClientBlock client);
    }

    /** How proofs are shown over plain HTTP, and whether an order would use that now. */
    public interface HttpProofs {

        /**
         * Puts a proof on display.
         *
         * @param name the name it is for
         * @param token the last segment of its path
         * @param text what it says
         * @return takes it down
         * @throws IOException if it cannot be shown everywhere
         */
        Runnable show(ServerName name, String token, String text) throws IOException;

        /** Whether HTTP-01 is what an order would use first. */
        boolean isUsed();

        /** Whether HTTP-01 is what an order could use at all. */
        boolean isPossible();

        /**
         * Whether a handshake for a name succeeds without an order, so that a proof may be fetched by it.
         *
         * @param name the name
         * @param address where the name points: a proxy's perhaps, to which more is shown than to others
         */
        boolean isServed(ServerName name, InetAddress address);
    }

    private final Dns dns;
    private final ResolverWatch watch;
    private final SlowZones slowZones;
    private final AddressCheck addresses;
    private final CaaCheck caa;
    private final DnsRecords records;
    private final HttpProbe probe;
    private final Function<ServerName, String> registeredDomain;
    private final Cache<ServerName, Boolean> passed;
    // What ends TLS in front of a name that was looked at, empty where nothing does.
    private final Cache<ServerName, Optional<String>> behind;
    private final Ports ports;

    /**
     * Makes one.
     *
     * @param config which resolver is asked, and where names may point
     * @param cdns the addresses of those who end TLS in front of other people's servers
     * @param authorities the CAs an order may go to, without domains where nothing is known of one; one that allows it is
     *     enough
     * @param registeredDomain what the public suffix list makes of a name
     * @param bounds how much may be asked
     * @param proofs how proofs are shown over plain HTTP
     * @param ports what runs it
     */
    public DnsPreflight(
            OnDemandTlsConfig.Preflight config,
            CdnRanges cdns,
            Supplier<List<CaIdentity>> authorities,
            Function<ServerName, String> registeredDomain,
            Bounds bounds,
            HttpProofs proofs,
            Ports ports) {
        SocketClients clients = new SocketClients();
        this.dns = new Dns(resolvers(config), bounds, ports.nanoTime(), clients);
        this.watch = new ResolverWatch(
                dns::isThere,
                new Outage(ports.events(), EventKind.RESOLVER, dns.resolvers(), ports.nanoTime()),
                ports.nanoTime());
        this.slowZones = new SlowZones(ports.nanoTime());
        this.addresses = new AddressCheck(dns, config.addresses(), cdns);
        this.caa = new CaaCheck(dns, authorities, registeredDomain);
        this.records = new DnsRecords(
                dns,
                server -> new Dns(
                        () -> List.of(new InetSocketAddress(server, DNS_PORT)), bounds, ports.nanoTime(), clients),
                PublicAddresses::contains,
                addresses,
                registeredDomain);
        this.probe = new HttpProbe(
                proofs,
                new HttpProbe.Addresses(
                        addresses::isListed,
                        PublicAddresses::isOwn,
                        PublicAddresses::contains,
                        PublicAddresses::hasOneLike),
                config.httpPort(),
                ports.nanoTime());
        this.registeredDomain = registeredDomain;
        this.behind = Caffeine.newBuilder()
                .maximumSize(MOST_BEHIND)
                .expireAfterWrite(BEHIND)
                .ticker(ports.nanoTime()::getAsLong)
                .executor(Runnable::run)
                .build();
        this.passed = Caffeine.newBuilder()
                .maximumSize(MOST_PASSED)
                .expireAfterWrite(PASSED)
                .ticker(ports.nanoTime()::getAsLong)
                .executor(Runnable::run)
                .build();
        this.ports = ports;
    }

    @Override
    public CompletableFuture<Optional<Verdict>> look(ServerName name, ClientBlock client) {
        // What an earlier look has found decides nothing, whether this one is made or not.
        caa.forget(name);
        return passed.getIfPresent(name) != null
                ? CompletableFuture.completedFuture(Optional.empty())
                : begin(name, client, "dns", this::judge);
    }

    @Override
    public CompletableFuture<Optional<Verdict>> probe(ServerName name, ClientBlock client) {
        // The last of a flight's questions: what was passed over is looked at again by the next flight.
        return passed.asMap().remove(name) != null || !probe.isUsed()
                ? CompletableFuture.completedFuture(Optional.empty())
                : begin(name, client, PROBE, this::probed);
    }

    @Override
    public CompletableFuture<Optional<Verdict>> examine(ServerName name) {
        CompletableFuture<Optional<Verdict>> examined = begin(name, ClientBlock.LOCAL, PROBE, this::examined);
        return probe.isUsed() ? examined : examined.thenApply(unused -> Optional.empty());
    }

    @Override
    public CompletableFuture<Map<String, String>> records(ServerName name) {
        long end = ports.nanoTime().getAsLong() + RECORDS_LIMIT.toNanos();
        try {
            return CompletableFuture.supplyAsync(
                    () -> records.of(name, new Look(ClientBlock.LOCAL, end)), ports.executor());
        } catch (RejectedExecutionException notBegun) {
            return CompletableFuture.completedFuture(Map.of());
        }
    }

    @Override
    public Optional<Set<String>> validationMethods(ServerName name, CaIdentity authority) {
        return caa.validationMethods(name, authority);
    }

    @Override
    public void passOver(ServerName name) {
        passed.put(name, Boolean.TRUE);
    }

    @Override
    public Optional<String> cdn(ServerName name) {
        return known(name).flatMap(network -> network).or(() -> probe.network(name));
    }

    @Override
    public boolean isDirect(ServerName name) {
        return known(name).isPresent() && cdn(name).isEmpty();
    }

    private Optional<Optional<String>> known(ServerName name) {
        return Optional.ofNullable(behind.getIfPresent(name));
    }

    @Override
    public void accepted(ServerName name) {
        probe.accepted(name);
    }

    @Override
    public String state() {
        if (!watch.isSilent()) {
            return "on";
        }
        return "resting: " + dns.resolvers() + " does not answer; names are ordered without a look at their DNS"
                + (watch.isResting() ? "" : ", the next one has it asked again");
    }

    @Override
    public boolean isResting() {
        return watch.isSilent();
    }

    @Override
    public long questions() {
        return dns.sent();
    }

    private static Supplier<List<InetSocketAddress>> resolvers(OnDemandTlsConfig.Preflight config) {
        if (config.resolver().isEmpty()) {
            return new SystemResolvers(SystemResolvers.RESOLV_CONF);
        }
        List<InetSocketAddress> given = List.of(config.resolver().get());
        return () -> given;
    }

    private interface Work {
        Optional<Verdict> judge(ServerName name, Name asked, Look look)
                throws Questions.NoAnswerException, Questions.TooManyException, TextParseException;
    }

    private CompletableFuture<Optional<Verdict>> begin(ServerName name, ClientBlock client, String what, Work work) {
        CompletableFuture<Optional<Verdict>> verdict = new CompletableFuture<>();
        String domain = registeredDomain.apply(name);
        if (watch.isResting() || !slowZones.tryBegin(domain)) {
            verdict.complete(Optional.empty());
            return verdict;
        }
        long end = ports.nanoTime().getAsLong() + LIMIT.minus(TO_TELL).toNanos();
        FlightRecorder.Span span = FlightRecorder.preflight(name, what);
        verdict.whenComplete((found, failure) ->
                span.end(failure != null ? "overloaded" : found.isPresent() ? "not_ready" : "nothing_found"));
        try {
            Future<?> timer = ports.scheduler()
                    .schedule(() -> verdict.complete(Optional.empty()), LIMIT.toNanos(), TimeUnit.NANOSECONDS);
            verdict.whenComplete((found, never) -> timer.cancel(false));
            ports.executor().execute(() -> {
                try {
                    if (!verdict.isDone()) {
                        perform(name, domain, new Look(client, end), work, verdict);
                    }
                } finally {
                    slowZones.end(domain);
                    // A defect of ours is no reason to keep a name waiting.
                    verdict.complete(Optional.empty());
                }
            });
        } catch (RejectedExecutionException notBegun) {
            // Too busy, or no thread to be had.
            slowZones.end(domain);
            verdict.complete(Optional.empty());
        }
        return verdict;
    }

    private void perform(
            ServerName name, String domain, Look look, Work work, CompletableFuture<Optional<Verdict>> verdict) {
        if (!watch.isBack()) {
            return;
        }
        try {
            Optional<Verdict> found = work.judge(name, Name.fromString(name.value() + "."), look);
            watch.heard();
            verdict.complete(found);
        } catch (Questions.NoAnswerException e) {
            // Whoever waits for this name goes on first.
            verdict.complete(Optional.empty());
            if (ports.nanoTime().getAsLong() - look.end() >= 0 || look.wasSilent()) {
                slowZones.tooSlow(domain);
            }
            if (look.wasSilent()) {
                watch.silent();
            }
        } catch (Questions.TooManyException e) {
            verdict.completeExceptionally(new IssuanceException.Overloaded(name, e.bound()));
        } catch (TextParseException e) {
            // A server name is a DNS name.
            verdict.complete(Optional.empty());
        }
    }

    private Optional<Verdict> judge(ServerName name, Name asked, Look look)
            throws Questions.NoAnswerException, Questions.TooManyException, TextParseException {
        AtomicReference<Optional<String>> network = new AtomicReference<>(Optional.empty());
        AddressCheck.Found found = addresses.find(asked, look, inFront -> {
            network.set(Optional.of(inFront));
            behind.put(name, network.get());
        });
        behind.put(name, network.get());
        Optional<Verdict> misdirected = addresses.judge(name, found, look);
        if (misdirected.isPresent()) {
            return misdirected;
        }
        Optional<Verdict> forbidden = Optional.empty();
        try {
            forbidden = caa.judge(name, look);
        } finally {
            // Also where nobody answers for CAA: an order follows.
            if (forbidden.isEmpty() && network.get().isEmpty()) {
                probe.recognise(name, found.addresses(), look.end());
            }
        }
        return forbidden;
    }

    private Optional<Verdict> probed(ServerName name, Name asked, Look look)
            throws Questions.NoAnswerException, Questions.TooManyException {
        return probed(name, addresses.find(asked, look, network -> {}).addresses(), look);
    }

    private Optional<Verdict> examined(ServerName name, Name asked, Look look)
            throws Questions.NoAnswerException, Questions.TooManyException {
        List<InetAddress> all = addresses.find(asked, look, network -> {}).addresses();
        List<InetAddress> ipv4 =
                all.stream().filter(Inet4Address.class::isInstance).toList();
        if (ipv4.size() < all.size()) {
            // What follows asks IPv6 only, and may wait for it until the end: this machine may have none.
            probe.learn(name, ipv4, look.end());
        }
        return probed(name, all, look);
    }

    private Optional<Verdict> probed(ServerName name, List<InetAddress> all, Look look) {
        // A CA takes IPv4 only where IPv6 gives no connection.
        List<InetAddress> ipv6 =
                all.stream().filter(Inet6Address.class::isInstance).toList();
        List<InetAddress> found = ipv6.isEmpty() ? all : ipv6;
        // It may take any of several, and looks from several places: one that is wrong fails most orders.
        for (int i = found.size() - 1; i >= Math.max(0, found.size() - MOST_PROBED); i--) {
            Optional<Verdict> wrong = probe.ask(name, found.get(i), look.end());
            if (wrong.isPresent()) {
                return wrong;
            }
        }
        return Optional.empty();
    }
}
