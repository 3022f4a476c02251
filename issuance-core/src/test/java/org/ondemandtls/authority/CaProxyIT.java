package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.config.CaProxy;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.testing.ConnectProxy;
import org.ondemandtls.testing.Pebble;

/** {@link AcmeAuthority} behind an HTTP proxy: everything goes through it, and its troubles are told as the proxy's. */
@Tag("once")
class CaProxyIT extends WithPebble {

    private static final String NAME = "shop.customer.example";

    private AcmeAuthority open(Pebble pebble, CaProxy proxy) throws Exception {
        OnDemandTlsConfig.Directory ca =
                new OnDemandTlsConfig.Directory(pebble.directory(), Optional.empty(), Optional.empty());
        return open(
                new OnDemandTlsConfig.Acme(
                        List.of(ca),
                        Optional.empty(),
                        Optional.empty(),
                        Optional.of(pebble.trustedRoots()),
                        BOTH,
                        List.of(),
                        Optional.empty(),
                        false,
                        Optional.of(proxy)),
                ca);
    }

    @Test
    void everyRequestToTheCaGoesThroughIt() throws Exception {
        try (Pebble pebble = reachable().start(directory);
                ConnectProxy proxy = new ConnectProxy("us:p@ss")) {
            AcmeAuthority authority =
                    open(pebble, new CaProxy("localhost", proxy.port(), Optional.of(new CaProxy.Login("us", "p@ss"))));
            authority.prepare();
            Authority.Order order = order(NAME);

            var chain = sign(authority, order);

            assertServable(chain, order);
            assertThat(authority.renewalAdvice(chain.get(0))).isPresent();
            assertThat(proxy.asked())
                    .isNotEmpty()
                    .containsOnly(pebble.directory().getAuthority());
        }
    }

    @Test
    void aProxyThatRefusesIsNoFaultOfTheName() throws Exception {
        try (Pebble pebble = reachable().start(directory);
                ConnectProxy proxy = new ConnectProxy("us:p@ss")) {
            AcmeAuthority authority = open(pebble, new CaProxy("localhost", proxy.port(), Optional.empty()));

            assertThatThrownBy(() -> sign(authority, within(order(NAME), Duration.ofSeconds(20))))
                    .isInstanceOfSatisfying(
                            IssuanceException.Unavailable.class,
                            told -> assertThat(told.isUnwell()).isTrue())
                    .hasMessageContaining("onDemandTls.acme.proxy wants a user and a password (HTTP 407)");
            assertThat(proxy.asked()).as("a refusal is not asked for again").hasSize(1);
        }
    }
}
