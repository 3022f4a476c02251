package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.net.URI;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.certificate.CertificateVerifier;
import org.ondemandtls.certificate.CertificationRequests;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeyPairs;
import org.ondemandtls.challenge.ChallengeBoard;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.config.OnDemandTlsConfig.ExternalAccountBinding;
import org.ondemandtls.config.OnDemandTlsConfig.KeyType;
import org.ondemandtls.event.Event;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.FaultyAcmeProxy;
import org.ondemandtls.testing.MemorySecretFiles;
import org.ondemandtls.testing.Pebble;
import org.ondemandtls.testing.ProofServer;

/** What tests of {@link AcmeAuthority} work with: a place for proofs, and what is kept and said. */
abstract class WithPebble {

    static final List<ChallengeType> BOTH = List.of(ChallengeType.TLS_ALPN_01, ChallengeType.HTTP_01);

    @TempDir
    Path directory;

    /** Which validation methods CAA allows, null for all. */
    Set<String> allowedMethods;

    final ChallengeBoard board = new ChallengeBoard(Clock.systemUTC());
    final MemorySecretFiles files = new MemorySecretFiles();
    final List<Optional<Instant>> datesSaid = new CopyOnWriteArrayList<>();
    final List<Event> seen = new CopyOnWriteArrayList<>();
    final Events events = new Events(seen::add, System::nanoTime);
    final OverWaits waits = new OverWaits();
    final List<URI> journal = new CopyOnWriteArrayList<>();
    final List<AcmeAuthority> opened = new ArrayList<>();
    ProofServer proofs;

    @BeforeEach
    void showProofs() throws Exception {
        proofs = new ProofServer(board);
    }

    @AfterEach
    void closeEverything() throws Exception {
        opened.forEach(AcmeAuthority::close);
        proofs.close();
        assertThat(board.size()).as("proofs left on display").isZero();
    }

    Pebble.Options reachable() {
        return Pebble.options().httpPort(proofs.httpPort()).tlsPort(proofs.tlsPort());
    }

    AcmeAuthority open(URI url, Path roots, Optional<ExternalAccountBinding> eab, List<ChallengeType> allowed)
            throws Exception {
        OnDemandTlsConfig.Directory ca = new OnDemandTlsConfig.Directory(url, Optional.empty(), eab);
        OnDemandTlsConfig.Acme config = new OnDemandTlsConfig.Acme(
                List.of(ca), Optional.of("operator@example.com"), Optional.of("default"), Optional.of(roots), allowed);
        return open(config, ca);
    }

    AcmeAuthority open(OnDemandTlsConfig.Acme config, OnDemandTlsConfig.Directory ca) throws Exception {
        AcmeAuthority authority = AcmeAuthority.open(
                config,
                ca,
                new AcmeAuthority.Ports(
                        files,
                        board,
                        new ChallengePreference(config.challenges()),
                        name -> EnumSet.allOf(ChallengeType.class),
                        Clock.systemUTC(),
                        waits::nanoTime,
                        events,
                        (name, identity) -> Optional.ofNullable(allowedMethods),
                        date -> datesSaid.add(date.get())),
                waits::over);
        opened.add(authority);
        return authority;
    }

    AcmeAuthority open(Pebble pebble, ChallengeType... allowed) throws Exception {
        return open(
                pebble.directory(),
                pebble.trustedRoots(),
                Optional.empty(),
                allowed.length == 0 ? BOTH : List.of(allowed));
    }

    AcmeAuthority open(FaultyAcmeProxy proxy, ChallengeType... allowed) throws Exception {
        return open(
                proxy.directory(),
                proxy.trustedRoots(),
                Optional.empty(),
                allowed.length == 0 ? BOTH : List.of(allowed));
    }

    /** One that bears a fault for seconds only, however much time there is: another CA could be asked next. */
    AcmeAuthority openBesideAnother(FaultyAcmeProxy proxy, ChallengeType... allowed) throws Exception {
        OnDemandTlsConfig.Directory ca =
                new OnDemandTlsConfig.Directory(proxy.directory(), Optional.empty(), Optional.empty());
        OnDemandTlsConfig.Directory other = new OnDemandTlsConfig.Directory(
                URI.create("https://other.invalid/dir"), Optional.empty(), Optional.empty());
        return open(
                new OnDemandTlsConfig.Acme(
                        List.of(ca, other),
                        Optional.of("operator@example.com"),
                        Optional.of("default"),
                        Optional.of(proxy.trustedRoots()),
                        allowed.length == 0 ? BOTH : List.of(allowed)),
                ca);
    }

    static Authority.Order order(String name) {
        ServerName serverName = ServerName.parse(name);
        KeyPair key = KeyPairs.generate(KeyType.P_256);
        return new Authority.Order(
                serverName,
                key,
                CertificationRequests.request(key, serverName),
                Optional.empty(),
                Optional.empty(),
                Authority.LONGEST_ORDER);
    }

    static Authority.Order resumed(Authority.Order order, URI url) {
        return new Authority.Order(
                order.name(), order.key(), order.csr(), Optional.of(url), Optional.empty(), order.patience());
    }

    List<X509Certificate> sign(AcmeAuthority authority, Authority.Order order) throws IssuanceException {
        return authority.sign(order, journal::add);
    }

    static void assertServable(List<X509Certificate> chain, Authority.Order order) {
        assertThatCode(() -> CertificateVerifier.verify(
                        chain,
                        order.key().getPublic(),
                        order.name(),
                        Clock.systemUTC().instant()))
                .doesNotThrowAnyException();
        assertThat(chain).hasSizeGreaterThan(1);
    }

    List<String> texts(EventKind kind) {
        return seen.stream()
                .filter(event -> event.kind() == kind)
                .map(Event::text)
                .toList();
    }

    /** A proxy before Pebble, for faults. */
    FaultyAcmeProxy proxy(Pebble pebble) throws Exception {
        return new FaultyAcmeProxy(pebble.directory(), pebble.trustedRoots(), directory.resolve("proxy"));
    }

    /** How often a path was asked for. */
    static long asked(FaultyAcmeProxy proxy, String path) {
        return proxy.requests().stream()
                .filter(request -> request.path().contains(path))
                .count();
    }

    /** The same order for a successor of a leaf. */
    static Authority.Order replacing(Authority.Order order, X509Certificate leaf) {
        return new Authority.Order(
                order.name(), order.key(), order.csr(), order.url(), Optional.of(leaf), order.patience());
    }

    /** The same order with that much patience. */
    static Authority.Order within(Authority.Order order, Duration patience) {
        return new Authority.Order(order.name(), order.key(), order.csr(), order.url(), order.replaces(), patience);
    }
}
