package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.config.OnDemandTlsConfig.ExternalAccountBinding;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.testing.FaultyAcmeProxy;
import org.ondemandtls.testing.Pebble;

/** {@link CaAccount}: one account, found again by its key, kept up to date, and asked for by one at a time. */
@Tag("once")
class CaAccountIT extends WithPebble {

    private static final String NEW_ACCOUNT = "/sign-me-up";

    private AcmeAuthority open(FaultyAcmeProxy proxy, String email, Optional<ExternalAccountBinding> eab)
            throws Exception {
        OnDemandTlsConfig.Directory ca = new OnDemandTlsConfig.Directory(proxy.directory(), Optional.empty(), eab);
        return open(
                new OnDemandTlsConfig.Acme(
                        List.of(ca), Optional.of(email), Optional.empty(), Optional.of(proxy.trustedRoots()), BOTH),
                ca);
    }

    @Test
    void aContactThatChangesIsToldOnceToTheSameAccount() throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            open(proxy, "one@example.com", Optional.empty()).prepare();
            open(proxy, "one@example.com", Optional.empty()).prepare();
            assertThat(texts(EventKind.ACCOUNT)).noneMatch(text -> text.contains("contact"));

            open(proxy, "two@example.com", Optional.empty()).prepare();
            open(proxy, "two@example.com", Optional.empty()).prepare();

            assertThat(texts(EventKind.ACCOUNT))
                    .filteredOn(text -> text.contains("contact"))
                    .singleElement()
                    .asString()
                    .contains("sent the contact address two@example.com to https://");
            assertThat(asked(proxy, NEW_ACCOUNT)).isEqualTo(1);
            assertThat(texts(EventKind.AUTHORITY_UNAVAILABLE)).isEmpty();
        }
    }

    @Test
    void aContactThatChangesIsToldWithTheFirstOrderWhereTheCaWasNotThereAtTheStart() throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            open(proxy, "one@example.com", Optional.empty()).prepare();
            AcmeAuthority changed = open(proxy, "two@example.com", Optional.empty());
            Authority.Order order = order("shop.customer.example");

            assertServable(sign(changed, order), order);
            sign(changed, order("b.customer.example"));

            assertThat(texts(EventKind.ACCOUNT))
                    .filteredOn(text -> text.contains("contact"))
                    .singleElement()
                    .asString()
                    .contains("sent the contact address two@example.com to https://");
        }
    }

    @Test
    void anAccountWhoseUrlIsLostIsFoundByItsKeyWithoutItsBinding() throws Exception {
        Optional<ExternalAccountBinding> eab = Optional.of(new ExternalAccountBinding("kid", "A".repeat(43)));
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            open(proxy, "one@example.com", Optional.empty()).prepare();
            for (String name : List.copyOf(files.names())) {
                if (name.endsWith(".url")) {
                    files.write(name, new byte[0], false);
                }
            }

            AcmeAuthority again = open(proxy, "one@example.com", eab);
            Authority.Order order = order("shop.customer.example");
            assertServable(sign(again, order), order);

            assertThat(texts(EventKind.ACCOUNT)).anyMatch(text -> text.contains("by its key"));
            assertThat(texts(EventKind.ACCOUNT))
                    .filteredOn(text -> text.startsWith("made"))
                    .hasSize(1);
        }
    }

    @Test
    void aBindingThatIsSpentIsSaidToBe() throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            proxy.when(
                    FaultyAcmeProxy.path(NEW_ACCOUNT),
                    FaultyAcmeProxy.problem(403, "unauthorized", "external account binding was used before", null));

            assertThat(catchThrowable(() -> sign(
                            open(
                                    proxy,
                                    "one@example.com",
                                    Optional.of(new ExternalAccountBinding("kid", "A".repeat(43)))),
                            order("shop.customer.example"))))
                    .isInstanceOf(IssuanceException.AccountRefused.class)
                    .hasMessageContaining("get another from the CA and set onDemandTls.acme.eab to it");
        }
    }

    @Test
    void oneRegistrationIsTriedForAllWhoWaitForIt() throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            CountDownLatch under = new CountDownLatch(1);
            CountDownLatch waiting = new CountDownLatch(1);
            proxy.when(FaultyAcmeProxy.path(NEW_ACCOUNT), (request, ca) -> {
                under.countDown();
                try {
                    waiting.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                return FaultyAcmeProxy.problem(403, "unauthorized", "no accounts today", null)
                        .answer(request, ca);
            });
            AcmeAuthority authority = open(proxy, "one@example.com", Optional.empty());
            ExecutorService threads = Executors.newFixedThreadPool(8);
            try {
                List<Future<Throwable>> failures = new ArrayList<>();
                Callable<Throwable> order = () -> catchThrowable(() -> sign(authority, order("shop.customer.example")));
                failures.add(threads.submit(order));
                under.await();
                for (int i = 0; i < 7; i++) {
                    failures.add(threads.submit(order));
                }
                waiting.countDown();
                for (Future<Throwable> failure : failures) {
                    assertThat(failure.get()).isInstanceOf(IssuanceException.AccountRefused.class);
                }
            } finally {
                threads.shutdownNow();
            }
            assertThat(asked(proxy, NEW_ACCOUNT)).isEqualTo(1);
        }
    }

    @Test
    void aCaThatHasForgottenTheAccountIsGivenOneAnotherByAllOrdersAtOnce() throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            AcmeAuthority authority = open(proxy, "one@example.com", Optional.empty());
            sign(authority, order("before.customer.example"));
            for (int time = 1; time <= 4; time++) {
                String names = "shop" + time + "-";
                pebble.stop();
                pebble.start();
                pebble.unlessItStandsStill(attempt -> isGivenOneByAllAtOnce(authority, names + attempt + "-"));
            }
        }
    }

    private void isGivenOneByAllAtOnce(AcmeAuthority authority, String names) throws Exception {
        seen.clear();
        ExecutorService threads = Executors.newFixedThreadPool(8);
        try {
            List<Future<Throwable>> failures = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                String name = names + i + ".customer.example";
                failures.add(threads.submit(() -> catchThrowable(() -> sign(authority, order(name)))));
            }
            for (Future<Throwable> failure : failures) {
                assertThat(failure.get()).isNull();
            }
        } finally {
            threads.shutdownNow();
        }
        assertThat(texts(EventKind.ACCOUNT))
                .filteredOn(text -> text.startsWith("made the account"))
                .hasSize(1);
    }

    @Test
    void whileAnAccountIsForgottenNobodyFindsItWhereItWasKept() throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            AcmeAuthority authority = open(proxy, "one@example.com", Optional.empty());
            sign(authority, order("before.customer.example"));
            pebble.stop();
            pebble.start();
            Authority.Order whole = order("other.customer.example");
            Authority.Order brief = new Authority.Order(
                    whole.name(), whole.key(), whole.csr(), Optional.empty(), Optional.empty(), Duration.ofMillis(500));
            ExecutorService thread = Executors.newSingleThreadExecutor();
            try {
                files.beforeWriting(name -> {
                    files.beforeWriting(any -> {});
                    assertThat(name).endsWith(".url");
                    Throwable failed = CompletableFuture.supplyAsync(
                                    () -> catchThrowable(() -> sign(authority, brief)), thread)
                            .join();
                    assertThat(failed).isInstanceOf(IssuanceException.class);
                });
                sign(authority, order("shop.customer.example"));
            } finally {
                thread.shutdownNow();
            }
            assertThat(texts(EventKind.ACCOUNT))
                    .as("the account that is gone was found again")
                    .noneMatch(text -> text.startsWith("uses the account"));
            assertThat(asked(proxy, NEW_ACCOUNT)).isEqualTo(2);
        }
    }
}
