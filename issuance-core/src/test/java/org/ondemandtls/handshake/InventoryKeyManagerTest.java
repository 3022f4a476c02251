package org.ondemandtls.handshake;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.security.KeyStore;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSession;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.inventory.Inventory;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.TestLeaves;

/** {@link InventoryKeyManager} and {@link ServedMatcher} in real handshakes of this JDK, full and resumed. */
class InventoryKeyManagerTest {

    private static final ServerName A = ServerName.parse("a.example.com");
    private static final ServerName B = ServerName.parse("b.example.com");

    private final Clock clock = Clock.systemUTC();
    private final Inventory inventory = new Inventory(10, clock);
    private final KeyedCertificate forA = TestLeaves.leaf(clock.instant(), Duration.ofDays(1), A.value());
    private final KeyedCertificate forB = TestLeaves.leaf(clock.instant(), Duration.ofDays(1), B.value());

    private SSLContext server;
    private SSLContext client;

    @BeforeEach
    void contexts() throws Exception {
        server = SSLContext.getInstance("TLS");
        server.init(new KeyManager[] {new InventoryKeyManager(inventory)}, null, null);
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        trusted.setCertificateEntry("a", forA.leaf());
        trusted.setCertificateEntry("b", forB.leaf());
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        client = SSLContext.getInstance("TLS");
        client.init(null, trust.getTrustManagers(), null);
    }

    /** One handshake; the client always says it talks to the same peer, so that it offers to resume. */
    private SSLSession handshake(String protocol, ServerName name, KeyedCertificate bound) throws SSLException {
        SSLEngine serverEngine = server.createSSLEngine();
        serverEngine.setUseClientMode(false);
        if (bound != null) {
            ServedMatcher.bind(serverEngine, new Admission.Serve(name, bound, false));
        }
        SSLEngine clientEngine = client.createSSLEngine("peer", 443);
        clientEngine.setUseClientMode(true);
        SSLParameters parameters = clientEngine.getSSLParameters();
        parameters.setProtocols(new String[] {protocol});
        parameters.setServerNames(List.of(new SNIHostName(name.value())));
        clientEngine.setSSLParameters(parameters);
        pump(clientEngine, serverEngine);
        return clientEngine.getSession();
    }

    private static void pump(SSLEngine client, SSLEngine server) throws SSLException {
        ByteBuffer toServer = ByteBuffer.allocate(65_536);
        ByteBuffer toClient = ByteBuffer.allocate(65_536);
        ByteBuffer ping = ByteBuffer.wrap(new byte[] {1});
        ByteBuffer got = ByteBuffer.allocate(65_536);
        for (int round = 0; round < 200; round++) {
            step(client, round > 100 ? ping : ByteBuffer.allocate(0), toServer, toClient, got);
            step(server, round > 100 ? ping : ByteBuffer.allocate(0), toClient, toServer, got);
        }
    }

    private static void step(SSLEngine engine, ByteBuffer data, ByteBuffer out, ByteBuffer in, ByteBuffer got)
            throws SSLException {
        in.flip();
        got.clear();
        SSLEngineResult read = engine.unwrap(in, got);
        in.compact();
        if (read.getHandshakeStatus() == SSLEngineResult.HandshakeStatus.NEED_TASK) {
            for (Runnable task = engine.getDelegatedTask(); task != null; task = engine.getDelegatedTask()) {
                task.run();
            }
        }
        engine.wrap(data, out);
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void aBoundEngineServesWhatItWasBoundTo(String protocol) throws Exception {
        SSLSession session = handshake(protocol, A, forA);

        assertThat(session.getPeerCertificates()).containsExactly(forA.leaf());
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void anEngineThatWasNotBoundServesTheInventory(String protocol) throws Exception {
        inventory.publish(forB);

        SSLSession session = handshake(protocol, B, null);

        assertThat(session.getPeerCertificates()).containsExactly(forB.leaf());
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void theSameNameResumes(String protocol) throws Exception {
        long created = handshake(protocol, A, forA).getCreationTime();
        SSLSession second = handshake(protocol, A, forA);

        assertThat(second.getCreationTime()).isEqualTo(created);
        assertThat(second.getPeerCertificates()).containsExactly(forA.leaf());
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void aCertificateReplacedWhileTheHandshakeRunsIsServedToItsEnd(String protocol) throws Exception {
        inventory.publish(forA);
        KeyedCertificate successor = TestLeaves.leaf(clock.instant(), Duration.ofDays(1), A.value());
        inventory.publish(successor);

        SSLSession session = handshake(protocol, A, forA);

        assertThat(session.getPeerCertificates()).containsExactly(forA.leaf());
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void aCertificateThatRestsIsServed(String protocol) throws Exception {
        forA.rest();
        forA.rest();
        assertThat(forA.isResting()).isTrue();

        SSLSession session = handshake(protocol, A, forA);

        assertThat(session.getPeerCertificates()).containsExactly(forA.leaf());
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void anEngineThatWasNotBoundServesNoNameThatIsNotThere(String protocol) {
        inventory.publish(forA);

        assertThatThrownBy(() -> handshake(protocol, B, null)).isInstanceOf(SSLException.class);
    }

    @Test
    void aBoundEngineAcceptsItsNameInAnyCaseAndNoOther() {
        SSLEngine engine = server.createSSLEngine();
        assertThat(ServedMatcher.of(engine)).isNull();
        assertThat(ServedMatcher.of(null)).isNull();

        ServedMatcher.bind(engine, new Admission.Serve(A, forA, false));

        ServedMatcher bound = ServedMatcher.of(engine);
        assertThat(bound.name()).isEqualTo(A);
        assertThat(bound.certificate()).isSameAs(forA);
        assertThat(bound.matches(new SNIHostName(A.value()))).isTrue();
        assertThat(bound.matches(new SNIHostName("A.Example.COM"))).isTrue();
        assertThat(bound.matches(new SNIHostName(B.value()))).isFalse();
    }

    @Test
    void aSessionMadeUnderANameIsKnownByItUnlessThatIsTolerated() throws Exception {
        SSLSession session = handshake("TLSv1.2", A, forA);

        assertThat(NamelessSession.isOfAName(session, name -> false)).isTrue();
        assertThat(NamelessSession.isOfAName(session, A.value()::equals)).isFalse();
        assertThat(NamelessSession.isOfAName(server.createSSLEngine().getSession(), name -> false))
                .isFalse();
    }

    @Test
    void anAliasIsKnownByWhoGaveItOut() {
        InventoryKeyManager keyManager = new InventoryKeyManager(inventory);
        SSLEngine engine = server.createSSLEngine();
        ServedMatcher.bind(engine, new Admission.Serve(A, forA, false));

        assertThat(InventoryKeyManager.isOurs(keyManager.chooseEngineServerAlias("EC", null, engine)))
                .isTrue();
        assertThat(keyManager.getServerAliases("EC", null)).isNotEmpty().allMatch(InventoryKeyManager::isOurs);
        assertThat(InventoryKeyManager.isOurs("jetty")).isFalse();
        assertThat(InventoryKeyManager.isOurs(null)).isFalse();
        assertThat(keyManager.chooseEngineServerAlias("EC", null, null)).isNull();
        assertThat(keyManager.getPrivateKey("ondemandtls-any")).isNull();
        assertThat(keyManager.getCertificateChain("ondemandtls-any")).isNull();
    }

    @Test
    void anAliasStaysWhileItsEngineDoesThoughTheCertificateRests() {
        InventoryKeyManager keyManager = new InventoryKeyManager(inventory);
        SSLEngine engine = server.createSSLEngine();
        engine.setUseClientMode(false);
        ServedMatcher.bind(engine, new Admission.Serve(A, forA, false));
        String alias = keyManager.chooseEngineServerAlias("EC", null, engine);

        forA.rest();
        forA.rest();
        assertThat(forA.isResting()).isTrue();
        ManagementFactory.getMemoryMXBean().gc();

        assertThat(keyManager.getPrivateKey(alias)).isNotNull();
        assertThat(keyManager.getCertificateChain(alias)).hasSize(1);
        assertThat(keyManager.chooseEngineServerAlias("EC", null, engine)).isEqualTo(alias);
        assertThat(keyManager.chooseEngineServerAlias("RSA", null, engine)).isNull();
    }
}
