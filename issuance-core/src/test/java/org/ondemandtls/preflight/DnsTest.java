package org.ondemandtls.preflight;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
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

/** {@link Dns}: which of several resolvers is asked first. */
class DnsTest {

    private static final ServerName SHOP = ServerName.parse("shop.example");
    private static final Name ASKED = Name.fromConstantString("shop.example.");
    private static final CaIdentity CA = new CaIdentity(Set.of("ca.example"), Optional.empty(), Set.of("http-01"));

    private final InetSocketAddress dead = new InetSocketAddress(InetAddress.getLoopbackAddress(), 1);
    private final InetSocketAddress good = new InetSocketAddress(InetAddress.getLoopbackAddress(), 2);
    private final List<String> asked = new ArrayList<>();
    private final Dns dns =
            new Dns(() -> List.of(dead, good), client -> Optional.empty(), this::nanos, new Resolvers());
    private boolean isBack;
    private long now;

    private long nanos() {
        return now;
    }

    private Look look() {
        return new Look(ClientBlock.LOCAL, now + DnsPreflight.LIMIT.toNanos());
    }

    @Test
    void oneThatIsDeadDelaysOneQuestionAndTheLookIsComplete() throws Exception {
        Look look = look();
        AddressCheck addresses = new AddressCheck(dns, List.of(), CdnRanges.bundled());

        AddressCheck.Found found = addresses.find(ASKED, look, network -> {});
        Optional<Verdict> forbidden = new CaaCheck(dns, () -> List.of(CA), name -> SHOP.value()).judge(SHOP, look);

        assertThat(addresses.judge(SHOP, found, look)).isEmpty();
        assertThat(forbidden)
                .hasValueSatisfying(verdict -> assertThat(verdict.what()).contains("only other.example may issue"));
        assertThat(asked).containsExactly("dead A", "good A", "good AAAA", "good CAA");
    }

    @Test
    void theFirstOneIsTriedAgainAfterAWhile() throws Exception {
        dns.ask(ASKED, Type.A, look());
        now += Dns.PREFERRED.toNanos();
        asked.clear();
        isBack = true;

        dns.ask(ASKED, Type.A, look());
        dns.ask(ASKED, Type.A, look());

        assertThat(asked).containsExactly("dead A", "dead A");
    }

    @Test
    void oneThatFallsSilentIsFollowedByTheOther() throws Exception {
        isBack = true;
        dns.ask(ASKED, Type.A, look());
        isBack = false;
        dns.ask(ASKED, Type.A, look());
        dns.ask(ASKED, Type.A, look());

        assertThat(asked).containsExactly("dead A", "dead A", "good A", "good A");
    }

    @Test
    void anAnswerIsKeptForAsLongAsTheAliasThatLedToIt() throws Exception {
        isBack = true;

        assertThat(dns.ask(ASKED, Type.A, look()).kept()).contains(Duration.ofSeconds(60));
        assertThat(dns.ask(Name.fromConstantString("alias.example."), Type.A, look())
                        .kept())
                .contains(Duration.ofSeconds(30));
    }

    /** One of them says nothing as long as it is not back; that takes its time on the clock. */
    private final class Resolvers implements IoClientFactory, UdpIoClient {

        @Override
        public TcpIoClient createOrGetTcpClient() {
            throw new AssertionError("everything fits");
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
            boolean isDead = remote.equals(dead);
            asked.add((isDead ? "dead " : "good ")
                    + Type.string(query.getQuestion().getType()));
            if (isDead && !isBack) {
                now += timeout.toNanos();
                return CompletableFuture.failedFuture(new SocketTimeoutException());
            }
            try {
                return CompletableFuture.completedFuture(answer(data));
            } catch (IOException e) {
                return CompletableFuture.failedFuture(e);
            }
        }

        private static byte[] answer(byte[] data) throws IOException {
            Message message = new Message(data);
            message.getHeader().setFlag(Flags.QR);
            Record question = message.getQuestion();
            String text = switch (question.getType()) {
                case Type.A -> "198.51.100.1";
                case Type.CAA -> "0 issue \"other.example\"";
                default -> "";
            };
            if (question.getName().toString().startsWith("alias.")) {
                message.addRecord(
                        Record.fromString(question.getName(), Type.CNAME, DClass.IN, 30, ASKED.toString(), Name.root),
                        Section.ANSWER);
            }
            if (!text.isEmpty()) {
                message.addRecord(
                        Record.fromString(question.getName(), question.getType(), DClass.IN, 60, text, Name.root),
                        Section.ANSWER);
            }
            return message.toWire();
        }
    }
}
