package org.ondemandtls.store;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.Bundle.UnreadableException;

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
    private static final Pattern SECRET_PATH = Pattern.compile("[a-z0-9-]+/[A-Za-z0-9][A-Za-z0-9.-]{0,99}");
    private static final Pattern NAME = Pattern.compile("[a-z0-9.*-]{1,253}");
    private static final Pattern RESERVED = Pattern.compile("(con|prn|aux|nul|com[0-9]|lpt[0-9])(\\..*)?");
    private static final String BUNDLE = ".pem";
    private static final String SEE = ".see";
    private static final String ORDER = ".order";
    // With its suffix a file name stays below the 255 octets that file systems allow.
    private static final int LONGEST_PLAIN_NAME = 240;
    private static final int LARGEST_FILE = 1 << 20;

    private final Path root;
    private final Path certificates;
    private final Path orders;
    private final Path quarantine;
    private final Path tmp;
    private final Events events;
    private final FileChannel lockChannel;
    private final AtomicLong written = new AtomicLong();
    private final AtomicBoolean surveying = new AtomicBoolean();
    private final Queue<String> savedDuringSurvey = new ConcurrentLinkedQueue<>();

    private volatile boolean closed;

    private volatile @Nullable NameFingerprint fingerprint;

    private FileCertificateStore(Path root, Events events, FileChannel lockChannel) {
        this.root = root;
        this.certificates = root.resolve("certificates");
        this.orders = root.resolve("orders");
        this.quarantine = root.resolve("quarantine");
        this.tmp = root.resolve("tmp");
        this.events = events;
        this.lockChannel = lockChannel;
    }

    /**
     * Opens a store, making the directory where there is none. Reads no certificate.
     *
     * @param root the directory
     * @param events where trouble is reported
     * @param lockWait how long to wait for another process that has it open
     * @return the store
     * @throws StoreException if the directory cannot be used, with what to do
     */
    public static FileCertificateStore open(Path root, Events events, Duration lockWait) throws StoreException {
        try {
            secureDirectory(root);
            Path real = root.toRealPath();
            FileChannel channel = lock(real, lockWait);
            try {
                checkFormat(real);
                FileCertificateStore store = new FileCertificateStore(real, events, channel);
                store.prepare();
                store.startSurvey();
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
        NameFingerprint known = fingerprint;
        return known == null || known.mayContain(fileName(name.value())) || known.mayContain(fileName(name.wildcard()));
    }

    @Override
    public Optional<StoredCertificate> find(ServerName name) throws StoreException {
        Optional<StoredCertificate> exact = load(name.value(), name);
        return exact.isPresent() ? exact : load(name.wildcard(), name);
    }

    @Override
    public StoredCertificate save(StoredCertificate certificate) throws StoreException {
        List<String> names = List.copyOf(certificate.certificate().names());
        if (names.isEmpty()) {
            throw new IllegalArgumentException("a certificate without a name cannot be kept");
        }
        String first = names.get(0);
        long stored = storedRevision(first);
        if (stored != certificate.revision()) {
            throw new StoreException("the certificate of " + first + " was changed meanwhile (revision " + stored
                    + " is stored, " + certificate.revision() + " was expected)");
        }
        StoredCertificate next = certificate.withRevision(certificate.revision() + 1);
        Path file = fileOf(first, BUNDLE);
        try {
            directory(parentOf(file));
            write(file, RecordCodec.encode(next));
            for (String other : names.subList(1, names.size())) {
                Path see = fileOf(other, SEE);
                directory(parentOf(see));
                write(see, (first + '\n').getBytes(US_ASCII));
            }
        } catch (IOException e) {
            throw failed("a certificate cannot be kept", e);
        }
        names.forEach(name -> remember(fileName(name)));
        return next;
    }

    @Override
    public void journal(OpenOrder order) throws StoreException {
        try {
            write(orderFile(order.name()), RecordCodec.encode(order));
        } catch (IOException e) {
            throw failed("an order cannot be kept", e);
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
                readOrder(file).ifPresent(open::add);
            }
        } catch (IOException e) {
            throw failed("the open orders cannot be listed", e);
        }
        open.sort(Comparator.comparing(OpenOrder::started));
        return open;
    }

    @Override
    public void closeOrder(ServerName name) throws StoreException {
        try {
            // Not synchronised: a journal that comes back after a crash finds its certificate in the store.
            Files.deleteIfExists(orderFile(name));
        } catch (IOException e) {
            throw failed("a finished order cannot be removed", e);
        }
    }

    @Override
    public Optional<byte[]> readSecret(String path) throws StoreException {
        try {
            return read(secretFile(path));
        } catch (IOException e) {
            throw failed(path + " cannot be read", e);
        }
    }

    @Override
    public void writeSecret(String path, byte[] content) throws StoreException {
        Path file = secretFile(path);
        try {
            directory(parentOf(file));
            write(file, content);
        } catch (IOException e) {
            throw failed(path + " cannot be kept", e);
        }
    }

    @Override
    public void close() {
        closed = true;
        OPEN_HERE.remove(root);
        try {
            lockChannel.close();
        } catch (IOException e) {
            events.publish(EventKind.STORE_FAILED, "the lock of " + root + " could not be given back: " + describe(e));
        }
    }

    private Optional<StoredCertificate> load(String name, ServerName askedFor) throws StoreException {
        Optional<StoredCertificate> own =
                loadBundle(name).filter(stored -> stored.certificate().covers(askedFor));
        return own.isPresent() ? own : loadThroughPointer(name, askedFor);
    }

    // A bundle that was replaced by one with fewer names leaves pointers behind that lead nowhere.
    private Optional<StoredCertificate> loadThroughPointer(String name, ServerName askedFor) throws StoreException {
        try {
            Optional<String> first = read(fileOf(name, SEE))
                    .map(pointer -> new String(pointer, US_ASCII).trim())
                    .filter(text -> NAME.matcher(text).matches());
            return first.isEmpty()
                    ? Optional.empty()
                    : loadBundle(first.get())
                            .filter(stored -> stored.certificate().covers(askedFor));
        } catch (IOException e) {
            throw failed("a certificate cannot be read", e);
        }
    }

    private Optional<StoredCertificate> loadBundle(String firstName) throws StoreException {
        Path file = fileOf(firstName, BUNDLE);
        try {
            Optional<byte[]> content = read(file);
            if (content.isEmpty()) {
                return Optional.empty();
            }
            StoredCertificate stored = RecordCodec.decodeCertificate(content.get());
            if (!stored.certificate().names().contains(firstName)) {
                throw new UnreadableException("it is for another name");
            }
            return Optional.of(stored);
        } catch (UnreadableException e) {
            setAside(file, e);
            return Optional.empty();
        } catch (IOException e) {
            throw failed("a certificate cannot be read", e);
        }
    }

    private long storedRevision(String name) throws StoreException {
        Path file = fileOf(name, BUNDLE);
        try {
            Optional<byte[]> content = read(file);
            return content.isEmpty()
                    ? 0
                    : Long.parseLong(Bundle.decode(RecordCodec.CERTIFICATE, content.get())
                            .field("revision"));
        } catch (UnreadableException | NumberFormatException e) {
            setAside(file, e);
            return 0;
        } catch (IOException e) {
            throw failed("a certificate cannot be read", e);
        }
    }

    private Optional<OpenOrder> readOrder(Path file) throws StoreException {
        try {
            Optional<byte[]> content = read(file);
            return content.isEmpty() ? Optional.empty() : Optional.of(RecordCodec.decodeOrder(content.get()));
        } catch (UnreadableException e) {
            setAside(file, e);
            return Optional.empty();
        } catch (IOException e) {
            throw failed("an order cannot be read", e);
        }
    }

    private void setAside(Path file, Exception why) throws StoreException {
        Path aside =
                quarantine.resolve(file.getFileName() + "." + Long.toString(System.nanoTime(), Character.MAX_RADIX));
        try {
            Files.move(file, aside, StandardCopyOption.ATOMIC_MOVE);
            synchronise(quarantine);
            events.publish(
                    EventKind.QUARANTINED,
                    file + " was set aside as " + aside + ": " + why.getMessage()
                            + "; it is obtained anew when visited");
        } catch (NoSuchFileException e) {
            // Another look-up has set it aside already.
            return;
        } catch (IOException e) {
            throw failed(file + " is damaged and cannot be set aside", e);
        }
    }

    // While a survey runs, what is saved is noted apart: the survey may have passed its directory already.
    private void remember(String fileName) {
        NameFingerprint known = fingerprint;
        if (known == null) {
            savedDuringSurvey.add(fileName);
            known = fingerprint;
        }
        if (known != null) {
            known.add(fileName);
            if (known.isFull()) {
                startSurvey();
            }
        }
    }

    private void startSurvey() {
        if (surveying.compareAndSet(false, true)) {
            fingerprint = null;
            Thread surveyor = new Thread(this::survey, "ondemand-tls-store-survey");
            surveyor.setDaemon(true);
            surveyor.start();
        }
    }

    // Only the names of files are read: nothing is opened.
    private void survey() {
        try {
            List<String> names = new ArrayList<>();
            try (DirectoryStream<Path> shards = Files.newDirectoryStream(certificates)) {
                for (Path shard : shards) {
                    try (DirectoryStream<Path> files = Files.newDirectoryStream(shard)) {
                        for (Path file : files) {
                            String name = String.valueOf(file.getFileName());
                            int suffix = name.lastIndexOf('.');
                            if (suffix > 0) {
                                names.add(name.substring(0, suffix));
                            }
                        }
                    }
                    if (closed) {
                        return;
                    }
                }
            }
            NameFingerprint fresh = new NameFingerprint(Math.max(65_536, names.size() * 2));
            names.forEach(fresh::add);
            fingerprint = fresh;
            for (String saved = savedDuringSurvey.poll(); saved != null; saved = savedDuringSurvey.poll()) {
                fresh.add(saved);
            }
        } catch (IOException | RuntimeException e) {
            // Without a fingerprint every look-up goes to the disk, which is slower and no less right.
            events.publish(EventKind.STORE_FAILED, "the names in " + root + " cannot be listed: " + describe(e));
        } finally {
            surveying.set(false);
        }
    }

    private void prepare() throws IOException {
        for (Path directory : List.of(certificates, orders, quarantine, tmp)) {
            directory(directory);
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
                throw new IOException(file + " is larger than anything we write");
            }
            return Optional.of(content);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    private void directory(Path directory) throws IOException {
        if (Files.isDirectory(directory)) {
            return;
        }
        try {
            Files.createDirectory(directory, PosixFilePermissions.asFileAttribute(OWNER_DIRECTORY));
            synchronise(parentOf(directory));
        } catch (FileAlreadyExistsException e) {
            if (!Files.isDirectory(directory)) {
                throw e;
            }
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

    private static FileChannel lock(Path root, Duration wait) throws IOException, StoreException {
        long deadline = System.nanoTime() + wait.toNanos();
        do {
            FileChannel channel = tryLock(root);
            if (channel != null) {
                return channel;
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

    private Path fileOf(String name, String suffix) {
        String shard = sha256(name).substring(0, 2);
        return certificates.resolve(shard).resolve(fileName(name) + suffix);
    }

    static String fileName(String name) {
        String spelled = name.startsWith("*") ? "_wildcard_" + name.substring(1) : name;
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
    private StoreException failed(String what, IOException cause) {
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
