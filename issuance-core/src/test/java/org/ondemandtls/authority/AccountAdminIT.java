package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
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
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            AcmeAuthority one = open(proxy);
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
    }

    @Test
    void anAnswerThatIsLostCostsNoAccount() throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            AcmeAuthority one = open(proxy);
            obtain(one, "one.customer.example");
            proxy.first(1, FaultyAcmeProxy.path(KEY_CHANGE), FaultyAcmeProxy.lostAnswer());

            assertThat(one.account().orElseThrow().rollOver()).contains("has another key");

            obtain(one, "two.customer.example");
            assertThat(made()).isEqualTo(1);
        }
    }

    @Test
    void aCrashBeforeTheNewKeyIsTheAccountsOwnCostsNoAccount() throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            AcmeAuthority one = open(proxy);
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
            assertThat(texts(EventKind.ACCOUNT)).anyMatch(text -> text.contains("has the account's new key"));
        }
    }

    @Test
    void aChangeThatTheCaRefusesLeavesTheOldKey() throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            AcmeAuthority one = open(proxy);
            obtain(one, "one.customer.example");
            String before = key();
            proxy.when(
                    FaultyAcmeProxy.path(KEY_CHANGE), FaultyAcmeProxy.problem(403, "unauthorized", "not today", null));

            assertThatThrownBy(() -> one.account().orElseThrow().rollOver()).hasMessageContaining("not today");

            assertThat(key()).isEqualTo(before);
            proxy.heal();
            obtain(one, "two.customer.example");
            assertThat(one.account().orElseThrow().rollOver()).contains("has another key");
            obtain(one, "three.customer.example");
            assertThat(made()).isEqualTo(1);
        }
    }

    @Test
    void anAccountThatIsDeactivatedObtainsNothingUntilAnotherIsRegistered() throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            AcmeAuthority one = open(proxy);
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
    }

    @Test
    void whatTheCaDoesNotAnswerIsKeptAsTheOperatorsWill() throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            AcmeAuthority one = open(proxy);
            obtain(one, "one.customer.example");
            proxy.when(request -> request.path().contains(ACCOUNT), FaultyAcmeProxy.reset());
            assertThatThrownBy(() -> one.account().orElseThrow().deactivate())
                    .isInstanceOf(IssuanceException.Unavailable.class);
            assertThat(one.outOfService(SHOP)).isPresent();

            proxy.heal();
            proxy.when(
                    request -> request.path().contains(ACCOUNT),
                    FaultyAcmeProxy.problem(403, "unauthorized", "not this one", null));
            assertThat(one.account().orElseThrow().register()).startsWith("made the account");
            assertThatThrownBy(() -> one.account().orElseThrow().deactivate()).hasMessageContaining("not this one");
            assertThat(one.outOfService(SHOP))
                    .as("refused, so nothing is closed")
                    .isEmpty();
        }
    }
}
