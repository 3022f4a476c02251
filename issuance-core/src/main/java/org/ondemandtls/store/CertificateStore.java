package org.ondemandtls.store;

import java.util.List;
import java.util.Optional;
import org.ondemandtls.name.ServerName;

/**
 * What survives: certificates, open orders, and the engine's own secrets.
 *
 * <p>What a method has returned from is on stable storage. What was never completely written is never seen.
 *
 * <p><b>Threads.</b> All methods but {@link #mayHold} block for I/O and are called on the engine's executors only;
 * all are safe for use by many threads. Two saves of one name are ordered by the caller.
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

    /**
     * The certificate stored for a name: its own before one of a wildcard of one label. One that cannot be read back
     * whole is set aside and counts as absent.
     *
     * @param name the name asked for
     * @return the record, expired and withdrawn ones included; empty if there is none
     * @throws StoreException if the store could not be read
     */
    Optional<StoredCertificate> find(ServerName name) throws StoreException;

    /**
     * Keeps a certificate, in place of the one stored under its first name.
     *
     * @param certificate the record, with the revision it was loaded with, or 0 if nothing was stored
     * @return the record as stored, its revision one higher
     * @throws StoreException if it could not be kept, or if the stored revision is another one
     */
    StoredCertificate save(StoredCertificate certificate) throws StoreException;

    /**
     * Keeps an open order, in place of the one kept for its name.
     *
     * @throws StoreException if it could not be kept
     */
    void journal(OpenOrder order) throws StoreException;

    /**
     * The open order of a name.
     *
     * @return the order, empty if none is open
     * @throws StoreException if the journal could not be read
     */
    Optional<OpenOrder> openOrder(ServerName name) throws StoreException;

    /**
     * All open orders, oldest first.
     *
     * @throws StoreException if the journal could not be read
     */
    List<OpenOrder> openOrders() throws StoreException;

    /**
     * Forgets the open order of a name, if there is one.
     *
     * @throws StoreException if it could not be removed
     */
    void closeOrder(ServerName name) throws StoreException;

    /**
     * Reads a secret of the engine.
     *
     * @param path its place, for example {@code internal-ca/root.key}
     * @return its content, empty if there is none
     * @throws StoreException if it could not be read
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

    /** Ends background work and gives the store free for another process. */
    @Override
    void close();
}
