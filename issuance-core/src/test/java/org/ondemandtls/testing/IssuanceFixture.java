package org.ondemandtls.testing;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.certificate.KeySupply;
import org.ondemandtls.config.ConfigReader;
import org.ondemandtls.inventory.Inventory;
import org.ondemandtls.inventory.Visits;
import org.ondemandtls.issuance.Budget;
import org.ondemandtls.issuance.ClockWatch;
import org.ondemandtls.issuance.Issuance;
import org.ondemandtls.permission.Permission;
import org.ondemandtls.permission.PermissionPolicy;
import org.ondemandtls.preflight.Preflight;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.MemoryCertificateStore;
import org.ondemandtls.store.file.FileCertificateStore;

/** The floors up to issuance over a real store, by a clock and executors that the test moves. */
public final class IssuanceFixture implements AutoCloseable {

    private final ManualTime time;
    private final RecordedEvents recorded = new RecordedEvents();
    private final ExecutorService permissionThreads = Executors.newSingleThreadExecutor();
    private final Inventory inventory;
    private final Visits visits;
    private ClockWatch watch;
    private final List<FakeAuthority> authorities = new ArrayList<>();
    private final Path directory;
    private CertificateStore store;

    private @Nullable PermissionPolicy policy;
    private Preflight preflight = Preflight.NONE;
    private KeySupply keys = issuer -> TestCertificates.key();

    /** Opens a store of files in a directory; there is one CA. */
    public IssuanceFixture(Path directory) throws Exception {
        this(directory, false);
    }

    /** Opens a store of files, or one in memory where years are to pass; there is one CA. */
    public IssuanceFixture(Path directory, boolean inMemory) throws Exception {
        this(directory, new ManualTime());
        this.store = inMemory
                ? new MemoryCertificateStore(new MemoryCertificateStore.Medium(), directory, time.clock())
                : FileCertificateStore.open(directory, recorded.events(), time.machine(), Duration.ZERO);
    }

    /** One of several servers on a store in memory; there is one CA. */
    public IssuanceFixture(MemoryCertificateStore.Medium medium, Path directory, ManualTime time) throws Exception {
        this(directory, time);
        this.store = new MemoryCertificateStore(medium, directory, time.clock(), true);
    }

    private IssuanceFixture(Path directory, ManualTime time) {
        this.directory = directory;
        this.time = time;
        this.inventory = new Inventory(100, time.clock());
        this.visits = new Visits(100, time.clock());
        this.watch =
                new ClockWatch(time.clock(), time::nanoTime, () -> Optional.of(time.upSinceBoot()), recorded.events());
        authorities.add(new FakeAuthority("https://ca.example/directory", time.clock()::instant));
    }

    /** Adds a CA to the end of the list. */
    public FakeAuthority addAuthority(String id) {
        FakeAuthority added = new FakeAuthority(id, time.clock()::instant);
        authorities.add(added);
        return added;
    }

    /** Asks a policy for the names outside {@code *.example.com}, on the thread that asks. */
    public void ask(PermissionPolicy newPolicy) {
        policy = newPolicy;
    }

    /** Has names looked at before an order, from the next {@link #issuance} on. */
    public void preflight(Preflight newPreflight) {
        preflight = newPreflight;
    }

    /** Has keys for certificates made otherwise, from the next {@link #issuance} on. */
    public void keys(KeySupply newKeys) {
        keys = newKeys;
    }

    /** A budget without limits, as that of a CA of one's own is. */
    public static Budget unlimited(CertificateStore store, Clock clock) throws Exception {
        return Budget.of(
                store.ledger(),
                ConfigReader.read(
                        Map.of("onDemandTls.issuer", "internal", "onDemandTls.permission.names", "*.example.com"),
                        Path.of("")),
                clock);
    }

    /** Issuance without limits of a CA's over all this; names in {@code *.example.com} are granted. */
    public Issuance issuance(Executor lookups, Executor orders) throws Exception {
        return issuance(lookups, orders, unlimited(store, time.clock()));
    }

    /** Issuance over all this; names in {@code *.example.com} are granted. */
    public Issuance issuance(Executor lookups, Executor orders, Budget budget) {
        Permission permission = new Permission(
                Configurations.permission(null, "*.example.com"),
                Configurations.shield(16, 256),
                policy,
                new Permission.Ports(
                        policy == null ? permissionThreads : new DirectExecutor(), time.scheduler(), time::nanoTime),
                recorded.events());
        return new Issuance(
                new Issuance.Floors(
                        store,
                        permission,
                        preflight,
                        List.<Authority>copyOf(authorities),
                        inventory,
                        keys,
                        budget,
                        watch,
                        Configurations.shield(16, 256),
                        Duration.ofSeconds(25),
                        recorded.events()),
                new Issuance.Ports(lookups, orders, time.clock(), time::nanoTime, () -> 0.0, time.scheduler()));
    }

    /** Puts something before the store, from the next {@link #issuance} on. */
    public void before(UnaryOperator<CertificateStore> other) {
        store = other.apply(store);
    }

    /** Closes the store and opens it again, as a restart does. */
    public void reopenStore() throws Exception {
        store.close();
        store = FileCertificateStore.open(directory, recorded.events(), time.machine(), Duration.ZERO);
    }

    /** The clocks. */
    public ManualTime time() {
        return time;
    }

    /** What was reported. */
    public RecordedEvents recorded() {
        return recorded;
    }

    /** What is served. */
    public Inventory inventory() {
        return inventory;
    }

    /** What is visited. */
    public Visits visits() {
        return visits;
    }

    /** Takes the clock for right as it is now, as a process that starts does. */
    public void restartWatch() {
        watch = new ClockWatch(time.clock(), time::nanoTime, () -> Optional.of(time.upSinceBoot()), recorded.events());
    }

    /** Whether the clock is trusted. */
    public ClockWatch watch() {
        return watch;
    }

    /** The first CA. */
    public FakeAuthority authority() {
        return authorities.get(0);
    }

    /** All CAs. */
    public List<Authority> authorities() {
        return List.copyOf(authorities);
    }

    /** What survives. */
    public CertificateStore store() {
        return store;
    }

    @Override
    public void close() {
        store.close();
        permissionThreads.shutdownNow();
    }
}
