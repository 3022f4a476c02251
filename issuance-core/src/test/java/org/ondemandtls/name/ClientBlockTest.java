package org.ondemandtls.name;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@link ClientBlock}: how far one client can be told from another. */
class ClientBlockTest {

    @ParameterizedTest
    @CsvSource({
        "192.0.2.0, 192.0.2.255",
        "2001:db8:1:2a00::1, 2001:db8:1:2aff:ffff:ffff:ffff:ffff",
        "192.0.2.7, ::ffff:192.0.2.8"
    })
    void addressesOfOneBlockAreOneClient(String one, String other) throws UnknownHostException {
        assertThat(block(one)).isEqualTo(block(other)).isNotEqualTo(ClientBlock.LOCAL);
    }

    @ParameterizedTest
    @CsvSource({
        "192.0.2.255, 192.0.3.0",
        "2001:db8:1:2aff::1, 2001:db8:1:2b00::1",
        // The same leading octets in both kinds of address.
        "32.1.13, 2001:d00::"
    })
    void addressesOfTwoBlocksAreTwoClients(String one, String other) throws UnknownHostException {
        assertThat(block(one)).isNotEqualTo(block(other));
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1"})
    void loopbackIsLocal(String address) throws UnknownHostException {
        assertThat(block(address)).isEqualTo(ClientBlock.LOCAL);
    }

    @Test
    void whatHasNoAddressIsLocal() {
        for (SocketAddress peer : List.of(
                UnixDomainSocketAddress.of("socket"), InetSocketAddress.createUnresolved("client.example", 4711))) {
            assertThat(ClientBlock.of(peer)).isEqualTo(ClientBlock.LOCAL);
        }
        assertThat(ClientBlock.of((SocketAddress) null)).isEqualTo(ClientBlock.LOCAL);
    }

    @Test
    void aBalancersAddressIsSharedAndNotCountedButNotLocal() throws UnknownHostException {
        List<AddressBlock> trusted = List.of(AddressBlock.parse("192.0.2.0/24"));
        ClientBlock balancer = ClientBlock.of(new InetSocketAddress(InetAddress.getByName("192.0.2.7"), 1), trusted);
        ClientBlock other = ClientBlock.of(new InetSocketAddress(InetAddress.getByName("192.0.3.7"), 1), trusted);

        assertThat(balancer).isEqualTo(ClientBlock.SHARED).isNotEqualTo(ClientBlock.LOCAL);
        assertThat(balancer.isCounted()).isFalse();
        assertThat(ClientBlock.LOCAL.isCounted()).isFalse();
        assertThat(other.isCounted()).isTrue();
    }

    @Test
    void thePortDoesNotCount() throws UnknownHostException {
        InetAddress address = InetAddress.getByName("198.51.100.1");

        assertThat(ClientBlock.of(new InetSocketAddress(address, 1)))
                .isEqualTo(ClientBlock.of(new InetSocketAddress(address, 2)))
                .hasToString("4:c63364");
    }

    private static ClientBlock block(String address) throws UnknownHostException {
        return ClientBlock.of(InetAddress.getByName(address));
    }
}
