package org.ondemandtls.command;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * certbot's configuration directory: {@code live/LINEAGE/fullchain.pem} and {@code privkey.pem}; the CA stands in {@code
 * renewal/LINEAGE.conf}. The folder above {@code live} is meant, or {@code live} itself.
 */
final class CertbotStorage extends ForeignStorage {

    private static final Pattern SERVER = Pattern.compile("(?m)^\\s*server\\s*=\\s*(https://\\S{1,500})\\s*$");
    private static final String CHAIN = "fullchain.pem";
    private static final String KEY = "privkey.pem";

    CertbotStorage(Path root) {
        super(root);
    }

    static boolean isThere(Path root) {
        try {
            return directories(live(root)).stream()
                    .anyMatch(lineage ->
                            Files.isRegularFile(lineage.resolve(CHAIN)) && Files.isRegularFile(lineage.resolve(KEY)));
        } catch (IOException e) {
            return false;
        }
    }

    @Override
    String owner() {
        return "certbot";
    }

    @Override
    void visit(Instant now, Visitor visitor) throws IOException {
        Path live = live(root());
        for (Path lineage : directories(live)) {
            Path chain = lineage.resolve(CHAIN);
            Path key = lineage.resolve(KEY);
            if (!Files.isRegularFile(chain) || !Files.isRegularFile(key)) {
                visitor.passedOver(lineage, CHAIN + " or " + KEY + " is not there");
                continue;
            }
            try {
                visitor.found(read(chain, key, issuer(live, lineage), now), lineage);
            } catch (UnusableException e) {
                visitor.passedOver(lineage, String.valueOf(e.getMessage()));
            }
        }
    }

    private static String issuer(Path live, Path lineage) throws IOException {
        Path conf = live.resolveSibling("renewal").resolve(lineage.getFileName() + ".conf");
        if (Files.isRegularFile(conf)) {
            Matcher server = SERVER.matcher(text(conf));
            if (server.find()) {
                return server.group(1);
            }
        }
        return "certbot";
    }

    private static Path live(Path root) {
        Path live = root.resolve("live");
        return Files.isDirectory(live) ? live : root;
    }
}
