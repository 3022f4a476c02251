package org.ondemandtls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import javax.management.ObjectName;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.config.ConfigException;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.config.OnDemandTlsConfig.Issuer;
import org.ondemandtls.event.Event;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.handshake.Admission;
import org.ondemandtls.handshake.Alert;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ClientHello;
import org.ondemandtls.name.RequestedName;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.PermissionPolicy;
import org.ondemandtls.testing.NoServer;

/** {@link OnDemandTls}: the engine as a whole with the embedded CA, opened, served from and closed. */
class OnDemandTlsTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");
    private static final ServerName STRANGER = ServerName.parse("stranger.example.net");

    private final List<Event> events = new CopyOnWriteArrayList<>();
    private final OnDemandTls.Host host = new NoServer(events::add);

    @TempDir
    private Path base;

    private OnDemandTls open(String... keysAndValues) throws StartException, ConfigException {
        var builder = OnDemandTlsConfig.builder().issuer(Issuer.INTERNAL);
        if (keysAndValues.length == 0) {
            builder.set("onDemandTls.permission.names", "*.example.com");
        }
        for (int at = 0; at < keysAndValues.length; at += 2) {
            builder.set(keysAndValues[at], keysAndValues[at + 1]);
        }
        return OnDemandTls.open(builder.build(base), host);
    }

    private static Admission admit(OnDemandTls engine, ServerName name) {
        return engine.gate()
                .admit(new ClientHello(new RequestedName.Named(name), List.of(), true, 0), ClientBlock.LOCAL);
    }

    private static Admission.Settled settled(Admission admission) throws Exception {
        return admission instanceof Admission.Park park
                ? park.outcome().get(2, TimeUnit.MINUTES)
                : (Admission.Settled) admission;
    }

    /** Denies what it does not like, in words of its own. */
    public static final class Picky implements PermissionPolicy {
        @Override
        public CompletionStage<Decision> decide(ServerName name, Purpose purpose) {
            return CompletableFuture.completedFuture(
                    name.equals(SHOP) ? new Decision.Granted() : new Decision.Denied("not on my list"));
        }
    }

    @Nested
    class WhileOpen {

        @Test
        void obtainsServesAndExplains() throws Exception {
            try (OnDemandTls engine = open()) {
                engine.serve();

                Admission first = admit(engine, SHOP);

                assertThat(first).isInstanceOf(Admission.Park.class);
                assertThat(settled(first))
                        .isInstanceOfSatisfying(
                                Admission.Serve.class,
                                serve -> assertThat(serve.certificate().names()).containsExactly(SHOP.value()));
                assertThat(admit(engine, SHOP)).isInstanceOf(Admission.Serve.class);
                assertThat(engine.status().explain("Shop.Example.COM")).startsWith("served with shop.example.com#");
                assertThat(engine.isServable(SHOP)).isCompletedWithValue(true);
                assertThat(engine.status().getInventorySize()).isEqualTo(1);
                assertThat(engine.status().getParkedHandshakes()).isZero();
                assertThat(engine.status().getFlights()).isZero();
                assertThat(engine.status().getEvents()).containsEntry("OBTAINED", 1L);
                assertThat(engine.status().getIssuer()).isEqualTo("internal");
                assertThat(engine.status().getStore()).endsWith("ondemand-tls");
            }
        }

        @Test
        void refusesAndExplainsWhy() throws Exception {
            try (OnDemandTls engine = open("onDemandTls.permission.class", Picky.class.getName())) {
                engine.serve();

                assertThat(settled(admit(engine, STRANGER))).isEqualTo(new Admission.Refuse(Alert.UNRECOGNIZED_NAME));
                assertThat(settled(admit(engine, SHOP))).isInstanceOf(Admission.Serve.class);

                assertThat(engine.status().explain(STRANGER.value()))
                        .isEqualTo("refused: stranger.example.net: not permitted: not on my list; to act: you");
                assertThat(engine.status().explain("never.seen.example")).startsWith("not in memory");
                assertThat(engine.status().explain("no name")).startsWith("no certificate");
                assertThat(engine.status().getRememberedAnswers()).isEqualTo(2);
                assertThat(engine.status().getPermissionQueue()).isZero();
                assertThat(engine.status().getRememberedFailures()).isZero();
                assertThat(engine.status().getChallengesOnDisplay()).isZero();
            }
        }

        @Test
        void servesAfterBeingOpenedAgainWhatItHadObtained() throws Exception {
            Admission.Serve before;
            try (OnDemandTls engine = open()) {
                engine.serve();
                before = (Admission.Serve) settled(admit(engine, SHOP));
            }

            try (OnDemandTls engine = open()) {
                engine.serve();
                Admission.Serve after = (Admission.Serve) settled(admit(engine, SHOP));

                assertThat(after.certificate().leaf())
                        .isEqualTo(before.certificate().leaf());
            }
        }

        @Test
        void isSeenOverJmxAndSeveralAreToldApart() throws Exception {
            var server = ManagementFactory.getPlatformMBeanServer();
            ObjectName all = new ObjectName("org.ondemandtls:type=OnDemandTls,*");
            int before = server.queryNames(all, null).size();
            OnDemandTls one = open();
            OnDemandTls two = open("onDemandTls.permission.names", "*.example.com", "onDemandTls.store", "other");

            assertThat(server.queryNames(all, null)).hasSize(before + 2);
            assertThat(server.getAttribute(new ObjectName("org.ondemandtls:type=OnDemandTls"), "Issuer"))
                    .isEqualTo("internal");

            one.close();
            two.close();
            assertThat(server.queryNames(all, null)).hasSize(before);
        }
    }

    @Nested
    class Closing {

        @Test
        void endsWhatIsParkedAndEveryThread() throws Exception {
            OnDemandTls engine = open("onDemandTls.permission.class", Silent.class.getName());
            engine.serve();
            Admission parked = admit(engine, SHOP);

            engine.close();

            assertThat(settled(parked)).isEqualTo(new Admission.Refuse(Alert.INTERNAL_ERROR));
            assertThat(settled(admit(engine, SHOP))).isEqualTo(new Admission.Refuse(Alert.INTERNAL_ERROR));
            Awaitility.await().until(() -> threads().isEmpty());
            assertThat(events).extracting(Event::kind).contains(EventKind.STARTED, EventKind.STOPPED);
        }

        private List<String> threads() {
            return Thread.getAllStackTraces().keySet().stream()
                    .map(Thread::getName)
                    .filter(name -> name.startsWith("ondemand-tls-"))
                    .toList();
        }
    }

    /** Never makes up its mind. */
    public static final class Silent implements PermissionPolicy {
        @Override
        public CompletionStage<Decision> decide(ServerName name, Purpose purpose) {
            return new CompletableFuture<>();
        }
    }

    /** Cannot be made. */
    public static final class Failing implements PermissionPolicy {
        /** Always fails. */
        public Failing() {
            throw new IllegalStateException("no licence file");
        }

        @Override
        public CompletionStage<Decision> decide(ServerName name, Purpose purpose) {
            return new CompletableFuture<>();
        }
    }

    @Nested
    class AStartThatFails {

        private void assertFails(String value, String... words) {
            assertThatThrownBy(() -> open("onDemandTls.permission.class", value))
                    .isInstanceOf(StartException.class)
                    .hasMessageContainingAll(words)
                    .hasMessageNotContaining("\n");
        }

        @Test
        void namesThePolicyClassAndWhatIsWrongWithIt() {
            assertFails("com.example.Nowhere", "onDemandTls.permission.class", "com.example.Nowhere", "class path");
            assertFails("java.lang.String", "does not implement");
            assertFails(Thread.State.class.getName(), "constructor");
            assertFails(Failing.class.getName(), "its code failed", "no licence file");
        }

        @Test
        void showsTheStackOfTheOperatorsOwnCodeAndOfNothingElse() throws Exception {
            Files.writeString(
                    Files.createDirectories(base.resolve("ondemand-tls")).resolve("FORMAT"), "of tomorrow");

            assertThatThrownBy(OnDemandTlsTest.this::open)
                    .hasNoCause()
                    .satisfies(thrown -> assertThat(thrown.getStackTrace()).isEmpty());
            assertThatThrownBy(() -> open("onDemandTls.permission.class", "com.example.Nowhere"))
                    .hasNoCause()
                    .satisfies(thrown -> assertThat(thrown.getStackTrace()).isEmpty());
            assertThatThrownBy(() -> open("onDemandTls.isuer", "internal"))
                    .isInstanceOf(ConfigException.class)
                    .hasNoCause()
                    .satisfies(thrown -> assertThat(thrown.getStackTrace()).isEmpty());
            Files.delete(base.resolve("ondemand-tls/FORMAT"));
            assertThatThrownBy(() -> open("onDemandTls.permission.class", Failing.class.getName()))
                    .hasCauseInstanceOf(IllegalStateException.class);
        }

        @Test
        void leavesTheStoreFreeForTheNextOne() throws Exception {
            assertFails("com.example.Nowhere", "class path");

            open().close();
        }

        @Test
        void namesAnInternalCaThatCannotBeRead() throws Exception {
            open().close();
            Files.writeString(base.resolve("ondemand-tls/internal-ca/root.pem"), "not a certificate");

            assertThatThrownBy(OnDemandTlsTest.this::open)
                    .isInstanceOf(StartException.class)
                    .hasMessageContaining("internal-ca/root.pem");
        }
    }
}
