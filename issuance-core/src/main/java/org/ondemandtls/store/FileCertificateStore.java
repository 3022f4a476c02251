package org.ondemandtls.store;

import static java.nio.charset.StandardCharsets.US_ASCII;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.Bundle.UnreadableException;
import org.ondemandtls.store.KeySealing.KeyMissingException;

/**
 * A store in a directory, owned by one process.
 *
 * <p>Every file is written beside and moved into place, synchronised with its directory; files are 0600 and
 * directories 0700 whatever the process's umask says.
 */
public final class FileCertificateStore implements CertificateStore {

    /** How long a second process waits for the first to end. */
    public static final Duration LOCK_WAIT = Duration.ofSeconds(30);

    private static final Duration LOCK_RETRY = Duration.ofMillis(100);
    private static final Set<Path> OPEN_HERE = ConcurrentHashMap.newKeySet();
    private static final String FORMAT = "ondemand-tls store 1\n";
    private static final Set<PosixFilePermission> OWNER_FILE = PosixFilePermissions.fromString("rw-------");
    private static final Set<PosixFilePermission> OWNER_DIRECTORY = PosixFilePermissions.fromString("rwx------");
    private static final Set<PosixFilePermission> OTHERS = EnumSet.of(
            PosixFilePermission.GROUP_READ,
            PosixFilePermission.GROUP_WRITE,
            PosixFilePermission.GROUP_EXECUTE,
            PosixFilePermission.OTHERS_READ,
            PosixFilePermission.OTHERS_WRITE,
            PosixFilePermission.OTHERS_EXECUTE);
    /** The form of the place of a secret. */
    static final Pattern SECRET_PATH = Pattern.compile("[a-z0-9-]+/[A-Za-z0-9][A-Za-z0-9.-]{0,99}");

    private static final Pattern HASHED = Pattern.compile("~[0-9a-f]{64}");
    private static final Pattern NAME = Pattern.compile("[a-z0-9.*-]{1,253}");
    private static final Pattern RESERVED = Pattern.compile("(con|prn|aux|nul|com[0-9]|lpt[0-9])(\\..*)?");
    private static final String ENCRYPTION = "ENCRYPTION";
    private static final String BUNDLE = ".pem";
    private static final String SEE = ".see";
    private static final String ORDER = ".order";
    private static final String HOLD = ".hold";
    private static final String WILDCARD = "_wildcard_";
    private static final String OBTAINED_ANEW = "it is obtained anew when visited";
    // With its suffix a file name stays below the 255 octets that file systems allow.
    private static final int LONGEST_PLAIN_NAME = 240;
    private static final int LARGEST_FILE = 1 << 20;
    private static final int REMEMBERED_RECORDS = 10_000;
    private static final int STRIPES = 64;
    private static final Duration INDEX_RETRY = Duration.ofSeconds(5);
    private static final Duration WHILE_INDEX_IS_BUILT = Duration.ofMinutes(1);

    /** A file that cannot be ours: larger than anything we write. */
    private static final class TooLargeException extends IOException {
        TooLargeException(Path file) {
            super(file + " is larger than anything we write");
        }
    }

    /** What of a stored record has to be known to change it. */
    private record Known(long revision, Instant due) {}

    private final Path root;
    private final Path certificates;
    private final Path orders;
    private final Path quarantine;
    private final Path tmp;
    private final Path holds;
    private final Path due;
    private final Path ledgers;
    private final Events events;
    private final Clock clock;
    private final FileChannel lockChannel;
    private final KeySealing sealing;
    private final DueIndex dueIndex;
    private final FileLedger ledger;
    private final Cache<String, Known> known = Caffeine.newBuilder()
            .maximumSize(REMEMBERED_RECORDS)
            .executor(Runnable::run)
            .build();
    // A record is compared and written under the lock of its first name.
    private final List<ReentrantLock> stripes =
            IntStream.range(0, STRIPES).mapToObj(i -> new ReentrantLock()).toList();
    private final AtomicLong written = new AtomicLong();
    private final KnownNames names;
    private final UntilDone indexing;
    private final Troubles troubles;

    private @Nullable FileResealing resealing;

    private FileCertificateStore(Path root, Events events, Clock clock, FileChannel lockChannel, KeySealing sealing)
            throws IOException, StoreException {
        this.root = root;
        this.certificates = root.resolve("certificates");
        this.orders = root.resolve("orders");
        this.quarantine = root.resolve("quarantine");
        this.tmp = root.resolve("tmp");
        this.holds = root.resolve("holds");
        this.due = root.resolve("due");
        this.ledgers = root.resolve("ledger");
        this.events = events;
        this.clock = clock;
        this.lockChannel = lockChannel;
        this.sealing = sealing;
        boolean fresh = !Files.exists(certificates);
        prepare();
        Optional<EncryptionState> encryption = openEncryption(!fresh);
        this.dueIndex = new DueIndex(due);
        if (fresh) {
            dueIndex.completed();
        }
        this.ledger = new FileLedger(ledgers, clock);
        this.troubles = new Troubles(events);
        this.names = new KnownNames(
                this::survey,
                e -> failedAsAWhole(
                        "the names in " + root + " cannot be listed",
                        e,
                        "every look-up goes to the disk until they can"));
        this.indexing = new UntilDone(
                "ondemand-tls-store-index",
                INDEX_RETRY,
                this::buildDueIndex,
                e -> failedAsAWhole(
                        "the due times in " + root + " cannot be indexed",
                        e,
                        "certificates are not renewed before they are visited"));
        encryption.filter(state -> !state.older().isEmpty()).ifPresent(state -> this.resealing = startResealing(state));
    }

    /**
     * Opens a store with everything in clear, making the directory where there is none. Reads no certificate.
     *
     * @param root the directory
     * @param events where trouble is reported
     * @param clock the wall clock
     * @param lockWait how long to wait for another process that has it open
     * @return the store
     * @throws StoreException if the directory cannot be used, with what to do
     */
    public static FileCertificateStore open(Path root, Events events, Clock clock, Duration lockWait)
            throws StoreException {
        return open(root, events, clock, lockWait, KeySealing.none());
    }

    /**
     * Opens a store, making the directory where there is none. Reads no certificate. Where records are in clear or under
     * an older key, they are encrypted under the first in the background.
     *
     * @param root the directory
     * @param events where trouble is reported
     * @param clock the wall clock
     * @param lockWait how long to wait for another process that has it open
     * @param sealing what encrypts private keys and other secrets
     * @return the store
     * @throws StoreException if the directory cannot be used, with what to do
     */
    public static FileCertificateStore open(
            Path root, Events events, Clock clock, Duration lockWait, KeySealing sealing) throws StoreException {
        try {
            secureDirectory(root);
            Path real = root.toRealPath();
            FileChannel channel = lock(real, lockWait, events);
            try {
                checkFormat(real);
                FileCertificateStore store = new FileCertificateStore(real, events, clock, channel, sealing);
                store.names.surveyAgain();
                return store;
            } catch (IOException | StoreException | RuntimeException e) {
                OPEN_HERE.remove(real);
                channel.close();
                throw e;
            }
        } catch (IOException e) {
            throw new StoreException(
                    "the store " + root + " cannot be opened: " + describe(e)
                            + "; make the directory writable for the server's user, or set onDemandTls.store",
                    e);
        }
    }

    @Override
    public String location() {
        return root.toString();
    }

    /** The file a name's certificate is kept in, whether it is there or not. */
    public Path fileOf(ServerName name) {
        return fileOf(name.value(), BUNDLE);
    }

    @Override
    public boolean mayHold(ServerName name) {
        return names.mayContain(fileName(name.value())) || names.mayContain(fileName(name.wildcard()));
    }

    @Override
    public boolean knowsItsNames() {
        return names.isComplete();
    }

    @Override
    public Optional<StoredCertificate> find(ServerName name) throws StoreException {
        Optional<StoredCertificate> found = FindOrder.find(name, new FindOrder.Shelf() {
            @Override
            public Optional<StoredCertificate> own(String spelling) throws StoreException {
                return loadBundle(spelling);
            }

            @Override
            public Optional<StoredCertificate> led(String spelling) throws StoreException {
                return loadThroughPointer(spelling);
            }
        });
        found.ifPresent(this::mendHint);
        return found;
    }

    @Override
    public StoredCertificate save(StoredCertificate certificate) throws StoreException {
        List<String> all = List.copyOf(certificate.certificate().names());
        if (all.isEmpty()) {
            throw new IllegalArgumentException("a certificate without a name cannot be kept");
        }
        String first = all.get(0);
        StoredCertificate next = certificate.withRevision(certificate.revision() + 1);
        String fileName = fileName(first);
        DueIndex.Hint hint = DueIndex.Hint.of(next.due(), fileName);
        ReentrantLock lock = lockOf(fileName);
        lock.lock();
        try {
            checkRevision(first, certificate.revision());
            Known before = known.getIfPresent(first);
            // Before the bundle: a hint too many does no harm, a bundle without one would never be due.
            dueIndex.add(hint);
            Path file = fileOf(first, BUNDLE);
            directory(parentOf(file));
            write(file, RecordCodec.encode(next, sealing));
            known.put(first, new Known(next.revision(), next.due()));
            for (String other : all.subList(1, all.size())) {
                point(other, first);
            }
            if (before != null) {
                DueIndex.Hint old = DueIndex.Hint.of(before.due(), fileName);
                if (!old.equals(hint)) {
                    dueIndex.remove(old);
                }
            }
        } catch (IOException e) {
            // What is on disk now is not known.
            known.invalidate(first);
            throw failed("a certificate cannot be kept", e);
        } finally {
            lock.unlock();
        }
        all.forEach(name -> names.add(fileName(name)));
        return next;
    }

    @Override
    public List<StoredCertificate> due(Instant atOrBefore, int limit) throws StoreException {
        List<StoredCertificate> due = new ArrayList<>();
        DueIndex.@Nullable Hint last = null;
        try {
            while (true) {
                List<DueIndex.Hint> page = dueIndex.upTo(atOrBefore, last, limit - due.size());
                for (DueIndex.Hint hint : page) {
                    last = hint;
                    try {
                        Optional<StoredCertificate> stored = agreeing(hint);
                        if (stored.isEmpty()) {
                            removeIfStale(hint);
                        } else if (!stored.get().due().isAfter(atOrBefore)) {
                            due.add(stored.get());
                        }
                    } catch (StoreException e) {
                        // One file must not keep all others from being renewed.
                        troubles.tell(bundleFile(hint.bundle()), e);
                    }
                }
                if (page.isEmpty() || due.size() >= limit) {
                    return due;
                }
            }
        } catch (IOException e) {
            throw failed("what is due cannot be listed", e);
        }
    }

    @Override
    public Optional<Instant> nextDue() throws StoreException {
        // Asked first: an index that becomes complete in between is read as it is then.
        boolean complete = dueIndex.isComplete();
        try {
            Optional<Instant> first = dueIndex.first().map(DueIndex.Hint::at);
            if (complete) {
                return first;
            }
            Instant soon = clock.instant().plus(WHILE_INDEX_IS_BUILT);
            return Optional.of(first.filter(soon::isAfter).orElse(soon));
        } catch (IOException e) {
            throw failed("what is due cannot be listed", e);
        }
    }

    @Override
    public void forget(StoredCertificate certificate) throws StoreException {
        String first = certificate.firstName();
        Path file = fileOf(first, BUNDLE);
        ReentrantLock lock = lockOf(fileName(first));
        lock.lock();
        try {
            if (!Files.exists(file)) {
                return;
            }
            checkRevision(first, certificate.revision());
            for (String other : certificate.certificate().names()) {
                if (!other.equals(first) && pointer(other).equals(Optional.of(first))) {
                    Files.deleteIfExists(fileOf(other, SEE));
                }
            }
            Files.deleteIfExists(file);
            known.invalidate(first);
            // A bundle that came back after a crash without its hint would stay for good.
            synchronise(parentOf(file));
            dueIndex.remove(DueIndex.Hint.of(certificate.due(), fileName(first)));
        } catch (IOException e) {
            known.invalidate(first);
            throw failed("a certificate cannot be removed", e);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void journal(OpenOrder order) throws StoreException {
        Path file = orderFile(order.name());
        byte[] content = RecordCodec.encode(order, sealing);
        ReentrantLock lock = lockOf(file.toString());
        lock.lock();
        try {
            write(file, content);
        } catch (IOException e) {
            throw failed("an order cannot be kept", e);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public Optional<OpenOrder> openOrder(ServerName name) throws StoreException {
        return readOrder(orderFile(name));
    }

    @Override
    public List<OpenOrder> openOrders() throws StoreException {
        List<OpenOrder> open = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(orders, "*" + ORDER)) {
            for (Path file : files) {
                try {
                    readOrder(file).ifPresent(open::add);
                } catch (StoreException e) {
                    troubles.tell(file, e);
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            throw failed("the open orders cannot be listed", e);
        }
        open.sort(Comparator.comparing(OpenOrder::started));
        return open;
    }

    @Override
    public void closeOrder(ServerName name) throws StoreException {
        Path file = orderFile(name);
        ReentrantLock lock = lockOf(file.toString());
        lock.lock();
        try {
            // Not synchronised: a journal that comes back after a crash finds its certificate in the store.
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw failed("a finished order cannot be removed", e);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public Optional<Hold> hold(String scope) throws StoreException {
        return readHold(holdFile(scope));
    }

    @Override
    public void keepHold(Hold hold) throws StoreException {
        try {
            write(holdFile(hold.scope()), RecordCodec.encode(hold));
        } catch (IOException e) {
            throw failed("a hold cannot be kept", e);
        }
    }

    @Override
    public void dropHold(String scope) throws StoreException {
        try {
            // Not synchronised: a hold that comes back after a crash delays a name, and is dropped again.
            Files.deleteIfExists(holdFile(scope));
        } catch (IOException e) {
            throw failed("a hold cannot be removed", e);
        }
    }

    @Override
    public List<Hold> holds(int limit) throws StoreException {
        List<Hold> found = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(holds, "*" + HOLD)) {
            for (Path file : files) {
                if (found.size() == limit) {
                    return found;
                }
                try {
                    readHold(file).ifPresent(found::add);
                } catch (StoreException e) {
                    troubles.tell(file, e);
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            throw failed("the holds cannot be listed", e);
        }
        return found;
    }

    @Override
    public Ledger ledger() {
        return ledger;
    }

    @Override
    public Optional<byte[]> readSecret(String path) throws StoreException {
        Path file = secretFile(path);
        try {
            Optional<byte[]> content = read(file);
            return content.isEmpty() ? content : Optional.of(RecordCodec.decodeSecret(path, content.get(), sealing));
        } catch (UnreadableException e) {
            // Not set aside: to make another account or root in silence would be worse than to stop.
            throw new StoreException(file + " cannot be used: " + e.getMessage()
                    + (e instanceof KeyMissingException ? "" : "; bring it back from a backup, or remove it"));
        } catch (IOException e) {
            throw failed(path + " cannot be read", e);
        }
    }

    @Override
    public void writeSecret(String path, byte[] content) throws StoreException {
        keep(path, sealing.encrypts() ? RecordCodec.encodeSecret(path, content, sealing) : content);
    }

    @Override
    public void writePublic(String path, byte[] content) throws StoreException {
        keep(path, content);
    }

    private void keep(String path, byte[] content) throws StoreException {
        Path file = secretFile(path);
        ReentrantLock lock = lockOf(file.toString());
        lock.lock();
        try {
            directory(parentOf(file));
            write(file, content);
        } catch (IOException e) {
            throw failed(path + " cannot be kept", e);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void visitAll(Visitor visitor) throws StoreException {
        try (DirectoryStream<Path> shards = Files.newDirectoryStream(certificates)) {
            for (Path shard : shards) {
                try (DirectoryStream<Path> files = Files.newDirectoryStream(shard, "*" + BUNDLE)) {
                    for (Path file : files) {
                        String name = String.valueOf(file.getFileName());
                        Optional<StoredCertificate> stored = Optional.empty();
                        try {
                            stored = loadBundleFile(name.substring(0, name.length() - BUNDLE.length()));
                        } catch (StoreException e) {
                            troubles.tell(file, e);
                        }
                        if (stored.isPresent()) {
                            visitor.visit(stored.get());
                        }
                    }
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            throw new StoreException("the certificates in " + root + " cannot be listed: " + describe(e), e);
        }
    }

    @Override
    public List<String> secretPaths() throws StoreException {
        Set<String> others = Set.of("certificates", "orders", "quarantine", "tmp", "holds", "due", "ledger");
        List<String> paths = new ArrayList<>();
        try (Stream<Path> files = Files.find(root, 2, (file, attributes) -> attributes.isRegularFile())) {
            files.map(file -> root.relativize(file).toString().replace('\\', '/'))
                    .filter(path -> SECRET_PATH.matcher(path).matches()
                            && !others.contains(path.substring(0, path.indexOf('/'))))
                    .sorted()
                    .forEach(paths::add);
        } catch (IOException | UncheckedIOException e) {
            throw new StoreException("the secrets in " + root + " cannot be listed: " + describe(e), e);
        }
        return paths;
    }

    @Override
    public void close() {
        names.close();
        indexing.close();
        if (resealing != null) {
            resealing.close();
        }
        OPEN_HERE.remove(root);
        try {
            ledger.close();
        } catch (IOException e) {
            events.publish(EventKind.STORE_FAILED, "the ledger of " + root + " cannot be closed: " + describe(e));
        }
        try {
            lockChannel.close();
        } catch (IOException e) {
            events.publish(EventKind.STORE_FAILED, "the lock of " + root + " could not be given back: " + describe(e));
        }
    }

    // A bundle that was replaced by one with fewer names leaves pointers behind that lead nowhere.
    private Optional<StoredCertificate> loadThroughPointer(String name) throws StoreException {
        try {
            Optional<String> first = pointer(name);
            return first.isEmpty() ? Optional.empty() : loadBundle(first.get());
        } catch (IOException e) {
            throw failed("a certificate cannot be read", e);
        }
    }

    private Optional<StoredCertificate> loadBundle(String firstName) throws StoreException {
        return loadBundleFile(fileName(firstName));
    }

    private Optional<StoredCertificate> loadBundleFile(String fileName) throws StoreException {
        Path file = bundleFile(fileName);
        try {
            Optional<byte[]> content = read(file);
            if (content.isEmpty()) {
                return Optional.empty();
            }
            StoredCertificate stored = RecordCodec.decodeCertificate(content.get(), sealing);
            if (stored.certificate().names().stream()
                    .map(FileCertificateStore::fileName)
                    .noneMatch(fileName::equals)) {
                throw new UnreadableException("it is for another name");
            }
            return Optional.of(stored);
        } catch (KeyMissingException e) {
            throw new KeyNotGivenException(file.toString(), e);
        } catch (UnreadableException | TooLargeException e) {
            setAside(file, e, OBTAINED_ANEW);
            return Optional.empty();
        } catch (IOException e) {
            throw failed("a certificate cannot be read", e);
        }
    }

    private Optional<String> pointer(String name) throws IOException {
        return read(fileOf(name, SEE))
                .map(pointer -> new String(pointer, US_ASCII).trim())
                .filter(text -> NAME.matcher(text).matches());
    }

    // Reading costs less than synchronising what is there already.
    private void point(String name, String first) throws IOException {
        if (!pointer(name).equals(Optional.of(first))) {
            Path see = fileOf(name, SEE);
            directory(parentOf(see));
            write(see, (first + '\n').getBytes(US_ASCII));
        }
    }

    // The certificate of a hint, empty if there is none or the hint is not for it.
    private Optional<StoredCertificate> agreeing(DueIndex.Hint hint) throws StoreException {
        return loadBundleFile(hint.bundle())
                .filter(stored -> DueIndex.Hint.of(stored.due(), hint.bundle()).equals(hint));
    }

    // Looked at again under the lock: a save makes its hint first.
    private void removeIfStale(DueIndex.Hint hint) throws IOException, StoreException {
        ReentrantLock lock = lockOf(hint.bundle());
        lock.lock();
        try {
            if (agreeing(hint).isEmpty()) {
                dueIndex.remove(hint);
            }
        } finally {
            lock.unlock();
        }
    }

    // A hint that a loss of power took comes back with the first visit.
    private void mendHint(StoredCertificate stored) {
        String first = stored.firstName();
        if (known.getIfPresent(first) == null) {
            try {
                dueIndex.add(DueIndex.Hint.of(stored.due(), fileName(first)));
            } catch (IOException e) {
                // What can be read is served from a store that cannot be written.
                return;
            }
        }
    }

    // What was saved or read under the lock is known without reading it again, and so is that nothing is there.
    private void checkRevision(String first, long expected) throws StoreException {
        Known remembered = known.getIfPresent(first);
        if (remembered != null && remembered.revision() == expected) {
            return;
        }
        long stored = names.mayContain(fileName(first)) ? storedRevision(first) : 0;
        if (stored != expected) {
            throw new StaleRevisionException(first, stored, expected);
        }
    }

    private long storedRevision(String first) throws StoreException {
        Path file = fileOf(first, BUNDLE);
        known.invalidate(first);
        try {
            Optional<byte[]> content = read(file);
            if (content.isEmpty()) {
                return 0;
            }
            Bundle bundle = Bundle.decode(RecordCodec.CERTIFICATE, content.get());
            Known stored = new Known(Long.parseLong(bundle.field("revision")), RecordCodec.due(bundle));
            known.put(first, stored);
            return stored.revision();
        } catch (UnreadableException | TooLargeException | NumberFormatException e) {
            setAside(file, e, OBTAINED_ANEW);
            return 0;
        } catch (IOException e) {
            throw failed("a certificate cannot be read", e);
        }
    }

    private ReentrantLock lockOf(String fileName) {
        return stripes.get(Math.floorMod(fileName.hashCode(), STRIPES));
    }

    private Optional<Hold> readHold(Path file) throws StoreException {
        try {
            Optional<byte[]> content = read(file);
            if (content.isEmpty()) {
                return Optional.empty();
            }
            Hold hold = RecordCodec.decodeHold(content.get());
            if (!holdFile(hold.scope()).equals(file)) {
                throw new UnreadableException("it is for another scope");
            }
            return Optional.of(hold);
        } catch (UnreadableException | TooLargeException e) {
            setAside(file, e, "what it held may be tried again");
            return Optional.empty();
        } catch (IOException e) {
            throw failed("a hold cannot be read", e);
        }
    }

    private Optional<OpenOrder> readOrder(Path file) throws StoreException {
        try {
            Optional<byte[]> content = read(file);
            return content.isEmpty() ? Optional.empty() : Optional.of(RecordCodec.decodeOrder(content.get(), sealing));
        } catch (KeyMissingException e) {
            throw new KeyNotGivenException(file.toString(), e);
        } catch (UnreadableException | TooLargeException e) {
            setAside(file, e, OBTAINED_ANEW);
            return Optional.empty();
        } catch (IOException e) {
            throw failed("an order cannot be read", e);
        }
    }

    private void setAside(Path file, Exception why, String consequence) throws StoreException {
        Path aside =
                quarantine.resolve(file.getFileName() + "." + Long.toString(System.nanoTime(), Character.MAX_RADIX));
        try {
            if (sealing.encrypts()
                    && (why instanceof TooLargeException
                            || RecordCodec.mayBeInClear(read(file).orElse(new byte[0])))) {
                Files.deleteIfExists(file);
                synchronise(parentOf(file));
                events.publish(
                        EventKind.QUARANTINED,
                        file + " was removed, since its key may be in clear: " + why.getMessage() + "; " + consequence);
                return;
            }
            Files.move(file, aside, StandardCopyOption.ATOMIC_MOVE);
            synchronise(quarantine);
            events.publish(
                    EventKind.QUARANTINED,
                    file + " was set aside as " + aside + ": " + why.getMessage() + "; " + consequence);
        } catch (NoSuchFileException e) {
            // Another look-up has set it aside already.
            return;
        } catch (IOException e) {
            throw failed(file + " is damaged and cannot be set aside", e);
        }
    }

    // Only the names of files are read: nothing is opened.
    private NameFingerprint survey(BooleanSupplier ended) throws IOException {
        List<String> found = new ArrayList<>();
        try (DirectoryStream<Path> shards = Files.newDirectoryStream(certificates)) {
            for (Path shard : shards) {
                try (DirectoryStream<Path> files = Files.newDirectoryStream(shard)) {
                    for (Path file : files) {
                        String name = String.valueOf(file.getFileName());
                        int suffix = name.lastIndexOf('.');
                        if (suffix > 0) {
                            found.add(name.substring(0, suffix));
                        }
                    }
                } catch (NotDirectoryException e) {
                    // Somebody else's file; nothing of ours is in it.
                    continue;
                }
                if (ended.getAsBoolean()) {
                    break;
                }
            }
        }
        NameFingerprint fresh = new NameFingerprint(Math.max(65_536, found.size() * 2));
        found.forEach(fresh::add);
        if (!dueIndex.isComplete()) {
            indexing.start();
        }
        return fresh;
    }

    // Once in the life of a store: for one that was filled before there was an index.
    private void buildDueIndex() throws IOException {
        if (dueIndex.isComplete()) {
            return;
        }
        boolean all = true;
        try (DirectoryStream<Path> shards = Files.newDirectoryStream(certificates, Files::isDirectory)) {
            for (Path shard : shards) {
                try (DirectoryStream<Path> files = Files.newDirectoryStream(shard, "*" + BUNDLE)) {
                    for (Path file : files) {
                        if (indexing.isClosed()) {
                            return;
                        }
                        try {
                            addHint(file);
                        } catch (IOException e) {
                            all = false;
                            troubles.tell(file, failed(file + " cannot be read", e));
                        }
                    }
                }
            }
        }
        for (Path directory : dueIndex.directories()) {
            synchronise(directory);
        }
        if (!all) {
            throw new IOException("some files cannot be read, which are named above");
        }
        dueIndex.completed();
    }

    private void failedAsAWhole(String what, Exception why, String consequence) {
        events.publish(
                EventKind.STORE_FAILED, what + ": " + describe(why) + "; " + consequence + "; tried again by itself");
    }

    private void addHint(Path bundle) throws IOException {
        Optional<byte[]> content = read(bundle);
        if (content.isEmpty()) {
            return;
        }
        try {
            Instant due = RecordCodec.due(Bundle.decode(RecordCodec.CERTIFICATE, content.get()));
            String name = String.valueOf(bundle.getFileName());
            dueIndex.add(DueIndex.Hint.of(due, name.substring(0, name.length() - BUNDLE.length())));
        } catch (UnreadableException e) {
            // Set aside by the look-up that wants it.
            return;
        }
    }

    // Before any record is read or written: what is noted here tells which keys are needed.
    private Optional<EncryptionState> openEncryption(boolean filled) throws IOException, StoreException {
        Path file = root.resolve(ENCRYPTION);
        Optional<EncryptionState> stored;
        try {
            Optional<byte[]> content = read(file);
            stored = content.isEmpty() ? Optional.empty() : Optional.of(EncryptionState.decode(content.get()));
        } catch (UnreadableException e) {
            throw new StoreException("the note of the encryption keys " + file + " is damaged; bring it back from a"
                    + " backup, or remove it and give every key the store was ever encrypted with in"
                    + " onDemandTls.store.encryptionKey");
        }
        Optional<EncryptionState> now = EncryptionState.opening(stored, sealing, filled, root.toString());
        if (now.isPresent() && !now.equals(stored)) {
            write(file, now.get().encode());
        }
        return now;
    }

    private FileResealing startResealing(EncryptionState state) {
        events.publish(
                EventKind.ENCRYPTION,
                "what is in clear or under an older key in " + root + " is encrypted under the key " + state.current()
                        + " in the background; until that is done, keep the older keys");
        return new FileResealing(
                root,
                List.of("certificates", "orders", "quarantine", "tmp", "due", "holds", "ledger"),
                new FileResealing.Steps(
                        this::resealCertificate, this::resealOrder, this::resealSecret, this::removeIfInClear),
                new FileResealing.Outcome() {
                    @Override
                    public void completed(long changed) throws IOException {
                        write(root.resolve(ENCRYPTION), state.completed().encode());
                        events.publish(
                                EventKind.ENCRYPTION,
                                "everything in " + root + " is encrypted under the key " + state.current() + " ("
                                        + changed + " files written); older keys are not needed any more");
                    }

                    @Override
                    public void failed(Exception why) {
                        events.publish(
                                EventKind.STORE_FAILED,
                                "not everything in " + root + " can be encrypted: " + describe(why)
                                        + "; tried again in a minute");
                    }
                });
    }

    // At the same revision: for everybody else nothing has changed.
    private boolean resealCertificate(Path file) throws IOException, StoreException {
        String name = String.valueOf(file.getFileName());
        if (!name.endsWith(BUNDLE)) {
            return false;
        }
        String fileName = name.substring(0, name.length() - BUNDLE.length());
        ReentrantLock lock = lockOf(fileName);
        lock.lock();
        try {
            if (isDone(RecordCodec.CERTIFICATE, file)) {
                return false;
            }
            Optional<StoredCertificate> stored = loadBundleFile(fileName);
            if (stored.isPresent()) {
                write(file, RecordCodec.encode(stored.get(), sealing));
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    private boolean resealOrder(Path file) throws IOException, StoreException {
        ReentrantLock lock = lockOf(file.toString());
        lock.lock();
        try {
            if (isDone(RecordCodec.ORDER, file)) {
                return false;
            }
            Optional<OpenOrder> order = readOrder(file);
            if (order.isPresent()) {
                write(file, RecordCodec.encode(order.get(), sealing));
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    private boolean resealSecret(Path file) throws IOException, StoreException {
        String path = parentOf(file).getFileName() + "/" + file.getFileName();
        if (!SECRET_PATH.matcher(path).matches() || !Files.isRegularFile(file)) {
            return false;
        }
        ReentrantLock lock = lockOf(file.toString());
        lock.lock();
        try {
            byte[] content = read(file).orElse(new byte[0]);
            boolean sealed = RecordCodec.isSealedSecret(content);
            if (sealed ? RecordCodec.isSecretUnder(content, sealing) : !RecordCodec.isPrivateKey(content)) {
                return false;
            }
            write(file, RecordCodec.encodeSecret(path, RecordCodec.decodeSecret(path, content, sealing), sealing));
            return true;
        } catch (UnreadableException e) {
            // Who needs it says so.
            return false;
        } finally {
            lock.unlock();
        }
    }

    // It can be of no use, and nobody could say under which key it were to be read.
    private boolean removeIfInClear(Path file) throws IOException {
        return RecordCodec.mayBeInClear(read(file).orElse(new byte[0])) && Files.deleteIfExists(file);
    }

    // A damaged one is not: reading it sets it aside.
    private boolean isDone(String kind, Path file) throws IOException {
        try {
            Optional<byte[]> content = read(file);
            return content.isEmpty() || RecordCodec.isUnder(kind, content.get(), sealing);
        } catch (UnreadableException e) {
            return false;
        }
    }

    private void prepare() throws IOException {
        boolean made = false;
        for (Path directory : List.of(certificates, orders, quarantine, tmp, due, holds, ledgers)) {
            made |= create(directory);
        }
        if (made) {
            synchronise(root);
        }
        try (DirectoryStream<Path> leftovers = Files.newDirectoryStream(tmp)) {
            for (Path leftover : leftovers) {
                Files.deleteIfExists(leftover);
            }
        }
        Path format = root.resolve("FORMAT");
        if (!Files.exists(format)) {
            write(format, FORMAT.getBytes(US_ASCII));
        }
    }

    private void write(Path target, byte[] content) throws IOException {
        Path beside = tmp.resolve(Long.toString(written.incrementAndGet(), Character.MAX_RADIX));
        try {
            try (FileChannel channel = FileChannel.open(
                    beside,
                    Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                    PosixFilePermissions.asFileAttribute(OWNER_FILE))) {
                ByteBuffer buffer = ByteBuffer.wrap(content);
                while (buffer.hasRemaining()) {
                    channel.write(buffer);
                }
                channel.force(true);
            }
            Files.move(beside, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
            Files.deleteIfExists(beside);
            throw new IOException("this file system cannot replace a file atomically", e);
        } catch (IOException e) {
            Files.deleteIfExists(beside);
            throw e;
        }
        synchronise(parentOf(target));
    }

    private static Optional<byte[]> read(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            byte[] content = in.readNBytes(LARGEST_FILE + 1);
            if (content.length > LARGEST_FILE) {
                throw new TooLargeException(file);
            }
            return Optional.of(content);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    private void directory(Path directory) throws IOException {
        if (create(directory)) {
            synchronise(parentOf(directory));
        }
    }

    private static boolean create(Path directory) throws IOException {
        if (Files.isDirectory(directory)) {
            return false;
        }
        try {
            Files.createDirectory(directory, PosixFilePermissions.asFileAttribute(OWNER_DIRECTORY));
            return true;
        } catch (FileAlreadyExistsException e) {
            if (!Files.isDirectory(directory)) {
                throw e;
            }
            return false;
        }
    }

    private static void synchronise(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    private static void secureDirectory(Path root) throws IOException, StoreException {
        if (!Files.exists(root)) {
            Path parent = parentOf(root);
            Files.createDirectories(parent);
            Files.createDirectory(root, PosixFilePermissions.asFileAttribute(OWNER_DIRECTORY));
            synchronise(parent);
            return;
        }
        if (!Files.isDirectory(root)) {
            throw new StoreException("the store " + root + " is not a directory; set onDemandTls.store to one");
        }
        Set<PosixFilePermission> permissions = EnumSet.copyOf(Files.getPosixFilePermissions(root));
        permissions.retainAll(OTHERS);
        if (permissions.isEmpty()) {
            return;
        }
        try (Stream<Path> content = Files.list(root)) {
            if (content.findAny().isPresent()) {
                throw new StoreException("the store " + root + " can be reached by other users ("
                        + PosixFilePermissions.toString(Files.getPosixFilePermissions(root))
                        + ") and is not empty; check who read it, then: chmod -R go-rwx " + root);
            }
        }
        Files.setPosixFilePermissions(root, OWNER_DIRECTORY);
    }

    private static FileChannel lock(Path root, Duration wait, Events events) throws IOException, StoreException {
        long deadline = System.nanoTime() + wait.toNanos();
        boolean told = wait.isZero();
        do {
            FileChannel channel = tryLock(root);
            if (channel != null) {
                return channel;
            }
            if (!told) {
                told = true;
                events.publish(
                        EventKind.ADVICE,
                        "another process uses the store " + root + "; waiting up to " + wait.toSeconds()
                                + " s for it to end");
            }
            LockSupport.parkNanos(LOCK_RETRY.toNanos());
        } while (System.nanoTime() - deadline < 0 && !Thread.currentThread().isInterrupted());
        throw new StoreException("the store " + root + " is in use by another server (waited " + wait.toSeconds()
                + " s); a file store belongs to one process: end the other one, "
                + "give each its own onDemandTls.store, or use a database for several nodes");
    }

    // The registry comes first: POSIX drops a process's lock when any of its channels on the file is closed.
    private static @Nullable FileChannel tryLock(Path root) throws IOException {
        if (!OPEN_HERE.add(root)) {
            return null;
        }
        FileChannel locked = null;
        FileChannel channel = FileChannel.open(
                root.resolve("lock"),
                Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE),
                PosixFilePermissions.asFileAttribute(OWNER_FILE));
        try {
            if (channel.tryLock() != null) {
                locked = channel;
            }
        } finally {
            if (locked == null) {
                OPEN_HERE.remove(root);
                channel.close();
            }
        }
        return locked;
    }

    private static void checkFormat(Path root) throws IOException, StoreException {
        Optional<byte[]> format = read(root.resolve("FORMAT"));
        if (format.isPresent() && !new String(format.get(), US_ASCII).equals(FORMAT)) {
            throw new StoreException("the store " + root + " has a format this version does not know ("
                    + root.resolve("FORMAT") + "); use the version that wrote it, or set onDemandTls.store to "
                    + "another directory");
        }
    }

    private Path orderFile(ServerName name) {
        return orders.resolve(fileName(name.value()) + ORDER);
    }

    private Path secretFile(String path) {
        if (!SECRET_PATH.matcher(path).matches()) {
            throw new IllegalArgumentException("not the place of a secret");
        }
        return root.resolve(path);
    }

    private Path holdFile(String scope) {
        if (!Hold.isScope(scope)) {
            throw new IllegalArgumentException("not the scope of a hold");
        }
        return holds.resolve(sha256(scope) + HOLD);
    }

    // The way back from a file name to its directory; any other text leads to a file that is not there.
    private Path bundleFile(String fileName) {
        String shard;
        if (HASHED.matcher(fileName).matches()) {
            shard = fileName.substring(1, 3);
        } else if (fileName.startsWith(WILDCARD)) {
            shard = shardOf("*" + fileName.substring(WILDCARD.length()));
        } else {
            shard = shardOf(fileName.startsWith("_") ? fileName.substring(1) : fileName);
        }
        return certificates.resolve(shard).resolve(fileName + BUNDLE);
    }

    private static String shardOf(String name) {
        return sha256(name).substring(0, 2);
    }

    private Path fileOf(String name, String suffix) {
        return certificates.resolve(shardOf(name)).resolve(fileName(name) + suffix);
    }

    static String fileName(String name) {
        String spelled = name.startsWith("*") ? WILDCARD + name.substring(1) : name;
        if (spelled.length() > LONGEST_PLAIN_NAME) {
            return "~" + sha256(name);
        }
        return RESERVED.matcher(spelled).matches() ? "_" + spelled : spelled;
    }

    private static String sha256(String text) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(US_ASCII)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    private static Path parentOf(Path path) {
        Path parent = path.toAbsolutePath().getParent();
        if (parent == null) {
            throw new UncheckedIOException(new IOException(path + " has no parent directory"));
        }
        return parent;
    }

    // Without names of files: the same trouble reads the same whichever name it hits.
    private StoreException failed(String what, Exception cause) {
        return new StoreException(
                what + " in " + root + ": " + describe(cause) + "; check disk space, mount and owner of the store",
                cause);
    }

    private static String describe(Exception e) {
        if (e instanceof FileSystemException file && file.getReason() != null) {
            return file.getReason();
        }
        return e.getClass().getSimpleName()
                + (e.getMessage() == null || e instanceof FileSystemException ? "" : " " + e.getMessage());
    }
}
