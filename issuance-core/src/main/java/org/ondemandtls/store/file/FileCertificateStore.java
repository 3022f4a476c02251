package org.ondemandtls.store.file;

import java.nio.file.Path;
import java.time.Duration;
import org.ondemandtls.event.Events;
import org.ondemandtls.machine.Time;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.KeySealing;
import org.ondemandtls.store.MediumStore;
import org.ondemandtls.store.Shelf;
import org.ondemandtls.store.StoreException;

/** A store in a directory, owned by one process. */
public final class FileCertificateStore extends MediumStore {

    /** How long a second process waits for the first to end. */
    public static final Duration LOCK_WAIT = Duration.ofSeconds(30);

    private final FileMedium medium;

    private FileCertificateStore(FileMedium medium, Events events, Time time, KeySealing sealing) {
        super(medium, events, time, sealing);
        this.medium = medium;
    }

    /**
     * Opens a store with everything in clear, making the directory where there is none. Reads no certificate.
     *
     * @param root the directory
     * @param events where trouble is reported
     * @param time the time
     * @param lockWait how long to wait for another process that has it open
     * @return the store
     * @throws StoreException if the directory cannot be used, with what to do
     */
    public static FileCertificateStore open(Path root, Events events, Time time, Duration lockWait)
            throws StoreException {
        return open(root, events, time, lockWait, KeySealing.none());
    }

    /**
     * Opens a store, making the directory where there is none. Reads no certificate. Where records are in clear or under
     * an older key, they are encrypted under the first in the background.
     *
     * @param root the directory
     * @param events where trouble is reported
     * @param time the time
     * @param lockWait how long to wait for another process that has it open
     * @param sealing what encrypts private keys and other secrets
     * @return the store
     * @throws StoreException if the directory cannot be used, with what to do
     */
    public static FileCertificateStore open(Path root, Events events, Time time, Duration lockWait, KeySealing sealing)
            throws StoreException {
        FileCertificateStore store =
                new FileCertificateStore(FileMedium.open(root, events, time, lockWait, sealing), events, time, sealing);
        store.begin();
        store.lookAtEncryption();
        return store;
    }

    /** The file a name's certificate is kept in, whether it is there or not. */
    public Path fileOf(ServerName name) {
        return medium.file(Shelf.CERTIFICATE, name.value());
    }
}
