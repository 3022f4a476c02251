package org.ondemandtls.tomcat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.nio.file.Path;
import javax.net.ssl.SSLContext;
import org.apache.tomcat.util.net.SSLHostConfig;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.handshake.SessionScope;
import org.ondemandtls.handshake.TicketSecrets;
import org.ondemandtls.store.MemoryCertificateStore;
import org.ondemandtls.testing.ManualTime;

/** {@link SharedTickets}: which tickets may be good on every server. */
class SharedTicketsTest {

    private static final SessionScope SCOPE = SessionScope.of(null, "shop.customer.test");

    @TempDir
    private Path directory;

    private final SSLHostConfig config = new SSLHostConfig();
    private TicketSecrets secrets;
    private SharedTickets tickets;

    @BeforeEach
    void look() throws Exception {
        ManualTime time = new ManualTime();
        secrets = new TicketSecrets(
                new MemoryCertificateStore(new MemoryCertificateStore.Medium(), directory, time.clock()), time.clock());
        secrets.look();
        tickets = new SharedTickets(config, () -> secrets);
    }

    @Test
    void thoseOfClientsWithoutACertificateAre() {
        assertThat(tickets.day(SCOPE)).isEqualTo(secrets.day(SCOPE)).isNotEqualTo(TicketSecrets.NONE);
    }

    @Test
    void thoseOfClientsThatAreAskedForOneAreNot() {
        for (String verification : new String[] {"required", "optional", "optionalNoCA"}) {
            config.setCertificateVerification(verification);

            assertThat(tickets.day(SCOPE)).as(verification).isEqualTo(TicketSecrets.NONE);
        }
    }

    @Test
    void noneAreWithoutAnEngine() {
        SharedTickets closed = new SharedTickets(config, () -> null);

        assertThat(closed.day(SCOPE)).isEqualTo(TicketSecrets.NONE);
    }

    @Test
    void withoutASecretNothingIsToldToTheLibrary() throws Exception {
        // It is not loaded here: whoever told it something would throw.
        var sessions = SSLContext.getDefault().getServerSessionContext();

        assertThatCode(() -> tickets.set(SCOPE, TicketSecrets.NONE, sessions)).doesNotThrowAnyException();
        assertThatCode(() -> tickets.set(SCOPE, secrets.day(SCOPE) - 10, sessions))
                .doesNotThrowAnyException();
        assertThatCode(() -> tickets.set(SCOPE, secrets.day(SCOPE), sessions)).hasMessageContaining("not loaded");
    }

    @Test
    void aSessionIsBoundToTheTermsItWasAgreedOnUnder() {
        String before = tickets.terms();
        SSLHostConfig other = new SSLHostConfig();
        other.setCiphers("ECDHE");
        SSLHostConfig trusting = new SSLHostConfig();
        trusting.setCaCertificateFile("conf/clients.pem");

        assertThat(new SharedTickets(other, () -> secrets).terms()).isNotEqualTo(before);
        assertThat(new SharedTickets(trusting, () -> secrets).terms()).isNotEqualTo(before);
        assertThat(new SharedTickets(new SSLHostConfig(), () -> secrets).terms())
                .isEqualTo(before);
    }
}
