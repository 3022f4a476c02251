package org.ondemandtls.name;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Reads the ClientHello at the beginning of a connection, in whatever TLS records and segments it comes.
 *
 * <p>One instance reads one ClientHello. Hostile input is the normal case: whatever arrives is answered by a
 * {@link Progress}, never by an exception.
 *
 * <p><b>Threads.</b> Pure computation; not safe for use by several threads at once.
 *
 * <p><b>Cost.</b> Anybody may cause it. Memory follows what has arrived, never a length the peer names, and stays
 * below twice the largest message; time is linear in what has arrived. Raw input is bounded by as many records as the
 * largest message has octets, since none may be empty.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8446#section-5.1">RFC 8446 section 5.1</a>
 */
public final class ClientHelloParser {

    /** The largest ClientHello that fits one TLS record, in octets of the handshake message with its header of four. */
    public static final int MAX_MESSAGE = 16 * 1024;

    /** The largest that the JDK's engines take by default ({@code jdk.tls.maxHandshakeMessageSize}), header included. */
    public static final int MAX_MESSAGE_OF_JSSE = 32 * 1024 + 4;

    /** The largest record in the clear, in octets with its header (RFC 8446 section 5.1). */
    public static final int LARGEST_RECORD = 5 + (1 << 14);

    private static final int CONTENT_TYPE_HANDSHAKE = 22;
    private static final int VERSION_MAJOR = 3;
    private static final int MAX_FRAGMENT = 1 << 14;
    private static final int RECORD_HEADER = 5;
    private static final int MESSAGE_HEADER = 4;
    private static final int HANDSHAKE_TYPE_CLIENT_HELLO = 1;
    private static final int FIRST_CAPACITY = 256;

    private static final String NOT_A_RECORD = "not a TLS handshake record";
    private static final String WRONG_RECORD_LENGTH = "a TLS record is empty or too long";
    private static final String NOT_A_CLIENT_HELLO = "the first handshake message is not a ClientHello";
    private static final String TOO_LARGE = "the ClientHello is larger than is read";
    private static final String MORE_IN_RECORD = "the record with the ClientHello holds more than it";

    private static final Progress INCOMPLETE = new Progress.Incomplete();

    // Of the record being read: how many octets of its header are there, the length it names, what is missing.
    private int headerOctets;
    private int fragmentLength;
    private int fragmentMissing;

    // One record as it goes on to the TLS engine: room for its header, then the message as far as it has arrived.
    private byte @Nullable [] joined;
    private int messageOctets;
    private int versionMinor;
    private State state = State.READING;
    private final int most;

    private enum State {
        READING,
        COMPLETE,
        INVALID
    }

    /** What kind of thing is wrong with octets that cannot become a ClientHello. */
    public enum Fault {
        /** They are no TLS. */
        NOT_TLS,
        /** There would be more of it than is read. */
        TOO_LARGE,
        /** They are TLS, and break its syntax or begin with something else. */
        MALFORMED
    }

    /** How far the reading got. */
    public sealed interface Progress {

        /** So far it may become a ClientHello; all octets were consumed. */
        record Incomplete() implements Progress {}

        /**
         * The ClientHello was read to its end.
         *
         * @param hello what it says
         */
        record Complete(ClientHello hello) implements Progress {}

        /**
         * It is no ClientHello, or none within the bounds; the connection cannot go on.
         *
         * @param fault what kind of thing is wrong
         * @param reason what is wrong, in words of ours: nothing the peer sent
         */
        record Invalid(Fault fault, String reason) implements Progress {}
    }

    /** Makes a parser for one connection that reads what fits one record; memory is taken when octets arrive. */
    public ClientHelloParser() {
        this(MAX_MESSAGE);
    }

    /**
     * Makes a parser for one connection; memory is taken when octets arrive.
     *
     * @param most the largest ClientHello that is read, in octets of the handshake message with its header of four
     */
    public ClientHelloParser(int most) {
        this.most = most;
    }

    /**
     * Takes the next octets of the connection.
     *
     * @param octets what arrived, from its position to its limit. Consumed up to the end of the record that
     *     completes the ClientHello; what follows is left for whoever reads next. After {@link Progress.Invalid}
     *     the position is unspecified.
     * @return how far the reading got
     * @throws IllegalStateException if the reading has ended before
     */
    public Progress feed(ByteBuffer octets) {
        if (state != State.READING) {
            throw new IllegalStateException("the ClientHello has been read");
        }
        while (octets.hasRemaining()) {
            String objection = fragmentMissing == 0 ? takeHeaderOctet(octets.get() & 0xFF) : takeFragment(octets);
            if (objection != null) {
                return invalid(objection);
            }
            if (isWhole()) {
                return complete();
            }
        }
        return INCOMPLETE;
    }

    /**
     * The ClientHello in one TLS record, or in several where it does not fit one, to be given to the server's TLS engine in place of what was received. How
     * a message was cut into records is not part of what the handshake signs.
     *
     * @return a new view, ready to be read, of octets the parser no longer uses
     * @throws IllegalStateException if the ClientHello is not complete
     */
    public ByteBuffer records() {
        if (state != State.COMPLETE || joined == null) {
            throw new IllegalStateException("no complete ClientHello");
        }
        return messageOctets <= MAX_FRAGMENT ? ByteBuffer.wrap(joined, 0, RECORD_HEADER + messageOctets) : cut(joined);
    }

    /** How many octets of memory the reading of a ClientHello of so many octets holds. */
    public static int heldOf(int messageOctets) {
        return RECORD_HEADER + messageOctets;
    }

    /** How many octets of memory the reading holds. */
    public int held() {
        return joined == null ? 0 : joined.length;
    }

    private ByteBuffer cut(byte[] whole) {
        int records = (messageOctets + MAX_FRAGMENT - 1) / MAX_FRAGMENT;
        ByteBuffer cut = ByteBuffer.allocate(messageOctets + records * RECORD_HEADER);
        for (int done = 0; done < messageOctets; done += MAX_FRAGMENT) {
            int fragment = Math.min(MAX_FRAGMENT, messageOctets - done);
            cut.put((byte) CONTENT_TYPE_HANDSHAKE).put((byte) VERSION_MAJOR).put((byte) versionMinor);
            cut.putShort((short) fragment).put(whole, RECORD_HEADER + done, fragment);
        }
        return cut.flip();
    }

    // Looked at one by one, so that what is not TLS is known from its first octet.
    private @Nullable String takeHeaderOctet(int octet) {
        return switch (headerOctets++) {
            case 0 -> octet == CONTENT_TYPE_HANDSHAKE ? null : NOT_A_RECORD;
            case 1 -> octet == VERSION_MAJOR ? null : NOT_A_RECORD;
            case 2 -> {
                if (messageOctets == 0) {
                    versionMinor = octet;
                }
                yield null;
            }
            case 3 -> {
                fragmentLength = octet << 8;
                yield fragmentLength <= MAX_FRAGMENT ? null : WRONG_RECORD_LENGTH;
            }
            default -> {
                fragmentLength |= octet;
                headerOctets = 0;
                fragmentMissing = fragmentLength;
                yield objectionToFragment();
            }
        };
    }

    private @Nullable String takeFragment(ByteBuffer octets) {
        int count = Math.min(fragmentMissing, octets.remaining());
        byte[] room = roomFor(count);
        boolean knewLength = messageOctets >= MESSAGE_HEADER;
        octets.get(room, RECORD_HEADER + messageOctets, count);
        if (messageOctets == 0 && room[RECORD_HEADER] != HANDSHAKE_TYPE_CLIENT_HELLO) {
            return NOT_A_CLIENT_HELLO;
        }
        messageOctets += count;
        fragmentMissing -= count;
        return knewLength ? null : objectionToLength();
    }

    private @Nullable String objectionToFragment() {
        if (fragmentLength == 0 || fragmentLength > MAX_FRAGMENT) {
            return WRONG_RECORD_LENGTH;
        }
        if (messageOctets + fragmentLength > most) {
            return TOO_LARGE;
        }
        return objectionToLength();
    }

    private @Nullable String objectionToLength() {
        if (messageOctets < MESSAGE_HEADER) {
            return null;
        }
        int length = messageLength();
        if (length > most) {
            return TOO_LARGE;
        }
        // A ClientHello ends with its record: in TLS 1.3 the keys change after it.
        return messageOctets + fragmentMissing > length ? MORE_IN_RECORD : null;
    }

    private boolean isWhole() {
        return fragmentMissing == 0 && messageOctets >= MESSAGE_HEADER && messageOctets == messageLength();
    }

    private int messageLength() {
        byte[] octets = joined;
        if (octets == null) {
            return 0;
        }
        int high = octets[RECORD_HEADER + 1] & 0xFF;
        int middle = octets[RECORD_HEADER + 2] & 0xFF;
        int low = octets[RECORD_HEADER + 3] & 0xFF;
        return MESSAGE_HEADER + ((high << 16) | (middle << 8) | low);
    }

    private byte[] roomFor(int count) {
        int needed = RECORD_HEADER + messageOctets + count;
        if (joined == null) {
            joined = new byte[Math.max(needed, FIRST_CAPACITY)];
        } else if (joined.length < needed) {
            int doubled = Math.min(2 * joined.length, RECORD_HEADER + most);
            joined = Arrays.copyOf(joined, Math.max(needed, doubled));
        }
        return joined;
    }

    private Progress complete() {
        byte[] record = roomFor(0);
        record[0] = CONTENT_TYPE_HANDSHAKE;
        record[1] = VERSION_MAJOR;
        record[2] = (byte) versionMinor;
        record[3] = (byte) (messageOctets >> 8);
        record[4] = (byte) messageOctets;
        try {
            int body = RECORD_HEADER + MESSAGE_HEADER;
            ClientHello hello = ClientHelloBody.read(record, body, RECORD_HEADER + messageOctets);
            state = State.COMPLETE;
            return new Progress.Complete(hello);
        } catch (ClientHelloBody.Malformed malformed) {
            return invalid(malformed.reason());
        }
    }

    private static Fault fault(String reason) {
        return switch (reason) {
            case NOT_A_RECORD -> Fault.NOT_TLS;
            case TOO_LARGE -> Fault.TOO_LARGE;
            default -> Fault.MALFORMED;
        };
    }

    private Progress invalid(String reason) {
        state = State.INVALID;
        joined = null;
        return new Progress.Invalid(fault(reason), reason);
    }
}
