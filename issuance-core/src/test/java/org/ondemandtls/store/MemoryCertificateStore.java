package org.ondemandtls.store;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.time.Clock;
import java.util.Arrays;
import org.ondemandtls.certificate.KeyPairs;
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
    // A digest in hexadecimal digits and the end of its line.
    private static final int END = 65;

    // What is written over and over has one key and one leaf; whether they belong together is reckoned once.
    private static final Cache<Halves, Boolean> BELONG_TOGETHER =
            Caffeine.newBuilder().maximumSize(MOST_DECODED).build();

    private record Halves(PrivateKey privateKey, PublicKey publicKey) {}

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

    private static boolean belongTogether(PrivateKey privateKey, PublicKey publicKey) {
        return BELONG_TOGETHER.get(
                new Halves(privateKey, publicKey),
                halves -> KeyPairs.belongTogether(halves.privateKey(), halves.publicKey()));
    }

    // A record is read far more often than it is written, and in these tests years pass. It is known by the checksum
    // at its end, and by its octets one by one: what was changed and kept its checksum is decoded, and found damaged.
    private static Records.Decoder<StoredCertificate> decodingOnce() {
        Cache<String, Decoded> decoded =
                Caffeine.newBuilder().maximumSize(MOST_DECODED).build();
        return (content, sealing) -> {
            int end = Math.max(0, content.length - END);
            String checksum = new String(content, end, content.length - end, StandardCharsets.ISO_8859_1);
            Decoded known = decoded.getIfPresent(checksum);
            if (known != null && Arrays.equals(known.content(), content)) {
                return known.record();
            }
            StoredCertificate record =
                    RecordCodec.decodeCertificate(content, sealing, MemoryCertificateStore::belongTogether);
            decoded.put(checksum, new Decoded(content.clone(), record));
            return record;
        };
    }

    private record Decoded(byte[] content, StoredCertificate record) {}

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
