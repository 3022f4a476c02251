package org.ondemandtls;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import javax.management.ObjectName;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.config.OnDemandTlsConfig.Issuer;
import org.ondemandtls.handshake.Admission;
import org.ondemandtls.handshake.Alert;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ClientHello;
import org.ondemandtls.name.RequestedName;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.PermissionPolicy;
import org.ondemandtls.status.FilterText;
import org.ondemandtls.status.NameFilter;
import org.ondemandtls.status.NameReport;
import org.ondemandtls.status.NameState;
import org.ondemandtls.status.Operations;
import org.ondemandtls.status.Who;
import org.ondemandtls.store.Happening;
import org.ondemandtls.testing.NoServer;

/** {@link Operations}: what an operator may ask and do, on an engine with the embedded CA. */
class OperationsTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");

    private final Set<ServerName> denied = ConcurrentHashMap.newKeySet();

    @TempDir
    private Path base;

    private OnDemandTls engine;
    private Operations operations;

    @BeforeEach
    void open() throws Exception {
        open("1ms");
    }

    private void open(String rememberDenied) throws Exception {
        OnDemandTlsSetup setup = OnDemandTls.builder()
                .issuer(Issuer.INTERNAL)
                .permissionPolicy(new PermissionPolicy() {
                    @Override
                    public CompletionStage<Decision> decide(ServerName name, Purpose purpose) {
                        return CompletableFuture.completedFuture(
                                denied.contains(name) ? new Decision.Denied("not ours") : new Decision.Granted());
                    }
                })
                .set("onDemandTls.permission.rememberDenied", rememberDenied)
                .set("onDemandTls.permission.rememberGranted", "1ms")
                .build(base);
        engine = OnDemandTls.open(setup, new NoServer());
        engine.serve();
        operations = engine.status().operations();
    }

    @AfterEach
    void close() {
        engine.close();
    }

    /** A visit: what the client gets in the end. */
    private Admission visit(ServerName name) throws Exception {
        Admission first = engine.gate()
                .admit(new ClientHello(new RequestedName.Named(name), List.of("h2"), true, 0), ClientBlock.LOCAL);
        return first instanceof Admission.Park park ? (Admission) park.outcome().get() : first;
    }

    private NameReport lookedUp(ServerName name) throws Exception {
        return operations.lookUp(name);
    }

    private void obtained(ServerName name) {
        assertThat(operations.obtain(name).done()).isTrue();
        Awaitility.await()
                .atMost(Duration.ofMinutes(2))
                .until(() -> lookedUp(name).state() == NameState.SERVED
                        && !lookedUp(name).inFlight());
    }

    @Test
    void aNameIsObtainedAheadOfItsFirstVisitAndLookedUp() throws Exception {
        assertThat(lookedUp(SHOP).state()).isEqualTo(NameState.UNKNOWN);

        obtained(SHOP);

        NameReport report = lookedUp(SHOP);
        assertThat(report.sentence()).startsWith("Served from memory with a certificate that is valid until ");
        assertThat(report.inMemory()).isTrue();
        assertThat(report.inStore()).isTrue();
        NameReport.CertificateReport certificate = report.certificate().orElseThrow();
        assertThat(certificate.names()).containsExactly("shop.example.com");
        assertThat(certificate.issuer()).contains("internal");
        assertThat(certificate.key()).isEqualTo("EC P-256");
        assertThat(certificate.serial()).matches("[0-9a-f]+");
        assertThat(report.next().orElseThrow().what()).isEqualTo("renewed");
        assertThat(report.history()).extracting(Happening::kind).contains("obtained");
        assertThat(operations.obtain(SHOP).sentence()).isEqualTo("shop.example.com is served already");
        assertThat(visit(SHOP)).isInstanceOf(Admission.Serve.class);
    }

    @Test
    void whatHappenedToANameOutlivesTheServer() throws Exception {
        obtained(SHOP);
        assertThat(operations.withdraw(SHOP).done()).isTrue();

        engine.close();
        open();

        assertThat(lookedUp(SHOP).history()).extracting(Happening::kind).containsSubsequence("obtained", "withdrawn");
    }

    @ParameterizedTest
    @ValueSource(strings = {"retry", "obtain", "obtainAll"})
    void aDenialThatIsRememberedDoesNotOutlastWhatTheOperatorAsksFor(String command) throws Exception {
        engine.close();
        open("1h");
        denied.add(SHOP);
        assertThat(visit(SHOP)).isInstanceOf(Admission.Refuse.class);
        denied.clear();
        assertThat(visit(SHOP)).as("remembered").isInstanceOf(Admission.Refuse.class);

        Operations.Outcome outcome = switch (command) {
            case "retry" -> operations.retry(SHOP);
            case "obtain" -> operations.obtain(SHOP);
            default -> operations.obtainAll(SHOP.value()).get(SHOP.value());
        };

        assertThat(outcome.done()).as(outcome.sentence()).isTrue();
        Awaitility.await()
                .atMost(Duration.ofMinutes(2))
                .until(() -> lookedUp(SHOP).state() == NameState.SERVED);
    }

    @Test
    void whatHappenedToANameThatNeverHadACertificateOutlivesTheServer() throws Exception {
        denied.add(SHOP);
        assertThat(visit(SHOP)).isInstanceOf(Admission.Refuse.class);

        engine.close();
        open();

        assertThat(lookedUp(SHOP).history()).extracting(Happening::kind).containsExactly("denied");
        assertThat(lookedUp(SHOP).state()).isEqualTo(NameState.UNKNOWN);
    }

    @Test
    void theComingOfACertificateIsToldAfterARestartThoughItsRecordWasNotWrittenSince() throws Exception {
        obtained(SHOP);
        assertThat(lookedUp(SHOP).history())
                .filteredOn(one -> one.kind().equals("obtained"))
                .hasSize(1);

        engine.close();
        open();

        assertThat(lookedUp(SHOP).history())
                .singleElement()
                .satisfies(one -> assertThat(one.text()).startsWith("obtained from internal, valid until "));
    }

    @Test
    void whatHappenedToANameOutlivesItsCertificate() throws Exception {
        obtained(SHOP);
        engine.close();
        open();
        assertThat(operations.forget(SHOP).done()).isTrue();
        engine.close();
        open();

        assertThat(lookedUp(SHOP).history()).extracting(Happening::kind).containsExactly("obtained", "forgotten");
    }

    @Test
    void whatIsWithdrawnStaysWithdrawnThoughPermissionStillGrants() throws Exception {
        obtained(SHOP);

        assertThat(operations.withdraw(SHOP).done()).isTrue();

        assertThat(visit(SHOP)).isEqualTo(new Admission.Refuse(Alert.UNRECOGNIZED_NAME));
        assertThat(lookedUp(SHOP).state()).isEqualTo(NameState.WITHDRAWN);
        assertThat(lookedUp(SHOP).sentence())
                .startsWith("Not served: withdrawn by an operator at ")
                .contains(
                        "; it is served again after obtain, or after permission has denied and then granted the name");
        assertThat(page(filter("state=withdrawn"), "", 9).names())
                .singleElement()
                .satisfies(report -> assertThat(report.sentence()).startsWith("Not served: withdrawn at "));
        assertThat(operations.retry(SHOP).done()).isFalse();
        assertThat(operations.renew(SHOP).done()).isFalse();
        assertThat(visit(SHOP)).isEqualTo(new Admission.Refuse(Alert.UNRECOGNIZED_NAME));

        obtained(SHOP);
        assertThat(visit(SHOP)).isInstanceOf(Admission.Serve.class);
    }

    @Test
    void aGrantAfterADenialEndsAWithdrawal() throws Exception {
        obtained(SHOP);
        operations.withdraw(SHOP);
        denied.add(SHOP);
        assertThat(visit(SHOP)).isInstanceOf(Admission.Refuse.class);
        denied.remove(SHOP);

        Awaitility.await().atMost(Duration.ofMinutes(2)).until(() -> visit(SHOP) instanceof Admission.Serve);
    }

    @Test
    void aNameThatWasNeverObtainedCanBeWithdrawnToo() throws Exception {
        assertThat(operations.withdraw(SHOP).sentence()).contains("no certificate was stored for it");

        assertThat(visit(SHOP)).isEqualTo(new Admission.Refuse(Alert.UNRECOGNIZED_NAME));
        assertThat(lookedUp(SHOP).state()).isEqualTo(NameState.WITHDRAWN);
    }

    @Test
    void namesWithdrawnWithoutACertificateAreListedBehindThoseWithOne() throws Exception {
        obtained(ServerName.parse("c.example.com"));
        obtained(ServerName.parse("served.example.com"));
        for (String name : List.of("c.example.com", "b.example.com", "a.example.org")) {
            operations.withdraw(ServerName.parse(name));
        }
        NameFilter withdrawn = filter("state=withdrawn");

        assertThat(names(page(withdrawn, "", 9))).containsExactly("c.example.com", "a.example.org", "b.example.com");
        assertThat(found("state=withdrawn&domain=example.com")).containsExactly("c.example.com", "b.example.com");

        List<String> one = new ArrayList<>();
        Optional<String> after = Optional.of("");
        while (after.isPresent()) {
            Operations.Page page = page(withdrawn, after.get(), 1);
            one.addAll(names(page));
            after = page.next();
        }
        assertThat(one).containsExactly("c.example.com", "a.example.org", "b.example.com");
    }

    @Test
    void whatIsForgottenIsObtainedAnewByTheNextVisit() throws Exception {
        obtained(SHOP);
        String before = lookedUp(SHOP).certificate().orElseThrow().serial();

        assertThat(operations.forget(SHOP).sentence()).isEqualTo("shop.example.com is forgotten");

        assertThat(lookedUp(SHOP).state()).isEqualTo(NameState.UNKNOWN);
        assertThat(visit(SHOP)).isInstanceOf(Admission.Serve.class);
        assertThat(lookedUp(SHOP).certificate().orElseThrow().serial()).isNotEqualTo(before);
        assertThat(operations.forget(ServerName.parse("never.example.com")).done())
                .isFalse();
    }

    @Test
    void nothingIsIssuedWhileItIsPausedAndWhatIsStoredIsServed() throws Exception {
        obtained(SHOP);
        ServerName other = ServerName.parse("other.example.com");
        assertThat(operations.pause("all").done()).isTrue();

        assertThat(visit(SHOP)).isInstanceOf(Admission.Serve.class);
        assertThat(visit(other)).isEqualTo(new Admission.Refuse(Alert.INTERNAL_ERROR));
        assertThat(lookedUp(other).state()).isEqualTo(NameState.WAITING);
        assertThat(lookedUp(other).lastRefusal().orElseThrow().what()).contains("an operator has paused issuing");
        assertThat(engine.status().getPaused()).containsKey("all");

        assertThat(operations.resume("all").done()).isTrue();
        operations.retry(other);
        assertThat(visit(other)).isInstanceOf(Admission.Serve.class);
    }

    @Test
    void whatIsPausedStaysSoWhereItCannotBeReadAndKeepsNobodyElseFromAnything() throws Exception {
        operations.pause("domain example.com");
        Path kept;
        try (Stream<Path> files = Files.walk(base)) {
            kept = files.filter(file -> file.endsWith("operator/paused"))
                    .findFirst()
                    .orElseThrow();
        }
        Files.writeString(kept, "some day domain example.com\nnonsense\n2026-13-99 domain example.com\n");

        assertThat(visit(SHOP)).isInstanceOf(Admission.Refuse.class);
        assertThat(visit(ServerName.parse("one.example.org"))).isInstanceOf(Admission.Serve.class);
        assertThat(engine.status().getPaused()).containsKey("domain example.com");

        Files.delete(kept);
        Files.createDirectory(kept);

        assertThat(visit(ServerName.parse("two.example.com"))).isInstanceOf(Admission.Refuse.class);
        assertThat(visit(ServerName.parse("two.example.org"))).isInstanceOf(Admission.Serve.class);
    }

    @Test
    void oneDomainOrOneCaIsPausedAndWhatIsNoneIsRefusedInWords() throws Exception {
        operations.pause("domain example.com");
        assertThat(visit(SHOP)).isInstanceOf(Admission.Refuse.class);
        assertThat(visit(ServerName.parse("shop.example.org"))).isInstanceOf(Admission.Serve.class);

        assertThat(operations.pause("ca internal").done()).isTrue();
        assertThat(visit(ServerName.parse("two.example.org"))).isInstanceOf(Admission.Refuse.class);
        assertThat(operations.authorities().get(0).sentence()).startsWith("Paused by an operator since ");

        assertThat(operations.pause("ca nobody").done()).isFalse();
        assertThat(operations.pause("domain -").done()).isFalse();
        assertThat(operations.resume("").done()).isFalse();
    }

    @Test
    void namesAreListedPageByPageInTheirOrderByPrefixAndState() throws Exception {
        for (String name : List.of("c.example.com", "a.example.com", "b.example.com", "b2.example.com")) {
            obtained(ServerName.parse(name));
        }
        operations.withdraw(ServerName.parse("b.example.com"));

        List<String> all = new ArrayList<>();
        Optional<String> after = Optional.of("");
        while (after.isPresent()) {
            Operations.Page page = page(NameFilter.all(), after.get(), 2);
            assertThat(page.names()).hasSizeLessThanOrEqualTo(2);
            page.names().forEach(report -> all.add(report.name()));
            after = page.next();
        }

        assertThat(all).containsExactly("a.example.com", "b.example.com", "b2.example.com", "c.example.com");
        assertThat(listed("b", Set.of())).containsExactly("b.example.com", "b2.example.com");
        assertThat(listed("", Set.of(NameState.WITHDRAWN))).containsExactly("b.example.com");
        assertThat(listed("z", Set.of())).isEmpty();
        operations.forget(ServerName.parse("b2.example.com"));
        assertThat(listed("b", Set.of())).containsExactly("b.example.com");
    }

    private List<String> listed(String prefix, Set<NameState> states) throws Exception {
        return page(new NameFilter(prefix, states, Optional.empty(), Optional.empty()), "", 10).names().stream()
                .map(NameReport::name)
                .toList();
    }

    @Test
    void namesAreListedByExpiryAndCa() throws Exception {
        obtained(SHOP);
        Instant end = lookedUp(SHOP).certificate().orElseThrow().notAfter();

        assertThat(page(new NameFilter("", Set.of(), Optional.of(end), Optional.empty()), "", 10)
                        .names())
                .isEmpty();
        assertThat(page(new NameFilter("", Set.of(), Optional.of(end.plusSeconds(1)), Optional.of("internal")), "", 10)
                        .names())
                .hasSize(1);
        assertThat(page(new NameFilter("", Set.of(), Optional.empty(), Optional.of("another")), "", 10)
                        .names())
                .isEmpty();
    }

    @Test
    void aListGoesOnByWhatItWasBegunBy() throws Exception {
        for (String name : List.of("a.example.com", "b.example.com")) {
            obtained(ServerName.parse(name));
        }
        NameFilter all =
                new NameFilter("", Set.of(), Optional.of(Instant.parse("9000-01-01T00:00:00Z")), Optional.empty());
        Awaitility.await()
                .atMost(Duration.ofMinutes(2))
                .until(() -> page(all, "", 1)
                        .next()
                        .filter(place -> place.contains(" "))
                        .isPresent());

        assertThat(names(page(all, "a.example.com", 10))).containsExactly("b.example.com");

        engine.close();
        open();
        // Nothing is known by moments yet, or all of it lies behind this one.
        assertThat(names(page(all, "0 b.example.com", 10))).containsExactlyInAnyOrder("a.example.com", "b.example.com");
    }

    /** A page as long as it may be: one that ended early, because the machine was busy, goes on. */
    private Operations.Page page(NameFilter filter, String after, int most) throws Exception {
        List<NameReport> names = new ArrayList<>();
        Optional<String> next = Optional.of(after);
        while (next.isPresent() && names.size() < most) {
            Operations.Page part = operations.list(filter, next.get(), most - names.size());
            names.addAll(part.names());
            next = part.next();
        }
        return new Operations.Page(names, next);
    }

    private static List<String> names(Operations.Page page) {
        return page.names().stream().map(NameReport::name).toList();
    }

    @Test
    void namesAreFoundBySeveralPropertiesTogether() throws Exception {
        for (String name : List.of("a.one.example", "b.one.example", "a.two.example")) {
            obtained(ServerName.parse(name));
        }
        operations.withdraw(ServerName.parse("b.one.example"));
        String ours = "\"name\":\"a.one.example\"";
        Awaitility.await()
                .atMost(Duration.ofMinutes(2))
                .until(() ->
                        engine.status().search("domain=one.example", "", 10).contains(ours));

        assertThat(found("domain=one.example")).containsExactly("a.one.example", "b.one.example");
        assertThat(found("domain=one.example&prefix=b")).containsExactly("b.one.example");
        assertThat(found("state=withdrawn")).containsExactly("b.one.example");
        assertThat(found("state=withdrawn,overdue,expired")).containsExactly("b.one.example");
        assertThat(engine.status().search("state=overdue,expired", "states/soon/", 10))
                .contains("error");
        assertThat(found("state=withdrawn&domain=two.example")).isEmpty();
        assertThat(found("state=served&domain=one.example")).containsExactly("a.one.example");
        assertThat(found("ca=internal&expiresWithinDays=4000")).hasSize(3);
        assertThat(found("ca=internal&expiresWithinDays=0")).isEmpty();
        assertThat(found("ca=https://another.example")).isEmpty();
        assertThat(found("state=overdue")).isEmpty();
        assertThat(found("state=moved-away")).isEmpty();
        assertThat(found("refusal=any")).isEmpty();
        assertThat(engine.status().search("colour=red", "", 10)).contains("error");
        assertThat(engine.status().search("expiresWithinDays=soon", "", 10)).contains("error");
        Operations.Page one = page(filter("domain=one.example"), "", 1);
        assertThat(one.names()).hasSize(1);
        assertThat(page(filter("domain=one.example"), one.next().orElseThrow(), 9)
                        .names())
                .extracting(NameReport::name)
                .containsExactly("b.one.example");
    }

    private NameFilter filter(String text) {
        return FilterText.filter(FilterText.parameters(text), Clock.systemUTC().instant());
    }

    private List<String> found(String filter) throws Exception {
        return page(filter(filter), "", 10).names().stream()
                .map(NameReport::name)
                .toList();
    }

    @Test
    void aDeniedNameAndWhoMustActAreTold() throws Exception {
        denied.add(SHOP);
        engine.close();
        open(Duration.ofMinutes(1));
        assertThat(visit(SHOP)).isInstanceOf(Admission.Refuse.class);

        NameReport report = lookedUp(SHOP);

        assertThat(report.state()).isEqualTo(NameState.DENIED);
        assertThat(report.sentence()).startsWith("Not served: not permitted: not ours; to act: you; tried again from ");
    }

    @Test
    void aDiagnosisSaysWhatStandsInTheWayAndWhoMustAct() throws Exception {
        denied.add(SHOP);
        assertThat(operations.diagnose(SHOP).sentence())
                .isEqualTo("Permission was asked now: not permitted: not ours (the permission policy). To act: you.");

        denied.remove(SHOP);
        operations.pause("domain example.com");
        assertThat(operations.diagnose(SHOP).findings())
                .filteredOn(finding -> finding.what().equals("pauses"))
                .singleElement()
                .satisfies(finding -> {
                    assertThat(finding.good()).isFalse();
                    assertThat(finding.who()).isEqualTo(Who.YOU);
                });
        operations.resume("domain example.com");

        operations.withdraw(SHOP);
        assertThat(operations.diagnose(SHOP).sentence()).startsWith("It was withdrawn by an operator at ");
        assertThat(lookedUp(SHOP).state()).as("nothing was ordered").isEqualTo(NameState.WITHDRAWN);
    }

    private void open(Duration rememberDenied) throws Exception {
        OnDemandTlsConfig config = OnDemandTlsConfig.builder()
                .issuer(Issuer.INTERNAL)
                .set("onDemandTls.permission.class", Denying.class.getName())
                .set("onDemandTls.permission.rememberDenied", rememberDenied.toSeconds() + "s")
                .build(base);
        engine = OnDemandTls.open(config, new NoServer());
        operations = engine.status().operations();
    }

    /** Denies everything. */
    public static final class Denying implements PermissionPolicy {
        @Override
        public CompletionStage<Decision> decide(ServerName name, Purpose purpose) {
            return CompletableFuture.completedFuture(new Decision.Denied("not ours"));
        }
    }

    @Test
    void theMBeanSaysOfEverythingWhatItIs() throws Exception {
        var mbeans = ManagementFactory.getPlatformMBeanServer();
        ObjectName name = mbeans.queryNames(new ObjectName("org.ondemandtls:type=OnDemandTls,*"), null).stream()
                .findFirst()
                .orElseThrow();
        var info = mbeans.getMBeanInfo(name);

        assertThat(info.getDescription()).startsWith("On-Demand TLS");
        assertThat(info.getAttributes())
                .allSatisfy(attribute -> assertThat(attribute.getDescription())
                        .as(attribute.getName())
                        .endsWith("."));
        assertThat(info.getOperations()).hasSizeGreaterThan(10).allSatisfy(operation -> {
            assertThat(operation.getDescription()).as(operation.getName()).endsWith(".");
            assertThat(operation.getSignature()).allSatisfy(parameter -> {
                assertThat(parameter.getName()).doesNotMatch("p[0-9]+");
                assertThat(parameter.getDescription()).endsWith(".");
            });
        });
        String[] text = {String.class.getName()};
        assertThat(mbeans.invoke(name, "lookUp", new Object[] {"new.example.com"}, text))
                .asString()
                .startsWith("{\"name\":\"new.example.com\",\"state\":\"unknown\",");
        assertThat(mbeans.invoke(name, "server", new Object[0], new String[0]))
                .asString()
                .contains(
                        "\"version\":",
                        "\"members\":[]",
                        "\"clockTrusted\":true",
                        "\"ordersQueued\":{",
                        "\"preflightResting\":false",
                        "\"overflows\":{",
                        "\"events\":[",
                        "\"storeError\":null");
        assertThat(mbeans.invoke(name, "expiry", new Object[0], new String[0]))
                .asString()
                .startsWith("{\"days\":{");
        assertThat(mbeans.invoke(name, "obtainAll", new Object[] {"a.example.com, b.example.com"}, text))
                .asString()
                .contains("\"a.example.com\":{\"done\":true", "\"b.example.com\":{\"done\":true");
        for (String operation : List.of("obtainAll", "lookUp", "diagnose")) {
            assertThat(mbeans.invoke(name, operation, new Object[] {"no_name"}, text))
                    .as(operation)
                    .asString()
                    .startsWith("{\"error\":\"nothing done: ");
        }
        assertThat(mbeans.invoke(name, "obtain", new Object[] {"no name"}, text))
                .asString()
                .startsWith("nothing done: ");
        assertThat(mbeans.invoke(name, "authorities", new Object[0], new String[0]))
                .asString()
                .startsWith("[{\"id\":\"internal\",\"well\":true,");
    }

    @Test
    void theListIsTheSameAfterARestart() throws Exception {
        obtained(SHOP);
        engine.close();
        open(Duration.ofMinutes(1));

        assertThat(listed("", Set.of())).containsExactly("shop.example.com");
        assertThat(Files.exists(base.resolve("ondemand-tls"))).isTrue();
        assertThat(Clock.systemUTC().instant()).isAfter(Instant.EPOCH);
    }
}
