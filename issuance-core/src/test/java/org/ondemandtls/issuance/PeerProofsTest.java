package org.ondemandtls.issuance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.challenge.Proof;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.config.Rate;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.Lease;
import org.ondemandtls.store.MemoryCertificateStore;
import org.ondemandtls.store.OpenOrder;
import org.ondemandtls.store.Peers;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.RecordedEvents;

/** {@link PeerProofs}: what another server shows is found, whatever strangers ask meanwhile. */
class PeerProofsTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");
    private static final Proof PROOF = new Proof(SHOP, ChallengeType.HTTP_01, "token", "token.thumbprint");

    private final ManualTime time = new ManualTime();
    private final ManualTime.Tasks lookups = new ManualTime.Tasks();
    private final RecordedEvents recorded = new RecordedEvents();

    @TempDir
    private Path directory;

    private Peers peers;
    private int failures;
    private int looks;
    private int looksForNames;
    private Proof showAtTheLook;
    private final List<String> strayed = new ArrayList<>();

    @BeforeEach
    void open() throws Exception {
        Peers shared =
                new MemoryCertificateStore(new MemoryCertificateStore.Medium(), directory, time.clock(), true).peers();
        peers = new Peers() {
            @Override
            public boolean any() {
                return shared.any();
            }

            @Override
            public Optional<Lease> take(ServerName name) throws StoreException {
                return shared.take(name);
            }

            @Override
            public void giveBack(Lease lease) {
                shared.giveBack(lease);
            }

            @Override
            public List<OpenOrder> abandoned() throws StoreException {
                return shared.abandoned();
            }

            @Override
            public void show(Proof proof) throws StoreException {
                shared.show(proof);
            }

            @Override
            public void takeDown(Proof proof) {
                shared.takeDown(proof);
            }

            @Override
            public Optional<String> proof(ServerName name, ChallengeType type, String token) throws StoreException {
                looks++;
                Proof late = showAtTheLook;
                showAtTheLook = null;
                if (late != null) {
                    Optional<String> before = shared.proof(name, type, token);
                    shared.show(late);
                    return before;
                }
                if (failures > 0) {
                    failures--;
                    throw new StoreException("the database cannot be reached");
                }
                return shared.proof(name, type, token);
            }

            @Override
            public Map<String, String> httpProofs(ServerName name) throws StoreException {
                if (failures > 0) {
                    failures--;
                    throw new StoreException("the database cannot be reached");
                }
                return shared.httpProofs(name);
            }

            @Override
            public Optional<ServerName> nameOf(String token) throws StoreException {
                looksForNames++;
                if (failures > 0) {
                    failures--;
                    throw new StoreException("the database cannot be reached");
                }
                return shared.nameOf(token);
            }

            @Override
            public void tell(ServerName name) throws StoreException {
                shared.tell(name);
            }

            @Override
            public void follow(News news) {
                shared.follow(news);
            }
        };
    }

    private PeerProofs proofs(Executor executor) {
        return new PeerProofs(
                peers,
                executor,
                time.scheduler(),
                new Rate(2, Duration.ofSeconds(1)),
                100,
                time::nanoTime,
                recorded.events(),
                (name, host) -> strayed.add(
                        name + " under " + host.map(ServerName::value).orElse("?")));
    }

    private CompletableFuture<Optional<String>> ask(PeerProofs proofs, String token) {
        CompletableFuture<Optional<String>> answer = proofs.find(SHOP, ChallengeType.HTTP_01, token);
        lookups.runAll();
        return answer;
    }

    @Test
    void whatAnotherShowsIsFoundUntilItIsTakenDown() throws Exception {
        PeerProofs proofs = proofs(lookups);
        proofs.show(PROOF);
        assertThat(ask(proofs, "token")).isCompletedWithValue(Optional.of("token.thumbprint"));

        proofs.takeDown(PROOF);

        assertThat(ask(proofs, "token")).isCompletedWithValue(Optional.empty());
    }

    private CompletableFuture<Map<String, String>> askForAll(PeerProofs proofs) {
        CompletableFuture<Map<String, String>> answer = proofs.httpProofs(SHOP);
        lookups.runAll();
        return answer;
    }

    @Test
    void allProofsOfANameAreFoundAsSoonAsTheyAreShownButNotMoreOftenThanTheRate() throws Exception {
        PeerProofs proofs = proofs(lookups);
        assertThat(askForAll(proofs)).isCompletedWithValue(Map.of());
        proofs.show(PROOF);
        assertThat(askForAll(proofs)).isCompletedWithValue(Map.of("token", "token.thumbprint"));

        assertThat(proofs.httpProofs(SHOP)).isCompletedWithValue(Map.of());
        assertThat(recorded.events().overflows()).containsEntry("onDemandTls.shield.lookupRate", 1L);
    }

    @Test
    void whereNobodyCanBeAskedForThemThereAreNone() throws Exception {
        PeerProofs proofs = proofs(lookups);
        proofs.show(PROOF);
        failures = 1;
        assertThat(askForAll(proofs)).isCompletedWithValue(Map.of());

        PeerProofs busy = proofs(task -> {
            throw new RejectedExecutionException();
        });
        assertThat(busy.httpProofs(SHOP)).isCompletedWithValue(Map.of());
    }

    @Test
    void aStoreThatDoesNotAnswerIsAskedAgainForFiveSeconds() throws Exception {
        PeerProofs proofs = proofs(lookups);
        proofs.show(PROOF);
        failures = 9;

        CompletableFuture<Optional<String>> answer = ask(proofs, "token");
        for (int i = 0; i < 9; i++) {
            assertThat(answer).isNotDone();
            time.advance(Duration.ofMillis(500));
            lookups.runAll();
        }

        assertThat(answer).isCompletedWithValue(Optional.of("token.thumbprint"));
    }

    @Test
    void aStoreThatStaysAwayIsToldAndTheAnswerIsNone() throws Exception {
        PeerProofs proofs = proofs(lookups);
        failures = 10;

        CompletableFuture<Optional<String>> answer = ask(proofs, "token");
        for (int i = 0; i < 9; i++) {
            time.advance(Duration.ofMillis(500));
            lookups.runAll();
        }

        assertThat(answer).isCompletedWithValue(Optional.empty());
        assertThat(recorded.lines(EventKind.STORE_FAILED)).hasSize(1);
    }

    @Test
    void whatIsNotThereIsLookedForOnceInHalfASecond() {
        PeerProofs proofs = proofs(lookups);
        ask(proofs, "nothing");
        ask(proofs, "nothing");
        assertThat(looks).isEqualTo(1);

        time.advance(Duration.ofMillis(500));
        ask(proofs, "nothing");

        assertThat(looks).isEqualTo(2);
    }

    @Test
    void onlySoManyAreLookedForInATime() {
        PeerProofs proofs = proofs(lookups);
        for (String token : List.of("a", "b", "c", "d")) {
            assertThat(ask(proofs, token)).isCompletedWithValue(Optional.empty());
        }

        assertThat(looks).isEqualTo(2);
    }

    @Test
    void whatDoesNotFitIsAnsweredAtOnce() {
        PeerProofs proofs = proofs(task -> {
            throw new RejectedExecutionException();
        });

        assertThat(proofs.find(SHOP, ChallengeType.HTTP_01, "token")).isCompletedWithValue(Optional.empty());
        assertThat(looks).isZero();
    }

    private void askUnder(PeerProofs proofs, String host, String token) {
        proofs.find(ServerName.parse(host), ChallengeType.HTTP_01, token);
        lookups.runAll();
    }

    private void askUnderNoName(PeerProofs proofs, String token) {
        proofs.strayed(token);
        lookups.runAll();
    }

    @Test
    void whatAnotherShowsAndIsAskedForUnderAnotherHostIsToldOnce() throws Exception {
        PeerProofs proofs = proofs(lookups);
        proofs.show(PROOF);

        askUnder(proofs, "other.example.com", "token");
        askUnder(proofs, "backend.example.com", "token");
        askUnderNoName(proofs, "token");
        askUnder(proofs, "other.example.com", "nothing");

        assertThat(strayed).containsExactly("shop.example.com under other.example.com");
    }

    @Test
    void soItIsWhereTheOtherHostIsNoName() throws Exception {
        PeerProofs proofs = proofs(lookups);
        proofs.show(PROOF);

        askUnderNoName(proofs, "nothing");
        askUnderNoName(proofs, "token");

        assertThat(strayed).containsExactly("shop.example.com under ?");
    }

    @Test
    void nothingIsToldOfAProofThatIsPutOnDisplayBetweenTwoLooks() throws Exception {
        PeerProofs proofs = proofs(lookups);
        CompletableFuture<Optional<String>> answer = proofs.find(SHOP, ChallengeType.HTTP_01, "token");
        Proof another = new Proof(ServerName.parse("other.example.com"), ChallengeType.TLS_ALPN_01, "token", "00ff");
        proofs.show(another);
        showAtTheLook = PROOF;
        lookups.runAll();

        assertThat(answer).isCompletedWithValue(Optional.empty());
        assertThat(looksForNames).isEqualTo(1);
        assertThat(strayed).isEmpty();
    }

    @Test
    void strangersMakeUsLookForTheNamesOfFewTokensInATime() throws Exception {
        PeerProofs proofs = proofs(lookups);
        for (int i = 0; i < 100; i++) {
            askUnderNoName(proofs, "guess-" + i);
        }
        assertThat(looksForNames).isEqualTo(10);

        proofs.show(PROOF);
        time.advance(Duration.ofSeconds(1));
        askUnderNoName(proofs, "token");

        assertThat(strayed).hasSize(1);
    }

    @Test
    void aLookForANameThatFailsOrHasNoThreadKeepsNobodyWaiting() throws Exception {
        PeerProofs proofs = proofs(lookups);
        failures = 1;
        askUnderNoName(proofs, "token");
        assertThat(recorded.lines(EventKind.STORE_FAILED)).hasSize(1);

        proofs(task -> {
                    throw new RejectedExecutionException();
                })
                .strayed("token");

        assertThat(strayed).isEmpty();
    }

    @Test
    void tellsWhetherThereIsAnybodyElse() throws Exception {
        assertThat(proofs(lookups).any()).isTrue();
        peers = Peers.NONE;

        assertThat(proofs(lookups).any()).isFalse();
    }

    @Test
    void whatIsNotLookedForIsCountedUnderItsBound() {
        PeerProofs proofs = proofs(lookups);
        for (String token : List.of("a", "b", "c")) {
            ask(proofs, token);
        }
        assertThat(recorded.events().overflows()).containsExactly(Map.entry("onDemandTls.shield.lookupRate", 1L));

        PeerProofs busy = proofs(task -> {
            throw new RejectedExecutionException();
        });
        busy.find(SHOP, ChallengeType.HTTP_01, "token");
        busy.httpProofs(SHOP);

        assertThat(recorded.events().overflows()).containsEntry("onDemandTls.shield.lookupsQueued", 2L);
    }

    @Test
    void whatWasNotThereAMomentAgoIsAnsweredAtOnce() {
        PeerProofs proofs = proofs(lookups);
        ask(proofs, "nothing");

        assertThat(proofs.find(SHOP, ChallengeType.HTTP_01, "nothing")).isCompletedWithValue(Optional.empty());
        assertThat(lookups.size()).isZero();
    }

    @Test
    void aStoreThatDoesNotAnswerForAllProofsIsTold() {
        failures = 1;

        assertThat(askForAll(proofs(lookups))).isCompletedWithValue(Map.of());

        assertThat(recorded.lines(EventKind.STORE_FAILED))
                .containsExactly("name=shop.example.com the database cannot be reached");
    }
}
