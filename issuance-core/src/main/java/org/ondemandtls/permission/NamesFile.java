package org.ondemandtls.permission;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.config.NamePattern;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.name.ServerName;

/**
 * A file of allowed names, one per line, read again when it changes.
 *
 * <p>A line that is no name is reported and passed over; a file that cannot be read any more leaves what was read
 * last in force.
 */
final class NamesFile {

    private record Stamp(
            FileTime modified, long size, @Nullable Object key) {}

    private final Path file;
    private final Events events;

    private @Nullable Stamp seen;
    private boolean missing;
    private volatile NamesPolicy names = new NamesPolicy(List.of());

    NamesFile(Path file, Events events) {
        this.file = file;
        this.events = events;
    }

    /** What was read last; no I/O. */
    boolean grants(ServerName name) {
        return names.grants(name);
    }

    /**
     * Reads the file if it changed since the last time. Blocks for a file access or two.
     *
     * @return whether what is granted may have changed
     */
    synchronized boolean refresh() {
        try {
            BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
            Stamp stamp = new Stamp(attributes.lastModifiedTime(), attributes.size(), attributes.fileKey());
            if (stamp.equals(seen)) {
                return false;
            }
            names = new NamesPolicy(parse(Files.readAllLines(file)));
            seen = stamp;
            missing = false;
            events.publish(EventKind.PERMISSION_SOURCE, "read " + names.size() + " names from " + file);
            return true;
        } catch (IOException e) {
            if (!missing) {
                missing = true;
                events.publish(
                        EventKind.ADVICE,
                        "onDemandTls.permission.file: " + file + " cannot be read ("
                                + e.getClass().getSimpleName() + "); the names that were read last stay allowed");
            }
            return false;
        }
    }

    private List<NamePattern> parse(List<String> lines) {
        List<NamePattern> patterns = new ArrayList<>();
        for (int at = 0; at < lines.size(); at++) {
            pattern(lines.get(at), at + 1).ifPresent(patterns::add);
        }
        return patterns;
    }

    private Optional<NamePattern> pattern(String line, int number) {
        int comment = line.indexOf('#');
        String text = (comment < 0 ? line : line.substring(0, comment)).trim();
        if (text.isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(NamePattern.parse(text));
        } catch (IllegalArgumentException e) {
            events.publish(
                    EventKind.ADVICE,
                    "onDemandTls.permission.file: line " + number + " of " + file
                            + " is no server name and was passed over");
            return Optional.empty();
        }
    }
}
