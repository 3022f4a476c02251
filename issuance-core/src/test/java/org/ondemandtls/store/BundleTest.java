package org.ondemandtls.store;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.store.Bundle.Block;

/** {@link Bundle} and {@link EncryptionState}: what was written to the end comes back, anything else does not. */
class BundleTest {

    private static final String FIRST_LINE = "ondemand-tls thing 1\n";

    /** A content with a checksum that fits. */
    static byte[] signed(String text) {
        return (text + "sha-256: " + Sha256.hex(text.getBytes(ISO_8859_1)) + "\n").getBytes(ISO_8859_1);
    }

    private static Bundle decoded(String body) throws UnreadableException {
        return Bundle.decode("thing", signed(FIRST_LINE + body));
    }

    @Nested
    class WhatWasWritten {

        @Test
        void comesBackInItsOrder() throws Exception {
            Map<String, String> fields = new LinkedHashMap<>();
            fields.put("name", "shop.example.com");
            fields.put("colon", "a: b");
            fields.put("empty", "");
            byte[] der = new byte[100];
            der[99] = 7;

            Bundle read = Bundle.decode(
                    "thing",
                    new Bundle("thing", fields, List.of(new Block("A KEY", der), new Block("B", new byte[] {1})))
                            .encode());

            assertThat(read.kind()).isEqualTo("thing");
            assertThat(List.copyOf(read.fields().entrySet())).isEqualTo(List.copyOf(fields.entrySet()));
            assertThat(read.blocks()).extracting(Block::label).containsExactly("A KEY", "B");
            assertThat(read.blocks().get(0).der()).isEqualTo(der);
            assertThat(read.blocks().get(1).der()).containsExactly(1);
        }

        @Test
        void isTextThatPeopleCanRead() {
            String text = new String(
                    new Bundle("thing", Map.of("name", "a.example"), List.of(new Block("B", new byte[60]))).encode(),
                    ISO_8859_1);

            assertThat(text)
                    .startsWith(FIRST_LINE + "name: a.example\n-----BEGIN B-----\nAAAA")
                    .contains("\n-----END B-----\nsha-256: ")
                    .endsWith("\n");
            assertThat(text.lines()).allMatch(line -> line.length() <= 73);
        }

        @Test
        void hasItsFieldsOrSaysWhichItLacks() throws Exception {
            Bundle read = decoded("name: a.example\nat: 2026-11-23T20:00:00Z\n");

            assertThat(read.field("name")).isEqualTo("a.example");
            assertThat(read.optional("name")).contains("a.example");
            assertThat(read.optional("none")).isEmpty();
            assertThat(read.moment("at")).contains(Instant.parse("2026-11-23T20:00:00Z"));
            assertThat(read.moment("none")).isEmpty();
            assertThatThrownBy(() -> read.field("none"))
                    .isInstanceOf(UnreadableException.class)
                    .hasMessage("it has no field none");
            assertThatThrownBy(() -> read.moment("name")).isInstanceOf(DateTimeParseException.class);
        }

        @Test
        void neverShowsWhatIsInABlock() {
            assertThat(new Block("PRIVATE KEY", new byte[] {1, 2, 3})).hasToString("Block[PRIVATE KEY]");
        }

        @ParameterizedTest
        @ValueSource(strings = {"\nb", "\rb", "a\nb", "a\rb"})
        void hasNoLineBreakInAField(String value) {
            Bundle bundle = new Bundle("thing", Map.of("name", value), List.of());

            assertThatThrownBy(bundle::encode)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("the field name has a line break");
        }
    }

    @Nested
    class WhatIsNotToBeRead {

        private void refused(byte[] content, String why) {
            assertThatThrownBy(() -> Bundle.decode("thing", content))
                    .isInstanceOf(UnreadableException.class)
                    .hasMessage(why);
        }

        @Test
        void isWhatHasNoChecksumAtItsEnd() {
            String whole = new String(signed(FIRST_LINE), ISO_8859_1);

            for (String cut : List.of("", "torn", FIRST_LINE, whole.substring(0, whole.length() - 1))) {
                refused(cut.getBytes(ISO_8859_1), "it has no checksum: not written to the end, or not ours");
            }
        }

        @Test
        void isWhatWasChanged() {
            byte[] content = signed(FIRST_LINE + "name: a\n");
            content[FIRST_LINE.length() + 6] = 'b';

            refused(content, "its checksum does not fit: changed or torn");
        }

        @Test
        void isAnotherKindOrVersion() {
            refused(signed("ondemand-tls other 1\n"), "it is not a version 1 thing");
            refused(signed("ondemand-tls thing 2\n"), "it is not a version 1 thing");
        }

        @ParameterizedTest
        @ValueSource(strings = {"no colon", ": no name", "name:no space"})
        void isAFieldWithoutANameOrAValue(String line) {
            refused(signed(FIRST_LINE + line + "\n"), "a field cannot be read");
        }

        @Test
        void isAFieldThatComesTwice() {
            refused(signed(FIRST_LINE + "name: a\nname: b\n"), "a field cannot be read");
        }

        @ParameterizedTest
        @CsvSource({
            "'-----BEGIN B-----\nAAAA\n-----END B-----\nname: a\n', a line behind its fields is of no PEM block",
            "'-----BEGIN B-----\nAAAA\n', a PEM block has no end",
            "'-----BEGIN B-----\nAAAA\n-----END C-----\n', a PEM block has no end",
            "'-----BEGIN ab\nAAAA\n', a PEM block has no end",
            "'-----BEGIN B-----\n!!!!\n-----END B-----\n', a PEM block is no base64"
        })
        void isABlockThatIsNotWhole(String body, String why) {
            refused(signed(FIRST_LINE + body), why);
        }
    }

    @Nested
    class WhatAStoreNotesOfItsKeys {

        private final KeySealing first = KeySealingTest.under(1);
        private final KeySealing second = KeySealingTest.under(2);
        private final KeySealing both = KeySealingTest.under(2, 1);

        private EncryptionState opened(EncryptionState stored, KeySealing sealing) throws StoreException {
            return EncryptionState.opening(Optional.ofNullable(stored), sealing, true, "/var/store")
                    .orElseThrow();
        }

        @Test
        void isNothingWhereNothingIsEncrypted() throws Exception {
            assertThat(EncryptionState.opening(Optional.empty(), KeySealing.none(), true, "here"))
                    .isEmpty();
        }

        @Test
        void isItsKeyAndWhatItMayHoldFromBefore() throws Exception {
            assertThat(EncryptionState.opening(Optional.empty(), both, false, "here"))
                    .contains(new EncryptionState(second.keyId(), Set.of()));
            assertThat(opened(null, both))
                    .isEqualTo(new EncryptionState(second.keyId(), Set.of("plain", first.keyId())));
            assertThat(opened(null, first)).isEqualTo(new EncryptionState(first.keyId(), Set.of("plain")));
        }

        @Test
        void goesOnWithTheKeyItHad() throws Exception {
            EncryptionState begun = opened(null, first);

            assertThat(opened(begun, first)).isEqualTo(begun);
            assertThat(opened(begun.completed(), first)).isEqualTo(new EncryptionState(first.keyId(), Set.of()));
        }

        @Test
        void keepsTheOldKeyAmongThoseThatAreNeededUntilAllIsUnderTheNewOne() throws Exception {
            EncryptionState changed = opened(opened(null, first).completed(), both);

            assertThat(changed).isEqualTo(new EncryptionState(second.keyId(), Set.of(first.keyId())));
            assertThatThrownBy(() -> opened(changed, second))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("/var/store")
                    .hasMessageContaining("its id is " + first.keyId() + ", given: " + second.keyId());
            assertThat(opened(changed.completed(), second).older()).isEmpty();
        }

        @Test
        void letsNobodyGoOnInClear() throws Exception {
            EncryptionState begun = opened(null, first);

            assertThatThrownBy(() -> opened(begun, KeySealing.none()))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("is encrypted and no key is given")
                    .hasMessageContaining(first.keyId());
        }

        @Test
        void comesBackAsItWasKept() throws Exception {
            EncryptionState begun = opened(null, both);

            assertThat(EncryptionState.decode(begun.encode())).isEqualTo(begun);
            assertThat(EncryptionState.decode(begun.completed().encode())).isEqualTo(begun.completed());
            assertThat(new String(begun.completed().encode(), ISO_8859_1)).doesNotContain("older");
            assertThatThrownBy(() -> EncryptionState.decode(signed("ondemand-tls encryption 1\n")))
                    .isInstanceOf(UnreadableException.class)
                    .hasMessage("it has no field current");
        }
    }
}
