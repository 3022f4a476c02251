package org.ondemandtls.preflight;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.ondemandtls.name.AddressBlock;
import org.ondemandtls.name.CdnRanges;
import org.ondemandtls.name.ServerName;
import org.xbill.DNS.Name;

/** {@link AddressCheck}: which addresses are certain to be wrong. */
class AddressCheckTest {

    private static final String SHOP = "shop.example";

    private final FakeQuestions dns = new FakeQuestions();
    private final List<String> networks = new ArrayList<>();

    private String judge(String... ours) throws Exception {
        AddressCheck check =
                new AddressCheck(dns, Stream.of(ours).map(AddressBlock::parse).toList(), CdnRanges.bundled());
        AddressCheck.Found found = check.find(Name.fromString(SHOP + "."), FakeQuestions.LOOK, networks::add);
        return check.judge(ServerName.parse(SHOP), found, FakeQuestions.LOOK)
                .map(Verdict::what)
                .orElse("ready");
    }

    @Test
    void aCdnIsKnownByItsIpv4AddressWhereNobodyAnswersForIpv6() {
        dns.with(SHOP, "A", "104.16.1.1").neverAnswering("AAAA");

        assertThatThrownBy(this::judge).isInstanceOf(Questions.NoAnswerException.class);

        assertThat(networks).containsOnly("Cloudflare");
    }

    @Test
    void anAddressThatADns64ResolverMadeIsNoneOfTheNames() throws Exception {
        dns.with(SHOP, "A", "198.51.100.1").with(SHOP, "AAAA", "64:ff9b::198.51.100.1");
        assertThat(judge("198.51.100.1")).isEqualTo("ready");
    }

    @Test
    void neitherIsOneMadeWithAPrefixOfTheNetworks() throws Exception {
        dns.with(SHOP, "A", "198.51.100.1").with(SHOP, "AAAA", "2001:db8:64::198.51.100.1");
        assertThat(judge("198.51.100.1")).startsWith("remove AAAA");

        dns.with("ipv4only.arpa", "AAAA", "2001:db8:64::192.0.0.170");

        assertThat(judge("198.51.100.1")).isEqualTo("ready");
    }

    @Test
    void anAddressThatOnlyAResolverInsideKnowsIsNotCertainToBeWrong() throws Exception {
        dns.with(SHOP, "A", "10.0.0.7");

        assertThat(judge("198.51.100.1")).isEqualTo("ready");
        assertThat(judge("10.0.0.8")).isEqualTo("change A shop.example from 10.0.0.7 to 10.0.0.8");
    }

    @Test
    void aNameThatDoesNotExistIsSaidWithHowLongTheResolverKeepsThat() throws Exception {
        dns.keptFor(Duration.ofMinutes(15));

        assertThat(judge())
                .isEqualTo(
                        "add A or AAAA shop.example; the name does not exist; the resolver keeps this answer for 900 s,"
                                + " retry of the name orders without asking it");
    }

    @Test
    void anAddressThatIsWrongIsSaidWithHowLongTheResolverKeepsIt() throws Exception {
        dns.with(SHOP, "A", "192.0.2.7").keptFor(Duration.ofMinutes(5));

        assertThat(judge("198.51.100.1"))
                .isEqualTo("change A shop.example from 192.0.2.7 to 198.51.100.1; the resolver keeps this answer for"
                        + " 300 s, retry of the name orders without asking it");
        assertThat(judge("2001:db8::1"))
                .isEqualTo("remove A shop.example 192.0.2.7; the resolver keeps this answer for 300 s, retry of the"
                        + " name orders without asking it");
    }

    @Test
    void anAddressOfACdnIsNotCertainToBeWrong() throws Exception {
        dns.with(SHOP, "A", "104.16.1.1").with(SHOP, "AAAA", "2606:4700::1");

        assertThat(judge("198.51.100.1")).isEqualTo("ready");
    }
}
