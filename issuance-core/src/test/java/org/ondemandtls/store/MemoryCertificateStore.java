package org.ondemandtls.store;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Clock;
import org.ondemandtls.event.Events;
import org.ondemandtls.machine.Time;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.file.FileLedger;
import org.ondemandtls.testing.RecordedEvents;

/** Keeps in memory what a store keeps, for tests in which years pass; its ledger is that of files, which synchronises nothing. */
public final class MemoryCertificateStore extends MediumStore {

    /** What survives when a store is closed. */
    public static final class Medium extends MemoryMedium.World {}

    private static final int MOST_DECODED = 10_000;

    private final MemoryMedium medium;

    /** Opens what a medium holds. */
    public MemoryCertificateStore(Medium medium, Path ledgerDirectory, Clock clock) throws IOException {
        this(medium, ledgerDirectory, clock, false);
    }

    /** Opens what a medium holds, for one of several servers or for one that is alone; each has a ledger of its own. */
    public MemoryCertificateStore(Medium medium, Path ledgerDirectory, Clock clock, boolean shared) throws IOException {
        this(
                new MemoryMedium(
                        medium,
                        new FileLedger(ledgerDirectory, clock, new RecordedEvents().events()),
                        shared,
                        KeySealing.none()),
                new RecordedEvents().events(),
                KeySealing.none());
    }

    MemoryCertificateStore(MemoryMedium medium, Events events, KeySealing sealing) {
        super(medium, events, Time.ofMachine(), sealing, decodingOnce());
        this.medium = medium;
    }

    // Whether key and certificate belong together costs a signature each time, and in these tests years pass.
    private static Records.Decoder<StoredCertificate> decodingOnce() {
        Cache<ByteBuffer, StoredCertificate> decoded =
                Caffeine.newBuilder().maximumSize(MOST_DECODED).build();
        return (content, sealing) -> {
            StoredCertificate known = decoded.getIfPresent(ByteBuffer.wrap(content));
            if (known == null) {
                known = RecordCodec.decodeCertificate(content, sealing);
                decoded.put(ByteBuffer.wrap(content.clone()), known);
            }
            return known;
        };
    }

    // Known at any moment, and without a thread: tests move their time themselves.
    @Override
    public boolean mayHold(ServerName name) {
        return medium.holds(name.value()) || medium.holds(name.wildcard());
    }

    @Override
    public boolean knowsItsNames() {
        return true;
    }

    /** Whether looking for a certificate fails from now on. */
    public void unreadable(boolean now) {
        medium.unreadable(now);
    }

    /** Whether the record of a key, a first name or the scope of a hold, cannot be read from now on. */
    public void unreadable(String key, boolean now) {
        medium.unreadable(key, now);
    }

    /** From now on this server's leases run out: it stands still, or is gone. */
    public void standStill() {
        medium.standStill();
    }

    /** The server goes on; what it held is lost. */
    public void goOn() {
        medium.goOn();
    }
}
