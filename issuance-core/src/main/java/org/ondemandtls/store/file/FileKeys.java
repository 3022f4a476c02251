package org.ondemandtls.store.file;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.ondemandtls.store.EncryptionState;
import org.ondemandtls.store.KeySealing;
import org.ondemandtls.store.Medium.Found;
import org.ondemandtls.store.Medium.Visitor;
import org.ondemandtls.store.RecordCodec;
import org.ondemandtls.store.Shelf;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.UnreadableException;

/** Which keys the records in a directory are under: a note beside them, and what each says of itself. */
final class FileKeys {

    private final Path root;
    private final Path file;
    private final Disk disk;
    private final FileShelves shelves;

    private volatile Optional<EncryptionState> encryption;

    /**
     * Opens the note, before any record is read or written: it tells which keys are needed.
     *
     * @param filled whether the directory may hold records already
     */
    FileKeys(Path root, Disk disk, FileShelves shelves, boolean filled, KeySealing sealing)
            throws IOException, StoreException {
        this.root = root;
        this.file = root.resolve("ENCRYPTION");
        this.disk = disk;
        this.shelves = shelves;
        this.encryption = opened(filled, sealing);
    }

    private Optional<EncryptionState> opened(boolean filled, KeySealing sealing) throws IOException, StoreException {
        Optional<EncryptionState> stored;
        try {
            Optional<byte[]> content = Disk.read(file);
            stored = content.isEmpty() ? Optional.empty() : Optional.of(EncryptionState.decode(content.get()));
        } catch (UnreadableException e) {
            throw new StoreException("the note of the encryption keys " + file + " is damaged; bring it back from a"
                    + " backup, or remove it and give every key the store was ever encrypted with in"
                    + " onDemandTls.store.encryptionKey");
        }
        Optional<EncryptionState> now = EncryptionState.opening(stored, sealing, filled, root.toString());
        if (now.isPresent() && !now.equals(stored)) {
            disk.write(file, now.get().encode());
        }
        return now;
    }

    /** As {@link org.ondemandtls.store.Medium#hasOtherKeys}. */
    boolean hasOthers() {
        return encryption.isPresent() && !encryption.get().older().isEmpty();
    }

    /** As {@link org.ondemandtls.store.Medium#eachUnderOtherKeys}. */
    void eachUnderOthers(Visitor visitor) throws StoreException {
        String current = encryption.map(EncryptionState::current).orElse(KeySealing.PLAIN);
        AtomicBoolean goOn = new AtomicBoolean(true);
        for (Shelf shelf : List.of(Shelf.ORDER, Shelf.SECRET, Shelf.CERTIFICATE)) {
            shelves.each(shelf, found -> {
                goOn.set(isUnder(current, found) || visitor.visit(found));
                return goOn.get();
            });
            if (!goOn.get()) {
                return;
            }
        }
    }

    private static boolean isUnder(String current, Found found) {
        try {
            String keyId = RecordCodec.keyId(found.shelf(), found.content().read());
            return keyId.isEmpty() || keyId.equals(current);
        } catch (UnreadableException | StoreException e) {
            return false;
        }
    }

    /** Notes that no record is under another key. */
    void noteSingle() throws StoreException {
        Optional<EncryptionState> completed = encryption.map(EncryptionState::completed);
        try {
            if (completed.isPresent()) {
                disk.write(file, completed.get().encode());
            }
        } catch (IOException e) {
            throw shelves.failed("the note of the encryption keys cannot be kept", e);
        }
        encryption = completed;
    }
}
