package org.ondemandtls.store.file;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
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
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
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
 *
 * <p>A day that cannot be read at open is told of and set aside, and the other days count: the server starts and orders. What
 * the day had counted is missed, so that a CA may be asked for more than its budget allows: once more than that day at the
 * most, and the CA, which keeps its own count, refuses by then and is obeyed. To place no order for as long as the day may
 * count, up to {@link #LONGEST_WINDOW}, would cost every name its certificate for one file.
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
    private final Events events;
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
     * @param events told of a day that cannot be read, or not be removed
     * @throws IOException if the directory cannot be listed
     */
    public FileLedger(Path directory, Clock clock, Events events) throws IOException {
        this.directory = directory;
        this.clock = clock;
        this.events = events;
        Disk.each(directory, SUFFIX, file -> {
            dayOf(file).ifPresent(found -> logs.put(found, Long.MIN_VALUE));
            return true;
        });
        for (LocalDate found : List.copyOf(logs.keySet())) {
            try {
                read(found);
            } catch (IOException e) {
                logs.remove(found);
                setAside(file(found), e);
            }
        }
        if (!logs.isEmpty()) {
            LocalDate today = dayAt(clock.instant());
            if (!logs.lastKey().plusDays(1).isBefore(today) && !logs.lastKey().isAfter(today)) {
                forgetWhatCountsNoLonger(clock.millis());
            }
        }
    }

    // Out of the way of what is counted from now on; whoever has mended it can give it its name back.
    private void setAside(Path file, IOException why) {
        String told = "the ledger's " + file + " cannot be read: " + Disk.describe(why) + "; ";
        Path aside = file.resolveSibling(file.getFileName() + "." + clock.millis() + ".unreadable");
        try {
            Files.move(file, aside);
            told += "it was set aside as " + aside
                    + ", and what was ordered that day does not count: mend it, and with the"
                    + " server stopped give it its name back";
        } catch (IOException e) {
            told += "what was ordered that day does not count; check the mount and the owner of the store";
        }
        events.publish(EventKind.STORE_FAILED, told);
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

    private void forgetWhatCountsNoLonger(long now) {
        entries.values().stream()
                .filter(entry -> !entry.counts(now, entry.keptMillis()))
                .map(Entry::id)
                .toList()
                .forEach(this::forget);
        for (Map.Entry<LocalDate, Long> old : List.copyOf(
                logs.headMap(dayAt(Instant.ofEpochMilli(now)), false).entrySet())) {
            if (old.getValue() <= now) {
                remove(old.getKey());
            }
        }
    }

    private void remove(LocalDate old) {
        try {
            Files.deleteIfExists(file(old));
            logs.remove(old);
        } catch (IOException e) {
            // Nothing in it counts; tried again when the next day begins.
            events.publish(
                    EventKind.STORE_FAILED,
                    "the ledger's " + file(old) + " cannot be removed: " + Disk.describe(e) + "; tried again tomorrow");
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
        new String(content, 0, whole, US_ASCII).lines().forEach(line -> read(found, line));
        if (whole < content.length) {
            try (FileChannel torn = FileChannel.open(file, StandardOpenOption.WRITE)) {
                torn.truncate(whole);
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
