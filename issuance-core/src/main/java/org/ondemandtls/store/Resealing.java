package org.ondemandtls.store;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.machine.Time;
import org.ondemandtls.store.KeySealing.KeyMissingException;
import org.ondemandtls.store.Medium.Found;

/**
 * Puts all records under the key that encrypts now, in the background: at most half of the medium's time, and at the same
 * revision, so that for everybody else nothing has changed. Interrupted, it begins again, and passes over what is done.
 */
final class Resealing implements AutoCloseable {

    private static final Duration RETRY = Duration.ofSeconds(30);

    private final Time time;
    private final Medium medium;
    private final KeySealing sealing;
    private final Events events;
    private final Troubles troubles;
    private final Records<StoredCertificate> certificates;
    private final Records<OpenOrder> orders;
    private final UntilDone work;
    private final AtomicLong changed = new AtomicLong();
    private final AtomicBoolean told = new AtomicBoolean();

    Resealing(
            Time time,
            Medium medium,
            KeySealing sealing,
            Events events,
            Troubles troubles,
            Records<StoredCertificate> certificates,
            Records<OpenOrder> orders) {
        this.time = time;
        this.medium = medium;
        this.sealing = sealing;
        this.events = events;
        this.troubles = troubles;
        this.certificates = certificates;
        this.orders = orders;
        this.work = new UntilDone(
                time,
                "ondemand-tls-store-reseal",
                RETRY,
                this::run,
                e -> events.publish(
                        EventKind.STORE_FAILED,
                        "not everything in " + medium.location() + " can be encrypted: " + e.getMessage()
                                + "; the server tries again by itself"));
    }

    /** Begins where something is to be done. */
    void look() throws StoreException {
        if (sealing.encrypts() && !work.isRunning() && medium.hasOtherKeys()) {
            work.start();
        }
    }

    @Override
    public void close() {
        work.close();
    }

    private void run() throws StoreException {
        if (told.compareAndSet(false, true)) {
            events.publish(
                    EventKind.ENCRYPTION,
                    "encrypting the other records in " + medium.location() + " with key " + sealing.keyId()
                            + " in the background; keep the older keys until the log says that everything is encrypted");
        }
        AtomicLong left = new AtomicLong();
        medium.eachUnderOtherKeys(found -> {
            long start = time.nanoTime();
            try {
                if (reseal(found)) {
                    changed.incrementAndGet();
                    work.rest(Math.max(medium.restNanos(), time.nanoTime() - start));
                }
            } catch (StoreException e) {
                left.incrementAndGet();
                troubles.tell(found.place(), e);
            }
            return !work.isClosed();
        });
        if (work.isClosed()) {
            return;
        }
        if (left.get() > 0) {
            throw new StoreException(left + " records cannot be read, which are named above");
        }
        medium.removeSetAside(RecordCodec::mayBeInClear);
        if (medium.noteSingleKey()) {
            told.set(false);
            events.publish(
                    EventKind.ENCRYPTION,
                    "everything in " + medium.location() + " is encrypted under the key " + sealing.keyId() + " ("
                            + changed.getAndSet(0) + " records written); older keys are not needed any more");
        }
    }

    private boolean reseal(Found found) throws StoreException {
        byte[] content;
        byte[] anew;
        try {
            content = found.content().read();
            anew = RecordCodec.resealed(found.shelf(), found.handle(), content, sealing);
        } catch (KeyMissingException e) {
            throw new RecordUnreadableException(found.place(), e);
        } catch (UnreadableException e) {
            switch (found.shelf()) {
                // Read once more, which sets it aside or removes it.
                case CERTIFICATE -> certificates.read(found);
                case ORDER -> orders.read(found);
                case SECRET, HOLD -> {
                    troubles.tell(found.place(), new StoreException(found.place() + " is damaged: " + e.getMessage()));
                    return false;
                }
            }
            return true;
        }
        return medium.rewrite(found, content, anew, sealing.keyId());
    }
}
