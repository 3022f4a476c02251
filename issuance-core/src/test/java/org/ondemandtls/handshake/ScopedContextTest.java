package org.ondemandtls.handshake;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSessionContext;
import org.junit.jupiter.api.Test;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.TestLeaves;

/** {@link ScopedContext}: what keeps the sessions of one name from another, over contexts of the JDK's. */
class ScopedContextTest {

    private static final String SHOP = "shop.customer.test";
    private static final KeyedCertificate CERTIFICATE =
            TestLeaves.leaf(Instant.parse("2026-11-29T00:00:00Z"), Duration.ofDays(30), SHOP);

    private final List<SSLContext> made = new ArrayList<>();
    private final List<SSLEngine> withTickets = new ArrayList<>();
    private final List<PrivateKey> ownKeys = new ArrayList<>();
    private final Keys keys = new Keys();
    private final ScopedContext context = new ScopedContext(
            this::another,
            withTickets::add,
            key -> {
                ownKeys.add(key);
                return key;
            },
            keys);

    /** What is told whom. */
    private static final class Keys implements TicketKeys {

        private long day = 1;
        private final List<SSLSessionContext> told = new ArrayList<>();
        private final List<Long> days = new ArrayList<>();

        @Override
        public long day(SessionScope scope) {
            return day;
        }

        @Override
        public void set(SessionScope scope, long of, SSLSessionContext sessions) {
            told.add(sessions);
            days.add(of);
        }
    }

    private SSLContext another() {
        try {
            made.add(SSLContext.getInstance("TLS"));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
        return made.get(made.size() - 1);
    }

    private SSLEngine engine(SessionScope scope) {
        return scope.during(context::engineCreateSSLEngine);
    }

    private static SessionScope served() {
        return SessionScope.of(new Admission.Serve(ServerName.parse(SHOP), CERTIFICATE, false), SHOP);
    }

    private static SessionScope own(String name) {
        return SessionScope.of(null, name);
    }

    @Test
    void isOfNoUseBeforeItIsInitialised() {
        assertThatThrownBy(context::engineCreateSSLEngine).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(context::engineGetServerSessionContext).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void eachScopeHasAContextOfItsOwnAndKeepsIt() throws Exception {
        context.engineInit(null, null, null);

        engine(served());
        engine(served());
        assertThat(made).hasSize(2);
        engine(own(SHOP));
        assertThat(made).hasSize(3);
        engine(own("other.customer.test"));
        assertThat(made).hasSize(4);

        // What is served is shown by the scope itself, the server's own by its key manager.
        assertThat(ownKeys).containsExactly(CERTIFICATE.key());
    }

    @Test
    void onlyAnEngineOfAScopeHasTickets() throws Exception {
        context.engineInit(null, null, null);

        SSLEngine without = context.engineCreateSSLEngine();
        SSLEngine within = engine(served());
        SSLEngine byAddress = served().during(() -> context.engineCreateSSLEngine("client.test", 443));

        assertThat(without).isNotNull();
        assertThat(withTickets).containsExactly(within, byAddress);
        assertThat(made).hasSize(2);
    }

    @Test
    void theSessionsOfEachScopeAreBoundedAndLastAsLongAsTheServerSays() throws Exception {
        context.engineInit(null, null, null);
        context.engineGetServerSessionContext().setSessionTimeout(1_234);

        engine(served());

        assertThat(context.engineGetServerSessionContext().getSessionCacheSize())
                .isEqualTo(1);
        assertThat(made.get(1).getServerSessionContext().getSessionCacheSize()).isEqualTo(ScopedContext.SESSIONS);
        assertThat(made.get(1).getServerSessionContext().getSessionTimeout()).isEqualTo(1_234);
    }

    @Test
    void noScopeOutlivesAnotherInitialisation() throws Exception {
        context.engineInit(null, null, null);
        engine(served());
        assertThat(made).hasSize(2);

        context.engineInit(null, null, null);
        engine(served());

        assertThat(made).hasSize(4);
    }

    @Test
    void allElseIsAnsweredByTheContextWithoutAScope() throws Exception {
        context.engineInit(null, null, null);

        assertThat(context.engineGetServerSessionContext()).isSameAs(made.get(0).getServerSessionContext());
        assertThat(context.engineGetClientSessionContext()).isSameAs(made.get(0).getClientSessionContext());
        assertThat(context.engineGetSocketFactory()).isNotNull();
        assertThat(context.engineGetServerSocketFactory()).isNotNull();
        assertThat(context.engineGetDefaultSSLParameters().getProtocols()).contains("TLSv1.3");
        assertThat(context.engineGetSupportedSSLParameters().getProtocols()).contains("TLSv1.2", "TLSv1.3");
    }

    @Test
    void aScopeBeginsAnewWhereItsTicketsHaveAnotherKey() throws Exception {
        context.engineInit(null, null, null);
        engine(served());
        engine(served());
        assertThat(keys.days).containsExactly(1L);
        assertThat(keys.told).containsExactly(made.get(1).getServerSessionContext());

        keys.day = 2;
        engine(served());
        engine(served());

        assertThat(made).hasSize(3);
        assertThat(keys.days).containsExactly(1L, 2L);
        assertThat(keys.told.get(1)).isSameAs(made.get(2).getServerSessionContext());
    }

    @Test
    void noTicketKeysAreAskedForWithoutAScope() throws Exception {
        context.engineInit(null, null, null);

        context.engineCreateSSLEngine();

        assertThat(keys.days).isEmpty();
    }
}
