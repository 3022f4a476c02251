package org.ondemandtls.status;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.Hold;
import org.ondemandtls.store.Moved;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.testing.TestLeaves;

/** {@link Listing}: what a page costs, however many names there are. */
class ListingTest {

    private static final int MANY = Listing.READ_PER_PAGE + 150;
    private static final int MOST_QUESTIONS = 10;

    @TempDir
    private Path directory;

    private StatusHouse house;
    private int questions;
    private int read;
    private int byName;
    private Duration eachRead = Duration.ZERO;

    @BeforeEach
    void open() throws Exception {
        house = new StatusHouse(directory);
        CertificateStore store = house.floors().store();
        house.begin(
                (CertificateStore) Proxy.newProxyInstance(
                        CertificateStore.class.getClassLoader(),
                        new Class<?>[] {CertificateStore.class},
                        (proxy, method, arguments) -> {
                            byName += method.getName().equals("page") ? 1 : 0;
                            if (method.getName().equals("under")) {
                                questions++;
                                read += ((List<?>) arguments[0]).size();
                            }
                            if (List.of("under", "page", "find").contains(method.getName())) {
                                house.floors().time().jump(eachRead);
                            }
                            try {
                                return method.invoke(store, arguments);
                            } catch (InvocationTargetException e) {
                                throw e.getCause();
                            }
                        }),
                Map.of());
    }

    @AfterEach
    void close() {
        house.close();
    }

    private void takenAway(String name) throws Exception {
        Instant now = house.own().clock().instant();
        house.floors()
                .store()
                .keepHold(new Hold(
                        new Scope.TakenAway(ServerName.parse(name)),
                        "",
                        0,
                        now,
                        "operator",
                        "withdrawn by an operator",
                        Optional.empty()));
    }

    private Instant now() {
        return house.own().clock().instant();
    }

    private void save(String name, Duration life, Duration renew, UnaryOperator<StoredCertificate> change)
            throws Exception {
        StoredCertificate stored = StoredCertificate.obtained(
                TestLeaves.leaf(now().minus(Duration.ofDays(100)), life.plusDays(100), name),
                StatusHouse.CA,
                now(),
                now().plus(renew));
        house.floors().store().save(change.apply(stored));
    }

    private static StoredCertificate idle(StoredCertificate stored) {
        return stored.withDue(stored.certificate().notAfter().plusSeconds(1));
    }

    private static NameFilter in(NameState... states) {
        return new NameFilter("", Set.of(states), Optional.empty(), Optional.empty());
    }

    /** Everything behind a place, with what happens between two pages. */
    private List<String> listed(NameFilter filter, int limit, Runnable between) throws Exception {
        List<String> listed = new ArrayList<>();
        Optional<String> after = Optional.of("");
        while (after.isPresent()) {
            Operations.Page page = house.operations().list(filter, after.get(), limit);
            assertThat(page.names()).hasSizeLessThanOrEqualTo(limit);
            page.names().forEach(report -> listed.add(report.name()));
            after = page.next();
            between.run();
        }
        return listed;
    }

    private void oneOfEachKind() throws Exception {
        Duration life = Duration.ofDays(30);
        Duration over = Duration.ofDays(-2);
        Duration late = Duration.ofDays(-20);
        for (int number = 0; number < 3; number++) {
            String name = number + ".example.com";
            save("fresh" + name, life, Duration.ofDays(20), stored -> stored);
            save("late" + name, life, late, stored -> stored);
            save("idle" + name, life, late, ListingTest::idle);
            save("withdrawn" + name, life, late, stored -> stored.withWithdrawn(Optional.of(now())));
            save("moved" + name, life, late, stored -> stored.withMoved(Optional.of(new Moved(now(), "x", "y"))));
            save("over" + name, over, late, stored -> stored);
            save("over-idle" + name, over, late, ListingTest::idle);
            save("over-withdrawn" + name, over, late, stored -> stored.withWithdrawn(Optional.of(now())));
        }
    }

    private static List<String> three(String... kinds) {
        return Stream.of(kinds)
                .flatMap(kind -> Stream.of(kind + "0.example.com", kind + "1.example.com", kind + "2.example.com"))
                .toList();
    }

    @Test
    void severalStatesAreListedByTheirIndexesEachNameOnce() throws Exception {
        oneOfEachKind();
        for (int limit : new int[] {1, 2, 3, 4, 100}) {
            assertThat(listed(in(NameState.OVERDUE, NameState.EXPIRED), limit, () -> {}))
                    .containsExactlyElementsOf(three("late", "over-idle", "over"));
            assertThat(listed(
                            in(
                                    NameState.EXPIRED,
                                    NameState.IDLE,
                                    NameState.MOVED_AWAY,
                                    NameState.OVERDUE,
                                    NameState.WITHDRAWN),
                            limit,
                            () -> {}))
                    .containsExactlyInAnyOrderElementsOf(
                            three("late", "idle", "withdrawn", "over-withdrawn", "moved", "over", "over-idle"));
        }

        assertThat(byName)
                .as("pages by name, for which every certificate is read")
                .isZero();
        NameFilter begun = new NameFilter(
                "late1", Set.of(NameState.OVERDUE, NameState.EXPIRED), Optional.empty(), Optional.empty());
        assertThat(listed(begun, 2, () -> {})).containsExactly("late1.example.com");
        assertThat(byName).isZero();
    }

    @Test
    void statesThatOnlyMemoryKnowsAreListedByName() throws Exception {
        oneOfEachKind();

        assertThat(listed(in(NameState.OVERDUE, NameState.STORED), 2, () -> {}))
                .containsExactlyInAnyOrderElementsOf(three("fresh", "late"));
        assertThat(byName).isPositive();
    }

    @Test
    void whatExpiresBetweenTwoPagesIsListedOnce() throws Exception {
        NameFilter filter = in(NameState.OVERDUE, NameState.EXPIRED, NameState.IDLE);
        save("early.example.com", Duration.ofHours(1), Duration.ofDays(-20), stored -> stored);
        save("late.example.com", Duration.ofHours(1), Duration.ofDays(-10), stored -> stored);
        save("idle.example.com", Duration.ofHours(1), Duration.ofDays(-10), ListingTest::idle);

        assertThat(listed(filter, 1, () -> house.floors().time().jump(Duration.ofHours(2))))
                .containsExactly("early.example.com", "late.example.com", "idle.example.com");
    }

    @Test
    void namesWithdrawnWithoutACertificateComeBehindSeveralStates() throws Exception {
        save("late.example.com", Duration.ofDays(30), Duration.ofDays(-20), stored -> stored);
        save("w.example.com", Duration.ofDays(30), Duration.ZERO, stored -> stored.withWithdrawn(Optional.of(now())));
        takenAway("w.example.com");
        takenAway("without.example.com");

        for (int limit = 1; limit < 5; limit++) {
            assertThat(listed(in(NameState.OVERDUE, NameState.WITHDRAWN), limit, () -> {}))
                    .containsExactly("late.example.com", "w.example.com", "without.example.com");
        }
    }

    @Test
    void aListOfSeveralStatesGoesOnByNameWhereItWasBegunByName() throws Exception {
        oneOfEachKind();
        NameFilter filter = in(NameState.OVERDUE, NameState.EXPIRED);

        assertThat(house.operations().list(filter, "late1.example.com", 9).names())
                .extracting(NameReport::name)
                .containsExactly(
                        "late2.example.com",
                        "over-idle0.example.com",
                        "over-idle1.example.com",
                        "over-idle2.example.com",
                        "over0.example.com",
                        "over1.example.com",
                        "over2.example.com");
    }

    @Test
    void aPlaceThatNoPageEndedAtIsRefused() {
        for (String place : List.of("states/", "states/1/OVERDUE", "states/now/OVERDUE/", "states/1/late/x")) {
            assertThatThrownBy(() -> house.operations().list(in(NameState.OVERDUE, NameState.EXPIRED), place, 9))
                    .as(place)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("not where a page has ended");
        }
    }

    @Test
    void aPageReadsABoundedNumberOfCertificatesHoweverManyNamesAnOperatorHasWithdrawn() throws Exception {
        Instant now = house.own().clock().instant();
        var leaf = TestLeaves.leaf(now, Duration.ofDays(90), "n.example.com");
        List<String> names = new ArrayList<>();
        for (int number = 0; number < MANY; number++) {
            String name = "n" + (MANY + number) + ".example.com";
            house.floors()
                    .store()
                    .save(StoredCertificate.obtained(
                                    TestLeaves.leaf(leaf.leaf().getPublicKey(), leaf.key(), now, name),
                                    StatusHouse.CA,
                                    now,
                                    now.plus(Duration.ofDays(60)))
                            .withWithdrawn(Optional.of(now)));
            takenAway(name);
            names.add(name);
        }
        takenAway("without.example.com");
        names.add("without.example.com");
        var withdrawn = new NameFilter("", Set.of(NameState.WITHDRAWN), Optional.empty(), Optional.empty());
        List<String> listed = new ArrayList<>();

        Optional<String> after = Optional.of("");
        while (after.isPresent()) {
            questions = 0;
            read = 0;
            Operations.Page page = house.operations().list(withdrawn, after.get(), Operations.LONGEST_PAGE);
            page.names().forEach(report -> listed.add(report.name()));
            after = page.next();

            assertThat(read).as("certificates read for a page").isLessThanOrEqualTo(Listing.READ_PER_PAGE);
            assertThat(questions).as("questions to the store for a page").isLessThanOrEqualTo(MOST_QUESTIONS);
        }

        assertThat(listed).containsExactlyElementsOf(names);
    }

    @Test
    void aPageEndsInTimeWhereReadingIsSlowAndTheNextGoesOnFromThere() throws Exception {
        List<String> names = new ArrayList<>();
        for (int number = 0; number < 200; number++) {
            String name = "n" + (1000 + number) + ".example.com";
            takenAway(name);
            names.add(name);
            if (number % 2 == 0) {
                save("late-" + name, Duration.ofDays(30), Duration.ofDays(-20), stored -> stored);
            }
        }
        eachRead = Listing.LONGEST;
        for (NameFilter filter : List.of(
                in(NameState.OVERDUE),
                in(NameState.OVERDUE, NameState.EXPIRED),
                new NameFilter("late-", Set.of(), Optional.empty(), Optional.empty()))) {
            Operations.Page first = house.operations().list(filter, "", Operations.LONGEST_PAGE);

            assertThat(first.names()).hasSizeBetween(1, 60);
            assertThat(first.next()).isPresent();
            assertThat(listed(filter, Operations.LONGEST_PAGE, () -> {}))
                    .hasSize(100)
                    .doesNotHaveDuplicates();
        }
        assertThat(house.operations()
                        .list(in(NameState.WITHDRAWN), "", Operations.LONGEST_PAGE)
                        .names())
                .hasSizeLessThan(25);
        assertThat(listed(in(NameState.WITHDRAWN), Operations.LONGEST_PAGE, () -> {}))
                .containsExactlyElementsOf(names);
    }
}
