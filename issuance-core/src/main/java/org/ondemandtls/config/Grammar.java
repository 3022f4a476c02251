package org.ondemandtls.config;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.config.GivenKeys.Parser;
import org.ondemandtls.config.OnDemandTlsConfig.Allowance;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.config.OnDemandTlsConfig.Directory;
import org.ondemandtls.config.OnDemandTlsConfig.ExternalAccountBinding;
import org.ondemandtls.name.AddressBlock;
import org.ondemandtls.name.ServerName;

/** The forms of single values, each with the sentence for a text that does not have it. */
final class Grammar {

    // HMAC with SHA-256 wants a key of at least the length of the hash (RFC 7518 section 3.2).
    private static final int MIN_HMAC = 32;
    private static final int ENCRYPTION_KEY = 32;
    private static final String MAKE_KEY = "make one with: openssl rand -base64 32";
    private static final int MAX_PORT = 65_535;
    private static final Duration LONGEST_WINDOW = Duration.ofDays(31);
    private static final Pattern ALLOWANCE = Pattern.compile("([0-9]{1,9})/([0-9a-z]{1,20})");
    private static final Pattern WHOLE_NUMBER = Pattern.compile("[0-9]{1,18}");
    private static final Pattern KEY_ID = Pattern.compile("[\\x21-\\x7e]+");
    private static final Pattern BASE64URL = Pattern.compile("([A-Za-z0-9_-]+)=*");
    private static final Pattern DOMAIN_PARAMETER = Pattern.compile("(^|.*&)domain(=.*|&.*|$)");
    // An IPv6 address with a port stands in brackets.
    private static final Pattern RESOLVER = Pattern.compile(
            "\\[([0-9A-Fa-f:.]+)\\](?::([0-9]{1,5}))?|([0-9.]+|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*?)(?::([0-9]{1,5}))?");
    private static final int DNS_PORT = 53;
    private static final Pattern QUOTED = Pattern.compile("'[^']*'|\"[^\"]*\"");

    /** The name of a class. */
    static final Parser<String> CLASS_NAME = matching(
            Pattern.compile(
                    "\\p{javaJavaIdentifierStart}\\p{javaJavaIdentifierPart}*(\\.\\p{javaJavaIdentifierStart}\\p{javaJavaIdentifierPart}*)*"),
            "is no name of a class; write it in full, like com.example.MyPermission");

    /** The name of an application's attribute. */
    static final Parser<String> BEAN = matching(
            Pattern.compile("[\\x21-\\x7e]{1,200}"),
            "is no name of an attribute; write what the application calls it, like customers.mayHave");

    /** A single e-mail address. */
    static final Parser<String> EMAIL = matching(
            Pattern.compile("[^\\s\\p{Cntrl}@:,;?<>]+@[^\\s\\p{Cntrl}@:,;?<>]+"),
            "is no e-mail address; write a single one, like ops@example.com");

    /** A CA's name for a profile. */
    static final Parser<String> PROFILE = matching(
            Pattern.compile("[\\x21-\\x7e]{1,64}"),
            "is no name of a profile; write the CA's name for it, without spaces");

    /** The server's name for a role of its users. */
    static final Parser<String> ROLE = matching(
            Pattern.compile("[\\x21-\\x7e&&[^,]]{1,100}"),
            "is no name of a role; write what the server calls it, without spaces or commas");

    /** The common name of an issuer. */
    static final Parser<String> ISSUER_NAME = matching(
            Pattern.compile("\\p{Print}{1,200}"), "is no name of an issuer; write its common name, like ISRG Root X1");

    /** So many in so long. */
    static final Parser<Rate> RATE = accepted(Quantity::rate, Quantity.NO_RATE);

    /** A block of addresses. */
    static final Parser<AddressBlock> ADDRESS_BLOCK = accepted(
            AddressBlock::parse, "is no block of addresses; write one like 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32");

    /** A name or a wildcard. */
    static final Parser<NamePattern> NAME_PATTERN = accepted(
            NamePattern::parse,
            "is no server name; write a full name like a.example.com, or *.example.com for one label");

    /** A full name. */
    static final Parser<ServerName> SERVER_NAME =
            accepted(ServerName::parse, "is no server name; write a full name like www.example.com");

    private static final Parser<Duration> DURATION = accepted(Quantity::duration, Quantity.NO_DURATION);

    private Grammar() {}

    private static Parser<String> matching(Pattern form, String otherwise) {
        return text -> {
            if (!form.matcher(text).matches()) {
                throw new Mistake(text, otherwise);
            }
            return text;
        };
    }

    private static <T> Parser<T> accepted(Function<String, T> reader, String otherwise) {
        return text -> {
            try {
                return reader.apply(text);
            } catch (IllegalArgumentException notOne) {
                throw new Mistake(text, otherwise);
            }
        };
    }

    /** A duration within the bounds of its key. */
    static Parser<Duration> durationWithin(ConfigKey key) {
        return text -> {
            Duration least = Quantity.duration(key.least().orElseThrow());
            Duration most = Quantity.duration(key.most().orElseThrow());
            Duration duration = DURATION.parse(text);
            if (duration.compareTo(least) < 0 || duration.compareTo(most) > 0) {
                throw outOfBounds(key, text, "duration");
            }
            return duration;
        };
    }

    /** A duration within the bounds of its key, or {@code none}. */
    static Parser<Optional<Duration>> durationOrNone(ConfigKey key) {
        return text -> text.equals("none")
                ? Optional.empty()
                : Optional.of(durationWithin(key).parse(text));
    }

    /** A number within the bounds of its key. */
    static Parser<Integer> numberWithin(ConfigKey key) {
        return text -> {
            if (!WHOLE_NUMBER.matcher(text).matches()) {
                throw new Mistake(text, "is not a whole number; write digits only, like 10000");
            }
            long number = Long.parseLong(text);
            if (number < Long.parseLong(key.least().orElseThrow())
                    || number > Long.parseLong(key.most().orElseThrow())) {
                throw outOfBounds(key, text, "number");
            }
            return Math.toIntExact(number);
        };
    }

    /** A number within the bounds of its key, or {@code auto} for one that is given here. */
    static Parser<Integer> numberOrAuto(ConfigKey key, int automatic) {
        return text -> text.equals("auto")
                ? Integer.valueOf(automatic)
                : numberWithin(key).parse(text);
    }

    private static Mistake outOfBounds(ConfigKey key, String text, String kind) {
        return new Mistake(
                text,
                "is out of bounds; write a " + kind + " from " + key.least().orElseThrow() + " to "
                        + key.most().orElseThrow());
    }

    /** True or false. */
    static boolean bool(String text) throws Mistake {
        return switch (text) {
            case "true" -> true;
            case "false" -> false;
            default -> throw new Mistake(text, "is neither true nor false; write one of them");
        };
    }

    /** A limit of at least so many, or a word for one. */
    static Allowance allowance(String text, int fewest) throws Mistake {
        if (text.equals("auto")) {
            return new Allowance.Automatic();
        }
        if (text.equals("none")) {
            return new Allowance.Unlimited();
        }
        Matcher rate = ALLOWANCE.matcher(text);
        if (!rate.matches()) {
            throw new Mistake(
                    text, "is neither a number per duration, like 300/3h, nor auto or none; write one of them");
        }
        int most = Integer.parseInt(rate.group(1));
        Duration window;
        try {
            window = Quantity.duration(rate.group(2));
        } catch (IllegalArgumentException notOne) {
            throw new Mistake(text, "has no duration behind its slash; write one like 3h or 7d");
        }
        if (most < fewest || window.isZero() || window.compareTo(LONGEST_WINDOW) > 0) {
            throw new Mistake(
                    text,
                    "is out of bounds; write a number from " + fewest + " on, per up to "
                            + Quantity.text(LONGEST_WINDOW));
        }
        return new Rate(most, window);
    }

    /** One of a few values. */
    static <T> T choice(T[] values, Function<? super T, String> spelling, String text) throws Mistake {
        var choices = new LinkedHashMap<String, T>();
        for (T value : values) {
            choices.put(spelling.apply(value), value);
        }
        T chosen = choices.get(text);
        if (chosen == null) {
            throw new Mistake(text, "is not one of " + String.join(", ", choices.keySet()) + "; write one of them");
        }
        return chosen;
    }

    /** A challenge by its identifier. */
    static ChallengeType challenge(String text) throws Mistake {
        if (text.equals("dns-01")) {
            throw new Mistake(text, "is not supported yet; use tls-alpn-01 or http-01");
        }
        return choice(ChallengeType.values(), ChallengeType::identifier, text);
    }

    /** The URL that is asked. */
    static URI ask(String text) throws Mistake {
        URI url = url(text, List.of("http", "https"), "write an http or https URL");
        String query = url.getRawQuery();
        if (query != null && DOMAIN_PARAMETER.matcher(query).matches()) {
            // An endpoint that looks at the first of two would answer for the operator's name whatever is asked.
            throw new Mistake(safe(text), "has a query parameter \"domain\" already; remove it, the name is added");
        }
        return url;
    }

    /** A CA, without its binding. */
    static Directory directory(String text) throws Mistake {
        Optional<PublicCa> named = PublicCa.named(text);
        if (named.isPresent()) {
            return directory(named.get());
        }
        if (text.indexOf(':') < 0) {
            throw new Mistake(safe(text), "is no alias of a CA; write an https URL or one of " + PublicCa.aliases());
        }
        URI url = url(text, List.of("https"), "https only: write an https URL or one of " + PublicCa.aliases());
        return new Directory(url, PublicCa.at(url).map(PublicCa::toString), Optional.empty());
    }

    /** The directory of a public CA, without its binding. */
    static Directory directory(PublicCa ca) {
        return new Directory(ca.directory(), Optional.of(ca.toString()), Optional.empty());
    }

    private static URI url(String text, List<String> schemes, String remedy) throws Mistake {
        URI url;
        try {
            url = new URI(text);
        } catch (URISyntaxException malformed) {
            throw new Mistake(safe(text), "is no URL (" + malformed.getReason() + "); " + remedy);
        }
        String scheme = url.getScheme();
        if (scheme == null || !schemes.contains(scheme.toLowerCase(Locale.ROOT))) {
            throw new Mistake(safe(text), "does not start with " + String.join(":// or ", schemes) + "://; " + remedy);
        }
        if (url.getRawUserInfo() != null) {
            throw new Mistake(safe(text), "has user information before the host; remove it");
        }
        if (url.getHost() == null && String.valueOf(url.getRawAuthority()).indexOf('_') >= 0) {
            throw new Mistake(
                    safe(text),
                    "has an underscore in its host name, which no URL may have; give that host another name, for a"
                            + " container an alias");
        }
        if (url.getHost() == null) {
            throw new Mistake(safe(text), "has no valid host; " + remedy);
        }
        if (url.getPort() == 0 || url.getPort() > MAX_PORT) {
            throw new Mistake(safe(text), "has no valid port; write one from 1 to " + MAX_PORT);
        }
        if (url.getRawFragment() != null) {
            throw new Mistake(safe(text), "has a fragment; remove the # and what follows");
        }
        return url;
    }

    // A query may carry a token, and what stands before an @ a password.
    private static @Nullable String safe(String url) {
        if (url.indexOf('@') >= 0) {
            return null;
        }
        int query = url.indexOf('?');
        return query < 0 ? url : url.substring(0, query + 1) + "…";
    }

    /** A query with one parameter. */
    static String query(String text) throws Mistake {
        // What stands in quotes is text of the query's own.
        long parameters = QUOTED.matcher(text)
                .replaceAll("")
                .chars()
                .filter(character -> character == '?')
                .count();
        if (parameters != 1) {
            throw new Mistake(
                    text, "has " + parameters + " parameters; write one ? for the name, like … WHERE name = ?");
        }
        return text;
    }

    /** A database. It is not shown: a URL may carry a password, and what is meant as one may be misspelt. */
    static String dataSource(String text) throws Mistake {
        if (Mistake.UNPRINTABLE.matcher(text).find() || (!text.startsWith("jdbc:") && text.indexOf(' ') >= 0)) {
            throw new Mistake(
                    null,
                    "is neither a JNDI name nor a jdbc: URL; write one like jdbc/customers or jdbc:postgresql://…");
        }
        return text;
    }

    /** The address of a DNS resolver. */
    static InetSocketAddress resolver(String text) throws Mistake {
        Matcher form = RESOLVER.matcher(text);
        try {
            if (form.matches()) {
                String address = form.group(1) != null ? form.group(1) : form.group(3);
                String port = form.group(2) != null ? form.group(2) : form.group(4);
                AddressBlock one = AddressBlock.parse(address);
                int number = port == null ? DNS_PORT : Integer.parseInt(port);
                if (number > 0 && number <= MAX_PORT) {
                    return new InetSocketAddress(InetAddress.getByAddress(one.prefix()), number);
                }
            }
        } catch (IllegalArgumentException | UnknownHostException notOne) {
            // Said below.
        }
        throw new Mistake(
                text,
                "is no address of a DNS resolver; write one like 192.0.2.53, 127.0.0.1:5353 or [2001:db8::53]:53");
    }

    /** Scheme, host and port of what a CA may name. */
    static URI origin(String text) throws Mistake {
        try {
            URI uri = new URI(text);
            String path = uri.getRawPath();
            boolean bare = (path == null || path.isEmpty() || path.equals("/"))
                    && uri.getRawQuery() == null
                    && uri.getRawFragment() == null
                    && uri.getRawUserInfo() == null;
            if ("https".equalsIgnoreCase(uri.getScheme()) && uri.getHost() != null && bare) {
                return uri;
            }
        } catch (URISyntaxException notOne) {
            // Said below.
        }
        throw new Mistake(text, "is no origin; write https, host and port only, like https://acme.example.org");
    }

    /** What binds an account. */
    static ExternalAccountBinding eab(String text) throws Mistake {
        // The MAC key has no colon in its alphabet; a key identifier may.
        int colon = text.lastIndexOf(':');
        if (colon <= 0 || !KEY_ID.matcher(text.substring(0, colon)).matches()) {
            throw new Mistake(text, "is not of the form KEYID:BASE64URL-HMAC; write what the CA gave you");
        }
        var hmac = BASE64URL.matcher(text.substring(colon + 1));
        if (!hmac.matches()) {
            throw new Mistake(text, "has no base64url HMAC key after the colon; copy it as the CA gave it");
        }
        byte[] key;
        try {
            key = Base64.getUrlDecoder().decode(hmac.group(1));
        } catch (IllegalArgumentException cut) {
            throw new Mistake(text, "has a cut HMAC key after the colon; copy it as the CA gave it");
        }
        if (key.length < MIN_HMAC) {
            throw new Mistake(
                    text, "has an HMAC key of less than " + MIN_HMAC + " bytes; copy all of what the CA gave you");
        }
        return new ExternalAccountBinding(text.substring(0, colon), hmac.group(1));
    }

    /** A key for private keys at rest. */
    static EncryptionKey encryptionKey(String text) throws Mistake {
        byte[] key;
        try {
            key = Base64.getDecoder().decode(text);
        } catch (IllegalArgumentException other) {
            throw new Mistake(text, "is no base64; " + MAKE_KEY);
        }
        if (key.length != ENCRYPTION_KEY) {
            throw new Mistake(
                    text, "has " + key.length + " bytes, where AES-256 wants " + ENCRYPTION_KEY + "; " + MAKE_KEY);
        }
        return new EncryptionKey(Base64.getEncoder().encodeToString(key));
    }
}
