package org.ondemandtls.status;

import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import org.ondemandtls.challenge.ChallengeBoard;
import org.ondemandtls.challenge.Vantages;
import org.ondemandtls.config.ConfigReader;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.issuance.Budget;
import org.ondemandtls.issuance.Issuance;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.Permission;
import org.ondemandtls.permission.PermissionPolicy.Decision;
import org.ondemandtls.preflight.Preflight;
import org.ondemandtls.renewal.Orders;
import org.ondemandtls.renewal.Renewal;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.testing.Configurations;
import org.ondemandtls.testing.DirectExecutor;
import org.ondemandtls.testing.IssuanceFixture;

/** The contract over the floors of {@link IssuanceFixture}: by a clock that the test moves, with CAs that fail as told. */
final class StatusHouse implements AutoCloseable {

    static final String CA = "https://ca.example/directory";

    private final IssuanceFixture floors;
    private final Vantages vantages;
    private final ChallengeBoard board;
    private Preflight preflight = Preflight.NONE;
    private Predicate<ServerName> configured = name -> false;
    private Operations.Floors own;
    private Operations operations;
    private Renewal renewal;
    private Permission permission;

    /** Everything is granted, and nothing counted. */
    StatusHouse(Path directory) throws Exception {
        floors = new IssuanceFixture(directory, true);
        floors.ask((name, purpose) -> CompletableFuture.completedFuture(new Decision.Granted()));
        vantages = new Vantages(address -> false, floors.time().clock());
        board = new ChallengeBoard(
                ChallengeBoard.Elsewhere.NONE, (name, host) -> {}, floors.time().clock(), vantages);
        begin(Map.of());
    }

    Renewal renewal() {
        return renewal;
    }

    /** Begins anew, as a restart does, with some keys. */
    void begin(Map<String, String> keys) throws Exception {
        begin(floors.store(), keys);
    }

    /** Begins anew on another view of the store. */
    void begin(CertificateStore store, Map<String, String> keys) throws Exception {
        if (renewal != null) {
            renewal.close();
            permission.close();
        }
        Map<String, String> all = new HashMap<>(
                Map.of("onDemandTls.permission.names", "*.example.com", "onDemandTls.acme.directory", CA));
        all.putAll(keys);
        Budget budget = keys.isEmpty()
                ? IssuanceFixture.unlimited(floors.store(), floors.time().clock())
                : Budget.of(
                        floors.store().ledger(),
                        ConfigReader.read(all, Path.of("")),
                        floors.time().clock());
        Issuance issuance = floors.issuance(new DirectExecutor(), new DirectExecutor(), budget);
        renewal = new Renewal(
                new Renewal.Floors(
                        store,
                        Orders.of(issuance),
                        floors.authorities(),
                        chain -> false,
                        floors.inventory(),
                        floors.visits(),
                        floors.watch(),
                        floors.recorded().events()),
                new OnDemandTlsConfig.Renewal(
                        Optional.empty(),
                        Duration.ofDays(30),
                        Duration.ofDays(7),
                        Duration.ofDays(1),
                        Optional.empty()),
                List.of(),
                8,
                new Renewal.Ports(
                        Runnable::run,
                        Runnable::run,
                        floors.time().scheduler(),
                        floors.time().clock(),
                        floors.time()::nanoTime,
                        () -> 0.0,
                        Duration.ofSeconds(60)));
        permission = new Permission(
                Configurations.permission(null, "*.one.example", "*.two.example", "*.example.com"),
                Configurations.shield(16, 256),
                null,
                new Permission.Ports(new DirectExecutor(), floors.time().scheduler(), floors.time()::nanoTime),
                floors.recorded().events());
        Recent recent = new Recent(floors.time().clock());
        KeptHistory history = new KeptHistory(
                floors.store(),
                recent,
                floors.time().machine(),
                floors.recorded().events());
        history.close();
        floors.recorded().events().tap(recent);
        own = new Operations.Floors(
                "1",
                store,
                floors.inventory(),
                issuance,
                renewal,
                budget,
                floors.authorities(),
                floors.recorded().events(),
                recent,
                history,
                vantages,
                name -> configured.test(name),
                floors.watch(),
                floors.time().clock(),
                floors.time().scheduler());
        operations = new Operations(own, new Diagnosis.Instruments(own, permission, preflight));
    }

    /** Has names looked at by another preflight, from the next beginning on. */
    void preflight(Preflight other) {
        preflight = other;
    }

    /** Gives the server a certificate of its own configuration for a name. */
    void configure(ServerName name) {
        configured = name::equals;
    }

    /** The floors below. */
    IssuanceFixture floors() {
        return floors;
    }

    /** What the contract joins. */
    Operations.Floors own() {
        return own;
    }

    /** The contract. */
    Operations operations() {
        return operations;
    }

    /** Where proofs are shown. */
    ChallengeBoard board() {
        return board;
    }

    /** From where CAs came. */
    Vantages vantages() {
        return vantages;
    }

    /** A visit: whether its client was served. */
    boolean visit(ServerName name) {
        return !own.issuance().obtain(name, ClientBlock.LOCAL).isCompletedExceptionally();
    }

    /** The line for a support person. */
    String explain(ServerName name) {
        return new Explanation(own, Preflight.NONE, () -> false).of(name);
    }

    /** What stands in the way of a name, as a diagnosis finds it. */
    List<Diagnosis.Finding> inTheWay(ServerName name) throws Exception {
        return operations.diagnose(name).findings().stream()
                .filter(finding -> !finding.good())
                .toList();
    }

    @Override
    public void close() {
        renewal.close();
        permission.close();
        floors.close();
    }
}
