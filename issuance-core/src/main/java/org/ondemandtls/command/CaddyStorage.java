package org.ondemandtls.command;

import java.io.IOException;
import java.net.URI;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Caddy's storage of files, or an export of it: {@code certificates/ISSUER/NAME/NAME.crt} with {@code .key} and {@code .json}
 * beside it, in Caddy 1 {@code acme/HOST/sites/NAME/NAME.crt}. The folder above {@code certificates} or {@code acme} is meant,
 * or that one itself.
 */
final class CaddyStorage extends ForeignStorage {

    private static final Pattern CA = Pattern.compile("\"ca\"\\s*:\\s*\"(https://[^\"\\\\\\s]{1,500})\"");
    private static final String LETS_ENCRYPT = "acme-v02.api.letsencrypt.org";

    /** A folder of one certificate: its path, its name, and the folder of its issuer. */
    private record Bundle(String path, String name, String issuer) {

        String file(String ending) {
            return path + '/' + name + ending;
        }
    }

    CaddyStorage(KeptFiles files) {
        super(files);
    }

    static boolean isThere(KeptFiles files) {
        try {
            return !bundles(files).isEmpty() || CaddyAccounts.isAny(files);
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
        for (Bundle bundle : bundles(files())) {
            String where = files().place(bundle.path());
            String missing = missing(bundle);
            if (!missing.isEmpty()) {
                visitor.passedOver(where, missing + " is not there");
                continue;
            }
            FoundCertificate found;
            try {
                found = read(bundle.file(".crt"), bundle.file(".key"), issuer(bundle), now);
            } catch (UnusableException e) {
                visitor.passedOver(where, String.valueOf(e.getMessage()));
                continue;
            }
            visitor.found(found, where);
        }
    }

    @Override
    void visitAccounts(Visitor visitor) throws IOException {
        Set<URI> directories = new LinkedHashSet<>();
        List<Bundle> bundles = bundles(files());
        for (Bundle bundle : bundles) {
            FoundAccount.https(issuer(bundle)).ifPresent(directories::add);
        }
        boolean certificatesThemselves = !bundles.isEmpty() && !isAbove(files());
        new CaddyAccounts(files(), certificatesThemselves, directories).visit(visitor);
    }

    private String missing(Bundle bundle) {
        for (String ending : List.of(".crt", ".key")) {
            if (!files().isFile(bundle.file(ending))) {
                return bundle.name() + ending;
            }
        }
        return "";
    }

    // What Caddy knows of the issuer stands in the JSON beside; older ones have only the folder it made of the URL.
    private String issuer(Bundle bundle) {
        String about = bundle.file(".json");
        try {
            Matcher ca = CA.matcher(files().isFile(about) ? files().text(about) : "");
            if (ca.find()) {
                return ca.group(1);
            }
        } catch (IOException unreadable) {
            // The folder has to do.
        }
        return bundle.issuer().equals(LETS_ENCRYPT) ? "https://" + LETS_ENCRYPT + "/directory" : bundle.issuer();
    }

    private static boolean isAbove(KeptFiles files) throws IOException {
        return !files.directories("certificates").isEmpty()
                || !files.directories("acme").isEmpty();
    }

    private static List<Bundle> bundles(KeptFiles files) throws IOException {
        List<Bundle> found = new ArrayList<>();
        for (String top : isAbove(files) ? List.of("certificates/", "acme/") : List.of("")) {
            for (String issuer : files.directories(top)) {
                add(files, top + issuer, issuer, found);
                add(files, top + issuer + "/sites", issuer, found);
            }
        }
        return found;
    }

    private static void add(KeptFiles files, String parent, String issuer, List<Bundle> found) throws IOException {
        for (String name : files.directories(parent)) {
            Bundle bundle = new Bundle(parent + '/' + name, name, issuer);
            // A key alone is what an order leaves that did not end in a certificate yet; it is told as well.
            if (files.isFile(bundle.file(".crt")) || files.isFile(bundle.file(".key"))) {
                found.add(bundle);
            }
        }
    }
}
