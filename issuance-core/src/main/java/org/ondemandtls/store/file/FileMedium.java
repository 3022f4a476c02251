package org.ondemandtls.store.file;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.machine.Time;
import org.ondemandtls.store.KeySealing;
import org.ondemandtls.store.Lease;
import org.ondemandtls.store.Ledger;
import org.ondemandtls.store.Listed;
import org.ondemandtls.store.Medium;
import org.ondemandtls.store.RecordCodec;
import org.ondemandtls.store.RecordCodec.Version;
import org.ondemandtls.store.Shelf;
import org.ondemandtls.store.StaleRevisionException;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.Troubles;
import org.ondemandtls.store.UnreadableException;
import org.ondemandtls.store.UntilDone;

/** Records in a directory that one process owns: a file each. What they are found by is read back from them. */
final class FileMedium implements Medium {

    private static final int REMEMBERED_RECORDS = 10_000;
    private static final Duration INDEX_RETRY = Duration.ofSeconds(5);
    private static final Duration WHILE_INDEX_IS_BUILT = Duration.ofMinutes(1);

    private final Path root;
    private final FileLayout layout;
    private final Disk disk;
    private final FileShelves shelves;
    private final FileListing listing;
    private final FileKeys keys;
    private final Events events;
    private final Clock clock;
    private final DirectoryLock lock;
    private final DueIndex dueIndex;
    private final FileLedger ledger;
    private final Cache<String, Version> known = Caffeine.newBuilder()
            .maximumSize(REMEMBERED_RECORDS)
            .executor(Runnable::run)
            .build();
    private final UntilDone indexing;
    private final Troubles troubles;

    private FileMedium(
            Path root, Events events, Time time, DirectoryLock lock, StableStorage stable, KeySealing sealing)
            throws IOException, StoreException {
        this.root = root;
        this.layout = new FileLayout(root);
        this.events = events;
        this.clock = time.clock();
        this.lock = lock;
        boolean fresh = !Files.exists(layout.certificates());
        boolean made = false;
        for (Path directory : layout.ours()) {
            made |= Disk.create(directory);
        }
        this.disk = new Disk(root.resolve("tmp"), stable);
        if (made) {
            disk.synchronise(root);
        }
        this.troubles = new Troubles(events);
        this.shelves = new FileShelves(layout, disk, time, troubles);
        this.listing = new FileListing(shelves, events, time, root);
        FileFormat.write(root, disk);
        this.keys = new FileKeys(root, disk, shelves, !fresh, sealing);
        this.dueIndex = new DueIndex(
                root.resolve("due"),
                (hour, e) -> troubles.tell(hour, shelves.failed("what is due in " + hour + " cannot be listed", e)));
        this.ledger = new FileLedger(root.resolve("ledger"), clock, events);
        this.indexing = new UntilDone(
                time,
                "ondemand-tls-store-index",
                INDEX_RETRY,
                this::buildDueIndex,
                e -> events.publish(
                        EventKind.STORE_FAILED,
                        "cannot read which certificates in " + root + " are due: " + Disk.describe(e)
                                + "; until that works, some names are renewed only after a visit; the server tries again"
                                + " by itself"));
        if (fresh) {
            dueIndex.completed();
        } else if (!dueIndex.isComplete()) {
            indexing.start();
        }
    }

    /** Opens a directory, as {@link FileCertificateStore#open} says. */
    static FileMedium open(Path root, Events events, Time time, Duration lockWait, KeySealing sealing)
            throws StoreException {
        return open(root, events, time, lockWait, sealing, StableStorage.OF_MACHINE);
    }

    static FileMedium open(
            Path root, Events events, Time time, Duration lockWait, KeySealing sealing, StableStorage.Force force)
            throws StoreException {
        try {
            Path real = new StoreDirectory(events, force).ready(root).toRealPath();
            DirectoryLock lock = DirectoryLock.take(real, lockWait, time, events);
            try {
                FileFormat.check(real).ifPresent(later -> events.publish(EventKind.ADVICE, later));
                StableStorage stable = StableStorage.of(real, force);
                stable.refusal()
                        .ifPresent(refusal -> events.publish(
                                EventKind.ADVICE,
                                "the file system of the store " + real + " cannot synchronise directories (" + refusal
                                        + "): after a power failure the newest certificates may be missing, and the"
                                        + " server obtains them again"));
                return new FileMedium(real, events, time, lock, stable, sealing);
            } catch (IOException | StoreException | RuntimeException | Error e) {
                lock.close();
                throw e;
            }
        } catch (IOException e) {
            throw new StoreException(
                    "the store " + root + " cannot be opened: " + Disk.describe(e)
                            + "; make the directory writable for the server's user, or set onDemandTls.store",
                    e);
        }
    }

    @Override
    public String location() {
        return root.toString();
    }

    @Override
    public String handle(Shelf shelf, String key) {
        return FileLayout.handle(shelf, key);
    }

    /** The file a record is kept in, whether it is there or not. */
    Path file(Shelf shelf, String key) {
        return layout.file(shelf, handle(shelf, key));
    }

    @Override
    public View view(Shelf shelf, List<String> keys) {
        return shelves.view(shelf, keys);
    }

    @Override
    public boolean rewrite(Found read, byte[] before, byte[] content, String keyId) throws StoreException {
        return shelves.rewrite(read, before, content);
    }

    @Override
    public Optional<String> setAside(Found read, String reason, boolean keep) throws StoreException {
        return shelves.setAside(read, keep);
    }

    @Override
    public void removeSetAside(Predicate<byte[]> which) throws StoreException {
        shelves.removeSetAside(which);
    }

    @Override
    public void each(Shelf shelf, Visitor visitor) throws StoreException {
        shelves.each(shelf, visitor);
    }

    @Override
    public SortedMap<String, Found> page(String prefix, String after, int limit) throws StoreException {
        return listing.page(prefix, after, limit);
    }

    @Override
    public Optional<List<Listed>> listed(Listed.Slice slice, String after, int limit) {
        return listing.listed(slice, after, limit);
    }

    @Override
    public SortedMap<String, Found> namesHeld(String prefix, String after, int limit) throws StoreException {
        return listing.namesHeld(prefix, after, limit);
    }

    @Override
    public long estimatedNames() throws StoreException {
        return shelves.estimatedNames();
    }

    @Override
    public void names(Consumer<String> name, BooleanSupplier ended) throws StoreException {
        shelves.names(name, ended);
    }

    @Override
    public void put(Kept record, Expected expected, @Nullable Lease lease) throws StoreException {
        String handle = handle(record.shelf(), record.key());
        Path file = layout.file(record.shelf(), handle);
        ReentrantLock held = shelves.lockOf(file);
        held.lock();
        try {
            Optional<Version> before = check(record.shelf(), record.key(), expected);
            if (record.shelf() == Shelf.CERTIFICATE) {
                putCertificate(record, handle, file, before);
            } else {
                disk.directory(Disk.parentOf(file));
                disk.write(file, record.content());
                listing.saved(record);
            }
        } catch (IOException e) {
            // What is on disk now is not known.
            known.invalidate(record.key());
            throw shelves.failed(record.shelf().one(record.key()) + " cannot be kept", e);
        } finally {
            held.unlock();
        }
    }

    private void putCertificate(Kept record, String handle, Path file, Optional<Version> before) throws IOException {
        DueIndex.Hint hint = DueIndex.Hint.of(record.marks().at(), handle);
        // Before the bundle: a hint too many does no harm, a bundle without one would never be due.
        dueIndex.add(hint);
        disk.directory(Disk.parentOf(file));
        disk.write(file, record.content());
        known.put(record.key(), new Version(record.revision(), record.marks().at()));
        listing.saved(record);
        for (String other : record.marks().aliases()) {
            shelves.point(other, record.key());
        }
        if (before.isPresent()) {
            DueIndex.Hint old = DueIndex.Hint.of(before.get().due(), handle);
            if (!old.equals(hint)) {
                drop(old);
            }
        }
    }

    // The version of the certificate that is there, known without reading it where it was saved or read under the lock.
    private Optional<Version> check(Shelf shelf, String key, Expected expected) throws StoreException {
        if (!(expected instanceof Expected.Revision revision)) {
            return Optional.empty();
        }
        Optional<Version> stored = Optional.ofNullable(known.getIfPresent(key));
        if (shelf != Shelf.CERTIFICATE) {
            stored = Files.exists(file(shelf, key)) ? Optional.of(new Version(1, Instant.EPOCH)) : Optional.empty();
        } else if (stored.isEmpty() || stored.get().revision() != revision.number()) {
            known.invalidate(key);
            stored = storedVersion(key);
            stored.ifPresent(version -> known.put(key, version));
        }
        long number = stored.map(Version::revision).orElse(0L);
        if (number != revision.number()) {
            throw new StaleRevisionException(key, number, revision.number());
        }
        return stored;
    }

    private Optional<Version> storedVersion(String key) throws StoreException {
        Optional<Found> found = shelves.found(Shelf.CERTIFICATE, handle(Shelf.CERTIFICATE, key));
        if (found.isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(RecordCodec.version(found.get().content().read()));
        } catch (UnreadableException e) {
            throw new DamagedException(found.get(), e);
        }
    }

    @Override
    public void remove(Shelf shelf, String key, List<String> aliases, Expected expected, @Nullable Lease lease)
            throws StoreException {
        Path file = file(shelf, key);
        ReentrantLock held = shelves.lockOf(file);
        held.lock();
        try {
            if (!Files.exists(file)) {
                return;
            }
            Optional<Version> before = check(shelf, key, expected);
            aliases.forEach(other -> shelves.unpoint(other, key));
            // An order or a hold that comes back after a crash does no harm, and is removed again.
            Files.deleteIfExists(file);
            listing.forgotten(shelf, key);
            if (before.isPresent()) {
                known.invalidate(key);
                // A bundle that came back after a crash without its hint would stay for good.
                disk.synchronise(Disk.parentOf(file));
                drop(DueIndex.Hint.of(before.get().due(), handle(shelf, key)));
            }
        } catch (IOException e) {
            known.invalidate(key);
            throw shelves.failed(shelf.one(key) + " cannot be removed", e);
        } finally {
            held.unlock();
        }
    }

    // A hint too many costs one look: no reason to fail what is done already.
    private void drop(DueIndex.Hint hint) {
        try {
            dueIndex.remove(hint);
        } catch (IOException e) {
            troubles.tell(hint.hour(), shelves.failed("a hint in due/" + hint.hour() + " cannot be removed", e));
        }
    }

    @Override
    public List<Due> due(Instant atOrBefore, @Nullable Due after, int limit) {
        List<Due> due = new ArrayList<>();
        DueIndex.@Nullable Hint last = after == null
                ? null
                : DueIndex.Hint.of(after.at(), after.found().handle());
        while (true) {
            List<DueIndex.Hint> page = dueIndex.upTo(atOrBefore, last, limit - due.size());
            for (DueIndex.Hint hint : page) {
                last = hint;
                Optional<Found> found = agreeing(hint);
                if (found.isPresent()) {
                    due.add(new Due(hint.at(), found.get()));
                } else {
                    removeIfStale(hint);
                }
            }
            if (page.isEmpty() || due.size() >= limit) {
                return due;
            }
        }
    }

    // The certificate of a hint, empty if there is none or the hint is not for it.
    private Optional<Found> agreeing(DueIndex.Hint hint) {
        return shelves.found(Shelf.CERTIFICATE, hint.bundle()).filter(found -> {
            try {
                Instant due = RecordCodec.version(found.content().read()).due();
                return DueIndex.Hint.of(due, hint.bundle()).equals(hint);
            } catch (UnreadableException | StoreException e) {
                // Whoever reads it says so.
                return true;
            }
        });
    }

    // Looked at again under the lock: a save makes its hint first.
    private void removeIfStale(DueIndex.Hint hint) {
        ReentrantLock held = shelves.lockOf(layout.file(Shelf.CERTIFICATE, hint.bundle()));
        held.lock();
        try {
            if (agreeing(hint).isEmpty()) {
                drop(hint);
            }
        } finally {
            held.unlock();
        }
    }

    @Override
    public Optional<Instant> firstDue() {
        // Asked first: an index that becomes complete in between is read as it is then.
        boolean complete = dueIndex.isComplete();
        Optional<Instant> first = dueIndex.first().map(DueIndex.Hint::at);
        if (complete) {
            return first;
        }
        Instant soon = clock.instant().plus(WHILE_INDEX_IS_BUILT);
        return Optional.of(first.filter(soon::isAfter).orElse(soon));
    }

    // A hint that a loss of power took comes back with the first visit.
    @Override
    public void read(String key, Instant due) {
        if (known.getIfPresent(key) == null) {
            try {
                dueIndex.add(DueIndex.Hint.of(due, handle(Shelf.CERTIFICATE, key)));
            } catch (IOException e) {
                // What can be read is served from a store that cannot be written.
                return;
            }
        }
    }

    // Once in the life of a store: for one that was filled before there was an index.
    private void buildDueIndex() throws IOException, StoreException {
        if (dueIndex.isComplete()) {
            return;
        }
        AtomicBoolean all = new AtomicBoolean(true);
        each(Shelf.CERTIFICATE, found -> {
            try {
                Instant due = RecordCodec.version(found.content().read()).due();
                dueIndex.add(DueIndex.Hint.of(due, found.handle()));
            } catch (UnreadableException e) {
                // Set aside by the look-up that wants it.
                return !indexing.isClosed();
            } catch (StoreException | IOException e) {
                all.set(false);
                troubles.tell(
                        found.place(),
                        e instanceof StoreException told ? told : shelves.failed("its due time cannot be noted", e));
            }
            return !indexing.isClosed();
        });
        if (indexing.isClosed()) {
            return;
        }
        for (Path directory : dueIndex.directories()) {
            disk.synchronise(directory);
        }
        if (!all.get()) {
            throw new IOException("some files cannot be read, which are named above");
        }
        dueIndex.completed();
    }

    @Override
    public List<Found> idleOrders() throws StoreException {
        List<Found> open = new ArrayList<>();
        each(Shelf.ORDER, open::add);
        return open;
    }

    @Override
    public boolean hasOtherKeys() {
        return keys.hasOthers();
    }

    @Override
    public void eachUnderOtherKeys(Visitor visitor) throws StoreException {
        keys.eachUnderOthers(visitor);
    }

    @Override
    public boolean noteSingleKey() throws StoreException {
        keys.noteSingle();
        return true;
    }

    @Override
    public long restNanos() {
        return TimeUnit.MILLISECONDS.toNanos(10);
    }

    @Override
    public Ledger ledger() {
        return ledger;
    }

    @Override
    public void close() {
        indexing.close();
        listing.close();
        try (lock) {
            ledger.close();
        } catch (IOException e) {
            events.publish(EventKind.STORE_FAILED, "the store " + root + " could not be closed: " + Disk.describe(e));
        }
    }
}
