package org.ondemandtls;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.MemoryCertificateStore;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.testing.FakeAuthority;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.RecordedEvents;
import org.ondemandtls.testing.TestLeaves;

/** {@link OtherCas}: certificates of a CA that is not asked any more. */
class OtherCasTest {

    private static final String STAGING = "https://staging.example/directory";
    private static final Duration LIFETIME = Duration.ofDays(90);

    private final ManualTime time = new ManualTime();
    private final Instant now = time.clock().instant();
    private final RecordedEvents recorded = new RecordedEvents();
    private final List<Authority> configured = List.of(new FakeAuthority("https://ca.example/directory", () -> now));

    @TempDir
    private Path ledger;

    private MemoryCertificateStore store;

    @BeforeEach
    void opened() throws Exception {
        store = new MemoryCertificateStore(new MemoryCertificateStore.Medium(), ledger, time.clock());
    }

    @AfterEach
    void closed() {
        store.close();
    }

    private StoredCertificate save(String issuer, String name) throws Exception {
        return store.save(StoredCertificate.obtained(
                TestLeaves.leaf(now, LIFETIME, name), issuer, now, now.plus(Duration.ofDays(60))));
    }

    private List<String> told() {
        OtherCas.tell(store, configured, time.clock(), recorded.events());
        return recorded.lines(EventKind.ADVICE);
    }

    @Test
    void areCountedAndNamedInOneLineThatSaysWhatToDo() throws Exception {
        save(STAGING, "a.example.com");
        save(STAGING, "b.example.com");
        save("internal", "c.example.com");
        save(configured.get(0).id(), "d.example.com");

        assertThat(told())
                .singleElement()
                .asString()
                .startsWith("3 stored certificates are from CAs that are not configured (" + STAGING + ", internal).")
                .contains("renew its name")
                .contains("empty " + store.location());
    }

    @Test
    void thatAreNotServedAreNoReasonForALine() throws Exception {
        save(configured.get(0).id(), "a.example.com");
        store.save(save(STAGING, "b.example.com").withWithdrawn(Optional.of(now)));
        assertThat(told()).isEmpty();

        save(STAGING, "c.example.com");
        time.advance(LIFETIME.plusDays(1));
        assertThat(told()).isEmpty();
    }

    @Test
    void ofWhichNobodyKnowsTheCaAreNoReasonForALine() throws Exception {
        save("certbot", "a.example.com");

        assertThat(told()).isEmpty();
    }

    @Test
    void areNoReasonForAStartToFailWhereVisitorsHaveAllThreads() throws Exception {
        save(STAGING, "a.example.com");

        OtherCas.tellOn(
                task -> {
                    throw new RejectedExecutionException("full");
                },
                store,
                configured,
                time.clock(),
                recorded.events());
        assertThat(recorded.lines(EventKind.ADVICE)).isEmpty();

        OtherCas.tellOn(Runnable::run, store, configured, time.clock(), recorded.events());
        assertThat(recorded.lines(EventKind.ADVICE)).hasSize(1);
    }

    @Test
    void noMoreThanABoundAreLookedAt() throws Exception {
        for (int i = 0; i <= OtherCas.LOOKED_AT; i++) {
            save(STAGING, "n" + i + ".example.com");
        }

        assertThat(told()).singleElement().asString().startsWith("at least " + OtherCas.LOOKED_AT + " stored");
    }

    @Test
    void aStoreThatDoesNotAnswerIsNotToldOfHere() {
        CertificateStore gone = (CertificateStore) Proxy.newProxyInstance(
                OtherCasTest.class.getClassLoader(),
                new Class<?>[] {CertificateStore.class},
                (self, method, arguments) -> {
                    throw new StoreException("no connection");
                });

        OtherCas.tell(gone, configured, time.clock(), recorded.events());

        assertThat(recorded.lines(EventKind.ADVICE)).isEmpty();
    }
}
