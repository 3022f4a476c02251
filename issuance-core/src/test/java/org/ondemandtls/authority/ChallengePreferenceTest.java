package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.name.ServerName;

/** {@link ChallengePreference}: the name's own experience, then everybody's, then the operator's order. */
class ChallengePreferenceTest {

    private static final Set<ChallengeType> ALL = EnumSet.allOf(ChallengeType.class);
    private static final ChallengeType ALPN = ChallengeType.TLS_ALPN_01;
    private static final ChallengeType HTTP = ChallengeType.HTTP_01;
    private static final ServerName SHOP = name(0);

    private final ChallengePreference preference = new ChallengePreference(List.of(ALPN, HTTP));

    private static ServerName name(int number) {
        return ServerName.parse("shop" + number + ".example.com");
    }

    /** Orders as the authority does, and tells how many proofs were needed. */
    private int order(ServerName name, Set<ChallengeType> works) {
        int proofs = 0;
        for (ChallengeType type : preference.candidates(name, ALL)) {
            proofs++;
            if (works.contains(type)) {
                preference.worked(name, type);
                break;
            }
            preference.failed(name, type);
        }
        return proofs;
    }

    @Test
    void followsTheOperatorUntilSomethingElseWorksBetter() {
        assertThat(preference.candidates(SHOP, ALL)).containsExactly(ALPN, HTTP);

        assertThat(order(name(1), Set.of(HTTP))).isEqualTo(2);

        assertThat(preference.candidates(SHOP, ALL)).containsExactly(HTTP, ALPN);
        assertThat(order(name(2), Set.of(HTTP))).isEqualTo(1);
    }

    @Test
    void aNamesOwnExperienceCountsMoreThanThatOfOthers() {
        order(SHOP, Set.of(ALPN));
        for (int i = 1; i < 50; i++) {
            order(name(i), Set.of(HTTP));
        }

        assertThat(preference.candidates(name(99), ALL)).containsExactly(HTTP, ALPN);
        assertThat(preference.candidates(SHOP, ALL)).containsExactly(ALPN, HTTP);
    }

    @Test
    void aMixedPopulationCostsNoneOfItsNamesASecondProofTwice() {
        // Half of them behind a CDN, where only HTTP gets through; the others have port 443 alone.
        for (int round = 0; round < 3; round++) {
            int proofs = 0;
            for (int i = 0; i < 200; i++) {
                proofs += order(name(i), Set.of(i % 2 == 0 ? HTTP : ALPN));
            }
            assertThat(proofs).isLessThanOrEqualTo(round == 0 ? 350 : 200);
        }
        assertThat(preference.candidates(name(999), ALL)).containsExactly(ALPN, HTTP);
    }

    @Test
    void aNameThatHasMovedIsFollowed() {
        order(SHOP, Set.of(ALPN));
        for (int i = 1; i < 10; i++) {
            order(name(i), Set.of(ALPN));
        }

        assertThat(order(SHOP, Set.of(HTTP))).isEqualTo(2);

        assertThat(preference.candidates(SHOP, ALL)).containsExactly(HTTP, ALPN);
        assertThat(preference.candidates(name(99), ALL)).containsExactly(ALPN, HTTP);
    }

    @Test
    void aNameThatNothingWorksForChangesNothingForOthers() {
        for (int i = 0; i < 50; i++) {
            order(name(i), Set.of());
        }

        assertThat(preference.candidates(name(99), ALL)).containsExactly(ALPN, HTTP);
    }

    @Test
    void offersOnlyWhatIsAllowedAndUsable() {
        preference.worked(SHOP, HTTP);

        assertThat(preference.candidates(SHOP, Set.of(ALPN))).containsExactly(ALPN);
        assertThat(preference.candidates(SHOP, Set.of())).isEmpty();
        assertThat(new ChallengePreference(List.of(HTTP)).candidates(SHOP, ALL)).containsExactly(HTTP);
    }
}
