package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.FaultyAcmeProxy;
import org.ondemandtls.testing.Pebble;

/** {@link AccountAdmin} at a real CA: another key, an end, another account; nothing is lost wherever it is broken off. */
@Tag("once")
class AccountAdminIT extends WithPebble {

    private static final String NEW_ACCOUNT = "/sign-me-up";
    private static final String KEY_CHANGE = "rollover";
    private static final String ACCOUNT = "/my-account/";
    private static final ServerName SHOP = ServerName.parse("shop.customer.example");

    private Pebble pebble;
    private FaultyAcmeProxy proxy;
    private AcmeAuthority one;

    @BeforeEach
    void start() throws Exception {
        pebble = reachable().start(directory);
        proxy = proxy(pebble);
        one = open(proxy);
    }

    @AfterEach
    void stop() throws Exception {
        proxy.close();
        pebble.close();
    }

    private void obtain(AcmeAuthority authority, String name) throws Exception {
        Authority.Order order = order(name);
        assertServable(sign(authority, order), order);
    }

    private String key() {
        String file = files.names().stream()
                .filter(name -> name.matches("accounts/[0-9a-f]{16}\\.pem"))
                .findFirst()
                .orElseThrow();
        return new String(files.read(file).orElseThrow(), StandardCharsets.US_ASCII);
    }

    private long made() {
        return texts(EventKind.ACCOUNT).stream()
                .filter(text -> text.startsWith("made the account"))
                .count();
    }

    @Test
    void theAccountHasAnotherKeyAndServersThatShareItNoticeAtTheirNextOrder() throws Exception {
        AcmeAuthority other = open(proxy);
        obtain(one, "one.customer.example");
        obtain(other, "two.customer.example");
        String before = key();

        assertThat(one.account().orElseThrow().rollOver()).contains("has another key");

        assertThat(key()).isNotEqualTo(before);
        obtain(one, "three.customer.example");
        obtain(other, "four.customer.example");
        obtain(open(proxy), "five.customer.example");
        assertThat(made()).isEqualTo(1);
        assertThat(asked(proxy, NEW_ACCOUNT)).isEqualTo(1);
    }

    @Test
    void anAnswerThatIsLostCostsNoAccount() throws Exception {
        obtain(one, "one.customer.example");
        proxy.first(1, FaultyAcmeProxy.path(KEY_CHANGE), FaultyAcmeProxy.lostAnswer());

        assertThat(one.account().orElseThrow().rollOver()).contains("has another key");

        obtain(one, "two.customer.example");
        assertThat(made()).isEqualTo(1);
    }

    @Test
    void aCrashBeforeTheNewKeyIsTheAccountsOwnCostsNoAccount() throws Exception {
        obtain(one, "one.customer.example");
        // The CA has done it, and whatever would be kept or asked after that is not.
        proxy.when(FaultyAcmeProxy.path(KEY_CHANGE), (request, ca) -> {
            ca.ask();
            files.readOnly(true);
            throw new IOException("reset on purpose");
        });
        proxy.when(FaultyAcmeProxy.path(NEW_ACCOUNT), FaultyAcmeProxy.reset());
        assertThatThrownBy(() -> one.account().orElseThrow().rollOver()).isInstanceOf(IssuanceException.class);
        files.readOnly(false);
        proxy.heal();
        String before = key();

        obtain(open(proxy), "two.customer.example");

        assertThat(key()).isNotEqualTo(before);
        assertThat(made()).isEqualTo(1);
        assertThat(texts(EventKind.ACCOUNT)).anyMatch(text -> text.contains("has accepted the new account key"));
    }

    @Test
    void aChangeThatTheCaRefusesLeavesTheOldKey() throws Exception {
        obtain(one, "one.customer.example");
        String before = key();
        proxy.when(FaultyAcmeProxy.path(KEY_CHANGE), FaultyAcmeProxy.problem(403, "unauthorized", "not today", null));

        assertThatThrownBy(() -> one.account().orElseThrow().rollOver()).hasMessageContaining("not today");

        assertThat(key()).isEqualTo(before);
        proxy.heal();
        obtain(one, "two.customer.example");
        assertThat(one.account().orElseThrow().rollOver()).contains("has another key");
        obtain(one, "three.customer.example");
        assertThat(made()).isEqualTo(1);
    }

    @Test
    void anAccountThatIsDeactivatedObtainsNothingUntilAnotherIsRegistered() throws Exception {
        AcmeAuthority other = open(proxy);
        obtain(one, "one.customer.example");
        obtain(other, "two.customer.example");
        AccountAdmin account = one.account().orElseThrow();
        assertThatThrownBy(account::register).hasMessageContaining("is not deactivated");

        assertThat(account.deactivate()).contains("is deactivated");

        assertThat(account.deactivated()).isPresent();
        for (AcmeAuthority server : new AcmeAuthority[] {one, other, open(proxy)}) {
            server.prepare();
            assertThat(server.outOfService(SHOP).orElseThrow())
                    .hasMessageContaining("an operator has deactivated the account")
                    .hasMessageContaining("account register");
        }
        assertThatThrownBy(account::rollOver).hasMessageContaining("has deactivated the account");
        assertThat(asked(proxy, NEW_ACCOUNT)).isEqualTo(1);

        assertThat(account.register()).startsWith("made the account");

        assertThat(one.outOfService(SHOP)).isEmpty();
        obtain(one, "three.customer.example");
        obtain(other, "four.customer.example");
        assertThat(made()).isEqualTo(2);
    }

    @Test
    void whatTheCaDoesNotAnswerIsKeptAsTheOperatorsWillUntilItHas() throws Exception {
        obtain(one, "one.customer.example");
        AccountAdmin account = one.account().orElseThrow();
        for (FaultyAcmeProxy.Fault fault :
                List.of(FaultyAcmeProxy.reset(), FaultyAcmeProxy.problem(500, "serverInternal", "not now", null))) {
            proxy.when(FaultyAcmeProxy.path(ACCOUNT), fault);
            assertThatThrownBy(account::deactivate)
                    .isInstanceOf(IssuanceException.Unavailable.class)
                    .hasMessageContaining("nothing is obtained at " + proxy.directory()
                            + " meanwhile: run account deactivate again until the CA has answered");
            assertThat(one.outOfService(SHOP)).isPresent();
            proxy.heal();
        }

        assertThat(account.deactivate()).contains("is deactivated");
        assertThat(account.deactivate()).as("once more").contains("is deactivated");

        assertThat(one.outOfService(SHOP)).isPresent();
    }

    @Test
    void whatTheCaRefusesIsNotTheOperatorsWillAnyMore() throws Exception {
        obtain(one, "one.customer.example");
        proxy.when(FaultyAcmeProxy.path(ACCOUNT), FaultyAcmeProxy.reset());
        assertThatThrownBy(() -> one.account().orElseThrow().deactivate())
                .isInstanceOf(IssuanceException.Unavailable.class);

        proxy.heal();
        proxy.when(
                request -> request.path().contains(ACCOUNT),
                FaultyAcmeProxy.problem(403, "unauthorized", "not this one", null));
        assertThat(one.account().orElseThrow().register()).startsWith("made the account");
        assertThatThrownBy(() -> one.account().orElseThrow().deactivate()).hasMessageContaining("not this one");
        assertThat(one.outOfService(SHOP)).as("refused, so nothing is closed").isEmpty();
    }

    @Test
    void aDeactivationWhoseAnswerIsLostIsDone() throws Exception {
        obtain(one, "one.customer.example");
        proxy.first(1, FaultyAcmeProxy.path(ACCOUNT), FaultyAcmeProxy.lostAnswer());

        assertThat(one.account().orElseThrow().deactivate()).contains("is deactivated");

        assertThat(one.outOfService(SHOP)).isPresent();
    }

    @Test
    void anAccountThatSomebodyElseHasDeactivatedCanBeFollowedByAnother() throws Exception {
        obtain(one, "one.customer.example");
        AccountAdmin account = one.account().orElseThrow();
        account.deactivate();
        new AccountFiles(files, proxy.directory()).keepDeactivated("");
        assertThatThrownBy(() -> sign(one, order("two.customer.example")))
                .hasMessageContaining("account deactivate and then account register");

        assertThat(account.deactivate()).contains("is deactivated");
        assertThat(account.register()).startsWith("made the account");

        obtain(open(proxy), "three.customer.example");
    }

    @Test
    void aKeyThatTheCaTakesAfterItSeemedNotToIsStillThere() throws Exception {
        AcmeAuthority other = open(proxy);
        obtain(one, "one.customer.example");
        obtain(other, "two.customer.example");
        // Asked, the CA does not know the key yet; soon after it does.
        proxy.when(FaultyAcmeProxy.path(KEY_CHANGE), (request, ca) -> {
            ca.ask();
            return FaultyAcmeProxy.problem(403, "unauthorized", "too slow", null)
                    .answer(request, ca);
        });
        proxy.when(
                FaultyAcmeProxy.path(NEW_ACCOUNT),
                FaultyAcmeProxy.problem(400, "accountDoesNotExist", "not heard of it", null));
        assertThatThrownBy(() -> one.account().orElseThrow().rollOver()).hasMessageContaining("too slow");
        proxy.heal();

        obtain(other, "three.customer.example");
        obtain(one, "four.customer.example");
        obtain(open(proxy), "five.customer.example");
        assertThat(made()).isEqualTo(1);
    }

    @Test
    void aCaThatSaysOfAKeyWhateverItWantsBlocksNoLogin() throws Exception {
        obtain(one, "one.customer.example");
        proxy.when(FaultyAcmeProxy.path(KEY_CHANGE), FaultyAcmeProxy.problem(403, "unauthorized", "not today", null));
        proxy.when(
                FaultyAcmeProxy.path(NEW_ACCOUNT),
                FaultyAcmeProxy.problem(403, "externalAccountRequired", "bind it", null));

        assertThatThrownBy(() -> one.account().orElseThrow().rollOver()).hasMessageContaining("not today");

        obtain(one, "two.customer.example");
        obtain(open(proxy), "three.customer.example");
        proxy.heal();
        String left = successor().orElseThrow();
        assertThat(one.account().orElseThrow().rollOver()).contains("has another key");
        assertThat(key()).as("the key that was left over").isEqualTo(left);
        assertThat(successor()).isEmpty();
        obtain(one, "four.customer.example");
        assertThat(made()).isEqualTo(1);
    }

    @Test
    void nothingIsBegunAtACaThatChangesNoKeys() throws Exception {
        proxy.when(
                FaultyAcmeProxy.path(proxy.directory().getPath()),
                FaultyAcmeProxy.replace("\"keyChange\"", "\"noKeyChange\""));
        AcmeAuthority changesNone = open(proxy);
        obtain(changesNone, "one.customer.example");

        assertThatThrownBy(() -> changesNone.account().orElseThrow().rollOver())
                .hasMessageContaining("lacks what is needed");

        assertThat(successor()).isEmpty();
    }

    @Test
    void aKeyThatAnotherServerChangedIsReadAnew() throws Exception {
        AcmeAuthority other = open(proxy);
        obtain(one, "one.customer.example");
        obtain(other, "two.customer.example");

        assertThat(one.account().orElseThrow().rollOver()).contains("has another key");
        assertThat(other.account().orElseThrow().rollOver()).contains("has another key");
        assertThat(one.account().orElseThrow().deactivate()).contains("is deactivated");

        assertThat(made()).isEqualTo(1);
    }

    private Optional<String> successor() {
        return files.names().stream()
                .filter(name -> name.contains(".after-"))
                .map(name -> new String(files.read(name).orElseThrow(), StandardCharsets.US_ASCII))
                .filter(pem -> !pem.isEmpty())
                .findFirst();
    }
}
