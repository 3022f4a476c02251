package org.ondemandtls.name;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.ondemandtls.name.ClientHellos.concat;
import static org.ondemandtls.name.ClientHellos.nameEntry;
import static org.ondemandtls.name.ClientHellos.uint16;
import static org.ondemandtls.name.ClientHellos.vector16;
import static org.ondemandtls.name.ClientHellos.vector8;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.name.ClientHelloParser.Progress;

/** {@link ClientHelloParser}: any segmentation, several records, bounded, hostile. */
class ClientHelloParserTest {

    private static final ClientHellos HELLO = ClientHellos.of("shop.example", "h2", "http/1.1");
    private static final ClientHello READ = new ClientHello(
            new RequestedName.Named(new ServerName("shop.example")), List.of("h2", "http/1.1"), true, 0);

    private final ClientHelloParser parser = new ClientHelloParser();

    private Progress feed(byte[] octets) {
        return parser.feed(ByteBuffer.wrap(octets));
    }

    private Progress feedOneByOne(byte[] octets) {
        Progress progress = new Progress.Incomplete();
        for (int i = 0; i < octets.length; i++) {
            assertThat(progress).as("before octet %d", i).isInstanceOf(Progress.Incomplete.class);
            progress = feed(new byte[] {octets[i]});
        }
        return progress;
    }

    private static Progress read(byte[] octets) {
        return new ClientHelloParser().feed(ByteBuffer.wrap(octets));
    }

    private static Progress read(ClientHellos hello) {
        return read(hello.record());
    }

    private static ClientHello complete(Progress progress) {
        assertThat(progress).isInstanceOf(Progress.Complete.class);
        ClientHello hello = ((Progress.Complete) progress).hello();
        assertThat(hello.octets()).isPositive();
        return new ClientHello(hello.requestedName(), hello.applicationProtocols(), hello.offersTls12(), 0);
    }

    private static void assertInvalid(Progress progress, String reason) {
        assertThat(progress).isInstanceOf(Progress.Invalid.class);
        assertThat(((Progress.Invalid) progress).reason()).contains(reason);
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    @Nested
    class InAnySegmentation {

        @Test
        void atOnce() {
            assertThat(complete(feed(HELLO.record()))).isEqualTo(READ);
        }

        @Test
        void oneOctetAtATime() {
            assertThat(complete(feedOneByOne(HELLO.record()))).isEqualTo(READ);
        }

        @Test
        void inRecordsOfAnyLength() {
            for (int length = 1; length <= HELLO.message().length; length++) {
                assertThat(complete(read(HELLO.records(length)))).isEqualTo(READ);
            }
        }

        @Test
        void inRecordsOfOneOctetOneOctetAtATime() {
            assertThat(complete(feedOneByOne(HELLO.records(1)))).isEqualTo(READ);
        }

        @Test
        void inTwoSegmentsCutAnywhere() {
            byte[] octets = HELLO.records(50);
            for (int cut = 0; cut < octets.length; cut++) {
                var fresh = new ClientHelloParser();

                assertThat(fresh.feed(ByteBuffer.wrap(octets, 0, cut))).isInstanceOf(Progress.Incomplete.class);
                assertThat(complete(fresh.feed(ByteBuffer.wrap(octets, cut, octets.length - cut))))
                        .isEqualTo(READ);
            }
        }

        @Test
        void fromADirectOrReadOnlyBuffer() {
            byte[] octets = HELLO.record();
            ByteBuffer direct =
                    ByteBuffer.allocateDirect(octets.length).put(octets).flip();

            assertThat(complete(new ClientHelloParser().feed(direct))).isEqualTo(READ);
            assertThat(complete(parser.feed(ByteBuffer.wrap(octets).asReadOnlyBuffer())))
                    .isEqualTo(READ);
        }

        @Test
        void anEmptyBufferChangesNothing() {
            assertThat(feed(new byte[0])).isInstanceOf(Progress.Incomplete.class);
            assertThat(complete(feed(HELLO.record()))).isEqualTo(READ);
        }

        @Test
        void whatFollowsStaysInTheBuffer() {
            for (byte[] octets : List.of(HELLO.record(), HELLO.records(7))) {
                byte[] following = {20, 3, 3, 0, 1, 1};
                ByteBuffer buffer = ByteBuffer.wrap(concat(octets, following));

                complete(new ClientHelloParser().feed(buffer));

                assertThat(buffer.remaining()).isEqualTo(following.length);
                assertThat(buffer.get(buffer.position())).isEqualTo((byte) 20);
            }
        }
    }

    @Nested
    class WhatItSays {

        @ParameterizedTest
        @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
        void aRealClientIsUnderstood(String version) {
            byte[] octets = ClientHellos.ofJdk("shop.example", List.of(version), List.of("h2", "http/1.1"));

            assertThat(complete(feedOneByOne(octets))).isEqualTo(READ);
        }

        @Test
        void aHelloAsLargeAsBrowsersSendIsUnderstood() {
            assertThat(complete(read(HELLO.paddedTo(2_048)))).isEqualTo(READ);
        }

        @Test
        void howLongItIsWithItsHeaderIsKnown() {
            assertThat(read(HELLO.paddedTo(2_048)))
                    .isInstanceOfSatisfying(
                            Progress.Complete.class,
                            read -> assertThat(read.hello().octets()).isEqualTo(2_048));
        }

        @Test
        void withoutExtensionsThereIsNoName() {
            assertThat(complete(read(ClientHellos.bare())))
                    .isEqualTo(new ClientHello(new RequestedName.Absent(), List.of(), true, 0));
        }

        @Test
        void withEmptyExtensionsThereIsNoName() {
            assertThat(complete(read(ClientHellos.bare().withRawExtensions(new byte[0])))
                            .requestedName())
                    .isEqualTo(new RequestedName.Absent());
        }

        @Test
        void upperCaseIsTheSameName() {
            assertThat(complete(read(ClientHellos.of("SHOP.Example", "h2", "http/1.1"))))
                    .isEqualTo(READ);
        }

        @ParameterizedTest
        @ValueSource(
                strings = {"", "../etc", "a b.example", "bücher.example", "a*.example", "a.example\n", "a.example\0"})
        void whatIsNoHostNameIsMalformed(String name) {
            assertThat(complete(read(ClientHellos.of(name))).requestedName()).isEqualTo(new RequestedName.Malformed());
        }

        @ParameterizedTest
        @ValueSource(strings = {"localhost", "192.0.2.1", "::1", "a_b.example", "A.example.", "DB", "a..example", "."})
        void whatNoPublicCaCertifiesIsKeptForTheServersOwnCertificates(String name) {
            assertThat(complete(read(ClientHellos.of(name))).requestedName())
                    .isEqualTo(new RequestedName.Other(name.toLowerCase(Locale.ROOT)));
        }

        @Test
        void ofWhatIsTooLongForANameNothingIsKept() {
            assertThat(complete(read(ClientHellos.of("x".repeat(253)))).requestedName())
                    .isEqualTo(new RequestedName.Other("x".repeat(253)));
            assertThat(complete(read(ClientHellos.of("x".repeat(254)))).requestedName())
                    .isEqualTo(new RequestedName.Malformed());
        }

        @Test
        void anEmptyListOfNamesIsMalformed() {
            assertThat(complete(read(ClientHellos.bare().withNames())).requestedName())
                    .isEqualTo(new RequestedName.Malformed());
        }

        @Test
        void twoHostNamesAreMalformedEvenIfTheyAreOne() {
            byte[] entry = nameEntry(0, ascii("shop.example"));

            assertThat(complete(read(ClientHellos.bare().withNames(entry, entry)))
                            .requestedName())
                    .isEqualTo(new RequestedName.Malformed());
            assertThat(complete(read(ClientHellos.bare().withNames(entry, entry, entry)))
                            .requestedName())
                    .isEqualTo(new RequestedName.Malformed());
        }

        @Test
        void namesOfUnknownTypesAreIgnored() {
            byte[] entry = nameEntry(0, ascii("shop.example"));
            byte[] unknown = nameEntry(7, new byte[] {1, 2});

            assertThat(complete(read(ClientHellos.bare().withNames(unknown, entry, unknown)))
                            .requestedName())
                    .isEqualTo(READ.requestedName());
            assertThat(complete(read(ClientHellos.bare().withNames(unknown))).requestedName())
                    .isEqualTo(new RequestedName.Malformed());
        }

        @Test
        void protocolsKeepTheirOrderAndOctets() {
            assertThat(complete(read(ClientHellos.of(
                                    "shop.example", "\u00FF\u0000", "h2", "acme-tls/1", "x".repeat(255))))
                            .applicationProtocols())
                    .containsExactly("\u00FF\u0000", "h2", "acme-tls/1", "x".repeat(255));
        }

        @Test
        void aValidationIsRecognised() {
            ClientHello hello = complete(read(ClientHellos.of("shop.example", "acme-tls/1")));

            assertThat(hello.offersOnlyAcmeTls()).isTrue();
            assertThat(complete(read(ClientHellos.of("shop.example", "acme-tls/1", "acme-tls/1")))
                            .offersOnlyAcmeTls())
                    .isFalse();
        }

        @Test
        void protocolsAreBounded() {
            String[] most =
                    Collections.nCopies(ClientHelloBody.MAX_PROTOCOLS, "x").toArray(String[]::new);
            String[] tooMany = Collections.nCopies(most.length + 1, "x").toArray(String[]::new);

            assertThat(complete(read(ClientHellos.of("shop.example", most))).applicationProtocols())
                    .hasSize(most.length);
            assertInvalid(read(ClientHellos.of("shop.example", tooMany)), "protocols");
        }

        static Stream<Arguments> versions() {
            return Stream.of(
                    Arguments.of(ClientHellos.bare(0x0302), false),
                    Arguments.of(ClientHellos.bare(0x0303), true),
                    Arguments.of(ClientHellos.bare(0x0304), true),
                    Arguments.of(ClientHellos.bare(0x0303).withVersions(0x0302, 0x0301), false),
                    Arguments.of(ClientHellos.bare(0x0301).withVersions(0x0A0A, 0x0304), true),
                    Arguments.of(ClientHellos.bare(0x0303).withVersions(0x0303), true),
                    Arguments.of(ClientHellos.bare(0x0303).withVersions(0xFAFA), false));
        }

        @ParameterizedTest
        @MethodSource
        void versions(ClientHellos hello, boolean offersTls12) {
            assertThat(complete(read(hello)).offersTls12()).isEqualTo(offersTls12);
        }
    }

    @Nested
    class WhatIsNone {

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "GET / HTTP/1.1\r\n",
                    "PROXY TCP4 ",
                    "SSH-2.0-",
                    "\0",
                    "\u0080\u002e\u0001\u0003\u0001",
                    "\u0015\u0003\u0003\u0000\u0002"
                })
        void isKnownFromItsFirstOctet(String octets) {
            assertInvalid(
                    feed(octets.substring(0, 1).getBytes(StandardCharsets.ISO_8859_1)), "not a TLS handshake record");
        }

        @Test
        void anotherMajorVersionIsNone() {
            assertInvalid(feed(new byte[] {22, 2}), "not a TLS handshake record");
        }

        @Test
        void anEmptyRecordIsNone() {
            assertInvalid(feed(new byte[] {22, 3, 1, 0, 0}), "empty");
            assertInvalid(read(concat(Arrays.copyOf(HELLO.records(40), 45), new byte[] {22, 3, 1, 0, 0})), "empty");
        }

        @Test
        void aRecordTooLongIsNone() {
            assertThat(feed(new byte[] {22, 3, 1, 0x40, 0})).isInstanceOf(Progress.Incomplete.class);
            assertInvalid(read(new byte[] {22, 3, 1, 0x40, 1}), "too long");
            assertInvalid(read(new byte[] {22, 3, 1, 0x41}), "too long");
        }

        @Test
        void anotherKindOfRecordInBetweenIsNone() {
            assertInvalid(
                    read(concat(Arrays.copyOf(HELLO.records(40), 45), new byte[] {20})), "not a TLS handshake record");
        }

        @Test
        void anotherHandshakeMessageIsNone() {
            assertInvalid(feed(new byte[] {22, 3, 1, 0, 4, 2}), "not a ClientHello");
        }

        @Test
        void moreInTheSameRecordIsNone() {
            byte[] message = HELLO.message();

            assertInvalid(read(ClientHellos.record(concat(message, new byte[1]))), "holds more");
            assertInvalid(read(ClientHellos.records(concat(message, message), message.length - 1)), "holds more");
        }

        @Test
        void moreInTheSameRecordIsKnownBeforeItArrives() {
            byte[] octets = ClientHellos.record(concat(HELLO.message(), new byte[1]));

            assertInvalid(feed(Arrays.copyOf(octets, 9)), "holds more");
        }

        static Stream<ClientHellos> broken() {
            byte[] start = concat(uint16(0x0303), new byte[32]);
            byte[] suites = vector16(uint16(0x1301));
            byte[] none = vector8(new byte[1]);
            byte[] list = vector16(nameEntry(0, ascii("shop.example")));
            return Stream.of(
                    ClientHellos.beginning(new byte[0]),
                    ClientHellos.beginning(concat(start, vector8(new byte[33]), suites, none)),
                    ClientHellos.beginning(concat(start, vector8(new byte[0]), vector16(new byte[0]), none)),
                    ClientHellos.beginning(concat(start, vector8(new byte[0]), vector16(new byte[3]), none)),
                    ClientHellos.beginning(concat(start, vector8(new byte[0]), suites, vector8(new byte[0]))),
                    ClientHellos.beginning(concat(start, vector8(new byte[0]), suites, none, new byte[1])),
                    ClientHellos.beginning(concat(start, vector8(new byte[0]), suites, none, uint16(0), new byte[1])),
                    ClientHellos.beginning(concat(start, vector8(new byte[0]), suites, none, uint16(1))),
                    ClientHellos.bare().withRawExtensions(new byte[1]),
                    ClientHellos.bare().withRawExtensions(new byte[3]),
                    ClientHellos.bare().withRawExtensions(concat(uint16(5), uint16(1))),
                    ClientHellos.bare().withExtension(0, new byte[0]),
                    ClientHellos.bare().withExtension(0, new byte[1]),
                    ClientHellos.bare().withExtension(0, concat(list, new byte[1])),
                    ClientHellos.bare().withExtension(0, Arrays.copyOf(list, list.length - 1)),
                    ClientHellos.bare().withExtension(0, vector16(new byte[2])),
                    ClientHellos.bare().withExtension(0, vector16(concat(new byte[1], uint16(9), new byte[8]))),
                    ClientHellos.bare().withExtension(16, new byte[0]),
                    ClientHellos.bare().withExtension(16, uint16(0)),
                    ClientHellos.bare().withExtension(16, vector16(new byte[1])),
                    ClientHellos.bare().withExtension(16, vector16(new byte[] {2, 'h'})),
                    ClientHellos.bare().withExtension(16, concat(vector16(vector8(ascii("h2"))), new byte[1])),
                    ClientHellos.bare().withExtension(43, new byte[0]),
                    ClientHellos.bare().withExtension(43, vector8(new byte[0])),
                    ClientHellos.bare().withExtension(43, vector8(new byte[3])),
                    ClientHellos.bare().withExtension(43, concat(vector8(uint16(0x0304)), new byte[1])));
        }

        @ParameterizedTest
        @MethodSource
        void broken(ClientHellos hello) {
            assertInvalid(read(hello), "");
        }

        @ParameterizedTest
        @ValueSource(ints = {0, 16, 43, 0x0A0A, 0xFFFF})
        void anExtensionTwiceIsNone(int type) {
            byte[] content = switch (type) {
                case 0 -> vector16(nameEntry(0, ascii("shop.example")));
                case 16 -> vector16(vector8(ascii("h2")));
                case 43 -> vector8(uint16(0x0304));
                default -> new byte[3];
            };
            ClientHellos once = ClientHellos.bare().withExtension(type, content).withExtension(10, new byte[2]);

            complete(read(once));
            assertInvalid(read(once.withExtension(type, content)), "twice");
        }

        @Test
        void manyExtensionsAreReadButNotTwice() {
            byte[] many = new byte[4 * 4_000];
            for (int i = 0; i < 4_000; i++) {
                many[4 * i] = (byte) (0x20 + (i >> 8));
                many[4 * i + 1] = (byte) i;
            }
            complete(read(ClientHellos.bare().withRawExtensions(many)));
            many[0] = many[4 * 3_999];
            many[1] = many[4 * 3_999 + 1];

            assertInvalid(read(ClientHellos.bare().withRawExtensions(many)), "twice");
        }

        @Test
        void nothingThePeerSentIsEchoed() {
            byte[] octets = HELLO.record();
            var random = new Random(22);
            for (int i = 0; i < 20_000; i++) {
                byte[] mutant = octets.clone();
                mutant[random.nextInt(mutant.length)] ^= (byte) (1 + random.nextInt(255));
                if (read(mutant) instanceof Progress.Invalid invalid) {
                    assertThat(invalid.reason()).matches("[a-zA-Z0-9' ]+").doesNotContain("shop", "http/1.1");
                }
            }
        }
    }

    @Nested
    class WithinItsBound {

        @ParameterizedTest
        @ValueSource(ints = {-1, 0})
        void theLargestIsRead(int difference) {
            ClientHellos hello = HELLO.paddedTo(ClientHelloParser.MAX_MESSAGE + difference);

            assertThat(complete(read(hello))).isEqualTo(READ);
            assertThat(complete(read(hello.records(1)))).isEqualTo(READ);
            assertThat(complete(feedOneByOne(hello.records(1_000)))).isEqualTo(READ);
        }

        @Test
        void aLargerOneIsKnownFromItsHeader() {
            byte[] octets = HELLO.paddedTo(ClientHelloParser.MAX_MESSAGE + 1).records(1_000);

            assertThat(feed(Arrays.copyOf(octets, 8))).isInstanceOf(Progress.Incomplete.class);
            assertInvalid(feed(Arrays.copyOfRange(octets, 8, 9)), "larger than is read");
        }

        @Test
        void theLongestLengthThereIsIsTooLarge() {
            assertInvalid(feed(new byte[] {22, 3, 1, 0x40, 0, 1, -1, -1, -1}), "larger");
        }

        /** As much as a returning Java client with a certificate of its own sends. */
        @ParameterizedTest
        @ValueSource(ints = {26_660, ClientHelloParser.MAX_MESSAGE + 1, ClientHelloParser.MAX_MESSAGE_OF_JSSE})
        void whatDoesNotFitOneRecordGoesOnInSeveral(int octets) {
            ClientHellos hello = HELLO.paddedTo(octets);
            ClientHelloParser parser = new ClientHelloParser(ClientHelloParser.MAX_MESSAGE_OF_JSSE);

            Progress progress = parser.feed(ByteBuffer.wrap(hello.records(1_000)));
            ByteBuffer records = parser.records();

            assertThat(complete(progress)).isEqualTo(READ);
            assertThat(records.remaining()).isGreaterThan(octets);
            assertThat(records.getShort(3)).isEqualTo((short) (1 << 14));
            assertThat(complete(new ClientHelloParser(ClientHelloParser.MAX_MESSAGE_OF_JSSE).feed(records)))
                    .isEqualTo(READ);
        }

        @Test
        void aRecordThatWouldExceedItIsKnownFromItsHeader() {
            ClientHellos hello = HELLO.paddedTo(ClientHelloParser.MAX_MESSAGE);
            byte[] first = Arrays.copyOf(hello.records(16_000), 16_005);

            assertThat(feed(first)).isInstanceOf(Progress.Incomplete.class);
            assertInvalid(feed(concat(new byte[] {22, 3, 1}, uint16(385))), "larger");
        }
    }

    @Nested
    class Hostile {

        @Test
        void noTruncationIsEverComplete() {
            for (byte[] octets : List.of(HELLO.record(), HELLO.records(9))) {
                for (int length = 0; length < octets.length; length++) {
                    assertThat(read(Arrays.copyOf(octets, length))).isInstanceOf(Progress.Incomplete.class);
                }
            }
        }

        @Test
        void aBodyCutAnywhereIsInvalidUnlessItEndsBeforeTheExtensions() {
            byte[] message = HELLO.message();
            int bare = ClientHellos.bare().message().length;
            for (int length = 4; length < message.length; length++) {
                byte[] cut = Arrays.copyOf(message, length);
                cut[2] = (byte) (length - 4 >> 8);
                cut[3] = (byte) (length - 4);

                assertThat(read(ClientHellos.record(cut)) instanceof Progress.Complete)
                        .as("length %d", length)
                        .isEqualTo(length == bare);
            }
        }

        @Test
        void noMutationMakesItThrow() {
            List<byte[]> originals = List.of(
                    HELLO.record(),
                    HELLO.records(30),
                    ClientHellos.ofJdk("shop.example", List.of("TLSv1.3", "TLSv1.2"), List.of("h2")));
            var random = new Random(8446);
            int complete = 0;
            int invalid = 0;
            for (int i = 0; i < 150_000; i++) {
                byte[] mutant = mutant(originals.get(i % originals.size()), random);
                ByteBuffer buffer = ByteBuffer.wrap(mutant);
                var fresh = new ClientHelloParser();
                Progress progress = fresh.feed(buffer);
                if (progress instanceof Progress.Complete) {
                    complete++;
                    assertThat(read(bytes(fresh.records()))).isEqualTo(progress);
                } else if (progress instanceof Progress.Invalid) {
                    invalid++;
                } else {
                    assertThat(buffer.hasRemaining()).isFalse();
                }
            }
            assertThat(complete).isGreaterThan(1_000);
            assertThat(invalid).isGreaterThan(1_000);
        }

        private static byte[] mutant(byte[] original, Random random) {
            byte[] mutant = original.clone();
            for (int n = random.nextInt(4); n >= 0; n--) {
                int at = random.nextInt(mutant.length);
                mutant[at] = switch (random.nextInt(4)) {
                    case 0 -> (byte) random.nextInt();
                    case 1 -> (byte) (mutant[at] + 1);
                    case 2 -> (byte) (mutant[at] - 1);
                    default -> (byte) (mutant[at] ^ 1 << random.nextInt(8));
                };
            }
            int from = random.nextInt(mutant.length);
            return switch (random.nextInt(8)) {
                case 0 -> Arrays.copyOf(mutant, from);
                case 1 -> concat(Arrays.copyOf(mutant, from), Arrays.copyOfRange(mutant, from / 2, mutant.length));
                default -> mutant;
            };
        }
    }

    @Nested
    class AfterItsEnd {

        @Test
        void aCompleteOneTakesNoMore() {
            complete(feed(HELLO.record()));

            assertThatIllegalStateException().isThrownBy(() -> feed(new byte[1]));
        }

        @Test
        void anInvalidOneTakesNoMoreAndHasNoRecords() {
            assertInvalid(feed(new byte[1]), "");

            assertThatIllegalStateException().isThrownBy(() -> feed(HELLO.record()));
            assertThatIllegalStateException().isThrownBy(parser::records);
        }

        @Test
        void anIncompleteOneHasNoRecords() {
            assertThatIllegalStateException().isThrownBy(parser::records);
            feed(Arrays.copyOf(HELLO.record(), 100));
            assertThatIllegalStateException().isThrownBy(parser::records);
        }
    }

    @Nested
    class ItsRecords {

        @Test
        void areOneRecordHoweverItCame() {
            for (int length : new int[] {1, 2, 100, 16_384}) {
                var fresh = new ClientHelloParser();
                complete(fresh.feed(ByteBuffer.wrap(HELLO.records(length))));

                assertThat(bytes(fresh.records())).isEqualTo(HELLO.record());
                assertThat(bytes(fresh.records())).isEqualTo(HELLO.record());
            }
        }

        @Test
        void haveTheVersionOfTheFirstOne() {
            byte[] octets = HELLO.records(100);
            octets[2] = 3;
            feed(octets);

            assertThat(parser.records().get(2)).isEqualTo((byte) 3);
        }

        @Test
        void holdTheLargestHelloInOne() {
            ClientHellos hello = HELLO.paddedTo(ClientHelloParser.MAX_MESSAGE);
            feed(hello.records(10));

            assertThat(bytes(parser.records())).isEqualTo(hello.record());
        }

        @ParameterizedTest
        @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
        void areAcceptedByARealServerInPlaceOfPieces(String version) throws Exception {
            byte[] octets = ClientHellos.ofJdk("shop.example", List.of(version), List.of("h2"));
            byte[] pieces = ClientHellos.records(Arrays.copyOfRange(octets, 5, octets.length), 1);
            complete(feedOneByOne(pieces));
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, null, null);
            SSLEngine server = context.createSSLEngine();
            server.setUseClientMode(false);

            ByteBuffer records = parser.records();
            SSLEngineResult result = server.unwrap(
                    records, ByteBuffer.allocate(server.getSession().getApplicationBufferSize()));

            assertThat(records.hasRemaining()).isFalse();
            assertThat(result.getStatus()).isEqualTo(SSLEngineResult.Status.OK);
            assertThat(result.getHandshakeStatus()).isEqualTo(SSLEngineResult.HandshakeStatus.NEED_TASK);
        }
    }

    private static byte[] bytes(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        return bytes;
    }
}
