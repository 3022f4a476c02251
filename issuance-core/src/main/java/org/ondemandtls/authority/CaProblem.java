package org.ondemandtls.authority;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.ondemandtls.name.ServerName;
import org.shredzone.acme4j.Problem;
import org.shredzone.acme4j.exception.AcmeProtocolException;
import org.shredzone.acme4j.toolbox.JSON;

/**
 * What a CA says went wrong (RFC 8555 section 6.7), fit for a log.
 *
 * @param type the ACME error type without its URN prefix, in the protocol's spelling; that of a sub-problem where it
 *     says less by itself; {@code unknown} where it is something else
 * @param text the CA's words in one line of at most {@value #LONGEST} characters
 * @param unpause the page that has to be visited before the CA goes on with a name it has paused, which the text then
 *     leaves out; empty where no name is paused
 */
record CaProblem(String type, String text, Optional<URI> unpause) {

    /** The longest text kept, in characters. */
    static final int LONGEST = 500;

    private static final int MOST_SUBPROBLEMS = 5;
    private static final String COMPOUND = "compound";

    /** What the types of ACME begin with (RFC 8555 section 6.7). */
    static final String PREFIX = "urn:ietf:params:acme:error:";

    private static final String UNKNOWN = "unknown";
    private static final String NO_WORDS = "no detail given";
    private static final String OLD_PREFIX = "urn:acme:error:";
    private static final Pattern TYPE = Pattern.compile("[A-Za-z]{1,40}");

    /** Those of the protocol and its extensions, by their lower case: some CAs leave the prefix out, or have another. */
    private static final Map<String, String> TYPES = Stream.of(
                    "accountDoesNotExist",
                    "alreadyReplaced",
                    "alreadyRevoked",
                    "badCSR",
                    "badNonce",
                    "badPublicKey",
                    "badRevocationReason",
                    "badSignatureAlgorithm",
                    "caa",
                    COMPOUND,
                    "connection",
                    "dns",
                    "externalAccountRequired",
                    "incorrectResponse",
                    "invalidContact",
                    "invalidProfile",
                    "malformed",
                    "orderNotReady",
                    "rateLimited",
                    "rejectedIdentifier",
                    "serverInternal",
                    "tls",
                    "unauthorized",
                    "unsupportedContact",
                    "unsupportedIdentifier",
                    "userActionRequired")
            .collect(Collectors.toUnmodifiableMap(type -> type.toLowerCase(Locale.ROOT), type -> type));

    /** What only passes or is the CA's own; where a name is refused for several reasons, another one counts. */
    private static final Set<String> LEAST = Set.of(UNKNOWN, COMPOUND, "serverInternal", "rateLimited");

    /** What a CA also says where the reason stands in a sub-problem, with the name it is about (RFC 8555 section 6.7.1). */
    private static final Set<String> SAY_LITTLE = Set.of(UNKNOWN, COMPOUND, "malformed", "unauthorized");

    private static final Pattern NO_ACCOUNT = Pattern.compile(
            "\\b(?:account|registration|kid)\\b(?:(?!\\b(?:order|authori[sz]ation|authori[sz]ed|challenge|certificate|domain"
                    + "|identifier|name|profile|allowed|permitted)\\b).){0,80}?"
                    + "\\b(?:not found|unknown|does ?n[o']t exist|not exist)\\b"
                    + "|\\b(?:no|unknown)(?: such)? (?:account|registration|kid)\\b"
                    + "(?!.{0,40}\\b(?:allowed|authori[sz]ed|may|permitted)\\b)",
            Pattern.CASE_INSENSITIVE);

    private static final Map<String, Pattern> MEANT = Map.of(
            "invalidProfile", Pattern.compile("\\bprofile\\b", Pattern.CASE_INSENSITIVE),
            "badCSR", Pattern.compile("\\bCSR\\b|certificate (?:signing )?request", Pattern.CASE_INSENSITIVE));

    // The link carries a signed token of several hundred characters.
    private static final Pattern LINK = Pattern.compile("https://[\\x21-\\x7e&&[^\"'<>\\\\^`{|}]]{1,2000}");
    private static final int LONGEST_PAUSED = 4096;
    private static final Pattern IDENTIFIER = Pattern.compile("[A-Za-z0-9.:*_-]{1,253}");

    // Control characters, and those that are not seen or turn what is seen around.
    private static final Pattern UNPRINTABLE = Pattern.compile("[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}\\p{Cs}\\p{Co}\\p{Cn}]+");

    /** Reads a problem document; sub-problems one level deep. */
    static CaProblem of(Problem problem) {
        return of(problem.asJSON());
    }

    /** Reads a problem document; sub-problems one level deep, and none where they are no list of objects. */
    static CaProblem of(JSON problem) {
        List<JSON> subproblems = subproblems(problem);
        String type = type(problem);
        if (SAY_LITTLE.contains(type)) {
            type = moreThan(type, subproblems.stream().map(CaProblem::type).toList());
        }
        String words = wordsAndName(problem);
        Optional<URI> unpause = unpause(words);
        StringBuilder text = new StringBuilder(
                unpause.isPresent() ? words.replace(unpause.get().toString(), "(link)") : words);
        for (JSON subproblem : subproblems) {
            text.append("; ").append(type(subproblem)).append(": ").append(wordsAndName(subproblem));
        }
        if (type.equals("userActionRequired")) {
            string(problem, "instance")
                    .filter(link -> LINK.matcher(link).matches())
                    .ifPresent(link -> text.append("; see ").append(link));
        }
        return new CaProblem(type, oneLine(text.toString()), unpause);
    }

    private static String moreThan(String type, List<String> ofSubproblems) {
        Optional<String> reason = ofSubproblems.stream()
                .filter(each -> !LEAST.contains(each) && !SAY_LITTLE.contains(each))
                .findFirst();
        if (reason.isPresent() || !LEAST.contains(type)) {
            return reason.orElse(type);
        }
        return ofSubproblems.stream()
                .filter(each -> !LEAST.contains(each))
                .findFirst()
                .or(() -> ofSubproblems.stream()
                        .filter(each -> !each.equals(UNKNOWN))
                        .findFirst())
                .orElse(type);
    }

    /** The same document with all that acme4j wants of one, and nothing it cannot read. */
    static JSON readable(JSON document) {
        Map<String, Object> all = new HashMap<>(described(document));
        string(document, "instance").ifPresent(link -> all.put("instance", link));
        all.put(
                "subproblems",
                subproblems(document).stream().map(CaProblem::described).toList());
        return JSON.fromMap(all);
    }

    private static Map<String, Object> described(JSON problem) {
        String type = type(problem);
        Map<String, Object> all = new HashMap<>();
        all.put("type", type.equals(UNKNOWN) ? "about:blank" : PREFIX + type);
        all.put("detail", words(problem));
        identifier(problem).ifPresent(name -> all.put("identifier", Map.of("type", "dns", "value", name)));
        return all;
    }

    /** Whether a document is meant as a problem of ACME, however it is labelled. */
    static boolean isMeant(JSON document) {
        return !type(document).equals(UNKNOWN);
    }

    /** Whether it says neither what is wrong nor anything else. */
    boolean saysNothing() {
        return type.equals(UNKNOWN) && text.equals(NO_WORDS);
    }

    /** Whether it says that there is no such account, which is less than that an account may not do something. */
    boolean isOfNoAccount() {
        return type.equals("accountDoesNotExist")
                || (Set.of("malformed", "unauthorized", UNKNOWN).contains(type)
                        && NO_ACCOUNT.matcher(text).find());
    }

    /**
     * The same with the type that its words mean, where a CA has none for what it says of a request: a profile, a CSR or a key
     * that it does not take.
     */
    CaProblem byItsWords() {
        if (!Set.of("malformed", UNKNOWN).contains(type)) {
            return this;
        }
        return MEANT.entrySet().stream()
                .filter(meant -> meant.getValue().matcher(text).find())
                .findFirst()
                .map(meant -> new CaProblem(meant.getKey(), text, unpause))
                .orElse(this);
    }

    /** Whether it has the name in its words. */
    boolean mentions(ServerName name) {
        return RateLimitScope.mentions(text, name);
    }

    /** A problem that pauses nothing. */
    static CaProblem of(String type, String text) {
        return new CaProblem(type, text, Optional.empty());
    }

    /** The same with where the CA looked, which some CAs say beside the problem ({@code validationRecord}). */
    CaProblem seenAt(JSON challenge) {
        List<String> looked = objects(challenge, "validationRecord").stream()
                .flatMap(record -> string(record, "addressUsed").stream()
                        .map(address -> address
                                + string(record, "port")
                                        .map(port -> " port " + port)
                                        .orElse("")))
                .distinct()
                .toList();
        return looked.isEmpty()
                ? this
                : new CaProblem(
                        type, oneLine(text + "; the CA looked at " + String.join(", then at ", looked)), unpause);
    }

    /** The same without words that must not be logged. */
    CaProblem without(String secret, String instead) {
        return new CaProblem(type, text.replace(secret, instead), unpause);
    }

    /** Text from outside made fit for a log: one line, printable, bounded. */
    static String oneLine(String text) {
        String start = text.length() > 4 * LONGEST ? text.substring(0, 4 * LONGEST) : text;
        String printable = UNPRINTABLE.matcher(start).replaceAll(" ").strip();
        return printable.length() > LONGEST ? printable.substring(0, LONGEST - 1) + "…" : printable;
    }

    private static String type(JSON problem) {
        String urn = string(problem, "type").orElse("").strip();
        String word =
                urn.substring(Math.max(urn.lastIndexOf(':'), Math.max(urn.lastIndexOf('/'), urn.lastIndexOf('#'))) + 1);
        String lower = urn.toLowerCase(Locale.ROOT);
        boolean isAcme = lower.startsWith(PREFIX) || lower.startsWith(OLD_PREFIX);
        return TYPES.getOrDefault(
                word.toLowerCase(Locale.ROOT), isAcme && TYPE.matcher(word).matches() ? word : UNKNOWN);
    }

    private static String words(JSON problem) {
        return string(problem, "detail")
                .or(() -> string(problem, "title"))
                .filter(text -> !text.isBlank())
                .orElse(NO_WORDS);
    }

    private static String wordsAndName(JSON problem) {
        String words = words(problem);
        return identifier(problem)
                .filter(name -> !words.contains(name))
                .map(name -> words + " (" + name + ")")
                .orElse(words);
    }

    // Of which name it speaks; empty where that is not said as it should be.
    private static Optional<String> identifier(JSON problem) {
        try {
            return problem.get("identifier")
                    .map(JSON.Value::asObject)
                    .flatMap(identifier -> string(identifier, "value"))
                    .filter(name -> IDENTIFIER.matcher(name).matches());
        } catch (AcmeProtocolException e) {
            return Optional.empty();
        }
    }

    private static Optional<String> string(JSON problem, String key) {
        return problem.get(key).map(JSON.Value::asString);
    }

    private static List<JSON> subproblems(JSON problem) {
        return objects(problem, "subproblems");
    }

    // None where they are no list of objects.
    private static List<JSON> objects(JSON owner, String key) {
        try {
            return owner.get(key).asArray().stream()
                    .filter(JSON.Value::isPresent)
                    .limit(MOST_SUBPROBLEMS)
                    .map(JSON.Value::asObject)
                    .toList();
        } catch (AcmeProtocolException e) {
            return List.of();
        }
    }

    // Let's Encrypt: "Your account is temporarily prevented from requesting certificates for a.example and possibly
    // others. Please visit: https://…/sfe/v1/unpause?jwt=…"
    private static Optional<URI> unpause(String words) {
        if (words.length() > LONGEST_PAUSED) {
            return Optional.empty();
        }
        String lower = words.toLowerCase(Locale.ROOT);
        if (!lower.contains("temporarily prevented") && !lower.contains("paused")) {
            return Optional.empty();
        }
        return LINK.matcher(words)
                .results()
                .map(found -> found.group().replaceFirst("[.,;:!?)\\]]+$", ""))
                .filter(link -> link.toLowerCase(Locale.ROOT).contains("unpause"))
                .flatMap(link -> https(link).stream())
                .findFirst();
    }

    private static Optional<URI> https(String link) {
        try {
            URI uri = new URI(link);
            return uri.getHost() != null && uri.getRawUserInfo() == null ? Optional.of(uri) : Optional.empty();
        } catch (URISyntaxException e) {
            return Optional.empty();
        }
    }
}
