package org.ondemandtls.command;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * certbot's configuration directory: {@code live/LINEAGE/fullchain.pem} and {@code privkey.pem}; the CA stands in {@code
 * renewal/LINEAGE.conf}. The folder above {@code live} is meant, or {@code live} itself.
 *
 * <p>Of two lineages with one name the one that was issued later is for that name. So the earlier one comes first, and is left
 * out where nothing of it would be served.
 */
final class CertbotStorage extends ForeignStorage {

    private static final Pattern SERVER = Pattern.compile("(?m)^\\s*server\\s*=\\s*(https://\\S{1,500})\\s*$");
    private static final String CHAIN = "/fullchain.pem";
    private static final String KEY = "/privkey.pem";

    /** A lineage that could be read. */
    private record Lineage(String name, FoundCertificate found) {

        Instant issued() {
            return found.certificate().notBefore();
        }

        Set<String> names() {
            return found.certificate().names();
        }

        String firstName() {
            return names().iterator().next();
        }
    }

    CertbotStorage(KeptFiles files) {
        super(files);
    }

    static boolean isThere(KeptFiles files) {
        try {
            String live = live(files);
            return files.directories(live).stream()
                            .anyMatch(lineage ->
                                    files.isFile(live + lineage + CHAIN) || files.isFile(live + lineage + KEY))
                    || CertbotAccounts.isAny(files);
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
        List<Lineage> lineages = readable(now, visitor);
        lineages.sort(Comparator.comparing(Lineage::issued));
        for (int i = 0; i < lineages.size(); i++) {
            Lineage lineage = lineages.get(i);
            Optional<String> later = replacedBy(lineage, lineages.subList(i + 1, lineages.size()));
            if (later.isPresent()) {
                visitor.passedOver(place(lineage.name()), later.get());
            } else {
                visitor.found(lineage.found(), place(lineage.name()));
            }
        }
    }

    // A store keeps one certificate for each first name.
    private static Optional<String> replacedBy(Lineage lineage, List<Lineage> later) {
        Set<String> rest = new LinkedHashSet<>(lineage.names());
        for (Lineage other : later) {
            rest.removeAll(other.names());
            if (other.firstName().equals(lineage.firstName())) {
                return Optional.of("the lineage " + other.name() + " is for " + lineage.firstName()
                        + " too and was issued later"
                        + (rest.isEmpty()
                                ? ""
                                : "; these names get a certificate at their next visit: " + String.join(" ", rest)));
            }
        }
        return rest.isEmpty() ? Optional.of("lineages that were issued later have all its names") : Optional.empty();
    }

    private List<Lineage> readable(Instant now, Visitor visitor) throws IOException {
        List<Lineage> lineages = new ArrayList<>();
        String live = live(files());
        if (live.isEmpty() && !files().directories("accounts").isEmpty()) {
            return lineages;
        }
        for (String name : files().directories(live)) {
            String chain = live + name + CHAIN;
            String key = live + name + KEY;
            if (!files().isFile(chain) || !files().isFile(key)) {
                visitor.passedOver(place(name), "fullchain.pem or privkey.pem is not there");
                continue;
            }
            try {
                lineages.add(new Lineage(name, read(chain, key, issuer(name), now)));
            } catch (UnusableException e) {
                visitor.passedOver(place(name), String.valueOf(e.getMessage()));
            }
        }
        return lineages;
    }

    @Override
    void visitAccounts(Visitor visitor) throws IOException {
        boolean isLive =
                live(files()).isEmpty() && files().directories("accounts").isEmpty();
        new CertbotAccounts(files(), isLive).visit(visitor);
    }

    private String issuer(String lineage) {
        String conf = (live(files()).isEmpty() ? "../" : "") + "renewal/" + lineage + ".conf";
        try {
            Optional<String> server = server(files().isFile(conf) ? files().text(conf) : "");
            if (server.isPresent()) {
                return server.get();
            }
        } catch (IOException unreadable) {
            // Then nobody knows.
        }
        return "certbot";
    }

    /** The directory URL of the CA that a lineage is renewed by; empty where its file does not say. */
    static Optional<String> server(String conf) {
        Matcher server = SERVER.matcher(conf);
        return server.find() ? Optional.of(server.group(1)) : Optional.empty();
    }

    private String place(String lineage) {
        return files().place(live(files()) + lineage);
    }

    private static String live(KeptFiles files) {
        try {
            return files.directories("live").isEmpty() ? "" : "live/";
        } catch (IOException e) {
            return "";
        }
    }
}
