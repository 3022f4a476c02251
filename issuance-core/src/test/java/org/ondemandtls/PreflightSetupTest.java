package org.ondemandtls;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.challenge.ChallengeBoard;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.config.OnDemandTlsConfig.Issuer;
import org.ondemandtls.inventory.Inventory;
import org.ondemandtls.name.CdnRanges;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.store.file.FileCertificateStore;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.NoServer;
import org.ondemandtls.testing.RecordedEvents;
import org.ondemandtls.testing.TestLeaves;

/** {@link PreflightSetup}: a name is served from memory, or from the store. */
class PreflightSetupTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");

    private final ManualTime time = new ManualTime();
    private final Inventory inventory = new Inventory(100, time.clock());

    @TempDir
    private Path directory;

    private FileCertificateStore store;

    @BeforeEach
    void open() throws Exception {
        store = FileCertificateStore.open(
                directory.resolve("store"), new RecordedEvents().events(), time.machine(), Duration.ZERO);
    }

    @AfterEach
    void close() {
        store.close();
    }

    private boolean isServed() throws Exception {
        OnDemandTlsConfig config = OnDemandTlsConfig.builder()
                .issuer(Issuer.INTERNAL)
                .set("onDemandTls.permission.names", "*.example.com")
                .build(directory);
        PreflightSetup.House house = new PreflightSetup.House(
                new NoServer(), List.of(), new ChallengeBoard(time.clock()), inventory, store, ServerName::value);
        return new PreflightSetup.Proofs(config, house, CdnRanges.bundled(), time.clock())
                .isServed(SHOP, InetAddress.getByName("192.0.2.7"));
    }

    private void save() throws Exception {
        Instant now = time.clock().instant();
        store.save(StoredCertificate.obtained(
                TestLeaves.leaf(now, Duration.ofDays(1), SHOP.value()), "internal", now, now));
    }

    @Test
    void nothingIsServedThatIsNowhere() throws Exception {
        assertThat(isServed()).isFalse();
    }

    @Test
    void whatIsInMemoryIsServed() throws Exception {
        inventory.publish(TestLeaves.leaf(time.clock().instant(), Duration.ofDays(1), SHOP.value()));

        assertThat(isServed()).isTrue();
    }

    @Test
    void whatIsInTheStoreOnlyIsServedUntilItExpires() throws Exception {
        save();
        assertThat(isServed()).isTrue();

        time.advance(Duration.ofDays(2));

        assertThat(isServed()).isFalse();
    }
}
