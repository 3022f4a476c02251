package org.ondemandtls.store;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.ondemandtls.store.KeySealing.KeyMissingException;
import org.ondemandtls.store.KeySealing.Kind;
import org.ondemandtls.store.KeySealing.Place;

/** {@link KeySealing}: what is sealed opens in its own place under one of the keys, and nowhere else. */
class KeySealingTest {

    private static final byte[] SECRET = "thirty-two octets of private key".getBytes(US_ASCII);
    private static final Place HERE = new Place(Kind.CERTIFICATE, "shop.example.com", "1");

    /** A key that is its number thirty-two times. */
    static byte[] key(int number) {
        byte[] key = new byte[KeySealing.KEY_LENGTH];
        Arrays.fill(key, (byte) number);
        return key;
    }

    /** What encrypts with the first of these keys. */
    static KeySealing under(int... numbers) {
        return KeySealing.of(
                Arrays.stream(numbers).mapToObj(KeySealingTest::key).toList());
    }

    @Test
    void whatIsSealedOpensInItsPlace() throws Exception {
        KeySealing sealing = under(1);

        assertThat(sealing.open(sealing.form(), HERE, sealing.seal(HERE, SECRET)))
                .isEqualTo(SECRET);
        assertThat(sealing.open(sealing.form(), HERE, sealing.seal(HERE, new byte[0])))
                .isEmpty();
    }

    @Test
    void noTwoSealsAreAlikeNorShowWhatIsInThem() {
        KeySealing sealing = under(1);
        byte[] sealed = sealing.seal(HERE, SECRET);

        assertThat(sealing.seal(HERE, SECRET)).isNotEqualTo(sealed);
        assertThat(HexFormat.of().formatHex(sealed))
                .doesNotContain(HexFormat.of().formatHex(SECRET, 0, 8));
    }

    @Test
    void itOpensUnderNoOtherNameRevisionOrKind() {
        KeySealing sealing = under(1);
        byte[] sealed = sealing.seal(HERE, SECRET);

        for (Place elsewhere : List.of(
                new Place(Kind.CERTIFICATE, "other.example.com", "1"),
                new Place(Kind.CERTIFICATE, "shop.example.com", "2"),
                new Place(Kind.CERTIFICATE, "shop.example.co", "m1"),
                new Place(Kind.ORDER, "shop.example.com", "1"),
                new Place(Kind.SECRET, "shop.example.com", "1"))) {
            assertThatThrownBy(() -> sealing.open(sealing.form(), elsewhere, sealed))
                    .as("%s", elsewhere)
                    .isInstanceOf(UnreadableException.class)
                    .hasMessageContaining("that of another record or revision");
        }
    }

    @Test
    void itOpensNoMoreWithAnyOctetChangedOrMissing() {
        KeySealing sealing = under(1);
        byte[] sealed = sealing.seal(HERE, SECRET);

        for (int at = 0; at < sealed.length; at++) {
            byte[] changed = sealed.clone();
            changed[at] ^= 1;
            byte[] cut = Arrays.copyOf(sealed, at);
            assertThatThrownBy(() -> sealing.open(sealing.form(), HERE, changed))
                    .isInstanceOf(UnreadableException.class);
            assertThatThrownBy(() -> sealing.open(sealing.form(), HERE, cut)).isInstanceOf(UnreadableException.class);
        }
    }

    @Test
    void allKeysDecryptAndTheFirstEncrypts() throws Exception {
        byte[] old = under(1).seal(HERE, SECRET);
        KeySealing both = under(2, 1);

        assertThat(both.open(under(1).form(), HERE, old)).isEqualTo(SECRET);
        assertThat(both.form()).isEqualTo(under(2).form());
        assertThat(under(2).open(both.form(), HERE, both.seal(HERE, SECRET))).isEqualTo(SECRET);
    }

    @Test
    void aKeyThatIsNotThereIsNamedByItsId() {
        byte[] sealed = under(1).seal(HERE, SECRET);

        assertThatThrownBy(() -> under(2).open(under(1).form(), HERE, sealed))
                .isInstanceOf(KeyMissingException.class)
                .hasMessageContaining(under(1).keyIds().iterator().next())
                .hasMessageContaining("onDemandTls.store.encryptionKey");
        assertThatThrownBy(() -> KeySealing.none().open(under(1).form(), HERE, sealed))
                .isInstanceOf(KeyMissingException.class);
    }

    @Test
    void aFormOfALaterVersionIsRefused() {
        assertThatThrownBy(() -> under(1).open("aes-512-gcm 00", HERE, new byte[100]))
                .isInstanceOf(UnreadableException.class)
                .hasMessageContaining("a form this version does not read");
    }

    @Test
    void aKeyHasThirtyTwoOctetsAndIsNeverShown() {
        for (int length : new int[] {31, 33}) {
            assertThatThrownBy(() -> KeySealing.of(List.of(new byte[length])))
                    .isInstanceOf(IllegalArgumentException.class);
        }
        assertThat(under(1).toString())
                .doesNotContain(HexFormat.of().formatHex(key(1), 0, 4))
                .doesNotContain(Base64.getEncoder().encodeToString(key(1)).substring(0, 8));
    }

    @Test
    void withoutAKeyEverythingStaysInClear() {
        assertThat(KeySealing.of(List.of())).isSameAs(KeySealing.none());
        assertThat(KeySealing.none().encrypts()).isFalse();
        assertThat(KeySealing.none().keyId()).isEqualTo("plain");
        assertThat(under(1).encrypts()).isTrue();
        assertThat(under(1)).hasToString("KeySealing[" + under(1).keyId() + "]");
    }
}
