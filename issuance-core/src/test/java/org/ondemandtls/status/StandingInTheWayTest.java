package org.ondemandtls.status;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.authority.RevocationReason;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.IssuanceException.Rejected;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.certificate.RenewalWindow;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.challenge.ChallengeBoard;
import org.ondemandtls.challenge.Vantages;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.issuance.WithdrawnName;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.preflight.Preflight;
import org.ondemandtls.preflight.Verdict;
import org.ondemandtls.store.Happening;
import org.ondemandtls.store.Hold;
import org.ondemandtls.store.MemoryCertificateStore;
import org.ondemandtls.store.Moved;
import org.ondemandtls.store.OpenOrder;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;
import org.ondemandtls.testing.TestCertificates;
import org.ondemandtls.testing.TestLeaves;

/** {@link NameReports} and {@link Diagnosis}: why a name has no certificate, and who must act, minutes later too. */
class StandingInTheWayTest {

    private static final ServerName SHOP = ServerName.parse("shop.one.example");
    private static final ServerName OTHER = ServerName.parse("other.one.example");
    private static final ServerName THIRD = ServerName.parse("shop.two.example");

    @TempDir
    private Path directory;

    private StatusHouse house;

    @BeforeEach
    void open() throws Exception {
        house = new StatusHouse(directory);
    }

    @AfterEach
    void close() {
        house.close();
    }

    private NameReport.Refusal refusal(ServerName name) {
        return house.operations().lookUp(name).lastRefusal().orElseThrow();
    }

    private Diagnosis.Finding onlyOneInTheWay(ServerName name) throws Exception {
        assertThat(house.inTheWay(name)).hasSize(1);
        return house.inTheWay(name).get(0);
    }

    private void fail(IssuanceException with) {
        house.floors().authority().fail(with);
    }

    private void advance(Duration by) {
        house.floors().time().advance(by);
    }

    @Test
    void aCaThatIsDownIsNotWellUntilItAnswersHoweverLongAgoItWasAsked() throws Exception {
        fail(IssuanceException.Unavailable.unwell(SHOP, "no route to the CA", Duration.ofSeconds(1), null));
        house.visit(SHOP);
        advance(Duration.ofHours(2));

        CaReport report = house.operations().authorities().get(0);
        assertThat(report.well()).isFalse();
        assertThat(report.sentence())
                .isEqualTo("Not well since " + report.failingSince().orElseThrow() + ": no route to the CA.");
        assertThat(onlyOneInTheWay(OTHER).who()).isEqualTo(Who.CA);
        assertThat(refusal(OTHER).who()).isEqualTo(Who.CA);
        assertThat(refusal(OTHER).what()).startsWith(StatusHouse.CA + " has not worked since ");
        assertThat(house.operations().lookUp(OTHER).state()).isEqualTo(NameState.WAITING);

        fail(new Rejected(SHOP, "unauthorized", "404", Duration.ZERO));
        house.visit(SHOP);

        assertThat(house.operations().authorities().get(0).well()).isTrue();
        assertThat(house.operations().authorities().get(0).sentence()).startsWith("Well: ");
    }

    @Test
    void aNameThatTheServerServesByItselfIsSaidToBeSo() throws Exception {
        house.visit(SHOP);
        int orders = house.floors().authority().asked().size();
        house.configure(SHOP);

        NameReport report = house.operations().lookUp(SHOP);
        assertThat(report.state()).isEqualTo(NameState.SERVED);
        assertThat(report.sentence()).startsWith("Served with a certificate of the server's own configuration: ");
        assertThat(report.lastRefusal()).isEmpty();
        assertThat(onlyOneInTheWay(SHOP).sentence()).contains("the server's own configuration", "take it out");
        assertThat(onlyOneInTheWay(SHOP).who()).isEqualTo(Who.YOU);
        assertThat(house.explain(SHOP)).startsWith("served with a certificate of the server's own configuration, ");
        assertThat(house.operations().lookUp(OTHER).state()).isEqualTo(NameState.UNKNOWN);
        assertThat(house.inTheWay(OTHER)).isEmpty();
        for (Operations.Outcome outcome : List.of(
                house.operations().obtain(SHOP),
                house.operations().renew(SHOP),
                house.operations().retry(SHOP),
                house.operations().obtainAll(SHOP.value()).get(SHOP.value()))) {
            assertThat(outcome.done()).isFalse();
            assertThat(outcome.sentence())
                    .isEqualTo("nothing done: " + SHOP
                            + " is served with a certificate of the server's own configuration");
        }
        assertThat(house.floors().authority().asked()).hasSize(orders);
        assertThat(house.operations().withdraw(SHOP).sentence()).contains("this server goes on serving it with");
        assertThat(house.operations().withdraw(OTHER).sentence()).doesNotContain("goes on serving");
        assertThat(house.operations().lookUp(SHOP).state()).isEqualTo(NameState.SERVED);
        house.operations().obtain(SHOP);
        assertThat(house.floors().store().hold(new Scope.TakenAway(SHOP)))
                .as("obtain ends a withdrawal here too")
                .isEmpty();
    }

    @Test
    void aNameThatIsWithdrawnStaysSoWhenItsCertificateIsRevoked() {
        house.visit(SHOP);
        house.visit(OTHER);
        house.operations().withdraw(SHOP);

        assertThat(house.operations()
                        .revoke(SHOP, RevocationReason.KEY_COMPROMISE)
                        .sentence())
                .endsWith(" is revoked; the name stays withdrawn");
        assertThat(house.operations()
                        .revoke(OTHER, RevocationReason.KEY_COMPROMISE)
                        .sentence())
                .endsWith(" is revoked; the next visit obtains another");

        assertThat(house.operations().lookUp(SHOP).state()).isEqualTo(NameState.WITHDRAWN);
        assertThat(house.operations().lookUp(OTHER).state()).isEqualTo(NameState.UNKNOWN);
    }

    @Test
    void theServersOwnCertificateIsToldWhileTheStoreDoesNotAnswer() throws Exception {
        house.configure(SHOP);
        ((MemoryCertificateStore) house.floors().store()).unreadable(true);

        NameReport report = house.operations().lookUp(SHOP);

        assertThat(report.state()).isEqualTo(NameState.SERVED);
        assertThat(report.sentence())
                .startsWith("Served with a certificate of the server's own configuration: ")
                .contains("This is what memory knows: the store does not answer");
    }

    @Test
    void theLineForSupportSaysThatTheCaIsDownLongAfterAVisitFailed() throws Exception {
        house.visit(OTHER);
        fail(IssuanceException.Unavailable.unwell(SHOP, "no route to the CA", Duration.ofSeconds(1), null));
        house.visit(SHOP);
        advance(Duration.ofMinutes(10));

        for (ServerName name : List.of(SHOP, OTHER)) {
            assertThat(house.explain(name))
                    .contains("; the next order has to wait: " + StatusHouse.CA + " has not worked since ")
                    .contains("no route to the CA; to act: ");
        }
    }

    @Test
    void theLineForSupportSaysThatANameHasMovedAway() throws Exception {
        house.visit(SHOP);
        StoredCertificate stored = house.floors().store().find(SHOP).orElseThrow();
        Instant since = house.floors().time().clock().instant();
        house.floors()
                .store()
                .save(stored.withMoved(Optional.of(new Moved(since, "192.0.2.1", "point it here again"))));

        assertThat(house.explain(SHOP))
                .contains("moved away since " + since)
                .contains("192.0.2.1")
                .contains("point it here again");
    }

    @Test
    void aNameThatHasMovedAwayIsExpiredOnceItsCertificateHasEnded() throws Exception {
        house.visit(SHOP);
        StoredCertificate stored = house.floors().store().find(SHOP).orElseThrow();
        Instant since = house.floors().time().clock().instant();
        house.floors()
                .store()
                .save(stored.withMoved(Optional.of(new Moved(since, "192.0.2.1", "point it here again"))));
        assertThat(house.operations().lookUp(SHOP).state()).isEqualTo(NameState.MOVED_AWAY);
        assertThat(listed(NameState.MOVED_AWAY)).containsExactly(SHOP.value());
        assertThat(listed(NameState.EXPIRED)).isEmpty();

        advance(Duration.between(since, stored.certificate().notAfter()).plusSeconds(1));

        assertThat(house.operations().lookUp(SHOP).sentence())
                .startsWith("Not served: moved away since ")
                .contains("point it here again");
        assertThat(listed(NameState.EXPIRED)).containsExactly(SHOP.value());
        assertThat(listed(NameState.MOVED_AWAY)).isEmpty();
    }

    private List<String> listed(NameState state) throws Exception {
        return listed(new NameFilter("", Set.of(state), Optional.empty(), Optional.empty()));
    }

    private List<String> listed(NameFilter filter) throws Exception {
        return house.operations().list(filter, "", 10).names().stream()
                .map(NameReport::name)
                .toList();
    }

    @Test
    void aNameThatIsDeniedAndServedOnSaysWhenItIsWithdrawnAndWhoMustAct() throws Exception {
        house.visit(SHOP);
        StoredCertificate stored = house.floors().store().find(SHOP).orElseThrow();
        Instant since = house.floors().time().clock().instant();
        house.floors().store().save(stored.withDeniedSince(Optional.of(since)));
        Instant end = house.renewal()
                .withdrawnAt(stored.withDeniedSince(Optional.of(since)))
                .orElseThrow();

        assertThat(end).isAfter(since);
        assertThat(refusal(SHOP).who()).isEqualTo(Who.YOU);
        assertThat(house.operations().lookUp(SHOP).state()).isEqualTo(NameState.SERVED);
        assertThat(house.operations().lookUp(SHOP).sentence())
                .contains("; not renewed: permission has denied it since " + since)
                .contains("until " + end + "; to act: you");
        assertThat(house.operations().list(NameFilter.all(), "", 10).names())
                .singleElement()
                .satisfies(report -> assertThat(report.sentence()).contains("permission has denied it since " + since));
        assertThat(house.explain(SHOP))
                .contains("; withdrawn if it is denied at every ask until " + end + "; to act: ");
    }

    private StoredCertificate several(ServerName first, ServerName further) throws Exception {
        Instant now = house.floors().time().clock().instant();
        KeyedCertificate certificate = TestLeaves.leaf(now, Duration.ofDays(90), first.value(), further.value());
        return house.floors()
                .store()
                .save(StoredCertificate.obtained(certificate, StatusHouse.CA, now, now.plus(Duration.ofDays(60)))
                        .withVisited(now));
    }

    @Test
    void thatTheFirstOfSeveralNamesIsDeniedIsNotSaidOfAnother() throws Exception {
        Instant since = house.floors().time().clock().instant();
        house.floors().store().save(several(SHOP, OTHER).withDeniedSince(Optional.of(since)));

        assertThat(house.explain(SHOP)).contains(", denied since " + since, "withdrawn if it is denied at every ask");
        assertThat(house.explain(OTHER)).doesNotContain("denied");
        assertThat(house.operations().lookUp(SHOP).lastRefusal()).isPresent();
        assertThat(house.operations().lookUp(OTHER).lastRefusal()).isEmpty();
    }

    @Test
    void thatAFurtherOfSeveralNamesIsDeniedIsSaidOfThatOne() throws Exception {
        Instant since = house.floors().time().clock().instant();
        several(SHOP, OTHER);
        house.floors()
                .store()
                .keepHold(new Hold(
                        new Scope.Other("denied-name/" + OTHER),
                        StatusHouse.CA,
                        1,
                        since.plus(Duration.ofDays(90)),
                        "denied",
                        since.toString(),
                        Optional.empty()));

        assertThat(house.explain(OTHER)).contains(", denied since " + since, "withdrawn if it is denied at every ask");
        assertThat(house.explain(SHOP)).doesNotContain("denied");
        assertThat(house.operations().lookUp(OTHER).lastRefusal()).isPresent();
    }

    @Test
    void theLineForSupportSaysByWhatANameFailedLastMinutesLaterToo() throws Exception {
        fail(new IssuanceException.Unavailable(SHOP, "the order is stuck", Duration.ofSeconds(1), null));
        house.visit(SHOP);
        advance(Duration.ofMinutes(10));

        assertThat(house.explain(SHOP)).contains("; last tried at ", "the order is stuck; to act: ");
        assertThat(house.explain(OTHER)).doesNotContain("last tried");
    }

    @Test
    void theLineForSupportTellsOfAnOrderThatIsStillOpen() throws Exception {
        Instant started = house.floors().time().clock().instant();
        house.floors()
                .store()
                .journal(
                        new OpenOrder(
                                SHOP,
                                StatusHouse.CA,
                                started,
                                Optional.of(URI.create("https://ca.example/order/1")),
                                TestCertificates.key(),
                                new byte[] {1}),
                        null);

        assertThat(house.explain(SHOP))
                .contains("an order of " + started + " is still open at " + StatusHouse.CA)
                .contains("dropped at " + started.plus(OpenOrder.LONGEST));
        assertThat(house.explain(OTHER)).doesNotContain("order of");
    }

    @Test
    void theLineForSupportSaysWhyARenewalIsOutsideOfTheWindowOfTheCa() throws Exception {
        house.visit(SHOP);
        StoredCertificate stored = house.floors().store().find(SHOP).orElseThrow();
        Instant now = house.floors().time().clock().instant();
        house.floors()
                .store()
                .save(stored.withWindow(Optional.of(
                        new RenewalWindow(now.minusSeconds(7200), now.minusSeconds(3600), Optional.empty()))));
        assertThat(house.explain(SHOP))
                .contains(", outside of the CA's window from " + now.minusSeconds(7200))
                .doesNotContain("in a quarter of its lifetime");

        house.floors()
                .store()
                .keepHold(new Hold(
                        new Scope.Advised(SHOP.value()),
                        StatusHouse.CA,
                        1,
                        now.plus(Duration.ofDays(20)),
                        "replacedEarly",
                        "replaced as its CA suggested",
                        Optional.empty()));

        assertThat(house.explain(SHOP)).contains("at most once in a quarter of its lifetime");
    }

    @Test
    void whatPassesByItselfIsListedAmongTheRefusedUntilItIsTriedAgain() throws Exception {
        fail(Rejected.passing(SHOP, "connection", "Timeout during connect", Duration.ZERO));
        house.visit(SHOP);
        NameFilter refused = new NameFilter(
                "", Set.of(), Optional.empty(), Optional.empty(), Optional.empty(), Optional.of("connection"));

        assertThat(listed(refused)).containsExactly(SHOP.value());
        assertThat(listed(NameState.REFUSED)).as("no CA has refused it").isEmpty();

        advance(Duration.ofHours(2));

        assertThat(listed(refused)).isEmpty();
    }

    @Test
    void aWildcardThatIsNotRenewedIsNotCalledUnvisited() throws Exception {
        Instant now = house.floors().time().clock().instant();
        StoredCertificate beside = StoredCertificate.obtained(
                TestLeaves.leaf(now, Duration.ofDays(90), "one.example", "*.one.example"), StatusHouse.CA, now, now);
        house.floors()
                .store()
                .save(beside.withVisited(now)
                        .withDue(beside.certificate().notAfter().plusSeconds(1)));
        ServerName first = ServerName.parse("one.example");

        assertThat(house.explain(first))
                .contains("not renewed since a wildcard is not")
                .doesNotContain("visited and");
        assertThat(house.operations().lookUp(first).sentence())
                .contains("not renewed since a wildcard is not")
                .doesNotContain("visited");
    }

    @Test
    void oneOfSeveralCasThatIsDownIsNoObstacle() throws Exception {
        house.floors().addAuthority("https://next.example/directory");
        house.begin(Map.of());
        fail(IssuanceException.Unavailable.unwell(SHOP, "down", Duration.ofSeconds(1), null));
        house.visit(SHOP);

        assertThat(house.inTheWay(OTHER)).isEmpty();
        assertThat(house.operations().lookUp(OTHER).state()).isEqualTo(NameState.UNKNOWN);
    }

    @Test
    void whereACaRefusesEveryNameTheOperatorMustAct() throws Exception {
        fail(Rejected.general(SHOP, "badPublicKey", "RSA is not taken", Duration.ZERO));
        house.visit(SHOP);
        house.visit(THIRD);

        assertThat(refusal(ServerName.parse("new.one.example")).who()).isEqualTo(Who.YOU);
        advance(Duration.ofMinutes(5));
        assertThat(refusal(OTHER).who()).isEqualTo(Who.YOU);
        assertThat(refusal(OTHER).what()).contains("change onDemandTls.certificate.key");
        assertThat(house.inTheWay(OTHER))
                .allSatisfy(finding -> assertThat(finding.who()).isEqualTo(Who.YOU));
        assertThat(house.operations().authorities().get(0).well()).isFalse();
    }

    @Test
    void whereACaRefusesTheAccountTheOperatorMustAct() throws Exception {
        fail(new IssuanceException.AccountRefused(
                SHOP, "externalAccountRequired; set onDemandTls.acme.eab", Duration.ofHours(1)));
        house.visit(SHOP);

        assertThat(refusal(SHOP).who()).isEqualTo(Who.YOU);
        assertThat(house.inTheWay(OTHER))
                .isNotEmpty()
                .allSatisfy(finding -> assertThat(finding.who()).isEqualTo(Who.YOU));
    }

    @Test
    void aWaitThatIsOverDoesNotHideWhatIsTheMatterNow() throws Exception {
        fail(Rejected.passing(SHOP, "connection", "Timeout during connect", Duration.ZERO));
        house.visit(SHOP);
        assertThat(refusal(SHOP).what()).contains("Timeout during connect");
        advance(Duration.ofHours(2));

        house.operations().pause("all");

        assertThat(refusal(SHOP).what()).startsWith("an operator has paused issuing");
    }

    @Test
    void noneOfAListIsSaidToBeServedThatFailsAtOnce() throws Exception {
        fail(Rejected.general(SHOP, "badPublicKey", "RSA is not taken", Duration.ZERO));
        house.visit(SHOP);
        house.visit(THIRD);
        ServerName fresh = ServerName.parse("new.three.example");

        Operations.Outcome outcome = house.operations().obtainAll(fresh.value()).get(fresh.value());

        assertThat(outcome.done() && outcome.sentence().contains("served")).isFalse();
    }

    @Test
    void theWordsThatMemoryKeepsSayWhoMustActAsTheFailureDid() {
        assertThat(Who.of(new IssuanceException.Remembered(SHOP, "the CA refuses the account: x", Duration.ZERO)))
                .isEqualTo(Who.YOU);
        assertThat(Who.of(new IssuanceException.Remembered(SHOP, "store: disk full", Duration.ZERO)))
                .isEqualTo(Who.YOU);
        assertThat(Who.of(new IssuanceException.Remembered(SHOP, "rejected by the CA (connection): x", Duration.ZERO)))
                .isEqualTo(Who.CUSTOMER);
        assertThat(Who.of(new IssuanceException.Unavailable(
                        SHOP, "an operator has paused issuing since then: all", Duration.ZERO, null)))
                .isEqualTo(Who.YOU);
        IssuanceException passing = Rejected.passing(SHOP, "connection", "Timeout", Duration.ZERO);
        assertThat(Who.of(passing)).isEqualTo(Who.YOU);
        assertThat(Who.of(new IssuanceException.Remembered(SHOP, passing.what(), Duration.ZERO)))
                .isEqualTo(Who.YOU);
        assertThat(Who.of(Rejected.passing(SHOP, "dns", "SERVFAIL", Duration.ZERO)))
                .isEqualTo(Who.NOBODY);
    }

    @Test
    void aClockThatJumpedStandsInTheWayOfARenewalThatIsDue() throws Exception {
        house.visit(SHOP);
        StoredCertificate stored = house.floors().store().find(SHOP).orElseThrow();
        Instant end = stored.certificate().notAfter();
        assertThat(house.inTheWay(SHOP)).isEmpty();

        house.floors().time().jump(Duration.between(house.operations().now(), end.minusSeconds(60)));

        NameReport report = house.operations().lookUp(SHOP);
        assertThat(report.state()).isEqualTo(NameState.OVERDUE);
        assertThat(report.lastRefusal().orElseThrow().who()).isEqualTo(Who.YOU);
        assertThat(report.lastRefusal().orElseThrow().what())
                .isEqualTo("the clock of the machine has jumped: nothing is renewed until it is back, until a CA has"
                        + " the same time, or for 24 h; check"
                        + " this machine's time");
        assertThat(house.explain(SHOP)).contains("the clock of the machine has jumped", "to act: you");
        assertThat(onlyOneInTheWay(SHOP).what()).isEqualTo("clock");
        assertThat(onlyOneInTheWay(SHOP).who()).isEqualTo(Who.YOU);
        assertThat(onlyOneInTheWay(SHOP).sentence())
                .startsWith("Its renewal is due, but the clock of the machine has jumped: ");
        assertThat(house.inTheWay(OTHER)).as("a visitor gets a new certificate").isEmpty();

        advance(Duration.ofSeconds(1));
        house.floors()
                .time()
                .jump(Duration.between(
                        house.operations().now(), stored.obtained().plusSeconds(1)));

        assertThat(house.inTheWay(SHOP)).as("the clock is back").isEmpty();
    }

    @Test
    void aClockThatJumpedIsNoObstacleWhereNoRenewalIsDue() throws Exception {
        house.visit(SHOP);

        house.floors().time().jump(Duration.ofHours(1));

        assertThat(house.floors().watch().isTrusted()).isFalse();
        assertThat(house.inTheWay(SHOP)).isEmpty();
        assertThat(house.operations().lookUp(SHOP).lastRefusal()).isEmpty();
        assertThat(house.explain(SHOP)).doesNotContain("clock");
        assertThat(finding("clock").sentence()).contains("keeps no visitor from a new certificate");
    }

    @Test
    void aBudgetThatIsUsedUpIsToldOfUntilThereIsRoom() throws Exception {
        house.begin(Map.of("onDemandTls.budget.domain", "1/7d"));
        assertThat(house.visit(SHOP)).isTrue();
        assertThat(house.visit(OTHER)).isFalse();
        advance(Duration.ofMinutes(2));

        NameReport.Refusal refusal = refusal(OTHER);
        assertThat(refusal.who()).isEqualTo(Who.NOBODY);
        assertThat(refusal.what()).startsWith("over budget: all 1 certificates of one.example in ");
        assertThat(refusal.until().orElseThrow()).isAfter(house.operations().now());
        assertThat(house.operations().lookUp(OTHER).state()).isEqualTo(NameState.WAITING);
        assertThat(house.operations().lookUp(OTHER).history())
                .extracting(Happening::kind)
                .contains("over_budget");
        assertThat(onlyOneInTheWay(OTHER).what()).isEqualTo("budgets");
        assertThat(onlyOneInTheWay(OTHER).sentence())
                .contains("room again at " + refusal.until().get());
        assertThat(house.inTheWay(THIRD)).isEmpty();
        assertThat(house.operations().lookUp(SHOP).lastRefusal())
                .as("what is served wants nothing")
                .isEmpty();
    }

    @Test
    void aPauseOfTheOnlyCaStandsInTheWayAndOneOfSeveralDoesNot() throws Exception {
        house.operations().pause("ca " + StatusHouse.CA);

        assertThat(refusal(SHOP).who()).isEqualTo(Who.YOU);
        assertThat(refusal(SHOP).what()).isEqualTo("an operator has paused issuing: ca " + StatusHouse.CA);
        assertThat(onlyOneInTheWay(SHOP).what()).isEqualTo("pauses");

        house.floors().addAuthority("https://next.example/directory");
        house.begin(Map.of());

        assertThat(house.operations().lookUp(SHOP).lastRefusal()).isEmpty();
        assertThat(house.operations().diagnose(SHOP).findings())
                .filteredOn(finding -> finding.what().equals("pauses"))
                .singleElement()
                .satisfies(finding -> {
                    assertThat(finding.good()).isTrue();
                    assertThat(finding.sentence()).contains("but from " + StatusHouse.CA);
                });
    }

    @Test
    void aCaThatCannotConnectPointsToAFirewall() throws Exception {
        fail(Rejected.passing(SHOP, "connection", "Timeout during connect", Duration.ZERO));
        house.visit(SHOP);
        advance(Duration.ofSeconds(20));

        assertThat(refusal(SHOP).who()).isEqualTo(Who.YOU);
        assertThat(refusal(SHOP).what()).contains("Timeout during connect").endsWith(NameReports.FIREWALL);
        assertThat(house.inTheWay(SHOP).get(0).what()).isEqualTo("the CA's last word");
        assertThat(house.inTheWay(SHOP).get(0).who()).isEqualTo(Who.YOU);
        assertThat(house.inTheWay(SHOP).get(0).sentence()).contains("Timeout during connect", NameReports.FIREWALL);
    }

    private void proof(boolean accepted, String... peers) throws Exception {
        try (ChallengeBoard.Display display = house.board().displayHttp(SHOP, "token", "answer")) {
            for (String peer : peers) {
                house.board()
                        .answer(
                                "GET",
                                "/.well-known/acme-challenge/token",
                                null,
                                SHOP.value(),
                                Vantages.address(peer).orElseThrow());
            }
            house.vantages().decided(SHOP, StatusHouse.CA, "http-01", display, accepted);
        }
    }

    @Test
    void aVantagePointThatIsKeptOutComesBeforeWhatTheCaSays() throws Exception {
        for (int good = 0; good < 3; good++) {
            proof(true, "198.51.1.7", "203.0.113.5", "192.0.2.1");
        }
        fail(new Rejected(SHOP, "unauthorized", "During secondary validation: 404", Duration.ZERO));
        house.visit(SHOP);
        proof(false, "198.51.1.7", "192.0.2.1");

        assertThat(refusal(SHOP).who()).isEqualTo(Who.YOU);
        assertThat(refusal(SHOP).what()).contains("did not come from 203.0.0.0/16", "During secondary validation: 404");
        assertThat(house.inTheWay(SHOP).get(0).what()).isEqualTo("vantage points");
        assertThat(house.inTheWay(SHOP).get(1).what()).isEqualTo("the CA's last word");
    }

    @Test
    void whatANameFailedByLastIsToldUntilItHasGotFurther() {
        var events = house.floors().recorded().events();
        events.publish(EventKind.NO_ANSWER, SHOP, "no answer: onDemandTls.permission.ask did not answer");
        events.publish(EventKind.NEXT_CA, SHOP, "asks the next CA");

        assertThat(refusal(SHOP).who()).isEqualTo(Who.YOU);
        assertThat(refusal(SHOP).what())
                .startsWith("last tried at ")
                .endsWith("onDemandTls.permission.ask did not answer");
        events.publish(EventKind.NOT_READY, SHOP, "not ordered: customer: change the A record");
        assertThat(refusal(SHOP).who()).isEqualTo(Who.CUSTOMER);

        events.publish(EventKind.DENIED, SHOP, "denied: not ours");

        assertThat(house.operations().lookUp(SHOP).lastRefusal()).isEmpty();
    }

    @Test
    void whileTheStoreDoesNotAnswerMemoryIsToldOf() {
        house.visit(SHOP);
        ((MemoryCertificateStore) house.floors().store()).unreadable(true);

        NameReport report = house.operations().lookUp(SHOP);

        assertThat(report.state()).isEqualTo(NameState.SERVED);
        assertThat(report.certificate()).isPresent();
        assertThat(report.storeError().orElseThrow()).startsWith("the store does not answer: ");
        assertThat(house.operations().lookUp(OTHER).state()).isEqualTo(NameState.UNKNOWN);
        ((MemoryCertificateStore) house.floors().store()).unreadable(false);
        assertThat(house.operations().lookUp(SHOP).storeError()).isEmpty();
    }

    @Test
    void aReportHasWhatMemoryKnowsAndAsksAStoreThatDoesNotAnswerOnce() {
        house.visit(SHOP);
        FromStore store = new FromStore();
        assertThat(store.<String>read(() -> {
                    throw new StoreException("connection refused");
                }))
                .isEmpty();
        assertThat(store.read(() -> "an answer")).isEmpty();

        CaReport ca = CaReports.of(house.own(), house.floors().authority(), Optional.empty(), store);
        Map<String, Object> server = house.operations().server(store);

        assertThat(ca.storeError()).contains("the store does not answer: connection refused");
        assertThat(ca.orders()).containsEntry("obtained", 1L);
        assertThat(ca.budgets()).isEmpty();
        assertThat(server).containsEntry("paused", Optional.empty()).containsKeys("inMemory", "events");
    }

    @Test
    void eventsOfTheServerAsAWholeAreKept() {
        var events = house.floors().recorded().events();
        events.publish(EventKind.CLOCK, "the clock has jumped");
        events.publish(EventKind.STORE_FAILED, SHOP, "not obtained: store: disk full");
        events.publish(EventKind.STILL_FAILING, "the store fails");
        events.publish(EventKind.DENIED, SHOP, "denied: not ours");

        assertThat(house.own().recent().ofTheServer())
                .extracting(Happening::text)
                .containsExactly("the clock has jumped", "shop.one.example: not obtained: store: disk full");
        for (int more = 0; more < 2 * Recent.OF_THE_SERVER; more++) {
            events.publish(EventKind.ADVICE, "advice " + more);
        }
        assertThat(house.own().recent().ofTheServer()).hasSize(Recent.OF_THE_SERVER);
    }

    private Diagnosis.Finding finding(String what) throws Exception {
        return house.operations().diagnose(SHOP).findings().stream()
                .filter(finding -> finding.what().equals(what))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void whatGrantedANameIsNamed() throws Exception {
        assertThat(finding("permission").sentence())
                .isEqualTo("Permission was asked now and is granted by onDemandTls.permission.names.");
    }

    @Test
    void aResolverThatIsSilentStandsInTheWayOfALook() throws Exception {
        house.preflight(new Preflight() {
            @Override
            public CompletableFuture<Optional<Verdict>> look(ServerName name, ClientBlock client) {
                return CompletableFuture.completedFuture(Optional.empty());
            }

            @Override
            public CompletableFuture<Optional<Verdict>> probe(ServerName name, ClientBlock client) {
                return CompletableFuture.completedFuture(Optional.empty());
            }

            @Override
            public String state() {
                return "resting: 192.0.2.53 does not answer";
            }

            @Override
            public boolean isResting() {
                return true;
            }
        });
        house.begin(Map.of());

        assertThat(finding("DNS and CAA").good()).isFalse();
        assertThat(finding("DNS and CAA").who()).isEqualTo(Who.YOU);
        assertThat(finding("DNS and CAA").sentence()).contains("192.0.2.53 does not answer");
    }

    @Test
    void nothingStandsInTheWayOfANewName() throws Exception {
        assertThat(house.operations().diagnose(SHOP).sentence())
                .isEqualTo("Nothing was found that stands in the way: try it now.");
    }

    @Test
    void aNameThatItsCertificateOfSeveralDoesNotServeIsWithdrawnAndListed() throws Exception {
        Instant now = house.floors().time().clock().instant();
        StoredCertificate several = StoredCertificate.obtained(
                TestLeaves.leaf(now, Duration.ofDays(30), SHOP.value(), OTHER.value()), StatusHouse.CA, now, now);
        house.floors().store().save(several);
        assertThat(house.operations().lookUp(OTHER).state()).isEqualTo(NameState.STORED);

        WithdrawnName.keep(house.floors().store(), OTHER, several);

        assertThat(house.operations().lookUp(OTHER).state()).isEqualTo(NameState.WITHDRAWN);
        assertThat(house.operations().lookUp(OTHER).sentence()).contains("permission was denied for so long");
        assertThat(house.operations().lookUp(SHOP).state()).isEqualTo(NameState.STORED);
        NameFilter withdrawn = new NameFilter("", Set.of(NameState.WITHDRAWN), Optional.empty(), Optional.empty());
        assertThat(house.operations().list(withdrawn, "", 9).names())
                .extracting(NameReport::name)
                .containsExactly(OTHER.value());
    }
}
