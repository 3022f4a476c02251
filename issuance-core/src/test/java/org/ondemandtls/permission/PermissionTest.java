package org.ondemandtls.permission;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.config.Rate;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.PermissionPolicy.Decision;
import org.ondemandtls.permission.PermissionPolicy.Purpose;
import org.ondemandtls.testing.AskEndpoint;
import org.ondemandtls.testing.Configurations;
import org.ondemandtls.testing.DirectExecutor;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.RecordedEvents;

/** {@link Permission}: the order of sources, what is remembered, and what a stranger cannot exceed. */
class PermissionTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");
    private static final ClientBlock ALICE = new ClientBlock("4:0a0000");
    private static final ClientBlock BOB = new ClientBlock("4:0b0000");

    private final ManualTime time = new ManualTime();
    private final RecordedEvents recorded = new RecordedEvents();
    private final List<ServerName> asked = new ArrayList<>();
    private final List<CompletableFuture<Decision>> answers = new ArrayList<>();

    private CompletionStage<Decision> slowPolicy(ServerName name, Purpose purpose) {
        asked.add(name);
        answers.add(new CompletableFuture<>());
        return answers.get(answers.size() - 1);
    }

    private Permission permission(PermissionPolicy policy, Path file, int concurrency, int queue, String... names) {
        return new Permission(
                Configurations.permission(file, names),
                Configurations.shield(concurrency, queue),
                policy,
                new Permission.Ports(new DirectExecutor(), time.scheduler(), time::nanoTime),
                recorded.events());
    }

    private static ServerName name(int number) {
        return ServerName.parse("n" + number + ".example.com");
    }

    @Nested
    class AThreadThatCannotBeStarted {

        private final AtomicReference<Error> thrown = new AtomicReference<>();

        private final DirectExecutor starting = new DirectExecutor() {
            @Override
            public void execute(Runnable task) {
                Error error = thrown.get();
                if (error != null) {
                    throw error;
                }
                super.execute(task);
            }
        };

        @Test
        void keepsNoSlot() {
            Permission permission = new Permission(
                    Configurations.permission(null),
                    Configurations.shield(1, 1),
                    (name, purpose) -> CompletableFuture.completedFuture(new Decision.Granted()),
                    new Permission.Ports(starting, time.scheduler(), time::nanoTime),
                    recorded.events());
            thrown.set(new OutOfMemoryError("unable to create native thread"));
            assertThat(permission.decide(name(1), Purpose.OBTAIN, ALICE)).isCompletedExceptionally();
            assertThat(permission.decide(name(2), Purpose.OBTAIN, ALICE)).isCompletedExceptionally();

            thrown.set(null);

            assertThat(permission.decide(name(3), Purpose.OBTAIN, ALICE)).isCompleted();
        }

        @Test
        void doesNotEndTheLookingAtTheFile(@TempDir Path directory) throws Exception {
            Path file = Files.writeString(directory.resolve("names"), "other.example.com\n");
            Permission permission = new Permission(
                    Configurations.permission(file),
                    Configurations.shield(1, 1),
                    null,
                    new Permission.Ports(starting, time.scheduler(), time::nanoTime),
                    recorded.events());
            assertThat(permission.decide(SHOP, Purpose.OBTAIN, ALICE)).isCompletedExceptionally();
            thrown.set(new OutOfMemoryError("unable to create native thread"));
            time.advance(Duration.ofSeconds(2));
            thrown.set(null);

            Files.writeString(file, "*.example.com\n");
            time.advance(Duration.ofSeconds(2));

            assertThat(permission.remembered(SHOP)).isEmpty();
        }
    }

    @Nested
    class ListedNames {

        @Test
        void areGrantedWithoutAsking() {
            Permission permission = permission(PermissionTest.this::slowPolicy, null, 1, 1, SHOP.value());

            assertThat(permission.decide(SHOP, Purpose.OBTAIN, ALICE)).isCompleted();
            assertThat(asked).isEmpty();
        }

        @Test
        void ofAWildcardHaveOneLabelMore() {
            Permission permission = permission(null, null, 1, 1, "*.example.com");

            assertThat(permission.decide(SHOP, Purpose.OBTAIN, ALICE)).isCompleted();
            assertThat(permission.decide(ServerName.parse("a.b.example.com"), Purpose.OBTAIN, ALICE))
                    .failsWithin(Duration.ZERO)
                    .withThrowableThat()
                    .withCauseInstanceOf(IssuanceException.NotPermitted.class);
        }

        @Test
        void areAllThereIsWhereNobodyElseIsAsked() {
            Permission permission = permission(null, null, 1, 1, "other.example.com");

            CompletableFuture<Void> answer = permission.decide(SHOP, Purpose.OBTAIN, ALICE);

            assertThat(answer.handle((v, failure) -> String.valueOf(failure.getMessage()))
                            .join())
                    .contains("shop.example.com: not permitted");
            assertThat(permission.remembered(SHOP)).isPresent();
        }
    }

    @Nested
    class AFile {

        @TempDir
        private Path directory;

        @Test
        void isReadAgainWhenItChangesAndLiftsDenials() throws Exception {
            Path file = Files.writeString(directory.resolve("names"), "# ours\nother.example.com # the other\n");
            Permission permission = permission(null, file, 1, 1);
            assertThat(permission.decide(SHOP, Purpose.OBTAIN, ALICE)).isCompletedExceptionally();
            assertThat(permission.remembered(SHOP)).isPresent();

            Files.writeString(file, "*.example.com\nno name at all\n");
            time.advance(Duration.ofSeconds(2));

            assertThat(permission.remembered(SHOP)).isEmpty();
            assertThat(permission.decide(SHOP, Purpose.OBTAIN, ALICE)).isCompleted();
            assertThat(recorded.lines(EventKind.ADVICE))
                    .singleElement()
                    .asString()
                    .contains("line 2");
        }

        @Test
        void mayBeginWithAMarkAndHaveCommentsInAnotherEncoding() throws Exception {
            Path file = directory.resolve("names");
            Files.write(file, "\uFEFFother.example.com\r\n".getBytes(StandardCharsets.UTF_8));
            Files.write(
                    file,
                    ("# f\u00FCr Kunden\r\n" + SHOP + "\r\nm\u00FCller.example\r\n")
                            .getBytes(StandardCharsets.ISO_8859_1),
                    StandardOpenOption.APPEND);

            Permission permission = permission(null, file, 1, 1);

            assertThat(permission.decide(SHOP, Purpose.OBTAIN, ALICE)).isCompleted();
            assertThat(permission.decide(ServerName.parse("other.example.com"), Purpose.OBTAIN, ALICE))
                    .isCompleted();
            assertThat(recorded.lines(EventKind.ADVICE))
                    .singleElement()
                    .asString()
                    .contains("line 4");
        }

        @Test
        void inUtf16LeavesAllowedWhatWasRead() throws Exception {
            Path file = Files.writeString(directory.resolve("names"), SHOP + "\n");
            Permission permission = permission(null, file, 1, 1);
            Files.write(file, ("\uFEFF" + SHOP + "\r\n").getBytes(StandardCharsets.UTF_16LE));
            time.advance(Duration.ofSeconds(2));

            assertThat(permission.decide(SHOP, Purpose.OBTAIN, ALICE)).isCompleted();
            assertThat(recorded.lines(EventKind.ADVICE))
                    .singleElement()
                    .asString()
                    .contains("cannot be read", "stay allowed");
        }

        @Test
        void thatIsNoListIsToldInAFewLines() throws Exception {
            Path file = Files.writeString(directory.resolve("names"), "no;name;at;all\n".repeat(1_000) + SHOP);

            Permission permission = permission(null, file, 1, 1);

            assertThat(permission.decide(SHOP, Purpose.OBTAIN, ALICE)).isCompleted();
            assertThat(recorded.lines(EventKind.ADVICE))
                    .hasSize(11)
                    .last()
                    .asString()
                    .contains("990 more lines of");
        }

        @Test
        void thatIsGoneLeavesItsNamesInForceAndIsReportedOnce() throws Exception {
            Path file = Files.writeString(directory.resolve("names"), SHOP.value());
            Permission permission = permission(null, file, 1, 1);

            Files.delete(file);
            time.advance(Duration.ofSeconds(20));

            assertThat(permission.decide(SHOP, Purpose.OBTAIN, ALICE)).isCompleted();
            assertThat(recorded.lines(EventKind.ADVICE)).hasSize(1);
        }
    }

    @Nested
    class AnAnswer {

        @Test
        void thatGrantsIsRememberedForItsTime() {
            Permission permission = permission(PermissionTest.this::slowPolicy, null, 4, 4);
            CompletableFuture<Void> first = permission.decide(SHOP, Purpose.OBTAIN, ALICE);
            answers.get(0).complete(new Decision.Granted());
            assertThat(first).isCompleted();

            time.advance(Duration.ofMinutes(5).minusMillis(1));
            assertThat(permission.decide(SHOP, Purpose.OBTAIN, ALICE)).isCompleted();
            assertThat(asked).hasSize(1);

            time.advance(Duration.ofMillis(1));
            assertThat(permission.decide(SHOP, Purpose.OBTAIN, ALICE)).isNotDone();
            assertThat(asked).hasSize(2);
        }

        @Test
        void thatDeniesIsRememberedForItsTimeWithItsReason() {
            Permission permission = permission(PermissionTest.this::slowPolicy, null, 4, 4);
            permission.decide(SHOP, Purpose.OBTAIN, ALICE);
            answers.get(0).complete(new Decision.Denied("not a customer"));

            assertThat(permission.remembered(SHOP).orElseThrow().getMessage()).contains("not a customer");
            time.advance(Duration.ofMinutes(1));
            assertThat(permission.remembered(SHOP)).isEmpty();
        }

        @Test
        void isAskedForAgainForARenewal() {
            Permission permission = permission(PermissionTest.this::slowPolicy, null, 4, 4);
            permission.decide(SHOP, Purpose.OBTAIN, ALICE);
            answers.get(0).complete(new Decision.Granted());

            permission.decide(SHOP, Purpose.RENEW, ALICE);

            assertThat(asked).hasSize(2);
        }

        @Test
        void aboutARenewalIsNotRememberedForVisitors() {
            Permission permission = permission(PermissionTest.this::slowPolicy, null, 4, 4);
            permission.decide(SHOP, Purpose.RENEW, ALICE);
            answers.get(0).complete(new Decision.Denied("not a customer any more"));

            assertThat(permission.remembered(SHOP)).isEmpty();
        }

        @Test
        void aboutARenewalEndsTheOppositeAnswerOfBefore() {
            Permission permission = permission(PermissionTest.this::slowPolicy, null, 4, 4);
            permission.decide(SHOP, Purpose.OBTAIN, ALICE);
            answers.get(0).complete(new Decision.Granted());
            permission.decide(SHOP, Purpose.RENEW, ALICE);
            answers.get(1).complete(new Decision.Denied("not a customer any more"));

            permission.decide(SHOP, Purpose.OBTAIN, ALICE);

            assertThat(asked).hasSize(3);
        }

        @Test
        void thatDoesNotComeInTimeIsNoAnswerAndNotRemembered() {
            Permission permission = permission(PermissionTest.this::slowPolicy, null, 4, 4);
            CompletableFuture<Void> waiting = permission.decide(SHOP, Purpose.OBTAIN, ALICE);

            time.advance(Duration.ofSeconds(2).minusNanos(1));
            assertThat(waiting).isNotDone();
            time.advance(Duration.ofNanos(1));

            assertThat(waiting)
                    .failsWithin(Duration.ZERO)
                    .withThrowableThat()
                    .withCauseInstanceOf(IssuanceException.NoAnswer.class)
                    .withMessageContaining("2000 ms");
            assertThat(permission.remembered(SHOP)).isEmpty();
            assertThat(permission.rememberedCount()).isZero();
        }

        @Test
        void thatIsAnExceptionIsNoAnswer() {
            Permission permission = permission(
                    (name, purpose) -> {
                        throw new IllegalStateException("broken");
                    },
                    null,
                    4,
                    4);

            assertThat(permission.decide(SHOP, Purpose.OBTAIN, ALICE))
                    .failsWithin(Duration.ZERO)
                    .withThrowableThat()
                    .withCauseInstanceOf(IssuanceException.NoAnswer.class);
        }
    }

    @Nested
    class ASourceThatFails {

        private Permission asking(AskEndpoint endpoint) {
            return asking(endpoint, 4, System::nanoTime, recorded.events());
        }

        private Permission asking(AskEndpoint endpoint, int slots, LongSupplier nanoTime, Events events) {
            OnDemandTlsConfig.Permission lists = Configurations.permission(null);
            return new Permission(
                    new OnDemandTlsConfig.Permission(
                            Optional.of(endpoint.uri()),
                            Duration.ofSeconds(30),
                            lists.names(),
                            Optional.empty(),
                            Optional.empty(),
                            Optional.empty(),
                            Optional.empty(),
                            lists.rememberGranted(),
                            lists.rememberDenied()),
                    Configurations.shield(slots, slots),
                    null,
                    new Permission.Ports(executor, scheduler, nanoTime),
                    events);
        }

        private final ExecutorService executor = Executors.newFixedThreadPool(4);
        private final ScheduledExecutorService scheduler = Executors.newScheduledThreadPool(1);

        @AfterEach
        void stop() {
            executor.shutdownNow();
            scheduler.shutdownNow();
        }

        private static boolean isGranted(Permission permission, ServerName name) {
            return permission
                    .decide(name, Purpose.OBTAIN, ALICE)
                    .handle((v, failure) -> failure == null)
                    .orTimeout(2, TimeUnit.MINUTES)
                    .join();
        }

        @Test
        void forNamesThatStrangersChooseIsAskedForOthersAllTheSame() {
            try (AskEndpoint endpoint = AskEndpoint.answering(name -> name.startsWith("n")
                            ? AskEndpoint.Answer.status(500)
                            : name.equals(SHOP.value()) ? AskEndpoint.Answer.GRANTED : AskEndpoint.Answer.DENIED);
                    Permission permission = asking(endpoint)) {
                for (int i = 0; i < 4 * Circuit.FAILURES_TO_OPEN; i++) {
                    assertThat(isGranted(permission, name(i))).isFalse();
                }

                assertThat(isGranted(permission, SHOP)).isTrue();
                assertThat(recorded.lines(EventKind.ADVICE)).isEmpty();
                Awaitility.await().atMost(Duration.ofMinutes(1)).until(() -> endpoint.timesAskedForNobodys() > 0);
            }
        }

        @Test
        void forEverythingIsLeftAloneAndToldOfOnce() {
            try (AskEndpoint endpoint = AskEndpoint.answering(name -> AskEndpoint.Answer.status(500));
                    Permission permission = asking(endpoint)) {
                int names = 0;
                while (recorded.lines(EventKind.ADVICE).isEmpty() && names < 1_000) {
                    assertThat(isGranted(permission, name(names++))).isFalse();
                }

                assertThat(recorded.lines(EventKind.ADVICE))
                        .singleElement()
                        .asString()
                        .contains("onDemandTls.permission.ask keeps failing and is left alone");
            }
        }

        @Test
        void andIsWellAgainGivesItsSlotBackThoughNobodyCanBeTold() {
            AtomicBoolean fails = new AtomicBoolean(true);
            AtomicBoolean told = new AtomicBoolean();
            AtomicLong later = new AtomicLong();
            LongSupplier nanoTime = () -> System.nanoTime() + later.get();
            Events events = new Events(
                    event -> {
                        if (event.kind() == EventKind.RECOVERED) {
                            throw new NoClassDefFoundError("of an application that has stopped");
                        }
                        told.compareAndSet(false, event.kind() == EventKind.ADVICE);
                    },
                    nanoTime);
            try (AskEndpoint endpoint = AskEndpoint.answering(
                            name -> fails.get() ? AskEndpoint.Answer.status(500) : AskEndpoint.Answer.GRANTED);
                    Permission permission = asking(endpoint, 1, nanoTime, events)) {
                int names = 0;
                while (!told.get() && names < 1_000) {
                    assertThat(isGranted(permission, name(names++))).isFalse();
                }
                fails.set(false);
                later.set(Duration.ofMinutes(1).toNanos());

                assertThat(isGranted(permission, SHOP)).isTrue();
                assertThat(events.count(EventKind.RECOVERED)).isPositive();
                assertThat(isGranted(permission, name(names))).isTrue();
            }
        }

        @Test
        void orGrantsWhatNobodyCanOwnIsToldOfLoudly() throws Exception {
            HttpServer frontEnd = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            frontEnd.createContext("/", exchange -> {
                exchange.getResponseHeaders().set("Content-Type", "text/html; charset=utf-8");
                exchange.sendResponseHeaders(200, -1);
                exchange.close();
            });
            frontEnd.start();
            try (Permission permission = new Permission(
                    new OnDemandTlsConfig.Permission(
                            Optional.of(URI.create(
                                    "http://127.0.0.1:" + frontEnd.getAddress().getPort() + "/app")),
                            Duration.ofSeconds(20),
                            List.of(),
                            Optional.empty(),
                            Optional.empty(),
                            Optional.empty(),
                            Optional.empty(),
                            Duration.ofMinutes(5),
                            Duration.ofMinutes(1)),
                    Configurations.shield(4, 4),
                    null,
                    new Permission.Ports(executor, scheduler, System::nanoTime),
                    recorded.events())) {

                permission.watch();

                Awaitility.await()
                        .atMost(Duration.ofMinutes(1))
                        .until(() -> !recorded.lines(EventKind.GRANTS_ALL).isEmpty());
                assertThat(recorded.lines(EventKind.GRANTS_ALL).get(0))
                        .startsWith("onDemandTls.permission.ask granted check-")
                        .contains(".invalid, which nobody can own")
                        .contains("HTML page");
            } finally {
                frontEnd.stop(0);
            }
        }
    }

    @Nested
    class APolicyThatIsAskedForWhatNobodyCanOwn {

        private final List<ServerName> nobodys = new ArrayList<>();

        private PermissionPolicy answering(Decision decision) {
            return (name, purpose) -> {
                nobodys.add(name);
                return CompletableFuture.completedFuture(decision);
            };
        }

        @Test
        void isAskedAtTheStartAndOnceADay() {
            Permission permission = permission(answering(new Decision.Granted()), null, 1, 1);

            permission.watch();
            assertThat(nobodys).hasSize(1);
            assertThat(nobodys.get(0).value()).endsWith(".invalid");
            time.advance(Duration.ofDays(3));

            assertThat(nobodys).hasSize(4).doesNotHaveDuplicates();
            assertThat(recorded.lines(EventKind.GRANTS_ALL)).hasSize(4);
            permission.close();
            time.advance(Duration.ofDays(3));
            assertThat(nobodys).hasSize(4);
        }

        @Test
        void isNotToldOfWhereItDenies() {
            Permission permission = permission(answering(new Decision.Denied("unknown")), null, 1, 1);

            permission.watch();

            assertThat(nobodys).hasSize(1);
            assertThat(recorded.lines(EventKind.GRANTS_ALL)).isEmpty();
        }

        @Test
        void isAskedAgainInAMinuteWhereItDoesNotAnswer() {
            Permission permission = permission(PermissionTest.this::slowPolicy, null, 1, 1);

            permission.watch();
            time.advance(Duration.ofSeconds(2).plusMinutes(1));

            assertThat(asked).hasSize(2);
        }

        @Test
        void isNotThereWhereThereAreListsOnly() {
            permission(null, null, 1, 1, SHOP.value()).watch();

            assertThat(time.scheduled()).isZero();
        }
    }

    @Nested
    class GuessedNames {

        private Permission limited(Rate perDomain) {
            OnDemandTlsConfig.Shield shield = Configurations.shield(100, 100);
            return new Permission(
                    Configurations.permission(null, "*.listed.example"),
                    new OnDemandTlsConfig.Shield(
                            shield.askConcurrency(),
                            shield.askQueue(),
                            shield.ordersInFlight(),
                            shield.ordersQueued(),
                            shield.rememberedRefusals(),
                            shield.askRate(),
                            new OnDemandTlsConfig.Clients(Configurations.often(), perDomain, List.of(), 1000, 1000),
                            shield.lookups()),
                    (name, purpose) -> CompletableFuture.completedFuture(new Decision.Granted()),
                    new Permission.Ports(new DirectExecutor(), time.scheduler(), time::nanoTime),
                    recorded.events());
        }

        private static ServerName guess(int number, String domain) {
            return ServerName.parse("www.".repeat(number) + domain);
        }

        @Test
        void ofOneRegisteredDomainAreBoundedAndToldOfOnce() {
            Permission permission = limited(new Rate(3, Duration.ofHours(1)));
            List<CompletableFuture<Void>> answers = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                answers.add(permission.decide(guess(i, "shop.example"), Purpose.OBTAIN, i % 2 == 0 ? ALICE : BOB));
            }

            assertThat(answers.stream().filter(answer -> !answer.isCompletedExceptionally()))
                    .hasSize(3);
            assertThat(answers.get(3))
                    .failsWithin(Duration.ZERO)
                    .withThrowableThat()
                    .withCauseInstanceOf(IssuanceException.Overloaded.class)
                    .withMessageContaining("onDemandTls.shield.newNamesPerDomain");
            assertThat(recorded.lines(EventKind.MANY_NAMES))
                    .singleElement()
                    .asString()
                    .contains("3 new names of shop.example")
                    .contains("wildcard");
            assertThat(permission.decide(guess(1, "other.example"), Purpose.OBTAIN, ALICE))
                    .isCompleted();
        }

        @Test
        void thatWereCountedAreNotNewAgainAndWhatIsRefusedIsNotGrantedByMemory() {
            Permission permission = limited(new Rate(1, Duration.ofHours(1)));
            for (int i = 0; i < 5; i++) {
                assertThat(permission.decide(guess(1, "shop.example"), Purpose.OBTAIN, ALICE))
                        .isCompleted();
                assertThat(permission.decide(guess(2, "shop.example"), Purpose.OBTAIN, ALICE))
                        .isCompletedExceptionally();
            }
        }

        @Test
        void areNeitherRenewalsNorVisitsFromLoopback() {
            Permission permission = limited(new Rate(1, Duration.ofHours(1)));
            for (int i = 0; i < 5; i++) {
                assertThat(permission.decide(guess(i, "shop.example"), Purpose.RENEW, ALICE))
                        .isCompleted();
                assertThat(permission.decide(guess(i, "shop.example"), Purpose.OBTAIN, ClientBlock.LOCAL))
                        .isCompleted();
            }
        }

        @Test
        void areVisitsThroughABalancer() {
            Permission permission = limited(new Rate(1, Duration.ofHours(1)));

            assertThat(permission.decide(guess(1, "shop.example"), Purpose.OBTAIN, ClientBlock.SHARED))
                    .isCompleted();
            assertThat(permission.decide(guess(2, "shop.example"), Purpose.OBTAIN, ClientBlock.SHARED))
                    .isCompletedExceptionally();
        }

        @Test
        void ofAListAreBoundedToo() {
            Permission permission = limited(new Rate(1, Duration.ofHours(1)));

            assertThat(permission.decide(ServerName.parse("a.listed.example"), Purpose.OBTAIN, ALICE))
                    .isCompleted();
            assertThat(permission.decide(ServerName.parse("b.listed.example"), Purpose.OBTAIN, ALICE))
                    .isCompletedExceptionally();
        }
    }

    @Nested
    class Crowds {

        @Test
        void areAskedForNoMoreThanSoManyAtOnceAndTheRestInTurn() {
            Permission permission = permission(PermissionTest.this::slowPolicy, null, 2, 10);
            for (int i = 0; i < 5; i++) {
                permission.decide(name(i), Purpose.OBTAIN, ALICE);
            }
            assertThat(asked).hasSize(2);
            assertThat(permission.waiting()).isEqualTo(3);

            answers.get(0).complete(new Decision.Granted());

            assertThat(asked).containsExactly(name(0), name(1), name(2));
            assertThat(permission.waiting()).isEqualTo(2);
        }

        @Test
        void thatOverflowAreRefusedAndNotRemembered() {
            Permission permission = permission(PermissionTest.this::slowPolicy, null, 1, 1);
            permission.decide(name(0), Purpose.OBTAIN, ALICE);
            permission.decide(name(1), Purpose.OBTAIN, ALICE);

            assertThat(permission.decide(name(2), Purpose.OBTAIN, ALICE))
                    .failsWithin(Duration.ZERO)
                    .withThrowableThat()
                    .withCauseInstanceOf(IssuanceException.Overloaded.class);
            assertThat(permission.rememberedCount()).isZero();
        }

        @Test
        void ofOneBlockDoNotKeepAnotherFromItsTurn() {
            Permission permission = permission(PermissionTest.this::slowPolicy, null, 1, 4);
            List<CompletableFuture<Void>> crowd = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                crowd.add(permission.decide(name(i), Purpose.OBTAIN, ALICE));
            }

            CompletableFuture<Void> bobs = permission.decide(SHOP, Purpose.OBTAIN, BOB);

            assertThat(bobs).isNotDone();
            assertThat(crowd.get(4)).isCompletedExceptionally();
            answers.get(0).complete(new Decision.Granted());
            answers.get(1).complete(new Decision.Granted());
            assertThat(asked).contains(SHOP);
        }
    }

    @Nested
    class Rates {

        private Permission limited(Rate askRate, Rate newNames) {
            return new Permission(
                    Configurations.permission(null, "*.listed.example.com"),
                    Configurations.shield(100, 100, askRate, newNames),
                    PermissionTest.this::slowPolicy,
                    new Permission.Ports(new DirectExecutor(), time.scheduler(), time::nanoTime),
                    recorded.events());
        }

        private static boolean overloaded(CompletableFuture<Void> answer) {
            return answer.handle((v, failure) -> failure instanceof IssuanceException.Overloaded)
                    .getNow(false);
        }

        @Test
        void ofAskingLetQuestionsWaitTheirTurnAndThenGo() {
            Permission permission = limited(new Rate(2, Duration.ofSeconds(1)), Configurations.often());
            for (int i = 0; i < 5; i++) {
                permission.decide(name(i), Purpose.OBTAIN, ALICE);
            }
            assertThat(asked).hasSize(2);

            time.advance(Duration.ofMillis(500));
            assertThat(asked).hasSize(3);
            answers.get(0).complete(new Decision.Granted());
            assertThat(asked).hasSize(3);
            time.advance(Duration.ofSeconds(1));

            assertThat(asked).containsExactly(name(0), name(1), name(2), name(3), name(4));
            assertThat(permission.waiting()).isZero();
        }

        @Test
        void ofNewNamesHoldForEachClientBlockByItself() {
            Permission permission = limited(Configurations.often(), new Rate(2, Duration.ofMinutes(10)));
            permission.decide(name(0), Purpose.OBTAIN, ALICE);
            permission.decide(name(1), Purpose.OBTAIN, ALICE);

            assertThat(overloaded(permission.decide(name(2), Purpose.OBTAIN, ALICE)))
                    .isTrue();
            assertThat(overloaded(permission.decide(name(2), Purpose.OBTAIN, BOB)))
                    .isFalse();
            assertThat(asked).containsExactly(name(0), name(1), name(2));
            assertThat(permission.rememberedCount()).isZero();
        }

        @Test
        void ofNewNamesCountANameOnceAndListedOnesToo() {
            Permission permission = limited(Configurations.often(), new Rate(2, Duration.ofMinutes(10)));
            ServerName listed = ServerName.parse("a.listed.example.com");
            for (int i = 0; i < 10; i++) {
                assertThat(permission.decide(listed, Purpose.OBTAIN, ALICE)).isCompleted();
                permission.decide(SHOP, Purpose.OBTAIN, ALICE);
            }

            assertThat(overloaded(permission.decide(ServerName.parse("b.listed.example.com"), Purpose.OBTAIN, ALICE)))
                    .isTrue();
            time.advance(Duration.ofMinutes(5));
            assertThat(permission.decide(ServerName.parse("b.listed.example.com"), Purpose.OBTAIN, ALICE))
                    .isCompleted();
        }

        @Test
        void ofNewNamesAreNeitherForLoopbackNorForRenewals() {
            Permission permission = limited(Configurations.often(), new Rate(1, Duration.ofMinutes(10)));
            for (int i = 0; i < 10; i++) {
                permission.decide(name(i), Purpose.OBTAIN, ClientBlock.LOCAL);
                permission.decide(name(i), Purpose.RENEW, ALICE);
            }

            assertThat(asked).hasSize(20);
        }
    }

    @Nested
    class Reasons {

        private String logged(String reason) {
            Permission permission = permission(PermissionTest.this::slowPolicy, null, 4, 4);
            permission.decide(SHOP, Purpose.OBTAIN, ALICE);
            answers.get(0).complete(new Decision.Denied(reason));
            return recorded.lines(EventKind.DENIED).get(0);
        }

        @Test
        void areLoggedAsOneLineOfPrintableCharacters() {
            assertThat(logged("has not\u0007 paid\u202e\nGRANTED: everything")).endsWith("denied: has not? paid?");
        }

        @Test
        void areCutAtTwoHundredCharacters() {
            assertThat(logged("x".repeat(100_000))).endsWith("denied: " + "x".repeat(200));
        }

        @Test
        void thatDifferForEachNameAreRememberedInGeneralWords() {
            Permission permission = permission(PermissionTest.this::slowPolicy, null, 1, 1);
            for (int i = 0; i < 300; i++) {
                permission.decide(name(i), Purpose.OBTAIN, ALICE);
                answers.get(i).complete(new Decision.Denied("reason " + i));
            }

            assertThat(permission.remembered(name(0)).orElseThrow().getMessage())
                    .contains("reason 0");
            assertThat(permission.remembered(name(299)).orElseThrow().getMessage())
                    .contains("see the log")
                    .doesNotContain("reason 299");
        }
    }

    @Test
    void closingLeavesWhoWaitsWithoutAnAnswer() {
        Permission permission = permission(PermissionTest.this::slowPolicy, null, 1, 4);
        permission.decide(name(0), Purpose.OBTAIN, ALICE);
        CompletableFuture<Void> waiting = permission.decide(name(1), Purpose.OBTAIN, ALICE);

        permission.close();

        assertThat(waiting)
                .failsWithin(Duration.ZERO)
                .withThrowableThat()
                .withCauseInstanceOf(IssuanceException.NoAnswer.class);
    }
}
