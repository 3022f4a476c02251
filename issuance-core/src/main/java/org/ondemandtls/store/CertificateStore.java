package org.ondemandtls.store;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.name.ServerName;

/**
 * What survives: certificates, open orders, what a CA refused and how often it was asked, and the engine's own secrets.
 *
 * <p>What a method has returned from is on stable storage. What was never completely written is never seen.
 *
 * <p><b>Threads.</b> All methods but {@link #mayHold} block for I/O and are called on the engine's executors only;
 * all are safe for use by many threads. Of two changes to one record that were made from the same revision, one is kept
 * and the other refused.
 */
public interface CertificateStore extends AutoCloseable {

    /** Where the store is, for the log and the status: a path or a URL without credentials. */
    String location();

    /**
     * Whether a certificate for a name may be stored. Never blocks; costs one hash.
     *
     * @param name the name asked for
     * @return false only if there is none, under the name or its wildcard; true does not promise one
     */
    boolean mayHold(ServerName name);

    /** Whether {@link #mayHold} can tell by now; until then it says that any name may be there. No I/O. */
    boolean knowsItsNames();

    /**
     * The certificate stored for a name: its own before one of a wildcard of one label. One that cannot be read back
     * whole is set aside and counts as absent.
     *
     * @param name the name asked for
     * @return the record, expired and withdrawn ones included; empty if there is none
     * @throws StoreException if the store could not be read
     */
    Optional<StoredCertificate> find(ServerName name) throws StoreException;

    /** Keeps a certificate, as {@link #save(StoredCertificate, Lease)} does under no lease. */
    default StoredCertificate save(StoredCertificate certificate) throws StoreException {
        return save(certificate, null);
    }

    /**
     * Keeps a certificate, in place of the one stored under its first name.
     *
     * @param certificate the record, with the revision it was loaded with, or 0 if nothing was stored
     * @param lease the lease for the name it was obtained for, null for none
     * @return the record as stored, its revision one higher
     * @throws LeaseLostException if the lease is no longer held
     * @throws StaleRevisionException if another revision is stored: read again and merge
     * @throws StoreException if it could not be kept
     */
    StoredCertificate save(StoredCertificate certificate, @Nullable Lease lease) throws StoreException;

    /** A change to a certificate that somebody else may be changing too. */
    @FunctionalInterface
    interface Change {
        /**
         * Says what is to be stored instead.
         *
         * @param stored what is stored now
         * @return the record to save; an equal one where nothing is to be changed
         * @throws StoreException if it needs the store and that failed
         */
        StoredCertificate of(StoredCertificate stored) throws StoreException;
    }

    /**
     * Changes the certificate stored for a name, as {@link #find} finds it; once more from the beginning where somebody else
     * was faster.
     *
     * @param name the name
     * @param change what is to be stored instead; called again for what somebody else has stored meanwhile
     * @return what is stored now, changed or not; empty if there is none
     * @throws StaleRevisionException if somebody was faster each time
     * @throws StoreException if it could not be kept
     */
    default Optional<StoredCertificate> update(ServerName name, Change change) throws StoreException {
        return Retry.<Optional<StoredCertificate>, StoreException>ifStale(() -> {
            Optional<StoredCertificate> stored = find(name);
            if (stored.isEmpty()) {
                return stored;
            }
            StoredCertificate changed = change.of(stored.get());
            return changed.equals(stored.get()) ? stored : Optional.of(save(changed));
        });
    }

    /** The certificates about which something is to be done, from the earliest on. */
    default List<StoredCertificate> due(Instant atOrBefore, int limit) throws StoreException {
        return due(Instant.EPOCH, atOrBefore, limit);
    }

    /**
     * The certificates about which something is to be done, by an index: costs in proportion to what it returns, nothing
     * where nothing is due.
     *
     * @param from the earliest due time to be returned, itself included, so that a look goes on where the last one ended; one
     *     up to a second earlier may be returned too
     * @param atOrBefore the moment up to which, itself included
     * @param limit how many at most, at least 1
     * @return whole records, the earliest due first; withdrawn and expired ones included
     * @throws StoreException if the store could not be read
     */
    List<StoredCertificate> due(Instant from, Instant atOrBefore, int limit) throws StoreException;

    /**
     * The earliest due time of all certificates. May be too early, by a second or because an index is still being built;
     * never too late for what was saved before the call.
     *
     * @return the time, empty if nothing is stored
     * @throws StoreException if the store could not be read
     */
    Optional<Instant> nextDue() throws StoreException;

    /**
     * Removes a certificate with all names that lead to it; nothing happens if it is gone already.
     *
     * @param certificate the record as it was read
     * @throws StaleRevisionException if another revision is stored: somebody has changed or renewed it
     * @throws StoreException if it could not be removed; it is due again later
     */
    void forget(StoredCertificate certificate) throws StoreException;

    /** Keeps an open order, as {@link #journal(OpenOrder, Lease)} does under no lease. */
    default void journal(OpenOrder order) throws StoreException {
        journal(order, null);
    }

    /**
     * Keeps an open order, in place of the one kept for its name.
     *
     * @param order the order
     * @param lease the lease for its name, null for none
     * @throws LeaseLostException if the lease is no longer held
     * @throws StoreException if it could not be kept
     */
    void journal(OpenOrder order, @Nullable Lease lease) throws StoreException;

    /**
     * The open order of a name.
     *
     * @return the order, empty if none is open
     * @throws StoreException if the journal could not be read
     */
    Optional<OpenOrder> openOrder(ServerName name) throws StoreException;

    /**
     * The open orders that nobody works on, oldest first: those of an earlier life, and of other servers that are gone.
     *
     * @throws StoreException if the journal could not be read
     */
    List<OpenOrder> openOrders() throws StoreException;

    /** Forgets an open order, as {@link #closeOrder(ServerName, Lease)} does under no lease. */
    default void closeOrder(ServerName name) throws StoreException {
        closeOrder(name, null);
    }

    /**
     * Forgets the open order of a name, if there is one.
     *
     * @param name the name
     * @param lease the lease for it, null for none
     * @throws LeaseLostException if the lease is no longer held
     * @throws StoreException if it could not be removed
     */
    void closeOrder(ServerName name, @Nullable Lease lease) throws StoreException;

    /**
     * What holds a scope. Holds are kept until they are dropped, also when their time has passed.
     *
     * @param scope whom it concerns
     * @return the hold, empty if there is none
     * @throws RecordUnreadableException if this hold cannot be read now, of which the store has told
     * @throws StoreException if the store could not be read
     */
    Optional<Hold> hold(Scope scope) throws StoreException;

    /** As {@link #hold}; one that cannot be read, of which the store has told, is as if it were not there. */
    default Optional<Hold> readableHold(Scope scope) throws StoreException {
        try {
            return hold(scope);
        } catch (RecordUnreadableException e) {
            return Optional.empty();
        }
    }

    /**
     * Keeps a hold, in place of the one kept for its scope.
     *
     * @throws StoreException if it could not be kept
     */
    void keepHold(Hold hold) throws StoreException;

    /**
     * Drops the hold of a scope, if there is one.
     *
     * @throws StoreException if it could not be removed
     */
    void dropHold(Scope scope) throws StoreException;

    /**
     * Holds, in no order: all of them if there are no more than {@code limit}.
     *
     * @param limit how many at most, at least 1
     * @throws StoreException if the store could not be read
     */
    List<Hold> holds(int limit) throws StoreException;

    /**
     * From now on what happened lately to a name is kept with its certificate, whenever that is saved.
     *
     * @param source knows it, by the first name of a certificate
     */
    void remember(Happening.Source source);

    /** Counts orders and failures over time; the same object each time. */
    Ledger ledger();

    /**
     * Reads a secret of the engine, or what is kept among them.
     *
     * @param path its place, for example {@code internal-ca/root.key}
     * @return its content, empty if there is none
     * @throws RecordUnreadableException if it is there and cannot be used
     * @throws StoreException if the store could not be read
     */
    Optional<byte[]> readSecret(String path) throws StoreException;

    /**
     * Keeps a secret of the engine, in place of what was there.
     *
     * @param path its place: one directory and a file name, letters, digits, dots and dashes
     * @param content what to keep
     * @throws StoreException if it could not be kept
     */
    void writeSecret(String path, byte[] content) throws StoreException;

    /**
     * Keeps something of the engine's that is no secret, among the secrets: never encrypted, so that people and tools can
     * read it.
     *
     * @param path its place, as for a secret
     * @param content what to keep
     * @throws StoreException if it could not be kept
     */
    void writePublic(String path, byte[] content) throws StoreException;

    /**
     * Keeps something of the engine's unless something is there already: of several servers that do so at once, one
     * succeeds.
     *
     * @param path its place, as for a secret
     * @param content what to keep
     * @param secret whether it is a secret
     * @return what is there now
     * @throws StoreException if that is not known
     */
    byte[] writeFirst(String path, byte[] content, boolean secret) throws StoreException;

    /** What servers that share this store agree on through it; the same object each time. */
    Peers peers();

    /** Told of each certificate in turn. */
    @FunctionalInterface
    interface Visitor {

        /**
         * One certificate; what it throws ends the round.
         *
         * @param certificate the record
         * @throws StoreException as it likes
         */
        void visit(StoredCertificate certificate) throws StoreException;
    }

    /**
     * Goes through all certificates once, a few in memory at a time; for moving a store, not for anything a visitor or a
     * timer causes. What is saved meanwhile may be met or not.
     *
     * @param visitor told of each record that can be read, in no order
     * @throws StoreException if the store could not be read, or what the visitor threw
     */
    void visitAll(Visitor visitor) throws StoreException;

    /**
     * Certificates by their first names, a page at a time, for an operator's list.
     *
     * <p>What is saved or removed between two pages may be met or not; nothing else is left out or met twice.
     *
     * @param prefix what first names begin with; empty for all
     * @param after the first name that ended the page before, empty for the first page
     * @param limit how many at most, at least 1
     * @return the page in the order of first names by their octets; one that cannot be read is left out
     * @throws StoreException if the store could not be read
     */
    List<StoredCertificate> page(String prefix, String after, int limit) throws StoreException;

    /**
     * Certificates by what they are listed by; by an index, never by reading them.
     *
     * @param slice which, and in which order
     * @param after the {@link Listed.Slice#place place} of the entry that ended the page before, empty for the first page
     * @param limit how many at most, at least 1
     * @return the page; some entries may say what was so a while ago. Empty where there is no such index, or not yet
     * @throws StoreException if the store could not be read
     */
    Optional<List<Listed>> listed(Listed.Slice slice, String after, int limit) throws StoreException;

    /**
     * What is held of names, a page at a time.
     *
     * @param kind which kind of scope
     * @param after the name that ended the page before, empty for the first page
     * @param limit how many at most, at least 1
     * @return the holds of that kind, in the order of the names by their octets
     * @throws StoreException if the store could not be read
     */
    List<Hold> namesHeld(Class<? extends Scope.OfName> kind, String after, int limit) throws StoreException;

    /**
     * The certificates under some first names, in one round trip where one costs something.
     *
     * @param firstNames at most a page of them
     * @return those that are there and can be read, in the order of the names
     * @throws StoreException if the store could not be read
     */
    List<StoredCertificate> under(List<String> firstNames) throws StoreException;

    /**
     * The places of what is kept among the secrets, in their order.
     *
     * @throws StoreException if the store could not be read
     */
    List<String> secretPaths() throws StoreException;

    /** Ends background work and gives the store free for another process. */
    @Override
    void close();
}
