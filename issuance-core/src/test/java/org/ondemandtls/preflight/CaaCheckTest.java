package org.ondemandtls.preflight;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.ondemandtls.name.PublicSuffixes;
import org.ondemandtls.name.ServerName;

/** {@link CaaCheck}: what is asked on the way up, and what the answers forbid. */
class CaaCheckTest {

    private static final CaIdentity CA = new CaIdentity(Set.of("ca.example"), Optional.empty(), Set.of("http-01"));
    private static final CaIdentity SILENT = new CaIdentity(Set.of(), Optional.empty(), Set.of());
    private static final String OURS = "0 issue \"ca.example\"";
    private static final String THEIRS = "0 issue \"other.example\"";

    private final FakeQuestions dns = new FakeQuestions();

    private String judge(String name, CaIdentity... authorities) throws Exception {
        return new CaaCheck(dns, () -> List.of(authorities), PublicSuffixes.bundled()::registeredDomain)
                .judge(ServerName.parse(name), FakeQuestions.LOOK)
                .map(Verdict::what)
                .orElse("ready");
    }

    @Test
    void aNameOfManyLabelsCostsNoMoreQuestionsThanAShortOne() throws Exception {
        assertThat(judge("a.".repeat(110) + "shop.co.uk", CA)).isEqualTo("ready");

        assertThat(dns.asked()).hasSize(4).endsWith("CAA shop.co.uk", "CAA co.uk");
    }

    @Test
    void aRegisteredDomainIsAskedForOnceAndItsSuffixToo() throws Exception {
        judge("shop.example", CA);

        assertThat(dns.asked()).containsExactly("CAA shop.example", "CAA example");
    }

    @Test
    void theNearestRecordsAreInForce() throws Exception {
        dns.with("www.shop.example", "CAA", OURS).with("shop.example", "CAA", THEIRS);

        assertThat(judge("a.www.shop.example", CA)).isEqualTo("ready");
        assertThat(judge("mail.shop.example", CA)).contains("only other.example may issue");
    }

    @Test
    void whatIsForbiddenFurtherUpMayBeAllowedInBetween() throws Exception {
        dns.with("b.shop.example", "CAA", OURS).with("shop.example", "CAA", THEIRS);

        assertThat(judge("d.c.b.shop.example", CA)).isEqualTo("ready");
    }

    @Test
    void whatIsForbiddenFurtherUpIsNotCertainWhereTooManyNamesAreInBetween() throws Exception {
        dns.with("shop.example", "CAA", THEIRS);

        assertThat(judge("d.c.b.shop.example", CA)).contains("add CAA shop.example");
        assertThat(judge("a.".repeat(CaaCheck.MOST_BETWEEN + 3) + "shop.example", CA))
                .isEqualTo("ready");
    }

    @Test
    void oneOfSeveralCasThatDoesNotSayWhoItIsMayBeTheOneThatIsAllowed() throws Exception {
        dns.with("shop.example", "CAA", THEIRS);

        assertThat(judge("shop.example", CA, SILENT)).isEqualTo("ready");
        assertThat(judge("shop.example", SILENT, CA)).isEqualTo("ready");
    }

    @Test
    void whatForbidsIsSaidWithHowLongTheResolverKeepsIt() throws Exception {
        dns.with("shop.example", "CAA", THEIRS).keptFor(Duration.ofHours(1));

        assertThat(judge("shop.example", CA))
                .endsWith("only other.example may issue; the resolver keeps this answer for 3600 s, retry of the name"
                        + " orders without asking it");
        assertThat(judge("c.b.a.shop.example", CA))
                .as("where names between are asked")
                .endsWith("keeps this answer for 3600 s, retry of the name orders without asking it");
    }

    @Test
    void aDotAtTheEndOfTheCasNameIsToldAsWhatIsWrong() throws Exception {
        dns.with("shop.example", "CAA", "0 issue \"ca.example.\"");

        assertThat(judge("shop.example", CA))
                .endsWith("only ca.example. (which is no CA's name: remove the dot at its end) may issue");
    }
}
