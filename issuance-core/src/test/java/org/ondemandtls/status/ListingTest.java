package org.ondemandtls.status;

import static org.assertj.core.api.Assertions.assertThat;

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
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.Hold;
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

    @BeforeEach
    void open() throws Exception {
        house = new StatusHouse(directory);
        CertificateStore store = house.floors().store();
        house.begin(
                (CertificateStore) Proxy.newProxyInstance(
                        CertificateStore.class.getClassLoader(),
                        new Class<?>[] {CertificateStore.class},
                        (proxy, method, arguments) -> {
                            if (method.getName().equals("under")) {
                                questions++;
                                read += ((List<?>) arguments[0]).size();
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
}
