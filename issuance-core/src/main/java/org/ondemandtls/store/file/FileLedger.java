package org.ondemandtls.store.file;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.store.Ledger;
import org.ondemandtls.store.Reckoning;
import org.ondemandtls.store.StoreException;

/**
 * The ledger of a file store: in memory, and written behind to a log per day.
 *
 * <p>A line is a checksum, a sign and what it is about: {@code + id milliseconds-since-1970 seconds-kept key} counts,
 * {@code - id} takes back. A line that is torn or damaged is passed over. What one step counts is one write. It is not
 * synchronised: a process that is killed loses nothing, a machine that loses power at most the last seconds, after which the
 * CA, which keeps the same count, may refuse one order more; a wait for the disk would be paid by every first visit.
 *
 * <p>A day's log is removed when nothing in it counts any more, at open and when a day ends; not when the clock leapt over
 * days, since it may leap back.
 */
public final class FileLedger implements Ledger, AutoCloseable {

    /** Entries in memory at most; the oldest are forgotten first. */
    static final int MOST_ENTRIES = 500_000;

    private static final String SUFFIX = ".log";
    private static final int CHECKSUM_LENGTH = 8;
    private static final long LARGEST_LOG = 256L << 20;

    private record Entry(long id, String key, long millis, long keptMillis) {

        boolean counts(long now, long windowMillis) {
            return Reckoning.counts(millis, now, windowMillis);
        }
    }

    private final Path directory;
    private final Clock clock;
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<Long, Entry> entries = new LinkedHashMap<>();
    private final Map<String, List<Entry>> byKey = new HashMap<>();
    // The logs and how long the longest-lived entry of each counts.
    private final TreeMap<LocalDate, Long> logs = new TreeMap<>();

    private long lastId;
    private @Nullable LocalDate day;
    private @Nullable FileChannel log;

    /**
     * Opens the ledger, reading the logs of the days that may still count.
     *
     * @param directory where it is; exists
     * @param clock the wall clock
     * @throws IOException if a log cannot be read
     */
    public FileLedger(Path directory, Clock clock) throws IOException {
        this.directory = directory;
        this.clock = clock;
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*" + SUFFIX)) {
            for (Path file : files) {
                dayOf(file).ifPresent(found -> logs.put(found, Long.MIN_VALUE));
            }
        }
        for (LocalDate found : List.copyOf(logs.keySet())) {
            read(found);
        }
        if (!logs.isEmpty()) {
            LocalDate today = dayAt(clock.instant());
            if (!logs.lastKey().plusDays(1).isBefore(today) && !logs.lastKey().isAfter(today)) {
                forgetWhatCountsNoLonger(clock.millis());
            }
        }
    }

    @Override
    public Outcome reserve(List<Quota> counted, List<Quota> checked) throws StoreException {
        lock.lock();
        try {
            long now = clock.millis();
            Optional<Outcome.Spent> spent = Reckoning.spent(counted, checked, now, this::inTheWay);
            if (spent.isPresent()) {
                return spent.get();
            }
            List<Entry> fresh = new ArrayList<>();
            Reckoning.keys(counted)
                    .forEach((key, window) -> fresh.add(new Entry(++lastId, key, now, window.toMillis())));
            append(fresh, now);
            fresh.forEach(this::remember);
            return new Outcome.Reserved(new Ticket(fresh.stream().map(Entry::id).toList()));
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void giveBack(Ticket ticket) throws StoreException {
        lock.lock();
        try {
            StringBuilder lines = new StringBuilder();
            for (Long id : ticket.entries()) {
                if (forget(id)) {
                    lines.append(line("- " + id));
                }
            }
            append(lines, clock.millis(), Long.MIN_VALUE);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void count(String key, Duration keepFor) throws StoreException {
        Quota checkedBounds = new Quota(key, 0, keepFor);
        lock.lock();
        try {
            long now = clock.millis();
            Entry entry = new Entry(++lastId, key, now, checkedBounds.window().toMillis());
            remember(entry);
            append(List.of(entry), now);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public int used(String key, Duration window) {
        lock.lock();
        try {
            return times(new Quota(key, 0, window), clock.millis()).length;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() throws IOException {
        lock.lock();
        try {
            closeLog();
        } finally {
            lock.unlock();
        }
    }

    private OptionalLong inTheWay(Quota quota, long now) {
        long[] times = times(quota, now);
        return times.length < quota.most() ? OptionalLong.empty() : OptionalLong.of(times[times.length - quota.most()]);
    }

    private long[] times(Quota quota, long now) {
        long window = quota.window().toMillis();
        long[] times = byKey.getOrDefault(quota.key(), List.of()).stream()
                .filter(entry -> entry.counts(now, window))
                .mapToLong(entry -> Math.min(entry.millis(), now))
                .toArray();
        Arrays.sort(times);
        return times;
    }

    private void remember(Entry entry) {
        entries.put(entry.id(), entry);
        byKey.computeIfAbsent(entry.key(), key -> new ArrayList<>()).add(entry);
        if (entries.size() > MOST_ENTRIES) {
            forget(entries.keySet().iterator().next());
        }
    }

    private boolean forget(Long id) {
        Entry entry = entries.remove(id);
        if (entry == null) {
            return false;
        }
        byKey.computeIfPresent(entry.key(), (key, all) -> {
            all.remove(entry);
            return all.isEmpty() ? null : all;
        });
        return true;
    }

    private void append(List<Entry> fresh, long now) throws StoreException {
        StringBuilder lines = new StringBuilder();
        long countsUntil = Long.MIN_VALUE;
        for (Entry entry : fresh) {
            lines.append(line("+ " + entry.id() + ' ' + entry.millis() + ' ' + entry.keptMillis() + ' ' + entry.key()));
            countsUntil = Math.max(countsUntil, entry.millis() + entry.keptMillis());
        }
        append(lines, now, countsUntil);
    }

    private void append(CharSequence lines, long now, long countsUntil) throws StoreException {
        if (lines.isEmpty()) {
            return;
        }
        try {
            LocalDate today = dayAt(Instant.ofEpochMilli(now));
            FileChannel to = logOf(today);
            long before = to.size();
            try {
                ByteBuffer buffer = ByteBuffer.wrap(lines.toString().getBytes(US_ASCII));
                while (buffer.hasRemaining()) {
                    to.write(buffer);
                }
            } catch (IOException e) {
                // Half a line would spoil the next one.
                to.truncate(before);
                throw e;
            }
            logs.merge(today, countsUntil, Math::max);
        } catch (IOException e) {
            throw new StoreException(
                    "the ledger in " + directory + " cannot be written: "
                            + e.getClass().getSimpleName() + "; check disk space, mount and owner of the store",
                    e);
        }
    }

    private FileChannel logOf(LocalDate today) throws IOException {
        FileChannel open = log;
        if (open != null && today.equals(day)) {
            return open;
        }
        closeLog();
        if (day != null && day.plusDays(1).equals(today)) {
            forgetWhatCountsNoLonger(clock.millis());
        }
        FileChannel fresh = FileChannel.open(
                file(today),
                Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        log = fresh;
        day = today;
        return fresh;
    }

    private void closeLog() throws IOException {
        FileChannel open = log;
        log = null;
        if (open != null) {
            open.close();
        }
    }

    private void forgetWhatCountsNoLonger(long now) throws IOException {
        entries.values().stream()
                .filter(entry -> !entry.counts(now, entry.keptMillis()))
                .map(Entry::id)
                .toList()
                .forEach(this::forget);
        for (Map.Entry<LocalDate, Long> old : List.copyOf(
                logs.headMap(dayAt(Instant.ofEpochMilli(now)), false).entrySet())) {
            if (old.getValue() <= now) {
                Files.deleteIfExists(file(old.getKey()));
                logs.remove(old.getKey());
            }
        }
    }

    private void read(LocalDate found) throws IOException {
        Path file = file(found);
        if (Files.size(file) > LARGEST_LOG) {
            throw new IOException(file + " is larger than anything we write");
        }
        byte[] content = Files.readAllBytes(file);
        int whole = content.length;
        while (whole > 0 && content[whole - 1] != '\n') {
            whole--;
        }
        if (whole < content.length) {
            try (FileChannel torn = FileChannel.open(file, StandardOpenOption.WRITE)) {
                torn.truncate(whole);
            }
        }
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(new ByteArrayInputStream(content, 0, whole), US_ASCII))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                read(found, line);
            }
        }
    }

    private void read(LocalDate found, String line) {
        if (line.length() <= CHECKSUM_LENGTH || !line.equals(checked(line.substring(CHECKSUM_LENGTH + 1)))) {
            return;
        }
        String[] words = line.split(" ", -1);
        try {
            long id = Long.parseLong(words[2]);
            lastId = Math.max(lastId, id);
            if (words[1].equals("-")) {
                forget(id);
            } else {
                Entry entry = new Entry(id, words[5], Long.parseLong(words[3]), Long.parseLong(words[4]));
                remember(entry);
                logs.merge(found, entry.millis() + entry.keptMillis(), Math::max);
            }
        } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
            // A line of a kind that a later version writes.
            return;
        }
    }

    private static String line(String text) {
        return checked(text) + '\n';
    }

    private static String checked(String text) {
        CRC32 crc = new CRC32();
        crc.update(text.getBytes(US_ASCII));
        String hex = Long.toHexString(crc.getValue());
        return "0".repeat(CHECKSUM_LENGTH - hex.length()) + hex + ' ' + text;
    }

    private Path file(LocalDate of) {
        return directory.resolve(of + SUFFIX);
    }

    private static Optional<LocalDate> dayOf(Path file) {
        String name = String.valueOf(file.getFileName());
        try {
            return Optional.of(LocalDate.parse(name.substring(0, name.length() - SUFFIX.length())));
        } catch (DateTimeParseException e) {
            return Optional.empty();
        }
    }

    private static LocalDate dayAt(Instant at) {
        return at.atZone(ZoneOffset.UTC).toLocalDate();
    }
}
