package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;

/** {@link ChallengePreference}: the operator's order until something else worked. */
class ChallengePreferenceTest {

    private static final Set<ChallengeType> ALL = EnumSet.allOf(ChallengeType.class);

    private final ChallengePreference preference =
            new ChallengePreference(List.of(ChallengeType.TLS_ALPN_01, ChallengeType.HTTP_01));

    @Test
    void followsTheOperatorUntilSomethingElseWorked() {
        assertThat(preference.candidates(ALL)).containsExactly(ChallengeType.TLS_ALPN_01, ChallengeType.HTTP_01);

        preference.worked(ChallengeType.HTTP_01);

        assertThat(preference.candidates(ALL)).containsExactly(ChallengeType.HTTP_01, ChallengeType.TLS_ALPN_01);
    }

    @Test
    void offersOnlyWhatIsAllowedAndUsable() {
        preference.worked(ChallengeType.HTTP_01);

        assertThat(preference.candidates(Set.of(ChallengeType.TLS_ALPN_01))).containsExactly(ChallengeType.TLS_ALPN_01);
        assertThat(preference.candidates(Set.of())).isEmpty();
        assertThat(new ChallengePreference(List.of(ChallengeType.HTTP_01)).candidates(ALL))
                .containsExactly(ChallengeType.HTTP_01);
    }
}
