package org.ondemandtls.command;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Caddy's file storage: {@code certificates/ISSUER/NAME/NAME.crt} with {@code .key} and {@code .json} beside it. The folder
 * above {@code certificates} is meant, or that one itself.
 */
final class CaddyStorage extends ForeignStorage {

    private static final Pattern CA = Pattern.compile("\"ca\"\\s*:\\s*\"(https://[^\"\\\\\\s]{1,500})\"");

    CaddyStorage(Path root) {
        super(root);
    }

    static boolean isThere(Path root) {
        try {
            return !bundles(root).isEmpty();
        } catch (IOException e) {
            return false;
        }
    }

    @Override
    String owner() {
        return "Caddy";
    }

    @Override
    void visit(Instant now, Visitor visitor) throws IOException {
        for (Path bundle : bundles(root())) {
            String name = nameOf(bundle);
            try {
                visitor.found(
                        read(bundle.resolve(name + ".crt"), bundle.resolve(name + ".key"), issuer(bundle, name), now),
                        bundle);
            } catch (UnusableException e) {
                visitor.passedOver(bundle, String.valueOf(e.getMessage()));
            }
        }
    }

    // What Caddy knows of the issuer stands in the JSON beside; older ones have only the folder it made of the URL.
    private static String issuer(Path bundle, String name) throws IOException {
        Path about = bundle.resolve(name + ".json");
        if (Files.isRegularFile(about)) {
            Matcher ca = CA.matcher(text(about));
            if (ca.find()) {
                return ca.group(1);
            }
        }
        return Optional.ofNullable(bundle.getParent())
                .map(Path::getFileName)
                .map(Path::toString)
                .orElse("caddy");
    }

    private static String nameOf(Path bundle) {
        return String.valueOf(bundle.getFileName());
    }

    private static List<Path> bundles(Path root) throws IOException {
        Path certificates = root.resolve("certificates");
        Path top = Files.isDirectory(certificates) ? certificates : root;
        List<Path> found = new ArrayList<>();
        for (Path issuer : directories(top)) {
            for (Path bundle : directories(issuer)) {
                String name = nameOf(bundle);
                if (Files.isRegularFile(bundle.resolve(name + ".crt"))
                        && Files.isRegularFile(bundle.resolve(name + ".key"))) {
                    found.add(bundle);
                }
            }
        }
        return found;
    }
}
