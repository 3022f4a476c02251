package org.ondemandtls.store;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What a store stands on: keeps opaque records by shelf and key, and finds them by a few marks. Everything else that a store
 * promises is written once, above it.
 *
 * <p>What a method has returned from is on stable storage; what was never completely written is never seen. Each change is
 * one step.
 *
 * <p><b>Threads.</b> All methods but {@link #handle} block for I/O; all are safe for use by many threads. What cannot be
 * done in time is a {@link StoreException}, whatever the layers below throw.
 */
public interface Medium extends AutoCloseable {

    /**
     * What a record is found by besides its key; read back from a content by {@link RecordCodec#version} and {@link
     * RecordCodec#keyId}, where a medium has no room for them beside it.
     *
     * @param aliases other keys that lead to it; certificates only
     * @param at when it is due, or was begun; the beginning of time where it has no such moment
     * @param keyId the identifier of the key it is encrypted under, {@code plain} in clear, empty for what never is
     * @param leaf the SHA-256 of a certificate's leaf in hexadecimal, else empty: others have to know of another one
     * @param withdrawn whether a certificate is withdrawn: others have to know when that changes
     * @param listed what a certificate is listed by, empty for everything else
     */
    record Marks(
            List<String> aliases, Instant at, String keyId, String leaf, boolean withdrawn, Optional<Listed> listed) {

        /** Of what is in no list. */
        Marks(List<String> aliases, Instant at, String keyId, String leaf, boolean withdrawn) {
            this(aliases, at, keyId, leaf, withdrawn, Optional.empty());
        }

        /** Keeps a copy. */
        public Marks {
            aliases = List.copyOf(aliases);
        }

        /** Of what is found by its key only. */
        static Marks under(String keyId) {
            return new Marks(List.of(), Instant.EPOCH, keyId, "", false);
        }
    }

    /**
     * A record to be kept.
     *
     * @param shelf where
     * @param key under which key
     * @param content what; at most one MiB
     * @param revision how often it has been saved with this, 0 where that is not counted
     * @param marks what it is found by besides
     */
    record Kept(Shelf shelf, String key, byte[] content, long revision, Marks marks) {}

    /** What has to be there before a change. */
    sealed interface Expected {

        /** Anything or nothing. */
        Expected ANY = new Any();

        /** Anything or nothing. */
        record Any() implements Expected {}

        /**
         * This revision.
         *
         * @param number how often the record has been saved; 0 if there must be none
         */
        record Revision(long number) implements Expected {}
    }

    /** Reads a content when asked. */
    @FunctionalInterface
    interface Content {
        /**
         * Reads it.
         *
         * @throws UnreadableException if it can be none of ours, whatever is in it
         * @throws StoreException if it cannot be read now
         */
        byte[] read() throws UnreadableException, StoreException;
    }

    /**
     * A record as it was found.
     *
     * @param shelf where
     * @param handle its key as the medium spells it, as by {@link #handle}
     * @param place where it is, for messages
     * @param revision the revision the medium has for it, 0 where it knows none
     * @param content what is in it
     */
    record Found(Shelf shelf, String handle, String place, long revision, Content content) {}

    /**
     * A certificate that is due.
     *
     * @param at when, as exactly as the medium keeps it
     * @param found the record
     */
    record Due(Instant at, Found found) {

        /** What comes before all that is due at a moment. */
        static Due before(Instant at) {
            return new Due(at, new Found(Shelf.CERTIFICATE, "", "", 0, () -> new byte[0]));
        }
    }

    /** What was found cannot be read, so that it is not known which revision it has. */
    final class DamagedException extends StoreException {

        private final Found found;
        private final UnreadableException why;

        /**
         * A record that is in the way.
         *
         * @param found the record
         * @param why what is wrong with it
         */
        public DamagedException(Found found, UnreadableException why) {
            super(found.place() + " is damaged: " + why.getMessage(), why);
            this.found = found;
            this.why = why;
        }

        Found found() {
            return found;
        }

        UnreadableException why() {
            return why;
        }
    }

    /** Answers for the keys it was made for. */
    interface View {
        /** The record of a key. */
        Optional<Found> own(String key) throws StoreException;

        /** The record an alias leads to. */
        Optional<Found> led(String alias) throws StoreException;
    }

    /** Told of records one by one. */
    @FunctionalInterface
    interface Visitor {
        /**
         * One record.
         *
         * @return whether to go on
         * @throws StoreException ends the round
         */
        boolean visit(Found found) throws StoreException;
    }

    /** Turns found orders into what they say, the oldest first. */
    @FunctionalInterface
    interface Orders {
        /** Reads them; one that cannot be read is told of and left out. */
        List<OpenOrder> read(List<Found> found);
    }

    /** Where it is, for people: a path or a URL without credentials. */
    String location();

    /** How a key is spelled in what is found: the key itself, where the medium can hold it. */
    String handle(Shelf shelf, String key);

    /**
     * Looks several keys or aliases up, in one round trip where one costs something.
     *
     * @param shelf where
     * @param keys those that may be asked for
     */
    View view(Shelf shelf, List<String> keys) throws StoreException;

    /**
     * Keeps a record in place of the one before it, and has others know of it where they have to.
     *
     * @param record what to keep
     * @param expected what has to be there now
     * @param lease the lease it is kept under, null for none
     * @throws StaleRevisionException if something else is there
     * @throws LeaseLostException if the lease is no longer held
     * @throws DamagedException if it cannot be told what is there; it is to be set aside first
     */
    void put(Kept record, Expected expected, @Nullable Lease lease) throws StoreException;

    /**
     * Removes a record; nothing happens where there is none.
     *
     * @param shelf where
     * @param key under which key
     * @param aliases what leads to it
     * @param expected what has to be there now, if anything is
     * @param lease the lease it is removed under, null for none
     * @throws StaleRevisionException if something else is there
     * @throws LeaseLostException if the lease is no longer held
     */
    void remove(Shelf shelf, String key, List<String> aliases, Expected expected, @Nullable Lease lease)
            throws StoreException;

    /**
     * Puts another form of the same content in place of what was read, at the same revision and with the same marks but for
     * the key it is under; nothing happens where it was changed meanwhile.
     *
     * @param read the record as it was found
     * @param before the content that was read
     * @param content the other form
     * @param keyId the key that is under
     * @return whether it was put there
     */
    boolean rewrite(Found read, byte[] before, byte[] content, String keyId) throws StoreException;

    /**
     * Moves a record that is damaged out of the way; nothing happens where it is gone.
     *
     * @param read the record as it was found
     * @param reason why, for people
     * @param keep whether it is kept for people to look at, rather than removed
     * @return where it is kept, as the rest of a sentence; empty where it was removed by somebody else
     */
    Optional<String> setAside(Found read, String reason, boolean keep) throws StoreException;

    /**
     * Removes what was set aside.
     *
     * @param which tells by the content
     */
    void removeSetAside(Predicate<byte[]> which) throws StoreException;

    /** Goes through a shelf, a few records in memory at a time, in no order. What is changed meanwhile may be met or not. */
    void each(Shelf shelf, Visitor visitor) throws StoreException;

    /**
     * Certificates by their first names, in the order of these by their octets.
     *
     * @param prefix what the names begin with
     * @param after the name that ended the page before, empty for the first page
     * @param limit how many at most
     * @return as many as there are, up to the limit
     */
    SortedMap<String, Found> page(String prefix, String after, int limit) throws StoreException;

    /**
     * Certificates by what they are listed by; by an index, never by reading them.
     *
     * @param slice which, and in which order
     * @param after the {@link Listed.Slice#place place} of the entry that ended the page before, empty for the first page
     * @param limit how many at most
     * @return as many as there are, up to the limit; some may say what was so a while ago. Empty where there is no such
     *     index, or not yet
     */
    default Optional<List<Listed>> listed(Listed.Slice slice, String after, int limit) throws StoreException {
        return Optional.empty();
    }

    /** What the scope of a name begins with that a CA refused. */
    String NAME_REFUSED = "name/";

    /** What the scope of a name begins with that an operator has taken away. */
    String NAME_TAKEN_AWAY = "takenAway/";

    /** What the scope of a name begins with that a certificate of several names must not serve. */
    String NAME_WITHDRAWN = "withdrawn/";

    /**
     * Holds of names, in the order of the names by their octets.
     *
     * @param prefix what their scopes begin with, one of the three above
     * @param after the name that ended the page before, empty for the first page
     * @param limit how many at most
     * @return as many as there are, up to the limit, by their names
     */
    SortedMap<String, Found> namesHeld(String prefix, String after, int limit) throws StoreException;

    /** About how many names and other names of certificates there are. */
    long estimatedNames() throws StoreException;

    /**
     * Goes through the names and other names of all certificates, as {@link #handle} spells them; opens none.
     *
     * @param name told of each
     * @param ended whether nobody wants more
     */
    void names(Consumer<String> name, BooleanSupplier ended) throws StoreException;

    /**
     * Certificates that are due, the earliest first; by an index.
     *
     * @param atOrBefore the moment up to which, itself included
     * @param after where to go on, null for the beginning
     * @param limit how many at most
     * @return as many as there are, up to the limit
     */
    List<Due> due(Instant atOrBefore, @Nullable Due after, int limit) throws StoreException;

    /** The earliest due time, or one up to a second before it; also one soon where an index is not complete. */
    Optional<Instant> firstDue() throws StoreException;

    /**
     * Told of a certificate that was read: an index that has lost it gets it back. Does not throw.
     *
     * @param key its first name
     * @param due when it is due
     */
    default void read(String key, Instant due) {
        // Where the index cannot lose anything, there is nothing to do.
    }

    /** The open orders that nobody works on. */
    List<Found> idleOrders() throws StoreException;

    /** Whether records are under another key than they are written under now, and all who write agree on that one. */
    boolean hasOtherKeys() throws StoreException;

    /** Goes through the records that are under another key, as {@link #each} does; ends where not all agree any more. */
    void eachUnderOtherKeys(Visitor visitor) throws StoreException;

    /**
     * Notes that no record is under another key.
     *
     * @return whether that is so
     */
    boolean noteSingleKey() throws StoreException;

    /** How long to rest at least after a record was put under another key, in nanoseconds. */
    default long restNanos() {
        return 0;
    }

    /** Counts over time; the same object each time. */
    Ledger ledger();

    /**
     * What a cluster adds; {@link Peers#NONE} where one process has it alone. Asked once, before anything else is.
     *
     * @param orders reads the orders of servers that are gone
     */
    default Peers peers(Orders orders) {
        return Peers.NONE;
    }

    /** Gives the medium free for another process; does not throw. */
    @Override
    void close();
}
