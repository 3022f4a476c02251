package org.ondemandtls.store;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.ondemandtls.store.BundleTest.signed;
import static org.ondemandtls.store.KeySealingTest.under;
import static org.ondemandtls.store.ShelfContract.NOW;
import static org.ondemandtls.store.ShelfContract.SHOP;

import java.net.URI;
import java.security.KeyPair;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.testing.TestCertificates;

/** {@link RecordCodec}: a record is complete and fits together, or it is not read. */
class RecordCodecTest {

    private static final KeySealing CLEAR = KeySealing.none();

    private final StoredCertificate stored = ShelfContract.stored(SHOP.value(), "www.example.com");

    /** The record with something in its text replaced, and a checksum that fits. */
    private static byte[] changed(byte[] content, String from, String to) {
        String text = new String(content, ISO_8859_1);
        String covered = text.substring(0, text.lastIndexOf("sha-256: "));
        assertThat(covered).contains(from);
        return signed(covered.replace(from, to));
    }

    private static void refused(byte[] content, String why) {
        assertThatThrownBy(() -> RecordCodec.decodeCertificate(content, CLEAR))
                .isInstanceOf(UnreadableException.class)
                .hasMessage(why);
    }

    private static String blocks(byte[] content) {
        String text = new String(content, ISO_8859_1);
        return text.substring(text.indexOf("-----BEGIN"), text.lastIndexOf("sha-256: "));
    }

    @Nested
    class ACertificate {

        private final byte[] content = RecordCodec.encode(stored, 7, CLEAR);

        @Test
        void tellsItsNameItsRevisionAndItsFenceUnread() throws Exception {
            assertThat(RecordCodec.firstName(content)).isEqualTo(SHOP.value());
            assertThat(RecordCodec.version(RecordCodec.encode(stored.withRevision(3), 0, CLEAR)))
                    .isEqualTo(new RecordCodec.Version(3, stored.due()));
            assertThat(RecordCodec.fence(content)).isEqualTo(7);
            assertThat(RecordCodec.fence("none".getBytes(US_ASCII))).isZero();
            assertThat(RecordCodec.fence(RecordCodec.encode(stored, 0, CLEAR))).isZero();
        }

        @Test
        void withAFenceThatIsNoNumberTellsNone() {
            assertThatThrownBy(() -> RecordCodec.fence(changed(content, "fence: 7", "fence: x")))
                    .isInstanceOf(UnreadableException.class)
                    .hasMessage("its fence cannot be read");
        }

        @Test
        void ofWhichARevisionIsNoNumberIsNone() {
            assertThatThrownBy(() -> RecordCodec.version(changed(content, "revision: 0", "revision: x")))
                    .isInstanceOf(UnreadableException.class)
                    .hasMessage("its revision or due time cannot be read");
        }

        @Test
        void fromBeforeThereWereTwoMomentsIsRenewedWhenItIsDue() throws Exception {
            byte[] old = changed(
                    RecordCodec.encode(stored.withDue(NOW.plusSeconds(5)), 0, CLEAR),
                    "renew: " + stored.renew() + "\n",
                    "");

            assertThat(RecordCodec.decodeCertificate(old, CLEAR).renew()).isEqualTo(NOW.plusSeconds(5));
        }

        @Test
        void withAWindowOfOneMomentIsNone() {
            refused(changed(content, "revision: 0", "window: " + NOW + "\nrevision: 0"), "its window cannot be read");
        }

        @Test
        void withoutItsKeyOrItsLeafIsNone() {
            refused(signed(changedText("PRIVATE KEY", "OTHER KEY")), "it lacks its key or its leaf");
            refused(signed(changedText("CERTIFICATE-----", "OTHER-----")), "it lacks its key or its leaf");
        }

        private String changedText(String from, String to) {
            String text = new String(content, ISO_8859_1);
            return text.substring(0, text.lastIndexOf("sha-256: ")).replace(from, to);
        }

        @Test
        void withTheKeyOfAnotherIsNone() {
            KeyedCertificate one = stored.certificate();
            KeyedCertificate mixed = new KeyedCertificate(TestCertificates.key().getPrivate(), one.chain());

            refused(RecordCodec.encode(ShelfContract.stored(mixed), 0, CLEAR), "its key is not the leaf's");
        }

        @Test
        void isNotInAnotherFormThanItSays() {
            refused(changed(content, "key: plain", "key: aes-256-gcm 00"), "its key is not in the form it says");
            byte[] sealed = RecordCodec.encode(stored, 0, under(1));
            refused(changed(sealed, "key: " + under(1).form(), "key: plain"), "its key is not in the form it says");
        }

        @Test
        void withAFieldThatIsNoMomentIsNone() {
            refused(changed(content, "obtained: ", "obtained: x"), "its key, chain or a field cannot be read");
        }

        @Test
        void isListedWithoutItsKey() throws Exception {
            Listed listed = RecordCodec.listed(changed(content, "PRIVATE KEY", "OTHER KEY"));

            assertThat(listed).isEqualTo(Listed.of(stored));
            assertThatThrownBy(() -> RecordCodec.listed(changed(content, "CERTIFICATE-----", "OTHER-----")))
                    .isInstanceOf(UnreadableException.class)
                    .hasMessage("it lacks its leaf");
        }

        @Test
        void isListedAsIdleWhereNothingButItsEndIsWaitedFor() throws Exception {
            StoredCertificate idle =
                    stored.withDue(stored.certificate().notAfter().plusSeconds(1));
            StoredCertificate lasting = stored.withDue(stored.certificate().notAfter());

            assertThat(RecordCodec.listed(RecordCodec.encode(idle, 0, CLEAR)).standing())
                    .isEqualTo(Listed.Standing.IDLE);
            assertThat(RecordCodec.listed(RecordCodec.encode(lasting, 0, CLEAR)).standing())
                    .isEqualTo(Listed.Standing.RENEWED);
        }

        @Test
        void isFoundByItsOtherNamesAndItsLeaf() throws Exception {
            Medium.Marks marks = RecordCodec.marks(stored.withWithdrawn(Optional.of(NOW)), under(1));

            assertThat(marks.aliases()).containsExactly("www.example.com");
            assertThat(marks.at()).isEqualTo(stored.due());
            assertThat(marks.keyId()).isEqualTo(under(1).keyId());
            assertThat(marks.withdrawn()).isTrue();
            assertThat(marks.leaf())
                    .isEqualTo(Sha256.hex(stored.certificate().leaf().getEncoded()));
            assertThat(RecordCodec.marks(stored, CLEAR).withdrawn()).isFalse();
        }
    }

    @Nested
    class ItsHistory {

        private List<Happening> read(String lines) throws Exception {
            return RecordCodec.decodeCertificate(
                            changed(RecordCodec.encode(stored, 0, CLEAR), "revision: 0", lines + "revision: 0"), CLEAR)
                    .history();
        }

        @Test
        void comesBackInItsOrder() throws Exception {
            List<Happening> history = List.of(
                    new Happening(NOW, "obtained", "here"), new Happening(NOW.plusSeconds(1), "denied", "gone"));

            assertThat(RecordCodec.decodeCertificate(RecordCodec.encode(stored.withHistory(history), 0, CLEAR), CLEAR)
                            .history())
                    .isEqualTo(history);
        }

        @Test
        void endsWhereALineIsForeign() throws Exception {
            assertThat(read("history.0: " + NOW + " renewed twice\nhistory.1: yesterday denied\nhistory.2: " + NOW
                            + " denied gone\n"))
                    .containsExactly(new Happening(NOW, "renewed", "twice"));
            assertThat(read("history.0: " + NOW + "\n")).isEmpty();
        }

        @Test
        void isOfAtMostSoManyLines() throws Exception {
            StringBuilder lines = new StringBuilder();
            for (int i = 0; i <= Happening.MOST; i++) {
                lines.append("history." + i + ": " + NOW + " denied " + i + "\n");
            }

            assertThat(read(lines.toString())).hasSize(Happening.MOST);
        }
    }

    @Nested
    class AHold {

        private Hold hold(String detail) {
            return new Hold(
                    new Scope.Name(SHOP), "ca \u00fc", 2, NOW, "caa", detail, Optional.of(URI.create("https://a.b/")));
        }

        @ParameterizedTest
        @ValueSource(strings = {"a b", "\u001f \u007f ~ \u0080", "ends with \\", "\\u0041", "\n", "", "\ud83d\ude00"})
        void comesBackWhateverTheCaSays(String detail) throws Exception {
            byte[] content = RecordCodec.encode(hold(detail));

            assertThat(RecordCodec.decodeHold(content)).isEqualTo(hold(detail));
            assertThat(new String(content, ISO_8859_1).chars()).allMatch(c -> c == '\n' || (c >= ' ' && c < 0x7f));
        }

        @Test
        void keepsWhatPeopleCanReadAsItIs() {
            assertThat(new String(RecordCodec.encode(hold("a ~ b")), ISO_8859_1))
                    .contains("\ndetail: a ~ b\n");
            assertThat(new String(RecordCodec.encode(hold("\u007f\u001f\\")), ISO_8859_1))
                    .contains("\ndetail: \\u007f\\u001f\\u005c\n");
        }

        @ParameterizedTest
        @CsvSource({
            "a\\u004, a field ends in the middle",
            "\\, a field ends in the middle",
            "\\uzzzz, a field cannot be read"
        })
        void withAnEscapeThatIsNoneIsNone(String detail, String why) {
            byte[] content = changed(RecordCodec.encode(hold("here")), "detail: here", "detail: " + detail);

            assertThatThrownBy(() -> RecordCodec.decodeHold(content))
                    .isInstanceOf(UnreadableException.class)
                    .hasMessage(why);
        }

        @Test
        void tellsItsScopeUnread() throws Exception {
            byte[] content = changed(RecordCodec.encode(hold("here")), "refusals: 2", "refusals: x");

            assertThat(RecordCodec.scope(content)).isEqualTo("name/" + SHOP);
            assertThatThrownBy(() -> RecordCodec.decodeHold(content)).isInstanceOf(UnreadableException.class);
        }
    }

    @Nested
    class AnOrder {

        private final KeyPair key = TestCertificates.key();
        private final OpenOrder order = new OpenOrder(
                SHOP,
                "https://ca.example/directory",
                NOW,
                Optional.of(URI.create("https://ca.example/order/7")),
                key,
                new byte[] {1, 2, 3},
                Optional.of(NOW.plus(Duration.ofDays(1))));
        private final byte[] content = RecordCodec.encode(order, 9, CLEAR);

        @Test
        void comesBackInClearAndSealed() throws Exception {
            for (KeySealing sealing : List.of(CLEAR, under(1))) {
                OpenOrder read = RecordCodec.decodeOrder(RecordCodec.encode(order, 9, sealing), sealing);

                assertThat(read.name()).isEqualTo(SHOP);
                assertThat(read.issuer()).isEqualTo(order.issuer());
                assertThat(read.started()).isEqualTo(NOW);
                assertThat(read.url()).isEqualTo(order.url());
                assertThat(read.expires()).isEqualTo(order.expires());
                assertThat(read.csr()).isEqualTo(order.csr());
                assertThat(read.key().getPublic()).isEqualTo(key.getPublic());
                assertThat(read.key().getPrivate().getEncoded())
                        .isEqualTo(key.getPrivate().getEncoded());
            }
            assertThat(RecordCodec.fence(content)).isEqualTo(9);
        }

        @ParameterizedTest
        @ValueSource(strings = {"PRIVATE KEY", "PUBLIC KEY", "CERTIFICATE REQUEST"})
        void withoutOneOfItsBlocksIsNone(String label) {
            byte[] lacking = changed(
                    content,
                    "-----BEGIN " + label + "-----",
                    "-----BEGIN X-----\nAAAA\n-----END X-----\n-----BEGIN " + label + "-----");
            byte[] renamed = changed(content, label + "-----", "X-----");

            for (byte[] torn : List.of(lacking, renamed)) {
                assertThatThrownBy(() -> RecordCodec.decodeOrder(torn, CLEAR))
                        .isInstanceOf(UnreadableException.class)
                        .hasMessage("it lacks its key or its request");
            }
        }

        @Test
        void goesUnderAnotherKeyWithItsFence() throws Exception {
            byte[] resealed = RecordCodec.resealed(
                    Shelf.ORDER, SHOP.value(), RecordCodec.encode(order, 9, under(1)), under(2, 1));

            assertThat(RecordCodec.keyId(Shelf.ORDER, resealed)).isEqualTo(under(2).keyId());
            assertThat(RecordCodec.fence(resealed)).isEqualTo(9);
            assertThat(RecordCodec.decodeOrder(resealed, under(2)).url()).isEqualTo(order.url());
        }
    }

    @Nested
    class ASecret {

        private static final String PATH = "internal-ca/root.key";

        private final byte[] sealed = RecordCodec.encodeSecret(PATH, "secret".getBytes(US_ASCII), under(1));

        @Test
        void opensInItsPlaceAndInNoOther() throws Exception {
            assertThat(RecordCodec.decodeSecret(PATH, sealed, under(1))).isEqualTo("secret".getBytes(US_ASCII));
            assertThatThrownBy(() -> RecordCodec.decodeSecret("internal-ca/other.key", sealed, under(1)))
                    .isInstanceOf(UnreadableException.class);
        }

        @Test
        void inClearIsReadAsItIs() throws Exception {
            byte[] clear = "clear".getBytes(US_ASCII);

            assertThat(RecordCodec.decodeSecret(PATH, clear, under(1))).isEqualTo(clear);
            assertThat(RecordCodec.decodeSecret(PATH, new byte[0], under(1))).isEmpty();
        }

        @Test
        void ofTwoBlocksIsNone() {
            byte[] two = changed(sealed, "-----BEGIN ENC", "-----BEGIN X-----\nAAAA\n-----END X-----\n-----BEGIN ENC");

            assertThatThrownBy(() -> RecordCodec.decodeSecret(PATH, two, under(1)))
                    .isInstanceOf(UnreadableException.class)
                    .hasMessage("it is not one encrypted secret");
        }

        @Test
        void goesUnderAnotherKey() throws Exception {
            byte[] resealed = RecordCodec.resealed(Shelf.SECRET, PATH, sealed, under(2, 1));

            assertThat(RecordCodec.keyId(Shelf.SECRET, resealed)).isEqualTo(under(2).keyId());
            assertThat(RecordCodec.decodeSecret(PATH, resealed, under(2))).isEqualTo("secret".getBytes(US_ASCII));
        }
    }

    @Nested
    class WhatIsUnderAKey {

        @Test
        void isMarkedWithItAndWhatNeverIsEncryptedWithNone() throws Exception {
            assertThat(RecordCodec.keyId(Shelf.CERTIFICATE, RecordCodec.encode(stored, 0, CLEAR)))
                    .isEqualTo("plain");
            assertThat(RecordCodec.keyId(Shelf.CERTIFICATE, RecordCodec.encode(stored, 0, under(1))))
                    .isEqualTo(under(1).keyId());
            assertThat(RecordCodec.keyId(Shelf.HOLD, "any".getBytes(US_ASCII))).isEmpty();
            assertThat(RecordCodec.keyId(Shelf.SECRET, "a page".getBytes(US_ASCII)))
                    .isEmpty();
            assertThat(RecordCodec.keyId(Shelf.SECRET, "-----BEGIN EC PRIVATE KEY-----".getBytes(US_ASCII)))
                    .isEqualTo("plain");
        }

        @Test
        void isNotInClear() {
            byte[] clear = RecordCodec.encode(stored, 0, CLEAR);
            byte[] sealed = RecordCodec.encode(stored, 0, under(1));

            assertThat(RecordCodec.mayBeInClear(sealed)).isFalse();
            assertThat(RecordCodec.mayBeInClear(clear)).isTrue();
            assertThat(RecordCodec.mayBeInClear("nobody knows".getBytes(US_ASCII)))
                    .isTrue();
            assertThat(RecordCodec.mayBeInClear((blocks(sealed) + blocks(clear)).getBytes(ISO_8859_1)))
                    .isTrue();
        }

        @Test
        void staysWithItsFenceAndItsRevisionUnderAnother() throws Exception {
            byte[] resealed = RecordCodec.resealed(
                    Shelf.CERTIFICATE,
                    SHOP.value(),
                    RecordCodec.encode(stored.withRevision(4), 7, under(1)),
                    under(2, 1));

            assertThat(RecordCodec.keyId(Shelf.CERTIFICATE, resealed)).isEqualTo(under(2).keyId());
            assertThat(RecordCodec.fence(resealed)).isEqualTo(7);
            assertThat(RecordCodec.version(resealed).revision()).isEqualTo(4);
        }

        @Test
        void isNoHold() throws Exception {
            byte[] hold = new Bundle("hold", Map.of(), List.of()).encode();

            assertThat(RecordCodec.resealed(Shelf.HOLD, "any", hold, under(1))).isSameAs(hold);
        }
    }
}
