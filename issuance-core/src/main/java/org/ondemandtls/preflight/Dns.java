package org.ondemandtls.preflight;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.function.LongSupplier;
import org.xbill.DNS.DClass;
import org.xbill.DNS.Message;
import org.xbill.DNS.Name;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Record;
import org.xbill.DNS.ResolverConfig;
import org.xbill.DNS.Section;
import org.xbill.DNS.SimpleResolver;
import org.xbill.DNS.Type;

/**
 * Asks recursive resolvers, by UDP and, where the answer does not fit, by TCP. Blocks, within a deadline.
 *
 * <p><b>Cost.</b> One question is sent up to {@value #ATTEMPTS} times; an answer is at most 64 KiB.
 */
final class Dns {

    private static final int ATTEMPTS = 3;
    private static final Duration ATTEMPT = Duration.ofMillis(700);

    /** No resolver gave an answer that says anything. */
    static final class NoAnswer extends Exception {
        NoAnswer(String what) {
            super(what, null, false, false);
        }
    }

    /**
     * What a resolver said.
     *
     * @param exists whether the name exists, with records of whatever type
     * @param records the records of the type asked for, of the name or of what it is an alias of
     */
    record Answer(boolean exists, List<Record> records) {}

    private final List<InetSocketAddress> servers;
    private final LongSupplier nanoTime;

    /**
     * Makes a client of one resolver, or of the system's.
     *
     * @param servers the resolvers asked in turn; empty for the system's
     * @param nanoTime a monotonic clock in nanoseconds
     */
    Dns(List<InetSocketAddress> servers, LongSupplier nanoTime) {
        this.servers = List.copyOf(servers);
        this.nanoTime = nanoTime;
    }

    /**
     * Asks one question.
     *
     * @param name an absolute name
     * @param type a record type, see {@link Type}
     * @param end when to give up, on the clock
     * @return what was said
     * @throws NoAnswer if nobody answered in time, or only that he cannot
     */
    Answer ask(Name name, int type, long end) throws NoAnswer {
        List<InetSocketAddress> asked =
                servers.isEmpty() ? ResolverConfig.getCurrentConfig().servers() : servers;
        String last = "there is no resolver";
        for (int attempt = 0; attempt < ATTEMPTS && !asked.isEmpty(); attempt++) {
            Duration left = Duration.ofNanos(end - nanoTime.getAsLong());
            if (left.isNegative() || left.isZero()) {
                throw new NoAnswer("no answer in time");
            }
            try {
                Message answer = send(asked.get(attempt % asked.size()), name, type, left);
                int code = answer.getRcode();
                if (code == Rcode.NOERROR || code == Rcode.NXDOMAIN) {
                    return new Answer(code == Rcode.NOERROR, records(answer, type));
                }
                last = Rcode.string(code);
            } catch (IOException e) {
                last = e.getClass().getSimpleName();
            }
        }
        throw new NoAnswer(last);
    }

    private static Message send(InetSocketAddress server, Name name, int type, Duration left) throws IOException {
        SimpleResolver resolver = new SimpleResolver(server);
        resolver.setIoClientFactory(new SocketClients());
        resolver.setTimeout(left.compareTo(ATTEMPT) < 0 ? left : ATTEMPT);
        return resolver.send(Message.newQuery(Record.newRecord(name, type, DClass.IN)));
    }

    private static List<Record> records(Message answer, int type) {
        return answer.getSection(Section.ANSWER).stream()
                .filter(record -> record.getType() == type && record.getDClass() == DClass.IN)
                .toList();
    }
}
