package org.ondemandtls.challenge;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.time.Clock;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.ondemandtls.name.AddressBlock;
import org.ondemandtls.name.ServerName;

/** {@link Vantages}: from where a CA came, and what is missing beside its last orders. */
class VantagesTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");
    private static final String CA = "https://ca.example/dir";
    private static final String PATH = "/.well-known/acme-challenge/token";

    private final AddressBlock proxy = AddressBlock.parse("10.0.0.0/8");
    private final Vantages vantages = new Vantages(proxy::contains, Clock.systemUTC());
    private final ChallengeBoard board =
            new ChallengeBoard(ChallengeBoard.Elsewhere.NONE, (name, host) -> {}, Clock.systemUTC(), vantages);

    private static InetAddress address(String text) {
        return Vantages.address(text).orElseThrow();
    }

    private Vantages.Order order(boolean accepted, String... peers) throws Exception {
        try (ChallengeBoard.Display display = board.displayHttp(SHOP, "token", "answer")) {
            for (String peer : peers) {
                assertThat(board.answer("GET", PATH, null, SHOP.value(), address(peer)))
                        .contains("answer");
            }
            return vantages.decided(SHOP, CA, "http-01", display, accepted);
        }
    }

    @Test
    void addressesOfOneNetworkAreOneVantagePoint() throws Exception {
        Vantages.Order order =
                order(true, "198.51.1.7", "198.51.200.9", "203.0.113.5", "2001:db8:1::1", "2001:db8:2::1");

        assertThat(order.networks()).containsExactly("198.51.0.0/16", "2001:db8:0:0:0:0:0:0/32", "203.0.0.0/16");
        assertThat(order.missing()).isEmpty();
        assertThat(order.sentence()).startsWith("The CA fetched the proof (http-01) from 3 networks: ");
        assertThat(vantages.of(SHOP)).contains(order);
        assertThat(vantages.ofCa(CA)).isEqualTo(new Vantages.OfCa(3, 3, List.of()));
    }

    @Test
    void whatIsKeptOutIsNamedOnceTheCaIsKnown() throws Exception {
        for (int good = 0; good < Vantages.LEARNED_AFTER; good++) {
            assertThat(order(true, "198.51.1.7", "203.0.113.5", "192.0.2.1").missing())
                    .isEmpty();
        }

        Vantages.Order refused = order(false, "198.51.9.9", "192.0.2.1");

        assertThat(refused.missing()).containsExactly("203.0.0.0/16");
        assertThat(refused.sentence())
                .endsWith(". It did not come from 203.0.0.0/16 as in its last orders: a firewall may keep that vantage"
                        + " point out.");
        assertThat(vantages.ofCa(CA)).isEqualTo(new Vantages.OfCa(2, 3, List.of("203.0.0.0/16")));
        assertThat(order(true, "198.51.9.9", "192.0.2.1", "203.0.1.1").missing())
                .isEmpty();
    }

    @Test
    void whereNobodyWasSeenNoPlaceIsMissing() throws Exception {
        for (int good = 0; good < Vantages.LEARNED_AFTER; good++) {
            order(true, "198.51.1.7", "203.0.113.5");
        }
        Vantages.OfCa known = vantages.ofCa(CA);

        assertThat(order(true, "10.1.2.3").missing()).isEmpty();
        assertThat(order(false).missing()).isEmpty();
        assertThat(vantages.ofCa(CA)).isEqualTo(known);
    }

    @Test
    void aNameWithIpv6AddressesIsComparedWithItsLike() throws Exception {
        for (int good = 0; good < Vantages.LEARNED_AFTER; good++) {
            order(true, "198.51.1.7", "203.0.113.5");
        }

        assertThat(order(true, "2001:db8:1::1", "2001:db9:1::1").missing()).isEmpty();
    }

    @Test
    void aPlaceTheCaCameFromOnceIsNotExpectedAgain() throws Exception {
        order(true, "198.51.1.7", "203.0.113.5");
        order(true, "198.51.1.7");
        order(true, "198.51.1.7");

        assertThat(order(true, "198.51.1.7").missing()).isEmpty();
    }

    @Test
    void whatWasRefusedTeachesNothing() throws Exception {
        for (int refused = 0; refused < 5; refused++) {
            order(false, "198.51.1.7", "203.0.113.5");
        }

        assertThat(order(true, "198.51.1.7").missing()).isEmpty();
        assertThat(vantages.ofCa(CA).usual()).isEqualTo(1);
    }

    @Test
    void aProxyIsNoVantagePoint() throws Exception {
        Vantages.Order order = order(true, "10.1.2.3");

        assertThat(order.networks()).isEmpty();
        assertThat(order.sentence()).isEqualTo("No network of the CA was seen to fetch the proof (http-01).");
    }

    @Test
    void strangersWithoutTheTokenLeaveNoTrace() throws Exception {
        try (ChallengeBoard.Display display = board.displayHttp(SHOP, "token", "answer")) {
            board.answer("GET", PATH + "x", null, SHOP.value(), address("203.0.113.5"));
            board.answer("GET", PATH, null, "other.example.com", address("203.0.113.5"));
            board.answer("POST", PATH, null, SHOP.value(), address("203.0.113.5"));

            assertThat(vantages.decided(SHOP, CA, "http-01", display, true).networks())
                    .isEmpty();
        }
    }

    @Test
    void noMoreThanSoManyNetworksOfOneProofAreKept() throws Exception {
        try (ChallengeBoard.Display display = board.displayTlsAlpn(SHOP, new byte[32])) {
            for (int network = 0; network < 3 * Vantages.MOST_NETWORKS; network++) {
                board.challengeCertificateServed(SHOP, address("198." + network + ".0.1"));
            }

            assertThat(display.networks()).hasSize(Vantages.MOST_NETWORKS);
        }
    }

    @Test
    void anAddressIsReadAsServersWriteItAndNothingIsLookedUp() {
        assertThat(Vantages.address("[2001:db8::1]")).isEqualTo(Vantages.address("2001:db8::1"));
        assertThat(Vantages.address("fe80::1%eth0")).isEqualTo(Vantages.address("fe80::1"));
        assertThat(Vantages.address("localhost")).isEmpty();
        assertThat(Vantages.address("")).isEmpty();
        assertThat(Vantages.address(null)).isEmpty();
    }
}
