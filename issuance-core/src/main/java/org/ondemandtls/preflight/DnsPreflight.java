package org.ondemandtls.preflight;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongFunction;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.name.AddressBlock;
import org.ondemandtls.name.ServerName;
import org.xbill.DNS.AAAARecord;
import org.xbill.DNS.ARecord;
import org.xbill.DNS.CAARecord;
import org.xbill.DNS.Name;
import org.xbill.DNS.Record;
import org.xbill.DNS.TextParseException;
import org.xbill.DNS.Type;

/**
 * Looks at a name's DNS before an order is spent on it: does it resolve, to an address of ours, and may the CA issue?
 *
 * <p>Only what is certain stands in the way. A resolver that does not answer, a look that takes longer than two seconds, or
 * too many at once say nothing, and the order goes its way.
 *
 * <p><b>Threads.</b> {@link #look} never blocks; the questions are asked on an executor of its own.
 *
 * <p><b>Cost.</b> A stranger's new name costs a few DNS questions to our own resolver, a bounded number of names at once.
 */
public final class DnsPreflight implements Preflight {

    /** How long one look may take. */
    public static final Duration LIMIT = Duration.ofSeconds(2);

    private static final Duration TO_TELL = Duration.ofMillis(100);

    // A resolver that does not answer would make every first visit two seconds slower.
    private static final int SILENCES_TO_REST = 3;
    private static final Duration REST = Duration.ofSeconds(10);

    private static final int MOST_LIMITING = 10_000;

    /**
     * What runs the looks.
     *
     * @param executor asks; bounded, rejects what does not fit
     * @param scheduler runs deadlines
     * @param nanoTime a monotonic clock in nanoseconds
     */
    public record Ports(Executor executor, ScheduledExecutorService scheduler, LongSupplier nanoTime) {}

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
    }

    private final Dns dns;
    private final HttpProbe probe;
    private final List<AddressBlock> ours;
    private final Supplier<List<CaIdentity>> authorities;
    private final Ports ports;
    private final AtomicInteger silences = new AtomicInteger();
    private final AtomicLong restUntil = new AtomicLong();
    // The CAA records in force that limit how a name is proved, between a look and its order.
    private final Cache<ServerName, List<CAARecord>> limiting =
            Caffeine.newBuilder().maximumSize(MOST_LIMITING).build();

    /**
     * Makes one.
     *
     * @param config which resolver is asked, and where names may point
     * @param authorities the CAs an order may go to, as far as they are known; one that allows it is enough
     * @param proofs how proofs are shown over plain HTTP
     * @param ports what runs it
     */
    public DnsPreflight(
            OnDemandTlsConfig.Preflight config,
            Supplier<List<CaIdentity>> authorities,
            HttpProofs proofs,
            Ports ports) {
        this.probe = new HttpProbe(proofs, config.httpPort(), ports.nanoTime());
        this.dns = new Dns(config.resolver().map(List::of).orElse(List.of()), ports.nanoTime());
        this.ours = config.addresses();
        this.authorities = authorities;
        this.ports = ports;
    }

    @Override
    public CompletableFuture<Optional<Verdict>> look(ServerName name) {
        return begin(end -> judge(name, end));
    }

    @Override
    public CompletableFuture<Optional<Verdict>> probe(ServerName name) {
        return probe.isUsed() ? begin(end -> probed(name, end)) : CompletableFuture.completedFuture(Optional.empty());
    }

    @Override
    public Optional<Set<String>> validationMethods(ServerName name, CaIdentity authority) {
        List<CAARecord> records = limiting.getIfPresent(name);
        return records == null ? Optional.empty() : CaaRules.methods(records, authority);
    }

    private CompletableFuture<Optional<Verdict>> begin(LongFunction<Optional<Verdict>> work) {
        CompletableFuture<Optional<Verdict>> verdict = new CompletableFuture<>();
        long now = ports.nanoTime().getAsLong();
        if (silences.get() >= SILENCES_TO_REST && now - restUntil.get() < 0) {
            verdict.complete(Optional.empty());
            return verdict;
        }
        long end = now + LIMIT.minus(TO_TELL).toNanos();
        Future<?> timer = ports.scheduler()
                .schedule(() -> verdict.complete(Optional.empty()), LIMIT.toNanos(), TimeUnit.NANOSECONDS);
        verdict.whenComplete((found, never) -> timer.cancel(false));
        try {
            ports.executor().execute(() -> {
                try {
                    if (!verdict.isDone()) {
                        verdict.complete(work.apply(end));
                    }
                } finally {
                    // A defect of ours is no reason to keep a name waiting.
                    verdict.complete(Optional.empty());
                }
            });
        } catch (RejectedExecutionException e) {
            verdict.complete(Optional.empty());
        }
        return verdict;
    }

    private Optional<Verdict> judge(ServerName name, long end) {
        try {
            Name asked = Name.fromString(name.value() + ".");
            Optional<Verdict> misdirected = addresses(name, asked, end);
            silences.set(0);
            return misdirected.isPresent() ? misdirected : caa(name, asked, end);
        } catch (Dns.NoAnswer e) {
            silences.incrementAndGet();
            restUntil.set(ports.nanoTime().getAsLong() + REST.toNanos());
            return Optional.empty();
        } catch (TextParseException e) {
            // A server name is a DNS name.
            return Optional.empty();
        }
    }

    private Optional<Verdict> probed(ServerName name, long end) {
        try {
            List<InetAddress> found =
                    addresses(Name.fromString(name.value() + "."), end).found();
            // A CA prefers IPv6 as well.
            return found.isEmpty() ? Optional.empty() : probe.ask(name, found.get(found.size() - 1), ours, end);
        } catch (Dns.NoAnswer | TextParseException e) {
            return Optional.empty();
        }
    }

    private record Addresses(boolean exists, List<InetAddress> found) {}

    private Addresses addresses(Name asked, long end) throws Dns.NoAnswer {
        Dns.Answer ipv4 = dns.ask(asked, Type.A, end);
        Dns.Answer ipv6 = dns.ask(asked, Type.AAAA, end);
        List<InetAddress> found = new ArrayList<>();
        for (Record record : ipv4.records()) {
            found.add(((ARecord) record).getAddress());
        }
        for (Record record : ipv6.records()) {
            found.add(((AAAARecord) record).getAddress());
        }
        return new Addresses(ipv4.exists() || ipv6.exists(), found);
    }

    private Optional<Verdict> addresses(ServerName name, Name asked, long end) throws Dns.NoAnswer {
        Addresses addresses = addresses(asked, end);
        List<InetAddress> found = addresses.found();
        if (found.isEmpty()) {
            String why = addresses.exists() ? "has no address" : "does not exist";
            return Optional.of(Verdict.customer("add " + wanted(name) + "; the name " + why));
        }
        return ours.isEmpty()
                ? Optional.empty()
                : found.stream()
                        .filter(address -> ours.stream().noneMatch(block -> block.contains(address)))
                        .findFirst()
                        .map(strange -> misdirected(name, strange));
    }

    private Verdict misdirected(ServerName name, InetAddress strange) {
        boolean ipv4 = isIpv4(strange);
        String type = ipv4 ? "A " : "AAAA ";
        String right = ours(ipv4);
        // Where we have none of its kind, a CA would still go to the wrong one.
        return Verdict.customer(
                right.isEmpty()
                        ? "remove " + type + name + " " + strange.getHostAddress()
                        : "change " + type + name + " from " + strange.getHostAddress() + " to " + right);
    }

    private String wanted(ServerName name) {
        String ipv4 = ours(true);
        String ipv6 = ours(false);
        if (ipv4.isEmpty() && ipv6.isEmpty()) {
            return "A or AAAA " + name;
        }
        return ipv4.isEmpty() ? "AAAA " + name + " " + ipv6 : "A " + name + " " + ipv4;
    }

    private String ours(boolean ipv4) {
        return ours.stream()
                .filter(block -> block.isIpv4() == ipv4)
                .map(AddressBlock::shortText)
                .collect(Collectors.joining(" or "));
    }

    private static boolean isIpv4(InetAddress address) {
        return address.getAddress().length == 4;
    }

    // The nearest name upwards that has records is in force (RFC 8659 section 3); aliases are followed by the resolver.
    private Optional<Verdict> caa(ServerName name, Name asked, long end) throws Dns.NoAnswer {
        List<CaIdentity> candidates = authorities.get();
        if (candidates.isEmpty()) {
            return Optional.empty();
        }
        for (Name at = asked; at.labels() > 1; at = new Name(at, 1)) {
            List<CAARecord> records = dns.ask(at, Type.CAA, end).records().stream()
                    .map(CAARecord.class::cast)
                    .toList();
            if (!records.isEmpty()) {
                boolean limited = candidates.stream()
                        .anyMatch(ca -> CaaRules.methods(records, ca).isPresent());
                if (limited) {
                    limiting.put(name, records);
                } else {
                    limiting.invalidate(name);
                }
                return forbidden(at, records, candidates);
            }
        }
        limiting.invalidate(name);
        return Optional.empty();
    }

    private static Optional<Verdict> forbidden(Name at, List<CAARecord> records, List<CaIdentity> candidates) {
        String why = "";
        Set<String> domains = new LinkedHashSet<>();
        for (CaIdentity candidate : candidates) {
            Optional<String> forbids = CaaRules.forbid(records, candidate);
            if (forbids.isEmpty()) {
                return Optional.empty();
            }
            why = forbids.get();
            candidate.domains().stream().sorted().findFirst().ifPresent(domains::add);
        }
        String place = at.toString(true);
        return Optional.of(Verdict.customer("add CAA " + CaaRules.printable(place) + " 0 issue \""
                + String.join("\" or \"", domains) + "\"; by the records there " + why));
    }
}
