package org.ondemandtls.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** {@link ConfigKey}: a table without gaps, and {@link NearestKey} over it. */
class ConfigKeyTest {

    @ParameterizedTest
    @EnumSource
    void isReadBackFromItsNameAndFromItsFileForm(ConfigKey key) {
        assertThat(Spelling.of(key.key())).contains(new Spelling(key, false));
        assertThat(Spelling.of(key.fileKey())).contains(new Spelling(key, true));
        assertThat(new Spelling(key, true).name()).isEqualTo(key.fileKey());
    }

    @ParameterizedTest
    @EnumSource
    void isExplainedInSentences(ConfigKey key) {
        assertThat(key.sentence()).matches("[A-Z][^\\n]*\\.");
    }

    @Test
    void durationsSizesAndNumbersHaveADefaultAndBoundsAndNothingElseHasBounds() {
        assertThat(ConfigKey.values()).allSatisfy(key -> {
            boolean ordered =
                    Stream.of(KeyType.DURATION, KeyType.INTEGER, KeyType.COUNT).anyMatch(key.type()::equals);
            assertThat(key.least().isPresent()).isEqualTo(ordered);
            assertThat(key.most().isPresent()).isEqualTo(ordered);
            // The one that narrows a rule where it is given.
            assertThat(key.defaultText().isPresent() || !ordered || key == ConfigKey.RENEWAL_VISITED_WITHIN)
                    .isTrue();
        });
    }

    @Test
    void onlyWhatMustNotBeSeenIsSecret() {
        assertThat(ConfigKey.values())
                .filteredOn(ConfigKey::secret)
                .containsExactly(
                        ConfigKey.PERMISSION_DATA_SOURCE,
                        ConfigKey.ACME_EAB,
                        ConfigKey.ACME_PROXY,
                        ConfigKey.STORE_PASSWORD,
                        ConfigKey.STORE_ENCRYPTION_KEY);
    }

    @Test
    void theNameOfTheFileOfNamesIsNotTheFileFormOfAnotherKey() {
        assertThat(Spelling.of("onDemandTls.permission.file")).contains(new Spelling(ConfigKey.PERMISSION_FILE, false));
        assertThat(Spelling.of("onDemandTls.permission.file.file"))
                .contains(new Spelling(ConfigKey.PERMISSION_FILE, true));
        assertThat(Spelling.of("onDemandTls.permission.file.file.file")).isEmpty();
        assertThat(Spelling.of("onDemandTls.permission")).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "onDemandTls.permission.aks,            onDemandTls.permission.ask",
        "onDemandTls.Permission.Ask,            onDemandTls.permission.ask",
        "ondemandtls.handshake.hostcheck,       onDemandTls.handshake.hostCheck",
        "onDemandTls.permission.fiel,           onDemandTls.permission.file",
        "onDemandTls.handshake.dedline,         onDemandTls.handshake.deadline",
        "onDemandTls.acme.eba.file,             onDemandTls.acme.eab.file",
        "onDemandTls.store.pasword,             onDemandTls.store.password",
        "onDemandTls.,                          onDemandTls.store"
    })
    void theNearestKeyIsTheOneThatWasMeant(String written, String meant) {
        assertThat(NearestKey.to(written)).isEqualTo(meant);
    }

    @ParameterizedTest
    @CsvSource({"'','',0", "abc,abc,0", "abc,'',3", "abc,ab,1", "abc,axc,1", "abc,acb,1", "abc,cab,2", "ca,abc,3"})
    void aDistanceCountsAddedLostReplacedAndSwappedLetters(String left, String right, int edits) {
        assertThat(NearestKey.distance(left, right)).isEqualTo(edits);
        assertThat(NearestKey.distance(right, left)).isEqualTo(edits);
    }

    @Test
    void aVeryLongNameStillHasANearestKey() {
        String written = "onDemandTls.permission.ask" + "x".repeat(1_000_000);

        assertThat(Spelling.of(NearestKey.to(written))).isPresent();
    }
}
