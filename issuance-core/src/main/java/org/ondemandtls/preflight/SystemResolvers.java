package org.ondemandtls.preflight;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.xbill.DNS.ResolverConfig;
import org.xbill.DNS.SimpleResolver;

/**
 * The resolvers the system is configured with, read again when that changes: after a change of networks the old one does not
 * answer any more.
 *
 * <p>Where there is a {@code resolv.conf} it is read, each time after a look at its dates; elsewhere the library asks the
 * system once more for each list. Safe for use by many threads; blocks for a file access.
 */
final class SystemResolvers implements Supplier<List<InetSocketAddress>> {

    static final Path RESOLV_CONF = Path.of("/etc/resolv.conf");

    private static final int MOST = 3;
    private static final long LARGEST_FILE = 64 * 1024L;
    // An address, so that no name is looked up; what follows it means nothing, as a remark some tools write.
    private static final Pattern LINE =
            Pattern.compile("\\s*nameserver\\s+([0-9.]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.%\\w-]*)(?:\\s.*)?");

    private record Stamp(
            FileTime modified, long size, @Nullable Object key) {}

    private final Path file;
    private @Nullable Stamp seen;
    private List<InetSocketAddress> servers = List.of();

    SystemResolvers(Path file) {
        this.file = file;
    }

    @Override
    public synchronized List<InetSocketAddress> get() {
        try {
            BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
            Stamp stamp = new Stamp(attributes.lastModifiedTime(), attributes.size(), attributes.fileKey());
            if (!stamp.equals(seen) && attributes.size() <= LARGEST_FILE) {
                servers = read();
                seen = stamp;
            }
        } catch (IOException none) {
            if (seen == null) {
                ResolverConfig.refresh();
                return ResolverConfig.getCurrentConfig().servers();
            }
        }
        return servers;
    }

    private List<InetSocketAddress> read() throws IOException {
        List<InetSocketAddress> found = new ArrayList<>();
        for (String line : new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1).split("\\R", -1)) {
            Matcher server = LINE.matcher(line);
            if (server.matches() && found.size() < MOST) {
                try {
                    found.add(
                            new InetSocketAddress(InetAddress.getByName(server.group(1)), SimpleResolver.DEFAULT_PORT));
                } catch (UnknownHostException malformed) {
                    // As the C library does: the line is passed over.
                }
            }
        }
        // What the C library does without a line.
        return found.isEmpty()
                ? List.of(new InetSocketAddress(InetAddress.getLoopbackAddress(), SimpleResolver.DEFAULT_PORT))
                : List.copyOf(found);
    }
}
