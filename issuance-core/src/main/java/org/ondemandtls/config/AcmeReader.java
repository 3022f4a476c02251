package org.ondemandtls.config;

import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.ondemandtls.config.OnDemandTlsConfig.Acme;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.config.OnDemandTlsConfig.Directory;
import org.ondemandtls.config.OnDemandTlsConfig.ExternalAccountBinding;
import org.ondemandtls.config.OnDemandTlsConfig.Issuer;
import org.ondemandtls.config.OnDemandTlsConfig.KeyType;

/** Reads how ACME CAs are spoken to: what is said of all, and of each of several by its place in the list. */
final class AcmeReader {

    private static final int HTTPS_PORT = 443;

    private final GivenKeys given;
    private final ValueFiles files;
    private KeyType usual = KeyType.P_256;

    /**
     * Reads nothing yet.
     *
     * @param given what the operator wrote
     * @param files where the files are that are named
     */
    AcmeReader(GivenKeys given, ValueFiles files) {
        this.given = given;
        this.files = files;
    }

    /** Reads it all; mistakes are reported and passed over. */
    Acme read(Issuer issuer) {
        List<Directory> directories = directories(issuer);
        int cas = directories.size();
        OfCas<String> email = ofCas(ConfigKey.ACME_EMAIL, Grammar.EMAIL, cas);
        OfCas<String> profile = ofCas(ConfigKey.ACME_PROFILE, Grammar.PROFILE, cas);
        OfCas<Path> roots = ofCas(ConfigKey.ACME_TRUSTED_ROOTS, files::trustedRoots, cas);
        OfCas<KeyType> keys = ofCas(ConfigKey.CERTIFICATE_KEY, AcmeReader::keyType, cas);
        usual = keys.all().orElse(usual);
        List<List<ChallengeType>> challenges = challenges(cas);
        List<Directory> told = new ArrayList<>();
        for (int i = 0; i < cas; i++) {
            Directory ca = directories.get(i);
            Optional<List<ChallengeType>> own =
                    challenges.size() > 1 ? Optional.of(challenges.get(i)) : Optional.empty();
            Optional<KeyType> key = given.isList(ConfigKey.CERTIFICATE_KEY)
                    ? Optional.of(keys.at(i).orElse(KeyType.P_256))
                    : Optional.empty();
            told.add(new Directory(
                    ca.url(), ca.alias(), ca.eab(), new CaSettings(email.at(i), profile.at(i), roots.at(i), own, key)));
        }
        List<ChallengeType> allowed =
                challenges.stream().flatMap(List::stream).distinct().toList();
        return new Acme(
                told,
                email.all(),
                profile.all(),
                roots.all(),
                allowed,
                given.elements(ConfigKey.ACME_ORIGINS, Grammar::origin),
                given.optional(ConfigKey.ACME_PREFERRED_CHAIN, Grammar.ISSUER_NAME),
                throughProxies(allowed),
                given.optional(ConfigKey.ACME_PROXY, CaProxy::parse));
    }

    /**
     * The kind of key where one is said for all, the first CA's otherwise; the default where that CA has none.
     *
     * @param acme what {@link #read} returned
     */
    KeyType keyType(Acme acme) {
        return acme.directories().get(0).own().keyType().orElse(usual);
    }

    private static KeyType keyType(String text) throws Mistake {
        return Grammar.choice(KeyType.values(), ConfigReader::spelling, text);
    }

    private boolean throughProxies(List<ChallengeType> challenges) {
        boolean wanted = given.required(ConfigKey.CHALLENGE_THROUGH_PROXIES, Grammar::bool);
        if (wanted && !challenges.isEmpty() && !challenges.contains(ChallengeType.HTTP_01)) {
            given.report(
                    ConfigKey.CHALLENGE_THROUGH_PROXIES + ": " + ConfigKey.ACME_CHALLENGES
                            + " does not allow http-01, the only proof that gets through a proxy; allow it, or remove this key");
        }
        return wanted;
    }

    /** What is said of all CAs, or of each of several by its place. */
    private record OfCas<T>(Optional<T> all, List<Optional<T>> each) {
        Optional<T> at(int place) {
            return place < each.size() ? each.get(place) : Optional.empty();
        }
    }

    private <T> OfCas<T> ofCas(ConfigKey key, GivenKeys.Parser<T> parser, int cas) {
        // Where the list of CAs is wrong, it may be for several that this one is a list.
        boolean perhapsOne = cas == 1 && !given.isWrong(ConfigKey.ACME_DIRECTORY);
        if (!given.isList(key) || (perhapsOne && key != ConfigKey.CERTIFICATE_KEY)) {
            return new OfCas<>(given.optional(key, parser), List.of());
        }
        List<Optional<T>> each = given.places(key, parser);
        int written = given.written(key, ",");
        requireOneEach(key, each.size() > cas ? each.size() : Math.min(written, cas), cas, ",");
        return new OfCas<>(Optional.empty(), each);
    }

    private void requireOneEach(ConfigKey key, int written, int cas, String separator) {
        // Where the list of CAs is wrong, their number is not known.
        if (written != cas && !given.isWrong(ConfigKey.ACME_DIRECTORY)) {
            given.report(key + ": there are " + written + " for " + cas + (cas == 1 ? " CA" : " CAs")
                    + "; write one for all, or one for each of " + ConfigKey.ACME_DIRECTORY
                    + " in the same order, "
                    + (separator.equals(",")
                            ? "nothing between the commas where there is none"
                            : "separated by semicolons"));
        }
    }

    /** One list for all CAs, or one for each. */
    private List<List<ChallengeType>> challenges(int cas) {
        List<List<ChallengeType>> lists = given.lists(ConfigKey.ACME_CHALLENGES, ';', Grammar::challenge);
        for (List<ChallengeType> challenges : lists) {
            var once = new HashSet<ChallengeType>();
            for (ChallengeType challenge : challenges) {
                if (!once.add(challenge)) {
                    given.report(ConfigKey.ACME_CHALLENGES + ": " + Mistake.quoted(challenge.identifier())
                            + " is given twice; name each challenge once");
                }
            }
        }
        if (lists.size() == 1) {
            return lists;
        }
        requireOneEach(ConfigKey.ACME_CHALLENGES, lists.size(), cas, ";");
        return lists.size() == cas || given.isWrong(ConfigKey.ACME_DIRECTORY) ? lists : lists.subList(0, 1);
    }

    private List<Directory> directories(Issuer issuer) {
        List<Directory> directories = given.elements(ConfigKey.ACME_DIRECTORY, Grammar::directory);
        List<Optional<ExternalAccountBinding>> bindings = given.places(ConfigKey.ACME_EAB, Grammar::eab);
        if (directories.isEmpty() || given.isWrong(ConfigKey.ACME_DIRECTORY)) {
            // Which binding belongs to which CA cannot be told any more; the mistake is reported already.
            return List.of(Grammar.directory(PublicCa.LETSENCRYPT));
        }
        var once = new HashSet<String>();
        for (Directory directory : directories) {
            if (!once.add(sameFor(directory.url()))) {
                given.report(ConfigKey.ACME_DIRECTORY + ": "
                        + Mistake.quoted(
                                directory.alias().orElse(directory.url().getHost()))
                        + " is given twice; name each CA once");
            }
        }
        if (bindings.size() > directories.size()) {
            given.report(ConfigKey.ACME_EAB + ": there are " + bindings.size() + " bindings for "
                    + directories.size() + (directories.size() == 1 ? " CA" : " CAs")
                    + "; write one for each of " + ConfigKey.ACME_DIRECTORY
                    + " in the same order, nothing between the commas where there is none");
        }
        boolean ordersFromIt = issuer == Issuer.ACME && !given.isWrong(ConfigKey.ISSUER);
        List<Directory> bound = new ArrayList<>();
        for (int i = 0; i < directories.size(); i++) {
            Directory directory = directories.get(i);
            Optional<ExternalAccountBinding> eab = i < bindings.size() ? bindings.get(i) : Optional.empty();
            bound.add(new Directory(directory.url(), directory.alias(), eab));
            if (ordersFromIt && eab.isEmpty() && !given.isWrong(ConfigKey.ACME_EAB)) {
                directory
                        .alias()
                        .flatMap(PublicCa::named)
                        .filter(PublicCa::wantsBinding)
                        .ifPresent(ca -> given.report(ConfigKey.ACME_DIRECTORY + ": " + ca
                                + " opens no account without external account binding; set "
                                + ConfigKey.ACME_EAB + " to the KEYID:BASE64URL-HMAC it gave you"
                                + (directories.size() == 1 ? "" : ", at the same place in the list")));
            }
        }
        return bound;
    }

    // An explicit port 443 and the case of the host make no difference.
    private static String sameFor(URI url) {
        String port = url.getPort() == -1 || url.getPort() == HTTPS_PORT ? "" : ":" + url.getPort();
        String query = url.getRawQuery() == null ? "" : "?" + url.getRawQuery();
        return url.getHost().toLowerCase(Locale.ROOT) + port + url.getRawPath() + query;
    }
}
