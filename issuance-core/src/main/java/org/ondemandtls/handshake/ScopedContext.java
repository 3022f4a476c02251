package org.ondemandtls.handshake;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.security.KeyManagementException;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLContextSpi;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocketFactory;
import javax.net.ssl.SSLSessionContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.KeyedCertificate;

/**
 * A context that keeps the sessions of each {@link SessionScope} apart, for providers that would resume a session of one
 * name as another: it has one context of the provider for each scope, whose tickets and sessions no other can read.
 *
 * <p><b>Cost.</b> Strangers decide which scopes are used, by the names they send; so scopes are bounded, and the
 * sessions of each. A scope that has been dropped loses its sessions, and its clients make a full handshake.
 *
 * <p>A scope is made anew every day, and with it the keys of its tickets: not every provider changes those by itself. Where
 * {@link TicketKeys} come from elsewhere, it is made anew when they change.
 */
final class ScopedContext extends SSLContextSpi {

    /** How many scopes are kept; of Conscrypt about 8 KB each, most of it native, and 80 µs to make. The host may say more. */
    static final int SCOPES = 10_000;

    /** How many sessions a scope keeps; of clients that take no ticket. */
    static final int SESSIONS = 4;

    // Of a certificate that was renewed nobody asks for the scope again.
    private static final Duration KEPT = Duration.ofHours(8);

    private static final Duration KEYS_KEPT = Duration.ofDays(1);

    /**
     * What a scope has.
     *
     * @param context makes its engines
     * @param day which secret the keys of its tickets come from
     */
    private record Scoped(SSLContext context, long day) {}

    private final Supplier<SSLContext> contexts;
    private final Consumer<SSLEngine> tickets;
    private final UnaryOperator<PrivateKey> ownKey;
    private final TicketKeys ticketKeys;
    private final Cache<SessionScope, Scoped> scopes = Caffeine.newBuilder()
            .maximumSize(SCOPES)
            .expireAfterAccess(KEPT)
            .expireAfterWrite(KEYS_KEPT)
            .executor(Runnable::run)
            .build();

    private @Nullable SSLContext base;
    private KeyManager @Nullable [] keys;
    private TrustManager @Nullable [] trust;
    private @Nullable SecureRandom random;

    /**
     * A context that is not initialised yet.
     *
     * @param contexts makes contexts of the provider, not initialised. Such a context may have no sessions as long as it
     *     shows no certificate
     * @param tickets switches session tickets on, which only engines of a scope may have
     * @param ownKey makes a key of the provider of one that is not; asked once for each scope
     * @param ticketKeys the keys of the tickets
     */
    ScopedContext(
            Supplier<SSLContext> contexts,
            Consumer<SSLEngine> tickets,
            UnaryOperator<PrivateKey> ownKey,
            TicketKeys ticketKeys) {
        this.contexts = contexts;
        this.tickets = tickets;
        this.ownKey = ownKey;
        this.ticketKeys = ticketKeys;
    }

    @Override
    protected void engineInit(
            KeyManager @Nullable [] keyManagers,
            TrustManager @Nullable [] trustManagers,
            @Nullable SecureRandom secureRandom)
            throws KeyManagementException {
        keys = keyManagers == null ? null : keyManagers.clone();
        trust = trustManagers == null ? null : trustManagers.clone();
        random = secureRandom;
        scopes.invalidateAll();
        SSLContext made = contexts.get();
        made.init(keys, trust, random);
        SSLSessionContext sessions = made.getServerSessionContext();
        if (sessions != null) {
            sessions.setSessionCacheSize(1);
        }
        base = made;
    }

    /** An engine of the scope this thread is in; without one, an engine whose sessions are worth nothing. */
    @Override
    protected SSLEngine engineCreateSSLEngine() {
        SessionScope scope = SessionScope.current();
        if (scope == null) {
            return base().createSSLEngine();
        }
        Scoped scoped = scopes.get(scope, this::scoped);
        if (scoped.day() != ticketKeys.day(scope)) {
            scopes.asMap().remove(scope, scoped);
            scoped = scopes.get(scope, this::scoped);
        }
        SSLEngine engine = scoped.context().createSSLEngine();
        tickets.accept(engine);
        return engine;
    }

    /** The same: a server does not resume by the address of its client. */
    @Override
    protected SSLEngine engineCreateSSLEngine(@Nullable String host, int port) {
        return engineCreateSSLEngine();
    }

    @Override
    protected SSLSocketFactory engineGetSocketFactory() {
        return base().getSocketFactory();
    }

    @Override
    protected SSLServerSocketFactory engineGetServerSocketFactory() {
        return base().getServerSocketFactory();
    }

    /** Of engines without a scope; how long its sessions last goes for those of all scopes. */
    @Override
    protected @Nullable SSLSessionContext engineGetServerSessionContext() {
        return base().getServerSessionContext();
    }

    @Override
    protected SSLSessionContext engineGetClientSessionContext() {
        return base().getClientSessionContext();
    }

    @Override
    protected SSLParameters engineGetDefaultSSLParameters() {
        return base().getDefaultSSLParameters();
    }

    @Override
    protected SSLParameters engineGetSupportedSSLParameters() {
        return base().getSupportedSSLParameters();
    }

    private SSLContext base() {
        SSLContext initialised = base;
        if (initialised == null) {
            throw new IllegalStateException("the context is not initialised");
        }
        return initialised;
    }

    private Scoped scoped(SessionScope scope) {
        long day = ticketKeys.day(scope);
        SSLContext made = context(scope);
        SSLSessionContext sessions = made.getServerSessionContext();
        if (sessions != null) {
            ticketKeys.set(scope, day, sessions);
        }
        return new Scoped(made, day);
    }

    private SSLContext context(SessionScope scope) {
        KeyedCertificate certificate = scope.certificate();
        SSLContext made = contexts.get();
        try {
            made.init(
                    certificate == null
                            ? keys
                            : new KeyManager[] {new OneCertificate(certificate, ownKey.apply(certificate.key()))},
                    trust,
                    random);
        } catch (KeyManagementException e) {
            throw new IllegalStateException("a TLS context that could be made cannot be made again", e);
        }
        SSLSessionContext sessions = made.getServerSessionContext();
        SSLSessionContext terms = base().getServerSessionContext();
        if (sessions != null) {
            sessions.setSessionCacheSize(SESSIONS);
        }
        if (sessions != null && terms != null) {
            sessions.setSessionTimeout(terms.getSessionTimeout());
        }
        return made;
    }
}
