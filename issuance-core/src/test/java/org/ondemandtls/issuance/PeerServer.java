package org.ondemandtls.issuance;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.MemoryCertificateStore;
import org.ondemandtls.store.Peers;
import org.ondemandtls.testing.FakeAuthority;
import org.ondemandtls.testing.IssuanceFixture;
import org.ondemandtls.testing.ManualTime;

/** One of several servers on one store, whose look-ups and orders run when the test says so. */
final class PeerServer implements AutoCloseable {

    private final IssuanceFixture house;
    private final MemoryCertificateStore store;
    private final ManualTime.Tasks lookups = new ManualTime.Tasks();
    private final ManualTime.Tasks orders = new ManualTime.Tasks();

    private Issuance issuance;
    private boolean full;

    PeerServer(MemoryCertificateStore.Medium medium, Path directory, ManualTime time) throws Exception {
        house = new IssuanceFixture(medium, Files.createDirectory(directory), time);
        store = (MemoryCertificateStore) house.store();
        begin();
    }

    /** Begins as after a start; what was put before its store counts from then on. */
    void begin() throws Exception {
        issuance = house.issuance(
                task -> {
                    if (full) {
                        throw new RejectedExecutionException("full");
                    }
                    lookups.execute(task);
                },
                orders);
    }

    /** Hears from now on what the others change. */
    void follows() {
        store.peers().follow(new Peers.News() {
            @Override
            public void changed(List<String> names) {
                issuance.changed(names);
            }

            @Override
            public void missed() {
                issuance.missed();
            }
        });
    }

    /** Whether no look-up fits any more. */
    void full(boolean now) {
        full = now;
    }

    CompletableFuture<KeyedCertificate> obtain(ServerName name) {
        CompletableFuture<KeyedCertificate> flight = issuance.obtain(name, ClientBlock.LOCAL);
        run();
        return flight;
    }

    /** Looks up what waits. */
    void look() {
        lookups.runAll();
    }

    /** Looks up, then orders, what waits. */
    void run() {
        lookups.runAll();
        orders.runAll();
    }

    IssuanceFixture house() {
        return house;
    }

    Issuance issuance() {
        return issuance;
    }

    FakeAuthority ca() {
        return house.authority();
    }

    MemoryCertificateStore store() {
        return store;
    }

    Optional<String> served(ServerName name) {
        return house.inventory().find(name).map(KeyedCertificate::id);
    }

    @Override
    public void close() {
        house.close();
    }
}
