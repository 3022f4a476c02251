package org.ondemandtls.store.file;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.ondemandtls.store.Sha256;
import org.ondemandtls.store.Shelf;

/** Where in a directory what lies, and what its files are called on file systems of any kind. */
final class FileLayout {

    private static final String BUNDLE = ".pem";
    private static final String SEE = ".see";
    private static final Pattern HASHED = Pattern.compile("~[0-9a-f]{64}");
    private static final Pattern RESERVED = Pattern.compile("(con|prn|aux|nul|com[0-9]|lpt[0-9])(\\..*)?");
    private static final Pattern SHARD = Pattern.compile("[0-9a-f]{2}");
    private static final Pattern SECRETS = Pattern.compile("[a-z0-9-]+");
    private static final String WILDCARD = "_wildcard_";
    // With its suffix a file name stays below the 255 octets that file systems allow.
    private static final int LONGEST_PLAIN_NAME = 240;
    // All others hold secrets, except those whose names begin with a dot: a later version may have left them.
    private static final Set<String> OURS =
            Set.of("certificates", "orders", "quarantine", "tmp", "holds", "due", "ledger");

    private final Path root;

    FileLayout(Path root) {
        this.root = root;
    }

    Path root() {
        return root;
    }

    Path certificates() {
        return root.resolve("certificates");
    }

    Path quarantine() {
        return root.resolve("quarantine");
    }

    /** The directories that every store has. */
    List<Path> ours() {
        return OURS.stream().map(root::resolve).toList();
    }

    /** The directories that hold a shelf. */
    List<Path> of(Shelf shelf) throws IOException {
        return switch (shelf) {
            case CERTIFICATE -> named(SHARD, certificates());
            case ORDER -> List.of(root.resolve("orders"));
            case HOLD -> List.of(root.resolve("holds"));
            case SECRET -> {
                List<Path> others = new ArrayList<>(named(SECRETS, root));
                others.removeAll(ours());
                others.sort(null);
                yield others;
            }
        };
    }

    // What others keep there, a file system's lost+found for one, is none of ours and may not even be readable.
    private static List<Path> named(Pattern ours, Path parent) throws IOException {
        return Disk.directories(parent).stream()
                .filter(directory ->
                        ours.matcher(String.valueOf(directory.getFileName())).matches())
                .toList();
    }

    /** What the names of a shelf's files end in. */
    static String suffix(Shelf shelf) {
        return switch (shelf) {
            case CERTIFICATE -> BUNDLE;
            case ORDER -> ".order";
            case HOLD -> ".hold";
            case SECRET -> "";
        };
    }

    static String handle(Shelf shelf, String key) {
        return switch (shelf) {
            case CERTIFICATE, ORDER -> fileName(key);
            case HOLD -> Sha256.hex(key);
            case SECRET -> key;
        };
    }

    /** The handle of a file that is in one of the directories of a shelf, and whose name ends as it should. */
    static String handleOf(Shelf shelf, Path file) {
        String name = String.valueOf(file.getFileName());
        return shelf == Shelf.SECRET
                ? Disk.parentOf(file).getFileName() + "/" + name
                : name.substring(0, name.length() - suffix(shelf).length());
    }

    /** The file of a handle; of any other text one that is not there. */
    Path file(Shelf shelf, String handle) {
        return switch (shelf) {
            case CERTIFICATE -> certificates().resolve(shardOfFile(handle)).resolve(handle + BUNDLE);
            case ORDER, HOLD ->
                root.resolve(shelf == Shelf.ORDER ? "orders" : "holds").resolve(handle + suffix(shelf));
            case SECRET -> root.resolve(handle);
        };
    }

    /** The file that says which certificate another name leads to. */
    Path see(String name) {
        return certificates().resolve(shardOf(name)).resolve(fileName(name) + SEE);
    }

    /** The name in the name of a bundle's file, empty where it is a hash. */
    static Optional<String> nameOf(String fileName) {
        if (HASHED.matcher(fileName).matches()) {
            return Optional.empty();
        }
        if (fileName.startsWith(WILDCARD)) {
            return Optional.of('*' + fileName.substring(WILDCARD.length()));
        }
        return Optional.of(fileName.startsWith("_") ? fileName.substring(1) : fileName);
    }

    private static String shardOfFile(String fileName) {
        return nameOf(fileName).map(FileLayout::shardOf).orElseGet(() -> fileName.substring(1, 3));
    }

    private static String shardOf(String name) {
        return Sha256.hex(name).substring(0, 2);
    }

    private static String fileName(String name) {
        String spelled = name.startsWith("*") ? WILDCARD + name.substring(1) : name;
        if (spelled.length() > LONGEST_PLAIN_NAME) {
            return "~" + Sha256.hex(name);
        }
        return RESERVED.matcher(spelled).matches() ? "_" + spelled : spelled;
    }
}
