package org.ondemandtls.permission;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
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

    // What is no list of names may have any number of lines.
    private static final int MOST_TOLD = 10;

    // What stands for octets that are no UTF-8.
    private static final char NO_UTF_8 = '\uFFFD';

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
            names = new NamesPolicy(parse(lines()));
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

    // What is no UTF-8, in a comment perhaps, must not cost all names. Some editors begin a file with a mark.
    private List<String> lines() throws IOException {
        String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
        if (text.indexOf('\0') >= 0) {
            // UTF-16 perhaps: not one line of it would be a name.
            throw new CharacterCodingException();
        }
        return (text.startsWith("\uFEFF") ? text.substring(1) : text).lines().toList();
    }

    private List<NamePattern> parse(List<String> lines) {
        List<NamePattern> patterns = new ArrayList<>();
        int passedOver = 0;
        for (int at = 0; at < lines.size(); at++) {
            String line = lines.get(at);
            int comment = line.indexOf('#');
            String text = (comment < 0 ? line : line.substring(0, comment)).trim();
            if (text.isEmpty()) {
                continue;
            }
            Optional<NamePattern> pattern = pattern(text);
            pattern.ifPresent(patterns::add);
            if (pattern.isEmpty() && ++passedOver <= MOST_TOLD) {
                tell("line " + (at + 1) + " of " + file + " is no server name and was passed over");
            }
        }
        if (passedOver > MOST_TOLD) {
            tell(passedOver - MOST_TOLD + " more lines of " + file + " are no server names and were passed over");
        }
        return patterns;
    }

    private static Optional<NamePattern> pattern(String text) {
        if (text.indexOf(NO_UTF_8) >= 0) {
            return Optional.empty();
        }
        try {
            return Optional.of(NamePattern.parse(text));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private void tell(String what) {
        events.publish(EventKind.ADVICE, "onDemandTls.permission.file: " + what);
    }
}
