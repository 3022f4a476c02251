package org.ondemandtls;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.security.KeyPair;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.certificate.CertificationRequests;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.config.OnDemandTlsConfig.DatabaseStore;
import org.ondemandtls.config.OnDemandTlsConfig.Issuer;
import org.ondemandtls.event.Event;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.handshake.Admission;
import org.ondemandtls.machine.Time;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ClientHello;
import org.ondemandtls.name.RequestedName;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.KeySealing;
import org.ondemandtls.store.Lease;
import org.ondemandtls.store.OpenOrder;
import org.ondemandtls.store.jdbc.JdbcCertificateStore;
import org.ondemandtls.testing.Database;
import org.ondemandtls.testing.NoServer;
import org.ondemandtls.testing.TestCertificates;

/** Two engines on one database: one root, one certificate per name, and orders of a third that is gone. */
class SharedEnginesIT {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");

    private final List<Event> events = new CopyOnWriteArrayList<>();

    @TempDir
    private Path base;

    private String url;

    @BeforeEach
    void database() {
        url = Database.shared(Database.Kind.POSTGRESQL).fresh();
    }

    private OnDemandTls open() throws Exception {
        OnDemandTlsConfig config = OnDemandTlsConfig.builder()
                .issuer(Issuer.INTERNAL)
                .set("onDemandTls.permission.names", "*.example.com")
                .set("onDemandTls.store", url)
                .build(base);
        return OnDemandTls.open(config, new NoServer(events::add));
    }

    private static Admission.Serve visit(OnDemandTls engine) throws Exception {
        Admission admission = engine.gate()
                .admit(new ClientHello(new RequestedName.Named(SHOP), List.of(), true, 0), ClientBlock.LOCAL);
        return (Admission.Serve)
                (admission instanceof Admission.Park park ? park.outcome().get(30, TimeUnit.SECONDS) : admission);
    }

    @Test
    void serveTheSameCertificateOfTheSameRoot() throws Exception {
        try (OnDemandTls one = open();
                OnDemandTls other = open()) {
            one.serve();
            other.serve();

            Admission.Serve first = visit(one);

            assertThat(visit(other).certificate().leaf())
                    .isEqualTo(first.certificate().leaf());
            assertThat(events)
                    .filteredOn(event -> event.kind() == EventKind.OBTAINED)
                    .hasSize(1);
            assertThat(other.challenges().hasElsewhere()).isTrue();
            assertThat(other.challenges().challengeElsewhere(SHOP))
                    .succeedsWithin(Duration.ofSeconds(10))
                    .isEqualTo(Optional.empty());
        }
    }

    @Test
    void finishTheOrderOfAServerThatIsGone() throws Exception {
        try (OnDemandTls engine = open()) {
            engine.serve();
            leaveAnOrder();

            Awaitility.await()
                    .atMost(Duration.ofMinutes(3))
                    .until(() -> events.stream().anyMatch(event -> event.kind() == EventKind.RESUMED));
            Awaitility.await()
                    .atMost(Duration.ofMinutes(3))
                    .until(() -> events.stream().anyMatch(event -> event.kind() == EventKind.OBTAINED));
        }
    }

    private void leaveAnOrder() throws Exception {
        try (CertificateStore gone = JdbcCertificateStore.open(
                new DatabaseStore(url, Optional.empty(), Optional.empty(), true, 2),
                new Events(events::add, System::nanoTime),
                Time.ofMachine(),
                KeySealing.none())) {
            KeyPair key = TestCertificates.key();
            Lease lease = gone.peers().take(SHOP).orElseThrow();
            gone.journal(
                    new OpenOrder(
                            SHOP,
                            "internal",
                            Clock.systemUTC().instant(),
                            Optional.empty(),
                            key,
                            CertificationRequests.request(key, SHOP)),
                    lease);
        }
    }
}
