package org.ondemandtls.preflight;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.xbill.DNS.CAARecord;
import org.xbill.DNS.DClass;
import org.xbill.DNS.Name;

/** {@link CaaRules}: which ways of proving a name its records leave a CA. */
class CaaRulesTest {

    private static final CaIdentity CA =
            new CaIdentity(Set.of("ca.example"), Optional.empty(), Set.of("http-01", "tls-alpn-01"));

    private static Optional<Set<String>> methods(String... issuers) {
        List<CAARecord> records = Stream.of(issuers)
                .map(issuer -> new CAARecord(Name.root, DClass.IN, 60, 0, "issue", issuer))
                .toList();
        return CaaRules.methods(records, CA);
    }

    @Test
    void recordsWithoutMethodsLeaveTheChoice() {
        assertThat(methods("ca.example")).isEmpty();
        assertThat(methods("ca.example; validationmethods=dns-01", "ca.example"))
                .isEmpty();
    }

    @Test
    void recordsThatNameOthersOnlyLeaveItNone() {
        assertThat(methods("other.example; validationmethods=dns-01")).contains(Set.of());
        assertThat(methods("ca.example.")).contains(Set.of());
        assertThat(methods(";")).contains(Set.of());
        assertThat(methods()).isEmpty();
    }

    @Test
    void nothingIsSaidOfACaWhoseNamesAreNotKnown() {
        List<CAARecord> records = List.of(new CAARecord(Name.root, DClass.IN, 60, 0, "issue", "other.example"));

        assertThat(CaaRules.methods(records, new CaIdentity(Set.of(), Optional.empty(), Set.of())))
                .isEmpty();
    }

    @Test
    void recordsThatNameTheCaLeaveItTheirMethodsTogether() {
        assertThat(methods("CA.example; validationmethods=HTTP-01, dns-01")).contains(Set.of("http-01", "dns-01"));
        assertThat(methods("ca.example;validationmethods=http-01", "ca.example;validationmethods=dns-01"))
                .contains(Set.of("http-01", "dns-01"));
    }
}
