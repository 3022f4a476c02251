package org.ondemandtls.command;

import java.io.IOException;
import java.net.URI;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.ondemandtls.certificate.InvalidPemException;
import org.ondemandtls.certificate.KeyPairs;
import org.ondemandtls.certificate.Pem;
import org.ondemandtls.config.PublicCa;

/**
 * The accounts in Caddy's storage: {@code acme/CA/users/EMAIL/USER.json} with {@code USER.key} beside it. {@code CA} is made of
 * the directory URL, with hyphens for slashes and colons.
 */
final class CaddyAccounts {

    private static final Pattern LOCATION =
            Pattern.compile("\"(?:location|uri)\"\\s*:\\s*\"(https://[^\"\\\\\\s]{1,500})\"");
    private static final Pattern STATUS = Pattern.compile("\"status\"\\s*:\\s*\"([a-z]{1,30})\"");
    private static final Pattern UNSAFE = Pattern.compile("[^\\w@.-]");

    /** The files of one account. */
    private record User(String ca, String path) {}

    private final KeptFiles files;
    private final boolean beside;
    private final Set<URI> directories;

    /**
     * Reads nothing yet.
     *
     * @param files Caddy's storage
     * @param beside whether they may be beside it: it is the folder of the certificates itself
     * @param directories of CAs whose certificates are in it
     */
    CaddyAccounts(KeptFiles files, boolean beside, Set<URI> directories) {
        this.files = files;
        this.beside = beside;
        this.directories = new LinkedHashSet<>(directories);
        for (PublicCa ca : PublicCa.values()) {
            this.directories.add(ca.directory());
        }
    }

    static boolean isAny(KeptFiles files) throws IOException {
        return !users(files, false).isEmpty();
    }

    /** Tells of each. */
    void visit(ForeignStorage.Visitor visitor) throws IOException {
        for (User user : users(files, beside)) {
            String where = files.place(user.path());
            FoundAccount account;
            try {
                account = read(user);
            } catch (ForeignStorage.UnusableException e) {
                visitor.passedOver(where, String.valueOf(e.getMessage()));
                continue;
            }
            visitor.account(account, where);
        }
    }

    private FoundAccount read(User user) throws ForeignStorage.UnusableException {
        try {
            String about = files.text(user.path() + ".json");
            Matcher status = STATUS.matcher(about);
            if (status.find() && !status.group(1).equals("valid")) {
                throw new ForeignStorage.UnusableException("the account is " + status.group(1));
            }
            Matcher location = LOCATION.matcher(about);
            Optional<String> url = location.find() ? Optional.of(location.group(1)) : Optional.empty();
            URI directory = directory(user.ca(), url)
                    .orElseThrow(() -> new ForeignStorage.UnusableException(FoundAccount.NO_DIRECTORY));
            KeyPair key = KeyPairs.pair(Pem.readAnyPrivateKey(files.text(user.path() + ".key")));
            return FoundAccount.of(directory, key, url);
        } catch (InvalidPemException | GeneralSecurityException e) {
            throw new ForeignStorage.UnusableException("the key of the account cannot be used: " + e.getMessage());
        } catch (IOException e) {
            throw new ForeignStorage.UnusableException(FileTrouble.inWords(e));
        }
    }

    private Optional<URI> directory(String folder, Optional<String> account) {
        for (URI directory : directories) {
            if (folder(directory).equals(folder)) {
                return Optional.of(directory);
            }
        }
        // What is left of the folder after the host is the path, as long as that has no hyphens of its own.
        return account.flatMap(FoundAccount::https)
                .filter(url -> folder.startsWith(safe(url.getAuthority())))
                .flatMap(url -> FoundAccount.https("https://" + url.getAuthority() + "/"
                        + folder.substring(safe(url.getAuthority()).length())
                                .replaceFirst("^-", "")
                                .replace('-', '/')));
    }

    private static String folder(URI directory) {
        String path = directory.getRawPath().replace('/', '-').replaceAll("^-+|-+$", "");
        return safe(directory.getAuthority() + (path.isEmpty() ? "" : "-" + path));
    }

    private static String safe(String text) {
        return UNSAFE.matcher(text.toLowerCase(Locale.ROOT).replace(':', '-')).replaceAll("");
    }

    private static List<User> users(KeptFiles files, boolean beside) throws IOException {
        List<User> found = new ArrayList<>();
        for (String top : beside ? List.of("acme/", "../acme/", "") : List.of("acme/", "")) {
            for (String ca : files.directories(top)) {
                String users = top + ca + "/users";
                for (String email : files.directories(users)) {
                    for (String name : files.names(users + '/' + email, ".json")) {
                        User user = new User(ca, users + '/' + email + '/' + name);
                        if (files.isFile(user.path() + ".key")) {
                            found.add(user);
                        }
                    }
                }
            }
            if (!found.isEmpty()) {
                break;
            }
        }
        return found;
    }
}
