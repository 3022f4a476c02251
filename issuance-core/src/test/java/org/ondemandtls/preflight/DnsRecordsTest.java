package org.ondemandtls.preflight;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.ondemandtls.name.AddressBlock;
import org.ondemandtls.name.CdnRanges;
import org.ondemandtls.name.PublicAddresses;
import org.ondemandtls.name.ServerName;

/** {@link DnsRecords}: the records of a name, for whoever looks for what is wrong. */
class DnsRecordsTest {

    private static final ServerName SHOP = ServerName.parse("shop.customer.example");

    private final FakeQuestions resolver = new FakeQuestions();
    private final FakeQuestions server = new FakeQuestions();

    private Map<String, String> told(String... ours) {
        return told(address -> true, ours);
    }

    private Map<String, String> told(Predicate<java.net.InetAddress> mayBeAsked, String... ours) {
        AddressCheck addresses = new AddressCheck(
                resolver, List.of(ours).stream().map(AddressBlock::parse).toList(), CdnRanges.bundled());
        return new DnsRecords(resolver, address -> server, mayBeAsked, addresses, name -> "customer.example")
                .of(SHOP, FakeQuestions.LOOK);
    }

    @Test
    void addressesAreSaidBesideThoseThatAreExpected() {
        resolver.with(SHOP.value(), "A", "198.51.100.7").with(SHOP.value(), "AAAA", "2001:db8::7");

        assertThat(told("192.0.2.1"))
                .containsEntry(
                        "addresses",
                        "Our resolver says: A 198.51.100.7, AAAA 2001:db8:0:0:0:0:0:7. Expected is A 192.0.2.1.")
                .containsEntry("authoritative servers", "No server of customer.example could be asked.")
                .containsEntry("CAA records", "None: every CA may issue.")
                .doesNotContainKey("aliases");
    }

    @Test
    void aNameThatIsNotThereIsSaidSo() {
        assertThat(told().get("addresses"))
                .isEqualTo("Our resolver says: no such name. Any address will do: onDemandTls.preflight.addresses is"
                        + " not set.");
    }

    @Test
    void theZonesOwnServersAreAskedBesideOurResolver() {
        resolver.with(SHOP.value(), "A", "198.51.100.7")
                .with("customer.example", "NS", "ns.customer.example.")
                .with("ns.customer.example", "A", "192.0.2.53");
        server.with(SHOP.value(), "A", "192.0.2.1");

        assertThat(told().get("authoritative servers"))
                .isEqualTo("ns.customer.example says: A 192.0.2.1. Our resolver may keep an older answer for a while.");

        resolver.with(SHOP.value(), "A", "192.0.2.1");
        server.with(SHOP.value(), "A", "198.51.100.7");
        assertThat(told().get("authoritative servers"))
                .isEqualTo("ns.customer.example says: A 192.0.2.1, A 198.51.100.7, as our resolver does.");
    }

    @Test
    void aServerInsideIsNotAskedWhateverAZoneSays() {
        resolver.with("customer.example", "NS", "ns.customer.example.").with("ns.customer.example", "A", "10.0.0.53");

        assertThat(told(PublicAddresses::contains).get("authoritative servers"))
                .isEqualTo("No server of customer.example could be asked.");
        assertThat(server.asked()).isEmpty();
    }

    @Test
    void aZoneOfManyServersCostsFewQuestions() {
        for (int number = 0; number < 300; number++) {
            resolver.with("customer.example", "NS", "ns" + number + ".customer.example.");
        }

        told();

        assertThat(resolver.asked())
                .filteredOn(asked -> asked.startsWith("A ns"))
                .hasSizeLessThan(10);
    }

    @Test
    void aliasesAreFollowedAndNotForEver() {
        resolver.with(SHOP.value(), "CNAME", "host.example.net.")
                .with("host.example.net", "CNAME", "host.example.net.");

        assertThat(told().get("aliases"))
                .startsWith("CNAME shop.customer.example host.example.net, CNAME host.example.net host.example.net")
                .endsWith("host.example.net.");
        assertThat(resolver.asked().stream().filter(asked -> asked.startsWith("CNAME")))
                .hasSize(DnsRecords.MOST_ALIASES);
    }

    @Test
    void theCaaRecordsInForceAreThoseOfTheNearestName() {
        resolver.with("customer.example", "CAA", "0 issue \"other-ca.example\"");

        assertThat(told().get("CAA records"))
                .isEqualTo("In force at customer.example: CAA 0 issue \"other-ca.example\".");
    }
}
