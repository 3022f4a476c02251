package org.ondemandtls.issuance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.PermissionPolicy.Decision;
import org.ondemandtls.preflight.Preflight;
import org.ondemandtls.preflight.Verdict;
import org.ondemandtls.testing.IssuanceFixture;
import org.ondemandtls.testing.ManualTime;

/** {@link Issuance} beside {@link Preflight}: what is looked at, and when. */
class LookedAtNamesTest {

    private static final ServerName SHOP = ServerName.parse("shop.elsewhere.example");
    private static final ClientBlock ALICE = new ClientBlock("4:0a0000");

    private final ManualTime.Tasks lookups = new ManualTime.Tasks();
    private final ManualTime.Tasks orders = new ManualTime.Tasks();
    private final List<String> said = new ArrayList<>();
    private final CompletableFuture<Decision> decision = new CompletableFuture<>();

    private IssuanceFixture house;
    private Issuance issuance;

    @BeforeEach
    void open(@TempDir Path directory) throws Exception {
        house = new IssuanceFixture(directory);
        house.ask((name, purpose) -> decision);
        house.preflight(new Preflight() {
            @Override
            public CompletableFuture<Optional<Verdict>> look(ServerName name, ClientBlock client) {
                said.add("look " + name + " for " + client);
                return CompletableFuture.completedFuture(Optional.empty());
            }

            @Override
            public CompletableFuture<Optional<Verdict>> probe(ServerName name, ClientBlock client) {
                said.add("probe " + name + " for " + client);
                return CompletableFuture.completedFuture(Optional.empty());
            }

            @Override
            public void passOver(ServerName name) {
                said.add("pass over " + name);
            }

            @Override
            public void accepted(ServerName name) {
                said.add("accepted " + name);
            }
        });
        issuance = house.issuance(lookups, orders);
    }

    @AfterEach
    void close() {
        house.close();
    }

    private CompletableFuture<?> visit() {
        CompletableFuture<?> flight = issuance.obtain(SHOP, ALICE);
        lookups.runAll();
        return flight;
    }

    @Test
    void aNameIsNotLookedAtBeforePermissionHasGrantedIt() {
        visit();
        assertThat(said).isEmpty();

        decision.complete(new Decision.Granted());
        orders.runAll();

        assertThat(said)
                .containsExactly(
                        "look " + SHOP + " for 4:0a0000", "probe " + SHOP + " for 4:0a0000", "accepted " + SHOP);
    }

    @Test
    void aNameThatIsDeniedIsNeverLookedAt() {
        CompletableFuture<?> flight = visit();

        decision.complete(new Decision.Denied("unknown"));

        assertThat(flight).isCompletedExceptionally();
        assertThat(said).isEmpty();
    }

    @Test
    void aNameThatIsToBeTriedAgainIsPassedOver() throws Exception {
        issuance.retry(SHOP);

        assertThat(said).containsExactly("pass over " + SHOP);
    }
}
