package org.ondemandtls.handshake;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.RejectedExecutionException;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.KeySealing;
import org.ondemandtls.store.MemoryCertificateStore;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.file.FileCertificateStore;
import org.ondemandtls.testing.Except;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.RecordedEvents;
import org.ondemandtls.testing.TestLeaves;

/** {@link TicketSecrets}: keys of session tickets that all servers of a store have. */
class TicketSecretsTest {

    private static final int OCTETS = 80;
    private static final String TERMS = "terms";
    private static final KeyedCertificate CERTIFICATE = leaf();

    @TempDir
    private Path directory;

    private final ManualTime time = new ManualTime();
    private final MemoryCertificateStore.Medium medium = new MemoryCertificateStore.Medium();
    private CertificateStore store;
    private TicketSecrets here;
    private TicketSecrets there;

    @BeforeEach
    void open() throws Exception {
        store = new MemoryCertificateStore(medium, directory, time.clock());
        here = new TicketSecrets(store, time.clock());
        there = new TicketSecrets(store, time.clock());
    }

    private static KeyedCertificate leaf() {
        return TestLeaves.leaf(Instant.parse("2026-11-20T00:00:00Z"), Duration.ofDays(30), "shop.customer.test");
    }

    private static SessionScope scope(String name, KeyedCertificate certificate) {
        return SessionScope.of(new Admission.Serve(ServerName.parse(name), certificate, false), name);
    }

    private static SessionScope shop() {
        return scope("shop.customer.test", CERTIFICATE);
    }

    private static Optional<byte[]> key(TicketSecrets secrets, SessionScope scope) {
        return secrets.key(scope, secrets.day(scope), TERMS, OCTETS);
    }

    @Test
    void isOfNoUseBeforeItHasLooked() {
        assertThat(here.day(shop())).isEqualTo(TicketSecrets.NONE);
        assertThat(key(here, shop())).isEmpty();
    }

    @Test
    void allServersOfAStoreHaveTheSameKey() {
        here.look();
        there.look();

        assertThat(here.day(shop())).isEqualTo(there.day(shop())).isNotEqualTo(TicketSecrets.NONE);
        assertThat(key(here, shop())).hasValueSatisfying(key -> assertThat(key).hasSize(OCTETS));
        assertThat(key(there, shop()).orElseThrow()).isEqualTo(key(here, shop()).orElseThrow());
    }

    @Test
    void aRestartChangesNothing() {
        here.look();
        byte[] before = key(here, shop()).orElseThrow();

        TicketSecrets again = new TicketSecrets(store, time.clock());
        again.look();

        assertThat(key(again, shop())).hasValueSatisfying(key -> assertThat(key).isEqualTo(before));
    }

    @Test
    void anotherNameCertificateOrSetOfTermsHasAnotherKey() {
        here.look();
        long day = here.day(shop());
        byte[] key = here.key(shop(), day, TERMS, OCTETS).orElseThrow();

        assertThat(here.key(scope("blog.customer.test", CERTIFICATE), day, TERMS, OCTETS)
                        .orElseThrow())
                .isNotEqualTo(key);
        assertThat(here.key(scope("shop.customer.test", leaf()), day, TERMS, OCTETS)
                        .orElseThrow())
                .isNotEqualTo(key);
        assertThat(here.key(shop(), day, "others", OCTETS).orElseThrow()).isNotEqualTo(key);
        assertThat(here.key(SessionScope.of(null, "shop.customer.test"), day, TERMS, OCTETS)
                        .orElseThrow())
                .isNotEqualTo(key);
    }

    @Test
    void aKeyIsGoodForADayAndEachNameChangesAtAnHourOfItsOwn() {
        here.look();
        long shopDay = here.day(shop());
        SessionScope blog = scope("blog.customer.test", CERTIFICATE);
        long blogDay = here.day(blog);
        byte[] first = key(here, shop()).orElseThrow();
        int shopChanged = 0;
        int blogChanged = 0;

        for (int hour = 1; hour <= 24; hour++) {
            time.advance(Duration.ofHours(1));
            here.look();
            shopChanged = shopChanged == 0 && here.day(shop()) != shopDay ? hour : shopChanged;
            blogChanged = blogChanged == 0 && here.day(blog) != blogDay ? hour : blogChanged;
        }

        assertThat(here.day(shop())).isEqualTo(shopDay + 1);
        assertThat(here.day(blog)).isEqualTo(blogDay + 1);
        assertThat(shopChanged).isPositive().isNotEqualTo(blogChanged);
        assertThat(key(here, shop()).orElseThrow()).isNotEqualTo(first);
    }

    @Test
    void whatIsOverIsKeptNowhere() throws Exception {
        here.look();
        long day = here.day(shop());
        byte[] stored = store.readSecret("tickets/" + Math.floorMod(day, 4)).orElseThrow();

        time.advance(Duration.ofDays(2));
        here.look();

        assertThat(here.key(shop(), day, TERMS, OCTETS)).isEmpty();
        for (int place = 0; place < 4; place++) {
            Optional<byte[]> content = store.readSecret("tickets/" + place);
            if (place != Math.floorMod(day, 4)) {
                assertThat(content)
                        .hasValueSatisfying(octets -> assertThat(octets).isNotEqualTo(stored));
            }
        }
        time.advance(Duration.ofDays(1));
        here.look();
        assertThat(store.readSecret("tickets/" + Math.floorMod(day, 4)))
                .hasValueSatisfying(octets -> assertThat(octets).isNotEqualTo(stored));
    }

    @Test
    void aDayBeginsWithASecretThatAllHaveReadBefore() {
        here.look();
        there.look();
        long day = here.day(shop());

        time.advance(Duration.ofDays(1));

        assertThat(here.day(shop())).isEqualTo(there.day(shop())).isEqualTo(day + 1);
        assertThat(key(there, shop()).orElseThrow()).isEqualTo(key(here, shop()).orElseThrow());
    }

    @Test
    void twoThatWroteAtTheSameTimeAgreeAMinuteLater() throws Exception {
        // Both places are taken by what is over, so that the one who writes last stays.
        here.look();
        time.advance(Duration.ofDays(30));
        byte[] before = store.readSecret("tickets/0").orElseThrow();
        here.look();
        for (int place = 0; place < 4; place++) {
            store.writeSecret("tickets/" + place, before);
        }
        there.look();
        assertThat(key(there, shop()).orElseThrow())
                .isNotEqualTo(key(here, shop()).orElseThrow());

        var scheduler = time.scheduler();
        here.watch(scheduler, Runnable::run);
        there.watch(scheduler, Runnable::run);
        time.advance(Duration.ofMinutes(1));

        assertThat(key(there, shop()).orElseThrow()).isEqualTo(key(here, shop()).orElseThrow());
    }

    @Test
    void aStoreThatDoesNotAnswerLeavesWhatIsKnown() {
        boolean[] down = {false};
        TicketSecrets unlucky = new TicketSecrets(
                Except.of(CertificateStore.class, store, "readSecret", through -> {
                    if (down[0]) {
                        throw new StoreException("down");
                    }
                    return through.call();
                }),
                time.clock());
        unlucky.look();
        byte[] known = key(unlucky, shop()).orElseThrow();

        down[0] = true;
        unlucky.look();

        assertThat(key(unlucky, shop()))
                .hasValueSatisfying(key -> assertThat(key).isEqualTo(known));
    }

    @Test
    void aSecretThatCannotBeReadIsLeftWhereItIs() throws Exception {
        try (CertificateStore files = files(KeySealing.none())) {
            TicketSecrets able = new TicketSecrets(files, time.clock());
            able.look();
            byte[] before = key(able, shop()).orElseThrow();
            Path place = directory.resolve("files/tickets/" + Math.floorMod(able.day(shop()), 4));
            Path aside = directory.resolve("aside");
            Files.move(place, aside);
            Files.createDirectory(place);

            TicketSecrets unable = new TicketSecrets(files, time.clock());
            unable.look();
            able.look();

            assertThat(unable.day(shop())).isEqualTo(TicketSecrets.NONE);
            assertThat(key(able, shop()))
                    .hasValueSatisfying(key -> assertThat(key).isEqualTo(before));
            Files.delete(place);
            Files.move(aside, place);
            unable.look();
            assertThat(key(unable, shop()))
                    .hasValueSatisfying(key -> assertThat(key).isEqualTo(before));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "no secret",
                "-----BEGIN TICKET PRIVATE KEY-----",
                "-----BEGIN TICKET PRIVATE KEY-----\nAAAA\n-----END TICKET PRIVATE KEY-----\n",
                "-----BEGIN TICKET PRIVATE KEY-----\n=\n-----END TICKET PRIVATE KEY-----\n"
            })
    void whatIsNoSecretIsReplaced(String content) throws Exception {
        for (int place = 0; place < 4; place++) {
            store.writeSecret("tickets/" + place, content.getBytes(StandardCharsets.US_ASCII));
        }

        here.look();
        there.look();

        assertThat(key(there, shop()).orElseThrow()).isEqualTo(key(here, shop()).orElseThrow());
    }

    @Test
    void aSecretThatWasKeptInClearIsEncryptedOnceThereIsAKey() throws Exception {
        Path place;
        byte[] before;
        try (CertificateStore clear = files(KeySealing.none())) {
            TicketSecrets secrets = new TicketSecrets(clear, time.clock());
            secrets.look();
            before = key(secrets, shop()).orElseThrow();
            place = directory.resolve("files/tickets/" + Math.floorMod(secrets.day(shop()), 4));
        }
        String inClear = Files.readString(place);

        try (CertificateStore sealed = files(KeySealing.of(List.of(new byte[32])))) {
            TicketSecrets secrets = new TicketSecrets(sealed, time.clock());
            secrets.look();
            assertThat(key(secrets, shop()))
                    .hasValueSatisfying(key -> assertThat(key).isEqualTo(before));
            Awaitility.await()
                    .untilAsserted(() -> assertThat(Files.readString(place))
                            .doesNotContain(inClear.lines().skip(1).findFirst().orElseThrow())
                            .contains("ENCRYPTED"));
        }
    }

    private CertificateStore files(KeySealing sealing) throws StoreException {
        return FileCertificateStore.open(
                directory.resolve("files"),
                new RecordedEvents().events(),
                time.machine(),
                FileCertificateStore.LOCK_WAIT,
                sealing);
    }

    @Test
    void aServerWhoseClockIsYearsAheadDoesNotTakeThePlaces() {
        ManualTime wrong = new ManualTime();
        wrong.jump(Duration.ofDays(3650));
        new TicketSecrets(store, wrong.clock()).look();

        here.look();
        there.look();

        assertThat(key(there, shop()).orElseThrow()).isEqualTo(key(here, shop()).orElseThrow());
    }

    @Test
    void aServerWhoseClockIsADayAheadIsLeftItsPlace() throws Exception {
        ManualTime ahead = new ManualTime();
        ahead.jump(Duration.ofDays(3));
        TicketSecrets early = new TicketSecrets(store, ahead.clock());
        early.look();
        byte[] key = key(early, shop()).orElseThrow();

        here.look();
        early.look();

        assertThat(key(early, shop())).hasValueSatisfying(now -> assertThat(now).isEqualTo(key));
    }

    @Test
    void aClockThatWasAYearAheadDoesNotPutOffTheNextLookByAYear() {
        time.jump(Duration.ofDays(365));
        here.watch(time.scheduler(), Runnable::run);
        time.advance(Duration.ofSeconds(1));
        assertThat(key(here, shop())).isPresent();

        time.jump(Duration.ofDays(-365));
        time.advance(Duration.ofMinutes(1));

        assertThat(key(here, shop())).isPresent();
    }

    @Test
    void aWorkerWithoutRoomIsAskedAgain() {
        var scheduler = time.scheduler();
        var full = new Object() {
            private int refused;
        };
        here.watch(scheduler, task -> {
            if (full.refused++ < 2) {
                throw new RejectedExecutionException();
            }
            task.run();
        });

        time.advance(Duration.ofMinutes(2));

        assertThat(key(here, shop())).isPresent();
        assertThat(full.refused).isEqualTo(3);
    }
}
