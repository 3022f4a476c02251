package org.ondemandtls;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.certificate.RenewalWindow;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.config.OnDemandTlsConfig.Issuer;
import org.ondemandtls.machine.Time;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.status.Status;
import org.ondemandtls.store.Hold;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.store.file.FileCertificateStore;
import org.ondemandtls.testing.NoServer;
import org.ondemandtls.testing.RecordedEvents;
import org.ondemandtls.testing.TestLeaves;

/** {@link Status}: what an operator is told of a name, and what trying it again does. */
class StatusTest {

    // Whole seconds, as certificates have them; nothing in the answers depends on which.
    private static final Instant NOW =
            Instant.ofEpochSecond(Clock.systemUTC().instant().getEpochSecond());

    @TempDir
    private Path base;

    private void stored(String name, UnaryOperator<StoredCertificate> change) throws Exception {
        try (FileCertificateStore store = FileCertificateStore.open(
                base.resolve("ondemand-tls"), new RecordedEvents().events(), Time.ofMachine(), Duration.ZERO)) {
            StoredCertificate record = StoredCertificate.obtained(
                    TestLeaves.leaf(NOW, Duration.ofDays(90), name),
                    "https://ca.example/directory",
                    NOW,
                    NOW.plus(Duration.ofDays(60)));
            store.save(change.apply(record));
        }
    }

    private void held(String name) throws Exception {
        held(new Scope.Name(ServerName.parse(name)), "https://ca.example/directory", "caa", "CAA forbids");
    }

    private void held(Scope scope, String issuer, String type, String detail) throws Exception {
        try (FileCertificateStore store = FileCertificateStore.open(
                base.resolve("ondemand-tls"), new RecordedEvents().events(), Time.ofMachine(), Duration.ZERO)) {
            store.keepHold(new Hold(scope, issuer, 3, NOW.plus(Duration.ofHours(1)), type, detail, Optional.empty()));
        }
    }

    private OnDemandTls engine() throws Exception {
        OnDemandTlsConfig config = OnDemandTlsConfig.builder()
                .issuer(Issuer.INTERNAL)
                .set("onDemandTls.permission.names", "*.example.com")
                .build(base);
        return OnDemandTls.open(config, new NoServer());
    }

    private String explain(String name) throws Exception {
        try (OnDemandTls engine = engine()) {
            return engine.status().explain(name);
        }
    }

    @Test
    void tellsWhenAndByWhoseAdviceACertificateIsRenewed() throws Exception {
        stored(
                "shop.example.com",
                record -> record.withVisited(NOW)
                        .withDeniedSince(Optional.of(NOW))
                        .withWindow(Optional.of(new RenewalWindow(
                                NOW.plus(Duration.ofDays(59)),
                                NOW.plus(Duration.ofDays(61)),
                                Optional.of(URI.create("https://ca.example/why"))))));

        assertThat(explain("shop.example.com"))
                .startsWith("not in memory")
                .contains("; stored since " + NOW + " from https://ca.example/directory")
                .contains("to be renewed at " + NOW.plus(Duration.ofDays(60)))
                .contains("in the CA's window from " + NOW.plus(Duration.ofDays(59)))
                .contains("(why: https://ca.example/why)")
                .contains("last visit noted at " + NOW)
                .contains("denied since " + NOW)
                .contains("looked at next at " + NOW.plus(Duration.ofDays(60)))
                .endsWith("; to act: you");
    }

    @Test
    void tellsThatOneIsWithdrawnOrLeftAlone() throws Exception {
        stored("gone.example.com", record -> record.withWithdrawn(Optional.of(NOW)));
        stored("quiet.example.com", record -> record.withDue(NOW.plus(Duration.ofDays(120))));

        assertThat(explain("gone.example.com")).contains("withdrawn at " + NOW + ", forgotten at ");
        assertThat(explain("quiet.example.com"))
                .endsWith("not visited and so not renewed, forgotten at " + NOW.plus(Duration.ofDays(120)));
    }

    @Test
    void tellsWhichRefusalHoldsAndRetryUndoesIt() throws Exception {
        held("held.example.com");
        assertThat(explain("held.example.com"))
                .endsWith("refused 3 times by https://ca.example/directory, not tried before "
                        + NOW.plus(Duration.ofHours(1)) + " (retry undoes that): caa: CAA forbids");

        try (OnDemandTls engine = engine()) {
            Status status = engine.status();
            assertThat(status.retry("held.example.com")).startsWith("what was remembered of held.example.com");
            assertThat(status.explain("held.example.com")).doesNotContain("refused");
            status.operations().withdraw(ServerName.parse("held.example.com"));
            status.operations().pause("ca internal");
            assertThat(status.retry("held.example.com")).startsWith("nothing done: held.example.com is withdrawn");
            assertThat(status.explain("held.example.com"))
                    .contains("withdrawn by an operator at ", "(obtain ends that)")
                    .contains("an operator has paused issuing: ca internal");
            assertThat(status.retry("no name")).startsWith("nothing done: ");
            assertThat(status.explain("no name")).startsWith("no certificate: ");
            assertThat(status.getRenewals()).isZero();
            assertThat(status.getOverflows()).isNotNull();
        }
    }

    @Test
    void tellsOfALimitOfTheWholeAccountAfterARestartToo() throws Exception {
        held(new Scope.Account("internal"), "internal", "rateLimited", "rateLimited: too many new orders");

        assertThat(explain("new.example.com"))
                .startsWith("refused: new.example.com: the CA limits the rate of the account")
                .contains("too many new orders");
    }
}
