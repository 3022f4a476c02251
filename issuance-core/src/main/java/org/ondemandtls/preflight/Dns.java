package org.ondemandtls.preflight;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.xbill.DNS.DClass;
import org.xbill.DNS.Message;
import org.xbill.DNS.Name;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Record;
import org.xbill.DNS.SOARecord;
import org.xbill.DNS.Section;
import org.xbill.DNS.SimpleResolver;
import org.xbill.DNS.Type;
import org.xbill.DNS.WireParseException;
import org.xbill.DNS.io.IoClientFactory;

/**
 * Asks recursive resolvers, by UDP and, where the answer does not fit, by TCP. Blocks, within a deadline.
 *
 * <p>Begins with the one that answered last: where the first one is dead, only one question waits for it. The first one gets
 * another chance each {@link #PREFERRED}.
 *
 * <p><b>Cost.</b> One question is sent up to {@value #ATTEMPTS} times, each of them counted; an answer is at most 64 KiB.
 */
final class Dns implements Questions {

    private static final int ATTEMPTS = 3;
    private static final Duration ATTEMPT = Duration.ofMillis(700);

    /** How long another resolver than the first one is asked first. */
    static final Duration PREFERRED = Duration.ofMinutes(5);

    // Until when is by the monotonic clock.
    private record Heard(InetSocketAddress server, long until) {}

    private final Supplier<List<InetSocketAddress>> servers;
    private final DnsPreflight.Bounds bounds;
    private final LongSupplier nanoTime;
    private final IoClientFactory clients;
    private final LongAdder sent = new LongAdder();
    private volatile @Nullable Heard heard;

    /**
     * Makes a client.
     *
     * @param servers the resolvers asked in turn
     * @param bounds how much may be asked
     * @param nanoTime a monotonic clock in nanoseconds
     * @param clients carry what is asked
     */
    Dns(
            Supplier<List<InetSocketAddress>> servers,
            DnsPreflight.Bounds bounds,
            LongSupplier nanoTime,
            IoClientFactory clients) {
        this.servers = servers;
        this.bounds = bounds;
        this.nanoTime = nanoTime;
        this.clients = clients;
    }

    @Override
    public Answer ask(Name name, int type, Look look) throws NoAnswerException, TooManyException {
        List<InetSocketAddress> asked = servers.get();
        int first = first(asked);
        String last = "there is no resolver";
        for (int attempt = 0; attempt < ATTEMPTS && !asked.isEmpty(); attempt++) {
            Duration left = Duration.ofNanos(look.end() - nanoTime.getAsLong());
            if (left.isNegative() || left.isZero()) {
                throw new NoAnswerException("no answer in time");
            }
            Optional<String> bound = bounds.tryTake(look.client());
            if (bound.isPresent()) {
                throw new TooManyException(bound.get());
            }
            try {
                look.silent(true);
                Message answer = send(asked.get((first + attempt) % asked.size()), name, type, left);
                look.silent(false);
                int code = answer.getRcode();
                if (code == Rcode.NOERROR || code == Rcode.NXDOMAIN) {
                    List<Record> records = records(answer, type);
                    return new Answer(
                            code == Rcode.NOERROR, records, records.isEmpty() ? keptNone(answer) : kept(answer));
                }
                last = Rcode.string(code);
            } catch (WireParseException e) {
                // Somebody is there, even if nothing can be made of it.
                look.silent(false);
                last = e.getClass().getSimpleName();
            } catch (IOException e) {
                last = e.getClass().getSimpleName();
            }
        }
        throw new NoAnswerException(last);
    }

    /**
     * Whether a resolver is there: one of them answers, with whatever, a question whose answer every resolver has. Blocks for
     * {@value #ATTEMPTS} attempts; not counted against anybody.
     */
    boolean isThere() {
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            for (InetSocketAddress server : servers.get()) {
                try {
                    send(server, Name.root, Type.NS, ATTEMPT);
                    return true;
                } catch (WireParseException e) {
                    return true;
                } catch (IOException silence) {
                    // The next one, or once more.
                }
            }
        }
        return false;
    }

    /** How many questions have been sent since the start. */
    long sent() {
        return sent.sum();
    }

    /** The resolvers, for a line of log. */
    String resolvers() {
        List<InetSocketAddress> asked = servers.get();
        return asked.isEmpty()
                ? "the DNS resolver (none is configured)"
                : "the DNS resolver " + asked.get(0).getHostString()
                        + (asked.size() == 1 ? "" : " and those beside it");
    }

    private Message send(InetSocketAddress server, Name name, int type, Duration left) throws IOException {
        SimpleResolver resolver = new SimpleResolver(server);
        resolver.setIoClientFactory(clients);
        resolver.setTimeout(left.compareTo(ATTEMPT) < 0 ? left : ATTEMPT);
        sent.increment();
        Message answer = resolver.send(Message.newQuery(Record.newRecord(name, type, DClass.IN)));
        heard(server);
        return answer;
    }

    private int first(List<InetSocketAddress> asked) {
        Heard last = heard;
        return last == null || isOver(last) ? 0 : Math.max(0, asked.indexOf(last.server()));
    }

    private void heard(InetSocketAddress server) {
        Heard last = heard;
        if (last == null || isOver(last) || !last.server().equals(server)) {
            heard = new Heard(server, nanoTime.getAsLong() + PREFERRED.toNanos());
        }
    }

    private boolean isOver(Heard last) {
        return nanoTime.getAsLong() - last.until() >= 0;
    }

    private static List<Record> records(Message answer, int type) {
        return answer.getSection(Section.ANSWER).stream()
                .filter(record -> record.getType() == type && record.getDClass() == DClass.IN)
                .toList();
    }

    // What a cache counts down; an alias on the way may end sooner than what it leads to.
    private static Optional<Duration> kept(Message answer) {
        return answer.getSection(Section.ANSWER).stream()
                .map(Record::getTTL)
                .min(Long::compare)
                .map(Duration::ofSeconds);
    }

    // RFC 2308 section 5: the time to live of the SOA record, which a cache counts down, or its last field where less.
    private static Optional<Duration> keptNone(Message answer) {
        return answer.getSection(Section.AUTHORITY).stream()
                .filter(SOARecord.class::isInstance)
                .map(SOARecord.class::cast)
                .findFirst()
                .map(soa -> Duration.ofSeconds(Math.min(soa.getTTL(), soa.getMinimum())));
    }
}
