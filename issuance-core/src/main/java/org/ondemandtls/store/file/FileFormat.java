package org.ondemandtls.store.file;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.ondemandtls.store.StoreException;

/**
 * The file that says which version laid out a directory, and which versions can work with it, so that a server can go back
 * to the version it had. A later version that only adds says so in a second line, {@code oldest: 1}; what it adds are fields,
 * further suffixes, and directories whose names begin with a dot, which this version leaves alone.
 */
final class FileFormat {

    /** The version this code writes. */
    static final int VERSION = 1;

    private static final String NAME = "FORMAT";
    private static final Pattern LAYOUT =
            Pattern.compile("ondemand-tls store ([1-9][0-9]{0,8})\n(?:oldest: ([1-9][0-9]{0,8})\n)?(?s:.*)");

    private FileFormat() {}

    /** Whether a directory says that it is a store. */
    static boolean isIn(Path root) {
        return Files.exists(in(root));
    }

    /** The file in a directory, whether it is there or not. */
    static Path in(Path root) {
        return root.resolve(NAME);
    }

    /**
     * Reads it.
     *
     * @param root the directory
     * @return what the operator should know: that a later version laid out the directory, and this one can work with it
     * @throws IOException if it cannot be read
     * @throws StoreException if this version cannot work with the directory, with what to do
     */
    static Optional<String> check(Path root) throws IOException, StoreException {
        Optional<byte[]> content = Disk.read(in(root));
        if (content.isEmpty()) {
            return Optional.empty();
        }
        Matcher layout = LAYOUT.matcher(new String(content.get(), US_ASCII));
        if (!layout.matches()) {
            throw new StoreException("the store " + root + " has a format this version does not know ("
                    + in(root) + "); use the version that wrote it, or set onDemandTls.store to "
                    + "another directory");
        }
        int version = Integer.parseInt(layout.group(1));
        int oldest = layout.group(2) == null ? version : Integer.parseInt(layout.group(2));
        if (version <= VERSION) {
            return Optional.empty();
        }
        String found = "the store " + root + " has the format of version " + version + " (" + root.resolve(NAME)
                + "); this server knows version " + VERSION;
        if (oldest > VERSION) {
            throw new StoreException(found + ", and the files need a server that knows version " + oldest
                    + " or later: install the version of On-Demand TLS that was here, or restore the backup from before"
                    + " the upgrade");
        }
        return Optional.of(found + " and works with it, since the file allows it from version " + oldest + " on");
    }

    /** Says it of a directory that does not yet. */
    static void write(Path root, Disk disk) throws IOException {
        if (!isIn(root)) {
            disk.write(in(root), ("ondemand-tls store " + VERSION + "\n").getBytes(US_ASCII));
        }
    }
}
