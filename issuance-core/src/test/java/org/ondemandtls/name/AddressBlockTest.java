package org.ondemandtls.name;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@link AddressBlock}: which addresses are in it, at its edges. */
class AddressBlockTest {

    @ParameterizedTest
    @CsvSource({
        "10.0.0.0/8,    10.0.0.0,        true",
        "10.0.0.0/8,    10.255.255.255,  true",
        "10.0.0.0/8,    11.0.0.0,        false",
        "10.0.0.0/8,    9.255.255.255,   false",
        "192.0.2.8/29,  192.0.2.7,       false",
        "192.0.2.8/29,  192.0.2.8,       true",
        "192.0.2.8/29,  192.0.2.15,      true",
        "192.0.2.8/29,  192.0.2.16,      false",
        "192.0.2.7,     192.0.2.7,       true",
        "192.0.2.7,     192.0.2.6,       false",
        "0.0.0.0/0,     203.0.113.1,     true",
        "0.0.0.0/0,     2001:db8::1,     false",
        "2001:db8::/33, 2001:db8:7fff::, true",
        "2001:db8::/33, 2001:db8:8000::, false",
        "::ffff:10.0.0.1, 10.0.0.1,      true"
    })
    void holdsWhatSharesItsLeadingBits(String block, String address, boolean inside) throws UnknownHostException {
        assertThat(AddressBlock.parse(block).contains(InetAddress.getByName(address)))
                .isEqualTo(inside);
    }

    @Test
    void isTheSameWhateverItsLastBitsWereWrittenAs() {
        assertThat(AddressBlock.parse("10.1.2.3/8"))
                .isEqualTo(AddressBlock.parse("10.0.0.0/8"))
                .hasSameHashCodeAs(AddressBlock.parse("10.0.0.0/8"))
                .isNotEqualTo(AddressBlock.parse("10.0.0.0/9"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "localhost",
                "10",
                "10.0",
                "10.0.0.256",
                "10.0.0.1/33",
                "::1/129",
                "10.0.0.1/",
                "a::g",
                "fe80::1%lo"
            })
    void isNothingElse(String text) {
        assertThatThrownBy(() -> AddressBlock.parse(text)).isInstanceOf(IllegalArgumentException.class);
    }

    /** A cause would be DNS, which had no answer. */
    @ParameterizedTest
    @ValueSource(strings = {"10.0.0.256", "999.999.999.999", "300.0.0.1/32", "10.0.0.1000"})
    void isNotLookedUpWhereItOnlyResemblesAnAddress(String text) {
        assertThatThrownBy(() -> AddressBlock.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasNoCause();
    }

    @Test
    void takesItsAddressesOutOfTheCount() throws UnknownHostException {
        var balancer = new InetSocketAddress(InetAddress.getByName("10.0.0.7"), 1);
        var other = new InetSocketAddress(InetAddress.getByName("10.0.1.7"), 1);
        var trusted = List.of(AddressBlock.parse("10.0.0.0/24"));

        assertThat(ClientBlock.of(balancer, trusted)).isEqualTo(ClientBlock.SHARED);
        assertThat(ClientBlock.of(other, trusted)).isEqualTo(ClientBlock.of(other));
        assertThat(ClientBlock.of(null, trusted)).isEqualTo(ClientBlock.LOCAL);
    }
}
