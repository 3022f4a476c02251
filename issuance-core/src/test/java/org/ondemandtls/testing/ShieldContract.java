package org.ondemandtls.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.ondemandtls.handshake.HelloReading;

/** What strangers can make a server do, and where it ends. */
public abstract class ShieldContract<F extends HostFixture> extends HostContract<F> {

    private static final String UNRECOGNIZED_NAME = "unrecognized_name";
    private static final String INTERNAL_ERROR = "internal_error";
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private final ExecutorService clients = Executors.newFixedThreadPool(64);
    private final List<Socket> open = new ArrayList<>();

    @AfterEach
    void endClients() throws IOException {
        clients.shutdownNow();
        for (Socket socket : open) {
            socket.close();
        }
    }

    private List<TlsProbe.Outcome> visitAll(int names, String prefix) {
        List<CompletableFuture<TlsProbe.Outcome>> visits = IntStream.range(0, names)
                .mapToObj(i -> CompletableFuture.supplyAsync(
                        () -> TlsProbe.trustingAnything()
                                .patience(PATIENCE)
                                .handshake(fixture.port(), prefix + i + ".customer.test"),
                        clients))
                .toList();
        return visits.stream().map(CompletableFuture::join).toList();
    }

    private static List<String> alerts(List<TlsProbe.Outcome> outcomes) {
        return outcomes.stream()
                .map(outcome -> outcome.alert().orElse("served"))
                .toList();
    }

    private long overflows(String key) {
        return fixture.engine().status().getOverflows().getOrDefault("onDemandTls.shield." + key, 0L);
    }

    private List<Path> filesOf(String suffix) throws IOException {
        try (Stream<Path> files = Files.walk(Path.of(fixture.keys.get("onDemandTls.store")))) {
            return files.filter(file -> file.getFileName().toString().endsWith(suffix))
                    .toList();
        }
    }

    private long files() throws IOException {
        try (Stream<Path> files = Files.walk(Path.of(fixture.keys.get("onDemandTls.store")))) {
            return files.filter(Files::isRegularFile).count();
        }
    }

    @Test
    void aFloodOfDeniedNamesCostsOneQuestionEachAndNoOrderAndNoFile() throws Exception {
        fixture.launch();
        fixture.visit("known.customer.test");
        long before = files();

        List<TlsProbe.Outcome> first = visitAll(300, "denied");
        List<TlsProbe.Outcome> second = visitAll(300, "denied");

        assertThat(alerts(first)).containsOnly(UNRECOGNIZED_NAME);
        assertThat(alerts(second)).containsOnly(UNRECOGNIZED_NAME);
        assertThat(fixture.ask.questions()).hasSize(301);
        assertThat(files()).isEqualTo(before);
        assertThat(fixture.engine().status().getFlights()).isZero();
        assertThat(fixture.engine().status().getRememberedAnswers()).isGreaterThanOrEqualTo(300);
        assertThat(fixture.visit("known.customer.test")).startsWith("HTTP/1.1 200");
    }

    @Test
    void questionsAreNoMoreThanTheirRate() throws Exception {
        fixture.keys.put("onDemandTls.shield.askRate", "10/1s");
        fixture.launch();
        long begin = System.nanoTime();

        assertThat(alerts(visitAll(30, "denied"))).containsOnly(UNRECOGNIZED_NAME);

        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isGreaterThanOrEqualTo(Duration.ofMillis(1900));
        assertThat(fixture.ask.questions()).hasSize(30);
    }

    @Test
    void questionsAreAFewAtATimeAndTheRestRefusedAtOnceAndNotRemembered() throws Exception {
        fixture.keys.put("onDemandTls.shield.askConcurrency", "2");
        fixture.keys.put("onDemandTls.shield.askQueue", "3");
        fixture.launch();

        List<CompletableFuture<TlsProbe.Outcome>> visits = IntStream.range(0, 10)
                .mapToObj(i -> later("slow" + i + ".customer.test"))
                .toList();
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(overflows("askQueue")).isEqualTo(5));
        assertThat(fixture.ask.questions()).hasSizeLessThanOrEqualTo(2);
        fixture.slowAnswers.countDown();

        List<String> alerts =
                alerts(visits.stream().map(CompletableFuture::join).toList());
        assertThat(alerts).filteredOn(INTERNAL_ERROR::equals).hasSize(5);
        assertThat(alerts).filteredOn("served"::equals).hasSize(5);
        assertThat(fixture.visit("slow" + alerts.indexOf(INTERNAL_ERROR) + ".customer.test"))
                .startsWith("HTTP/1.1 200");
    }

    @Test
    void allWhoWaitForANameShareItsDenial() throws Exception {
        CountDownLatch answered = new CountDownLatch(1);
        fixture.ask.answer(name -> {
            try {
                answered.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return AskEndpoint.Answer.DENIED;
        });
        fixture.launch();
        List<CompletableFuture<TlsProbe.Outcome>> visits = IntStream.range(0, 20)
                .mapToObj(i -> later("shop.customer.test"))
                .toList();
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(fixture.parked()).isEqualTo(20));

        answered.countDown();

        assertThat(alerts(visits.stream().map(CompletableFuture::join).toList()))
                .containsOnly(UNRECOGNIZED_NAME);
        assertThat(fixture.ask.questions()).hasSize(1);
    }

    @Test
    void noMoreIsRememberedThanTheBound() throws Exception {
        fixture.keys.put("onDemandTls.shield.rememberedRefusals", "20");
        fixture.launch();

        assertThat(alerts(visitAll(60, "denied"))).containsOnly(UNRECOGNIZED_NAME);
        assertThat(alerts(visitAll(40, "broken"))).containsOnly(INTERNAL_ERROR);

        assertThat(fixture.engine().status().getRememberedAnswers()).isLessThanOrEqualTo(20);
        assertThat(fixture.engine().status().getRememberedFailures()).isLessThanOrEqualTo(20);
    }

    @Test
    void aClientBlockMayMakeOnlySoManyNewNamesAskedFor() throws Exception {
        InetAddress address = ownAddress();
        fixture.keys.put("onDemandTls.shield.newNamesPerClient", "3/10m");
        fixture.listenAt(address);
        fixture.launch();
        List<String> alerts = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            alerts.add(from(address, "n" + i + ".customer.test"));
        }

        assertThat(alerts).containsExactly("served", "served", "served", INTERNAL_ERROR, INTERNAL_ERROR);
        assertThat(from(address, "n1.customer.test")).as("a known name").isEqualTo("served");
        assertThat(fixture.ask.questions()).hasSize(3);
        assertThat(overflows("newNamesPerClient")).isEqualTo(2);
    }

    @Test
    void aTrustedBlockIsNotCounted() throws Exception {
        InetAddress address = ownAddress();
        fixture.keys.put("onDemandTls.shield.newNamesPerClient", "1/10m");
        fixture.keys.put("onDemandTls.shield.trusted", address.getHostAddress());
        fixture.listenAt(address);
        fixture.launch();

        for (int i = 0; i < 3; i++) {
            assertThat(from(address, "n" + i + ".customer.test")).isEqualTo("served");
        }
    }

    @Test
    void onlySoManyHandshakesWaitForOneName() throws Exception {
        fixture.keys.put("onDemandTls.shield.parkedPerName", "3");
        fixture.launch();
        List<CompletableFuture<TlsProbe.Outcome>> waiting = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            waiting.add(later("slow.customer.test"));
        }
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(fixture.parked()).isEqualTo(3));

        assertThat(later("slow.customer.test").join().alert()).contains(INTERNAL_ERROR);
        CompletableFuture<TlsProbe.Outcome> other = later("slow.other.test");
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(fixture.parked()).isEqualTo(4));
        fixture.slowAnswers.countDown();

        assertThat(waiting).allSatisfy(one -> assertThat(one.join().failure()).isEmpty());
        assertThat(other.join().failure()).isEmpty();
        assertThat(overflows("parkedPerName")).isEqualTo(1);
        assertThat(fixture.parked()).isZero();
    }

    @Test
    void onlySoManyHandshakesOfOneClientBlockWait() throws Exception {
        InetAddress address = ownAddress();
        fixture.keys.put("onDemandTls.shield.parkedPerClient", "2");
        fixture.listenAt(address);
        fixture.launch();
        for (int i = 0; i < 2; i++) {
            hello(address, "slow" + i + ".customer.test");
        }
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(fixture.parked()).isEqualTo(2));

        assertThat(from(address, "slow2.customer.test")).isEqualTo(INTERNAL_ERROR);
        assertThat(overflows("parkedPerClient")).isEqualTo(1);
        // Who leaves makes room.
        open.get(0).close();
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(fixture.parked()).isEqualTo(1));
    }

    @Test
    void unfinishedClientHellosHoldNoMoreThanTheirBoundAndGiveItBack() throws Exception {
        fixture.keys.put("onDemandTls.handshake.helloOctets", "65536");
        fixture.keys.put("onDemandTls.handshake.helloTimeout", "5m");
        fixture.launch();
        fixture.visit("known.customer.test");
        byte[] half = halfOfAHello();

        for (int i = 0; i < 32; i++) {
            Socket socket = open(InetAddress.getLoopbackAddress());
            socket.getOutputStream().write(half);
            long seen = i;
            await().atMost(PATIENCE)
                    .until(() -> held() / half.length + tooManyOctets() > seen || held() + half.length > 65_536);
        }
        await().atMost(PATIENCE).until(() -> tooManyOctets() > 0);

        assertThat(held()).isPositive().isLessThanOrEqualTo(65_536);
        assertThat(RawTls.answerOn(open.get(31)).alert()).hasValue(80);
        assertThat(fixture.visit("known.customer.test")).startsWith("HTTP/1.1 200");
        assertThat(fixture.engine().status().getRefusals().get("tooMany")).isEqualTo(tooManyOctets());
        endClients();
        await().atMost(PATIENCE).until(() -> held() == 0);
        assertThat(TlsProbe.trustingAnything()
                        .oneByteAtATime()
                        .get(fixture.port(), "known.customer.test", "/")
                        .answer())
                .startsWith("HTTP/1.1 200");
        assertThat(held()).isZero();
    }

    @Test
    void unfinishedClientHellosOfOneClientBlockLeaveRoomForOthers() throws Exception {
        InetAddress address = ownAddress();
        fixture.keys.put("onDemandTls.handshake.helloOctets", "65536");
        fixture.keys.put("onDemandTls.handshake.helloTimeout", "5m");
        fixture.listenAt(address);
        fixture.launch();
        byte[] half = halfOfAHello();
        Socket last = open(address);
        last.getOutputStream().write(half);
        await().atMost(PATIENCE).until(() -> held() >= half.length);

        while (tooManyOctets() == 0 && held() + half.length < 65_536) {
            long before = held();
            last = open(address);
            last.getOutputStream().write(half);
            await().atMost(PATIENCE).until(() -> held() > before || tooManyOctets() > 0);
        }

        assertThat(RawTls.answerOn(last).alert()).hasValue(80);
        assertThat(tooManyOctets()).isEqualTo(1);
        assertThat(held()).as("room for one of the largest").isLessThanOrEqualTo(HelloReading.MOST_HELD);
        assertThat(from(address, "shop.customer.test")).isEqualTo("served");
        endClients();
        await().atMost(PATIENCE).until(() -> held() == 0);
    }

    private long held() {
        return fixture.engine().status().getUnfinishedHelloOctets();
    }

    private long tooManyOctets() {
        return fixture.engine().status().getOverflows().getOrDefault("onDemandTls.handshake.helloOctets", 0L);
    }

    private static byte[] halfOfAHello() {
        String[] protocols =
                IntStream.range(0, 30).mapToObj(i -> i + "-" + "x".repeat(215)).toArray(String[]::new);
        return Arrays.copyOf(TlsProbe.trustingAnything().alpn(protocols).clientHello("shop.customer.test"), 3_000);
    }

    @Test
    void manyPermittedNamesAreOrderedAFewAtATimeAndTheRestRefusedAtOnceAndNotRemembered() throws Exception {
        fixture.keys.put("onDemandTls.permission.names", "*.customer.test");
        fixture.keys.put("onDemandTls.shield.ordersInFlight", "1");
        fixture.keys.put("onDemandTls.shield.ordersQueued", "1");
        fixture.launch();

        List<String> alerts = alerts(visitAll(64, "shop"));

        assertThat(alerts).contains("served", INTERNAL_ERROR).containsOnly("served", INTERNAL_ERROR);
        assertThat(overflows("ordersQueued"))
                .isEqualTo(alerts.stream().filter(INTERNAL_ERROR::equals).count());
        int refused = alerts.indexOf(INTERNAL_ERROR);
        assertThat(fixture.visit("shop" + refused + ".customer.test")).startsWith("HTTP/1.1 200");
    }

    @Test
    void anAskThatHangsHoldsNobodyLongAndKnownNamesNotAtAll() throws Exception {
        fixture.keys.put("onDemandTls.permission.askTimeout", "1s");
        // They end long before that.
        fixture.keys.put("onDemandTls.handshake.deadline", "10m");
        fixture.launch();
        await().atMost(Duration.ofMinutes(2))
                .until(() -> fixture.visit("known.customer.test").startsWith("HTTP/1.1 200"));
        List<CompletableFuture<TlsProbe.Outcome>> held = IntStream.range(0, 60)
                .mapToObj(i -> later("slow" + i + ".customer.test"))
                .toList();
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(fixture.parked()).isPositive());

        assertThat(fixture.visit("known.customer.test")).startsWith("HTTP/1.1 200");
        CompletableFuture.allOf(held.toArray(CompletableFuture[]::new)).get(2, TimeUnit.MINUTES);

        assertThat(held).allSatisfy(one -> assertThat(one.join().alert()).contains(INTERNAL_ERROR));
        assertThat(fixture.ask.questions())
                .as("the known one, sixteen at once, then it is left alone but for a look each second")
                .hasSizeLessThan(60);
        assertThat(fixture.engine().status().getRememberedAnswers())
                .as("nothing is remembered")
                .isEqualTo(1);
    }

    @Test
    void aRedirectOfTheAskIsNotFollowedAndDeniesNobody() throws Exception {
        fixture.ask.answer(name -> AskEndpoint.Answer.redirect(fixture.ask.uri() + "?domain=other.test"));
        fixture.launch();

        assertThat(alerts(visitAll(1, "shop"))).containsExactly(INTERNAL_ERROR);
        assertThat(fixture.ask.questions()).hasSize(1);
    }

    @Test
    void whatIsNoHostNameIsRefusedBeforeAnybodyHearsOfIt() throws Exception {
        fixture.launch();
        long before = files();
        // Each as long as the name it takes the place of, so that all lengths in the message stay right.
        String proper = "abcdefghijkl.customer.test";
        byte[] hello = TlsProbe.trustingAnything().clientHello(proper);
        List<String> weapons = Stream.of(
                        "../../../../../etc/passwd",
                        "abcdefghijkl.customer.te\0t",
                        "abcdefghijkl.cust\r\nr.test",
                        "abcdefghijkl.cust\u00fcmer.test",
                        "abcdefghijkl_customer.test",
                        "abcdefghijklcustomer.12345",
                        "abcdefghijklmnopqrstuvwxyz",
                        ".bcdefghijkl.customer.test",
                        "abcdefghijkl..ustomer.test",
                        "xn--\u007f.customer.test",
                        "-abcdefghijk.customer.test",
                        "*.bcdefghijk.customer.test",
                        "[2001:db8::1234:5678:9abc]",
                        "0000000000000192.00.02.001")
                .map(weapon -> (weapon + "x".repeat(proper.length())).substring(0, proper.length()))
                .toList();

        for (String weapon : weapons) {
            byte[] octets = weapon.getBytes(StandardCharsets.ISO_8859_1);
            byte[] forged = replaced(hello, proper.getBytes(StandardCharsets.US_ASCII), octets);

            assertThat(RawTls.send(fixture.port(), PATIENCE, forged).alert())
                    .as(weapon.replaceAll("[^ -~]", "?"))
                    .hasValue(112);
        }

        assertThat(fixture.ask.questions()).isEmpty();
        assertThat(files()).isEqualTo(before);
        assertThat(filesOf("passwd")).isEmpty();
        assertThat(fixture.visit(proper)).startsWith("HTTP/1.1 200");
    }

    @Test
    void aNameIsOneNameHoweverItIsSpelledAndNoNameIsAPathOfItsOwn() throws Exception {
        fixture.launch();
        byte[] hello = TlsProbe.trustingAnything().clientHello("aux.customer.test");
        byte[] loud = replaced(
                hello,
                "aux.customer.test".getBytes(StandardCharsets.US_ASCII),
                "AUX.Customer.TEST".getBytes(StandardCharsets.US_ASCII));
        String longest = ("a".repeat(62) + ".").repeat(4);

        assertThat(RawTls.send(fixture.port(), PATIENCE, loud).handshakes()).isTrue();
        assertThat(fixture.visit("aux.customer.test")).startsWith("HTTP/1.1 200");
        assertThat(alerts(List.of(
                        TlsProbe.trustingAnything().handshake(fixture.port(), longest + "com"),
                        TlsProbe.trustingAnything().handshake(fixture.port(), "a".repeat(63) + "." + longest + "com"))))
                .containsOnly(UNRECOGNIZED_NAME);

        assertThat(fixture.ask.questions())
                .extracting(AskEndpoint.Question::name)
                .containsExactly("aux.customer.test");
        assertThat(filesOf(".pem"))
                .extracting(file -> file.getFileName().toString())
                .contains("_aux.customer.test.pem");
    }

    private static byte[] replaced(byte[] message, byte[] proper, byte[] octets) {
        assertThat(octets).hasSameSizeAs(proper);
        String text = new String(message, StandardCharsets.ISO_8859_1);
        String changed = text.replace(
                new String(proper, StandardCharsets.ISO_8859_1), new String(octets, StandardCharsets.ISO_8859_1));
        assertThat(changed).isNotEqualTo(text);
        return changed.getBytes(StandardCharsets.ISO_8859_1);
    }

    private CompletableFuture<TlsProbe.Outcome> later(String name) {
        return CompletableFuture.supplyAsync(
                () -> TlsProbe.trustingAnything().patience(PATIENCE).handshake(fixture.port(), name), clients);
    }

    // What came of a ClientHello sent from an address of this machine that is no loopback address.
    private String from(InetAddress address, String name) throws IOException {
        try (Socket socket = hello(address, name)) {
            RawTls.Answer answer = RawTls.answerOn(socket);
            return answer.handshakes()
                    ? "served"
                    : answer.alert().orElse(-1) == 80 ? INTERNAL_ERROR : String.valueOf(answer.alert());
        }
    }

    private Socket open(InetAddress address) throws IOException {
        Socket socket = new Socket();
        open.add(socket);
        socket.setTcpNoDelay(true);
        socket.setSoTimeout((int) PATIENCE.toMillis());
        socket.connect(new InetSocketAddress(address, fixture.port()));
        return socket;
    }

    private Socket hello(InetAddress address, String name) throws IOException {
        Socket socket = open(address);
        OutputStream out = socket.getOutputStream();
        out.write(TlsProbe.trustingAnything().clientHello(name));
        out.flush();
        return socket;
    }

    // Traffic to it stays on this machine, and is not from loopback.
    static InetAddress ownAddress() throws SocketException {
        return NetworkInterface.networkInterfaces()
                .flatMap(NetworkInterface::inetAddresses)
                .filter(address -> !address.isLoopbackAddress()
                        && !address.isLinkLocalAddress()
                        && address.getAddress().length == 4)
                .findFirst()
                .orElseThrow(() -> new AssertionError("this machine has no IPv4 address but loopback: connect it"));
    }
}
