package org.ondemandtls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.config.ConfigException;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.config.OnDemandTlsConfig.Issuer;
import org.ondemandtls.config.OnDemandTlsConfig.KeyType;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.PermissionPolicy;
import org.ondemandtls.permission.PermissionPolicy.Decision;
import org.ondemandtls.permission.PermissionPolicy.Purpose;
import org.ondemandtls.testing.NoServer;

/** {@link OnDemandTlsBuilder}: every key of the other doors, and a policy that is no key. */
class OnDemandTlsBuilderTest {

    private static final PermissionPolicy EXAMPLES =
            PermissionPolicy.grantingIf(name -> name.value().endsWith(".example"));

    @TempDir
    Path base;

    @Test
    void aPolicyIsEnoughOfAPermissionSource() throws Exception {
        OnDemandTlsSetup setup =
                OnDemandTls.builder().permissionPolicy(EXAMPLES).build(base);

        assertThat(setup.permissionPolicy()).containsSame(EXAMPLES);
        assertThat(setup.config().permission().hasSource()).isFalse();
        assertThat(setup.config().store().location())
                .isEqualTo(base.resolve("ondemand-tls").toString());
    }

    @Test
    void withoutAnySourceNothingIsBuilt() {
        assertThatThrownBy(() -> OnDemandTls.builder().issuer(Issuer.INTERNAL).build(base))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("no permission source");
    }

    @Test
    void aPolicyAndAClassAreOneTooManyAndSaidWithEveryOtherMistake() {
        ConfigException mistakes = catchThrowableOfType(
                ConfigException.class,
                () -> OnDemandTls.builder()
                        .permissionPolicy(EXAMPLES)
                        .permission(keys -> keys.className("com.example.Mine"))
                        .set("onDemandTls.handshake.dedline", "10s")
                        .build(base));

        assertThat(mistakes.mistakes())
                .hasSize(2)
                .anySatisfy(mistake -> assertThat(mistake).startsWith("onDemandTls.permission.class is given beside"))
                .anySatisfy(mistake -> assertThat(mistake).contains("onDemandTls.handshake.deadline"));
    }

    @Test
    void everyKeySaysTheSameAsThroughTheConfiguration() throws Exception {
        OnDemandTlsSetup setup = OnDemandTls.builder()
                .permission(keys -> keys.names("*.example.com"))
                .issuer(Issuer.INTERNAL)
                .acme(acme -> acme.email("ops@example.com"))
                .certificateKey(KeyType.P_384)
                .store(base.resolve("kept"))
                .handshake(handshake -> handshake.parked(5))
                .set("onDemandTls.handshake.deadline", "10s")
                .build(base);

        assertThat(setup)
                .isEqualTo(OnDemandTlsSetup.of(OnDemandTlsConfig.builder()
                        .permission(keys -> keys.names("*.example.com"))
                        .issuer(Issuer.INTERNAL)
                        .acme(acme -> acme.email("ops@example.com"))
                        .certificateKey(KeyType.P_384)
                        .store(base.resolve("kept"))
                        .handshake(handshake -> handshake.parked(5).deadline(Duration.ofSeconds(10)))
                        .build(base)));
        assertThat(setup.config().handshake().parked()).isEqualTo(5);
        assertThat(setup.config().keyType()).isEqualTo(KeyType.P_384);
    }

    @Test
    void aConfigurationMadeForAPolicyOpensNothingWithoutOne() throws Exception {
        OnDemandTlsConfig config =
                OnDemandTls.builder().permissionPolicy(EXAMPLES).build(base).config();

        assertThatThrownBy(() -> OnDemandTls.open(config, new NoServer()))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("no permission source");
        assertThat(Path.of(config.store().location())).doesNotExist();
    }

    @Test
    void aPolicyBesideAConfiguredClassOpensNothing() throws Exception {
        OnDemandTlsConfig config = OnDemandTlsConfig.builder()
                .permission(keys -> keys.className("com.example.Mine"))
                .build(base);

        assertThatThrownBy(() -> OnDemandTls.open(new OnDemandTlsSetup(config, Optional.of(EXAMPLES)), new NoServer()))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("keep one of them");
        assertThat(Path.of(config.store().location())).doesNotExist();
    }

    @Test
    void grantingIfGrantsWhatTheTestAcceptsAndDeniesTheRest() {
        assertThat(EXAMPLES.decide(ServerName.parse("a.example"), Purpose.OBTAIN))
                .isCompletedWithValue(new Decision.Granted());
        assertThat(EXAMPLES.decide(ServerName.parse("a.test"), Purpose.RENEW).toCompletableFuture())
                .isCompletedWithValueMatching(decision -> decision instanceof Decision.Denied);
    }
}
