package org.ondemandtls;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.preflight.Preflight;
import org.ondemandtls.preflight.Verdict;
import org.ondemandtls.testing.NoServer;

/** {@link AuthoritySetup}: which proofs a server without plain HTTP can show, going by what is known of a name. */
class AuthoritySetupTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");

    @TempDir
    private Path directory;

    private boolean throughProxies = true;
    private @Nullable String cdn;
    private boolean direct;

    private Iterable<ChallengeType> usable() throws Exception {
        OnDemandTlsConfig config = OnDemandTlsConfig.builder()
                .set("onDemandTls.permission.names", "*.example.com")
                .set("onDemandTls.challenge.throughProxies", Boolean.toString(throughProxies))
                .build(directory);
        return AuthoritySetup.usable(config, new NoServer(), new Known(), SHOP);
    }

    private final class Known implements Preflight {

        @Override
        public CompletableFuture<Optional<Verdict>> look(ServerName name, ClientBlock client) {
            throw new AssertionError("nobody looks for an order");
        }

        @Override
        public CompletableFuture<Optional<Verdict>> probe(ServerName name, ClientBlock client) {
            throw new AssertionError("nobody looks for an order");
        }

        @Override
        public Optional<String> cdn(ServerName name) {
            return Optional.ofNullable(cdn);
        }

        @Override
        public boolean isDirect(ServerName name) {
            return direct;
        }
    }

    @Test
    void aNameBehindACdnIsProvedThroughIt() throws Exception {
        cdn = "Edge";
        assertThat(usable()).containsExactly(ChallengeType.HTTP_01);
    }

    @Test
    void aNameBehindACdnIsNotProvedWhereTheKeyIsFalse() throws Exception {
        cdn = "Edge";
        throughProxies = false;
        assertThat(usable()).isEmpty();
    }

    @Test
    void aNameThatLeadsHereIsProvedByTlsOnly() throws Exception {
        direct = true;
        assertThat(usable()).containsExactly(ChallengeType.TLS_ALPN_01);
    }

    @Test
    void aNameWhoseDnsDidNotAnswerMayBeBehindOne() throws Exception {
        assertThat(usable()).containsExactlyInAnyOrder(ChallengeType.TLS_ALPN_01, ChallengeType.HTTP_01);
    }
}
