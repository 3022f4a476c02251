package org.ondemandtls.preflight;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.name.AddressBlock;
import org.ondemandtls.name.CdnRanges;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ServerName;
import org.xbill.DNS.DClass;
import org.xbill.DNS.Flags;
import org.xbill.DNS.Message;
import org.xbill.DNS.Name;
import org.xbill.DNS.Record;
import org.xbill.DNS.Section;
import org.xbill.DNS.Type;
import org.xbill.DNS.io.IoClientFactory;
import org.xbill.DNS.io.TcpIoClient;
import org.xbill.DNS.io.UdpIoClient;

/**
 * A look at a name's DNS with the answers made in memory: a young JVM loads the DNS library for the first time, which takes
 * a busy machine longer than a look may, and the first order would go ahead without one.
 *
 * <p>Nothing is sent. Blocks for as long as the loading takes.
 */
public final class LookRehearsal {

    private static final ServerName NAME = ServerName.parse("shop.rehearsal.invalid");
    private static final String IPV4 = "192.0.2.1";
    private static final Duration LONGEST = Duration.ofMinutes(1);

    private final LongSupplier nanoTime;
    private final Dns dns;

    /**
     * Makes one; nothing is loaded yet.
     *
     * @param nanoTime a monotonic clock in nanoseconds
     */
    public LookRehearsal(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
        InetSocketAddress nobody = new InetSocketAddress(InetAddress.getLoopbackAddress(), 53);
        this.dns = new Dns(() -> List.of(nobody), client -> Optional.empty(), nanoTime, new Echo());
    }

    /**
     * Looks at a name that nobody owns.
     *
     * @return how many questions were answered
     */
    public long perform() {
        new SystemResolvers(SystemResolvers.RESOLV_CONF).get();
        Look look = new Look(ClientBlock.LOCAL, nanoTime.getAsLong() + LONGEST.toNanos());
        CaIdentity authority = new CaIdentity(Set.of("ca.invalid"), Optional.empty(), Set.of());
        AddressCheck addresses = new AddressCheck(dns, List.of(AddressBlock.parse(IPV4 + "/32")), CdnRanges.bundled());
        try {
            AddressCheck.Found found = addresses.find(Name.fromString(NAME.value() + "."), look, network -> {});
            addresses.judge(NAME, found, look);
            new CaaCheck(dns, () -> List.of(authority), name -> "rehearsal.invalid").judge(NAME, look);
        } catch (Questions.NoAnswerException | Questions.TooManyException | IOException e) {
            throw new IllegalStateException("a look in memory found no answer", e);
        }
        return dns.sent();
    }

    /** Answers each question itself. */
    private static final class Echo implements IoClientFactory, UdpIoClient, TcpIoClient {

        @Override
        public TcpIoClient createOrGetTcpClient() {
            return this;
        }

        @Override
        public UdpIoClient createOrGetUdpClient() {
            return this;
        }

        @Override
        public CompletableFuture<byte[]> sendAndReceiveUdp(
                @Nullable InetSocketAddress local,
                InetSocketAddress remote,
                Message query,
                byte[] data,
                int max,
                Duration timeout) {
            return answer(data);
        }

        @Override
        public CompletableFuture<byte[]> sendAndReceiveTcp(
                @Nullable InetSocketAddress local,
                InetSocketAddress remote,
                Message query,
                byte[] data,
                Duration timeout) {
            return answer(data);
        }

        private static CompletableFuture<byte[]> answer(byte[] data) {
            try {
                Message message = new Message(data);
                message.getHeader().setFlag(Flags.QR);
                Record question = message.getQuestion();
                String text = switch (question.getType()) {
                    case Type.A -> IPV4;
                    case Type.CAA -> "0 issue \"ca.invalid\"";
                    default -> "";
                };
                if (text.isEmpty()) {
                    message.addRecord(
                            record(Name.root, Type.SOA, "a.invalid. b.invalid. 1 60 60 60 60"), Section.AUTHORITY);
                } else {
                    message.addRecord(record(question.getName(), question.getType(), text), Section.ANSWER);
                }
                return CompletableFuture.completedFuture(message.toWire());
            } catch (IOException e) {
                return CompletableFuture.failedFuture(e);
            }
        }

        private static Record record(Name owner, int type, String text) throws IOException {
            return Record.fromString(owner, type, DClass.IN, 60, text, Name.root);
        }
    }
}
