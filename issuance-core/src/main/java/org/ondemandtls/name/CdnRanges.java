package org.ondemandtls.name;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The addresses of content delivery networks that end TLS in front of a server, so that a CA never sees this server's own
 * handshake. Immutable.
 */
public final class CdnRanges {

    private static final String RESOURCE = "cdn_ranges.txt";
    private static final Pattern LINE = Pattern.compile("([A-Za-z0-9._-]{1,40})\\s+(\\S{1,60})");
    private static final int MOST = 10_000;

    private record Range(String network, AddressBlock block) {}

    private final List<Range> ranges;

    private CdnRanges(List<Range> ranges) {
        this.ranges = List.copyOf(ranges);
    }

    private static final class Bundled {
        static final CdnRanges LIST = load();

        private static CdnRanges load() {
            try (InputStream in = CdnRanges.class.getResourceAsStream(RESOURCE)) {
                if (in == null) {
                    throw new IllegalStateException("the list of CDN addresses is missing from the jar");
                }
                return read(in);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** The list that was newest when this version was built; its first line is its date. Read on the first call. */
    public static CdnRanges bundled() {
        return Bundled.LIST;
    }

    /**
     * Reads a list: a network's name and a block of addresses on each line, comments after {@code #}.
     *
     * @param in the list in ASCII; read to its end, not closed
     * @return the list
     * @throws IOException if it cannot be read
     * @throws IllegalArgumentException if it is no such list, with the line and what is wrong
     */
    public static CdnRanges read(InputStream in) throws IOException {
        List<Range> ranges = new ArrayList<>();
        BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII));
        int number = 0;
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            number++;
            int comment = line.indexOf('#');
            String text = (comment < 0 ? line : line.substring(0, comment)).trim();
            if (text.isEmpty()) {
                continue;
            }
            Matcher words = LINE.matcher(text);
            if (!words.matches()) {
                throw new IllegalArgumentException("line " + number + " is not a name and a block of addresses");
            }
            try {
                ranges.add(new Range(words.group(1), AddressBlock.parse(words.group(2))));
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException("line " + number + ": " + e.getMessage(), e);
            }
            if (ranges.size() > MOST) {
                throw new IllegalArgumentException("more than " + MOST + " blocks");
            }
        }
        return new CdnRanges(ranges);
    }

    /** The network that an address belongs to; one comparison for each block. */
    public Optional<String> network(InetAddress address) {
        return ranges.stream()
                .filter(range -> range.block().contains(address))
                .map(Range::network)
                .findFirst();
    }

    /** How many blocks there are. */
    public int size() {
        return ranges.size();
    }
}
