package org.ondemandtls.config;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.config.OnDemandTlsConfig.Acme;
import org.ondemandtls.config.OnDemandTlsConfig.Allowance;
import org.ondemandtls.config.OnDemandTlsConfig.Budget;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.config.OnDemandTlsConfig.Clients;
import org.ondemandtls.config.OnDemandTlsConfig.DatabaseStore;
import org.ondemandtls.config.OnDemandTlsConfig.Directory;
import org.ondemandtls.config.OnDemandTlsConfig.EncryptionKey;
import org.ondemandtls.config.OnDemandTlsConfig.ExternalAccountBinding;
import org.ondemandtls.config.OnDemandTlsConfig.FileStore;
import org.ondemandtls.config.OnDemandTlsConfig.Handshake;
import org.ondemandtls.config.OnDemandTlsConfig.Inventory;
import org.ondemandtls.config.OnDemandTlsConfig.Issuer;
import org.ondemandtls.config.OnDemandTlsConfig.KeyType;
import org.ondemandtls.config.OnDemandTlsConfig.Lookups;
import org.ondemandtls.config.OnDemandTlsConfig.Permission;
import org.ondemandtls.config.OnDemandTlsConfig.Preflight;
import org.ondemandtls.config.OnDemandTlsConfig.Renewal;
import org.ondemandtls.config.OnDemandTlsConfig.Shield;
import org.ondemandtls.config.OnDemandTlsConfig.Sql;
import org.ondemandtls.config.OnDemandTlsConfig.Store;
import org.ondemandtls.name.AddressBlock;
import org.ondemandtls.name.PublicSuffixes;
import org.ondemandtls.name.ServerName;

/**
 * Turns properties, as every server hands them over, into an {@link OnDemandTlsConfig}: the one place they are
 * validated.
 *
 * <p>It goes on after a mistake, so that all of them are reported at once. It reads the files that are named and
 * never writes; it is called at start, where it may block.
 */
public final class ConfigReader {

    /** Longest file a value is read from, in bytes. */
    static final int MAX_VALUE_FILE = 64 * 1024;

    /** Longest file of trusted roots, in bytes; the roots of a whole browser fill a quarter of it. */
    static final int MAX_ROOTS_FILE = 1024 * 1024;

    // HMAC with SHA-256 wants a key of at least the length of the hash (RFC 7518 section 3.2).
    private static final int MIN_HMAC = 32;

    private static final int ENCRYPTION_KEY = 32;
    private static final String MAKE_KEY = "make one with: openssl rand -base64 32";

    private static final int MAX_PORT = 65_535;
    private static final int HTTPS_PORT = 443;
    private static final int MAX_SHOWN = 100;

    /** Longest public suffix list, in bytes; the official one fills a twelfth of it. */
    static final int MAX_SUFFIXES_FILE = 4 * 1024 * 1024;

    // One half for renewals, one for new names.
    private static final int FEWEST_ORDERS = 2;
    private static final Duration LONGEST_WINDOW = Duration.ofDays(31);

    private static final Pattern RATE = Pattern.compile("([0-9]{1,9})/([0-9a-z]{1,20})");
    private static final Pattern WHOLE_NUMBER = Pattern.compile("[0-9]{1,18}");
    private static final Pattern KEY_ID = Pattern.compile("[\\x21-\\x7e]+");
    private static final Pattern BASE64URL = Pattern.compile("([A-Za-z0-9_-]+)=*");
    private static final Pattern EMAIL = Pattern.compile("[^\\s\\p{Cntrl}@:,;?<>]+@[^\\s\\p{Cntrl}@:,;?<>]+");
    private static final Pattern PROFILE = Pattern.compile("[\\x21-\\x7e]{1,64}");
    private static final Pattern CLASS_NAME = Pattern.compile(
            "\\p{javaJavaIdentifierStart}\\p{javaJavaIdentifierPart}*(\\.\\p{javaJavaIdentifierStart}\\p{javaJavaIdentifierPart}*)*");
    private static final Pattern DOMAIN_PARAMETER = Pattern.compile("(^|.*&)domain(=.*|&.*|$)");
    private static final Pattern PEM_BEGIN = Pattern.compile("-----BEGIN CERTIFICATE-----");
    private static final Pattern DATABASE = Pattern.compile("(?is)(jdbc|jndi):.*");
    private static final Pattern KNOWN_DATABASE = Pattern.compile("jdbc:(postgresql|mariadb):.+");
    private static final Pattern UNPRINTABLE = Pattern.compile("[\\p{Cntrl}\\u2028\\u2029\\p{Cf}]");

    // An IPv6 address with a port stands in brackets.
    private static final Pattern RESOLVER = Pattern.compile(
            "\\[([0-9A-Fa-f:.]+)\\](?::([0-9]{1,5}))?|([0-9.]+|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*?)(?::([0-9]{1,5}))?");
    private static final int DNS_PORT = 53;
    private static final Pattern QUOTED = Pattern.compile("'[^']*'|\"[^\"]*\"");
    private static final Pattern BEAN = Pattern.compile("[\\x21-\\x7e]{1,200}");

    private static final List<ConfigKey> PERMISSION_SOURCES = List.of(
            ConfigKey.PERMISSION_ASK,
            ConfigKey.PERMISSION_NAMES,
            ConfigKey.PERMISSION_FILE,
            ConfigKey.PERMISSION_SQL,
            ConfigKey.PERMISSION_CLASS,
            ConfigKey.PERMISSION_BEAN);

    private final Path base;
    private final boolean policyInJava;
    private final Map<ConfigKey, Given> given = new EnumMap<>(ConfigKey.class);
    private final Set<ConfigKey> mentioned = EnumSet.noneOf(ConfigKey.class);
    private final Set<ConfigKey> wrong = EnumSet.noneOf(ConfigKey.class);
    private final List<String> mistakes = new ArrayList<>();

    private ConfigReader(Path base, boolean policyInJava) {
        this.base = base.toAbsolutePath().normalize();
        this.policyInJava = policyInJava;
    }

    /**
     * Reads and validates.
     *
     * <p>A blank value counts as not given, for every key: templates and build files leave blanks where nothing is
     * meant. Values are trimmed.
     *
     * @param properties what the server was given, by name; names that do not start with
     *     {@value ConfigKey#PREFIX}, in whatever case, are somebody else's and ignored
     * @param base the directory relative paths are taken from
     * @return the configuration
     * @throws ConfigException if there are mistakes; it names them all
     */
    public static OnDemandTlsConfig read(Map<String, String> properties, Path base) throws ConfigException {
        return new ConfigReader(base, false).read(properties);
    }

    /**
     * Reads and validates as {@link #read} does, for a server that is given a permission policy in Java beside this
     * configuration: no other source is needed, and a class of the same kind is one too many.
     *
     * @param properties what the server was given, by name
     * @param base the directory relative paths are taken from
     * @return the configuration
     * @throws ConfigException if there are mistakes; it names them all
     */
    static OnDemandTlsConfig readBesidePolicy(Map<String, String> properties, Path base) throws ConfigException {
        return new ConfigReader(base, true).read(properties);
    }

    /**
     * What was written explicitly, and for keys that were not, the system properties.
     *
     * <p>A key that is given by value hides the system property that gives it by file, and the other way round. A
     * system property in another case is taken over only where it spells a key but for the case, to be refused by
     * {@link #read}; others of that kind may well belong to somebody else in this JVM.
     *
     * @param explicit the properties of this server; blank values count as not given
     * @param system the properties of the JVM
     * @return a new map, ordered by name
     */
    public static Map<String, String> withFallback(Map<String, String> explicit, Properties system) {
        var merged = new TreeMap<>(explicit);
        Set<ConfigKey> explicitKeys = EnumSet.noneOf(ConfigKey.class);
        explicit.forEach((name, text) -> {
            if (!text.isBlank()) {
                Spelling.of(name).ifPresent(spelling -> explicitKeys.add(spelling.key()));
            }
        });
        for (String name : system.stringPropertyNames()) {
            Optional<Spelling> spelling = Spelling.of(name);
            boolean ours = name.startsWith(ConfigKey.PREFIX) || Spelling.ignoringCase(name);
            boolean hidden =
                    spelling.isPresent() ? explicitKeys.contains(spelling.get().key()) : explicit.containsKey(name);
            if (ours && !hidden) {
                merged.put(name, system.getProperty(name, ""));
            }
        }
        return merged;
    }

    /** How an operator writes an issuer. */
    static String spelling(Issuer issuer) {
        return issuer.name().toLowerCase(Locale.ROOT);
    }

    /** How an operator writes a kind of key. */
    static String spelling(KeyType keyType) {
        return keyType.name().replace('_', '-');
    }

    /** How an operator writes a challenge; the identifier of RFC 8555 section 9.7.8. */
    static String spelling(ChallengeType challenge) {
        return challenge.identifier();
    }

    private OnDemandTlsConfig read(Map<String, String> properties) throws ConfigException {
        collect(properties);
        OnDemandTlsConfig config = config();
        if (!mistakes.isEmpty()) {
            throw new ConfigException(mistakes);
        }
        return config;
    }

    // In the order of the names, so that the same properties give the same report.
    private void collect(Map<String, String> properties) {
        new TreeMap<>(properties).forEach((name, text) -> {
            if (!name.regionMatches(true, 0, ConfigKey.PREFIX, 0, ConfigKey.PREFIX.length())) {
                return;
            }
            Optional<Spelling> spelling = Spelling.of(name);
            if (spelling.isEmpty()) {
                mistakes.add(unknown(name));
            } else if (!text.isBlank()) {
                collect(spelling.get(), text.trim());
            }
        });
    }

    private void collect(Spelling spelling, String text) {
        ConfigKey key = spelling.key();
        if (!mentioned.add(key)) {
            mistakes.add(key.key() + " and " + key.fileKey() + " are both given; keep one of them");
        } else if (spelling.byFile()) {
            content(spelling, text).ifPresent(content -> given.put(key, new Given(spelling, content)));
        } else {
            given.put(key, new Given(spelling, text));
        }
    }

    private static String unknown(String name) {
        return shown(name) + " is not a known key; the nearest is " + NearestKey.to(name) + ", correct or remove it";
    }

    private Optional<String> content(Spelling spelling, String path) {
        try {
            Path file = path(path);
            String content = utf8(file, bytes(file, MAX_VALUE_FILE)).trim();
            if (content.isEmpty()) {
                throw new Mistake(file.toString(), "is empty; write the value of " + spelling.key() + " into it");
            }
            return Optional.of(content);
        } catch (Mistake mistake) {
            wrong.add(spelling.key());
            mistakes.add(spelling.name() + ": " + mistake.in(true));
            return Optional.empty();
        }
    }

    private OnDemandTlsConfig config() {
        List<ServerName> ownNames = elements(ConfigKey.NAMES, ConfigReader::serverName);
        Permission permission = permission(ownNames);
        Issuer issuer = required(ConfigKey.ISSUER, text -> choice(Issuer.values(), ConfigReader::spelling, text));
        Acme acme = acme(issuer);
        return new OnDemandTlsConfig(
                permission,
                issuer,
                acme,
                required(ConfigKey.CERTIFICATE_KEY, text -> choice(KeyType.values(), ConfigReader::spelling, text)),
                store(),
                encryptionKeys(),
                handshake(),
                new Inventory(number(ConfigKey.INVENTORY_SIZE)),
                new Shield(
                        number(ConfigKey.SHIELD_ASK_CONCURRENCY),
                        number(ConfigKey.SHIELD_ASK_QUEUE),
                        number(ConfigKey.SHIELD_ORDERS_IN_FLIGHT),
                        number(ConfigKey.SHIELD_ORDERS_QUEUED),
                        number(ConfigKey.SHIELD_REMEMBERED_REFUSALS),
                        required(ConfigKey.SHIELD_ASK_RATE, ConfigReader::rate),
                        new Clients(
                                required(ConfigKey.SHIELD_NEW_NAMES_PER_CLIENT, ConfigReader::rate),
                                elements(ConfigKey.SHIELD_TRUSTED, ConfigReader::addressBlock),
                                number(ConfigKey.SHIELD_PARKED_PER_NAME),
                                number(ConfigKey.SHIELD_PARKED_PER_CLIENT)),
                        new Lookups(
                                number(ConfigKey.SHIELD_LOOKUPS_IN_FLIGHT),
                                number(ConfigKey.SHIELD_LOOKUPS_QUEUED),
                                required(ConfigKey.SHIELD_LOOKUP_RATE, ConfigReader::rate))),
                ownNames,
                new Renewal(
                        optional(ConfigKey.RENEWAL_VISITED_WITHIN, durationWithin(ConfigKey.RENEWAL_VISITED_WITHIN)),
                        duration(ConfigKey.RENEWAL_GRACE),
                        duration(ConfigKey.PERMISSION_WITHDRAW_AFTER)),
                new Budget(
                        required(ConfigKey.BUDGET_ORDERS, text -> allowance(text, FEWEST_ORDERS)),
                        required(ConfigKey.BUDGET_DOMAIN, text -> allowance(text, 1)),
                        required(ConfigKey.BUDGET_NAME, text -> allowance(text, 1)),
                        required(ConfigKey.BUDGET_FAILURES, text -> allowance(text, 1)),
                        optional(ConfigKey.BUDGET_PUBLIC_SUFFIXES, this::publicSuffixes)),
                preflight(issuer, acme));
    }

    private Preflight preflight(Issuer issuer, Acme acme) {
        String mode = required(
                ConfigKey.PREFLIGHT, text -> choice(new String[] {"auto", "true", "false"}, Function.identity(), text));
        return new Preflight(
                mode.equals("auto") ? issuer == Issuer.ACME && acme.hasPublicCa() : mode.equals("true"),
                optional(ConfigKey.PREFLIGHT_RESOLVER, ConfigReader::resolver),
                elements(ConfigKey.PREFLIGHT_ADDRESSES, ConfigReader::addressBlock),
                number(ConfigKey.PREFLIGHT_HTTP_PORT));
    }

    private Permission permission(List<ServerName> ownNames) {
        if (policyInJava && mentioned.contains(ConfigKey.PERMISSION_CLASS)) {
            mistakes.add(ConfigKey.PERMISSION_CLASS + " is given beside a permission policy in Java; keep one of them");
        }
        if (!policyInJava && PERMISSION_SOURCES.stream().noneMatch(mentioned::contains)) {
            mistakes.add("no permission source: set "
                    + PERMISSION_SOURCES.stream().map(ConfigKey::key).collect(Collectors.joining(" or "))
                    + "; without one anybody could have certificates issued");
        }
        return new Permission(
                optional(ConfigKey.PERMISSION_ASK, ConfigReader::ask),
                duration(ConfigKey.PERMISSION_ASK_TIMEOUT),
                allowedNames(ownNames),
                optional(ConfigKey.PERMISSION_FILE, this::readableFile),
                sql(),
                optional(ConfigKey.PERMISSION_CLASS, ConfigReader::className),
                optional(ConfigKey.PERMISSION_BEAN, ConfigReader::bean),
                duration(ConfigKey.PERMISSION_REMEMBER_GRANTED),
                duration(ConfigKey.PERMISSION_REMEMBER_DENIED));
    }

    // The operator's own names are granted by being listed.
    private List<NamePattern> allowedNames(List<ServerName> ownNames) {
        List<NamePattern> allowed = new ArrayList<>(elements(ConfigKey.PERMISSION_NAMES, ConfigReader::pattern));
        allowed.addAll(
                ownNames.stream().map(name -> new NamePattern(name.value())).toList());
        return allowed;
    }

    private Optional<Sql> sql() {
        Optional<String> query = optional(ConfigKey.PERMISSION_SQL, ConfigReader::query);
        Optional<String> dataSource = optional(ConfigKey.PERMISSION_DATA_SOURCE, ConfigReader::dataSource);
        requireBeside(
                ConfigKey.PERMISSION_SQL,
                ConfigKey.PERMISSION_DATA_SOURCE,
                "the JNDI name or jdbc: URL of the database");
        requireBeside(ConfigKey.PERMISSION_DATA_SOURCE, ConfigKey.PERMISSION_SQL, "the query");
        return query.flatMap(text -> dataSource.map(source -> new Sql(text, source)));
    }

    private void requireBeside(ConfigKey key, ConfigKey other, String what) {
        if (mentioned.contains(key) && !wrong.contains(key) && !mentioned.contains(other)) {
            mistakes.add(key + " is given without " + other + "; set that to " + what);
        }
    }

    private Acme acme(Issuer issuer) {
        return new Acme(
                directories(issuer),
                optional(ConfigKey.ACME_EMAIL, ConfigReader::email),
                optional(ConfigKey.ACME_PROFILE, ConfigReader::profile),
                optional(ConfigKey.ACME_TRUSTED_ROOTS, this::trustedRoots),
                challenges());
    }

    private List<Directory> directories(Issuer issuer) {
        List<Directory> directories = elements(ConfigKey.ACME_DIRECTORY, ConfigReader::directory);
        List<Optional<ExternalAccountBinding>> bindings = bindings();
        if (directories.isEmpty() || wrong.contains(ConfigKey.ACME_DIRECTORY)) {
            // Which binding belongs to which CA cannot be told any more; the mistake is reported already.
            return List.of(directory(PublicCa.LETSENCRYPT));
        }
        var once = new HashSet<String>();
        for (Directory directory : directories) {
            if (!once.add(sameFor(directory.url()))) {
                mistakes.add(ConfigKey.ACME_DIRECTORY + ": "
                        + quoted(directory.alias().orElse(directory.url().getHost()))
                        + " is given twice; name each CA once");
            }
        }
        if (bindings.size() > directories.size()) {
            mistakes.add(ConfigKey.ACME_EAB + ": there are " + bindings.size() + " bindings for "
                    + directories.size() + (directories.size() == 1 ? " CA" : " CAs")
                    + "; write one for each of " + ConfigKey.ACME_DIRECTORY
                    + " in the same order, nothing between the commas where there is none");
        }
        boolean ordersFromIt = issuer == Issuer.ACME && !wrong.contains(ConfigKey.ISSUER);
        List<Directory> bound = new ArrayList<>();
        for (int i = 0; i < directories.size(); i++) {
            Directory directory = directories.get(i);
            Optional<ExternalAccountBinding> eab = i < bindings.size() ? bindings.get(i) : Optional.empty();
            bound.add(new Directory(directory.url(), directory.alias(), eab));
            if (ordersFromIt && eab.isEmpty() && !wrong.contains(ConfigKey.ACME_EAB)) {
                directory
                        .alias()
                        .flatMap(PublicCa::named)
                        .filter(PublicCa::wantsBinding)
                        .ifPresent(ca -> mistakes.add(ConfigKey.ACME_DIRECTORY + ": " + ca
                                + " opens no account without external account binding; set "
                                + ConfigKey.ACME_EAB + " to the KEYID:BASE64URL-HMAC it gave you"
                                + (directories.size() == 1 ? "" : ", at the same place in the list")));
            }
        }
        return bound;
    }

    // By position, so that what is empty counts; commas at the end add nothing.
    private List<Optional<ExternalAccountBinding>> bindings() {
        Given value = given.get(ConfigKey.ACME_EAB);
        if (value == null) {
            return List.of();
        }
        List<Optional<ExternalAccountBinding>> bindings = new ArrayList<>();
        int filled = 0;
        for (String text : value.text().split(",", -1)) {
            bindings.add(text.isBlank() ? Optional.empty() : parsed(value, text.trim(), ConfigReader::eab));
            filled = text.isBlank() ? filled : bindings.size();
        }
        return bindings.subList(0, filled);
    }

    // An explicit port 443 and the case of the host make no difference.
    private static String sameFor(URI url) {
        String port = url.getPort() == -1 || url.getPort() == HTTPS_PORT ? "" : ":" + url.getPort();
        String query = url.getRawQuery() == null ? "" : "?" + url.getRawQuery();
        return url.getHost().toLowerCase(Locale.ROOT) + port + url.getRawPath() + query;
    }

    private Handshake handshake() {
        return new Handshake(
                duration(ConfigKey.HANDSHAKE_DEADLINE),
                number(ConfigKey.HANDSHAKE_PARKED),
                required(ConfigKey.HANDSHAKE_HOST_CHECK, ConfigReader::bool),
                optional(ConfigKey.HANDSHAKE_DEFAULT_NAME, ConfigReader::serverName),
                duration(ConfigKey.HANDSHAKE_HELLO_TIMEOUT));
    }

    private List<ChallengeType> challenges() {
        List<ChallengeType> challenges = elements(ConfigKey.ACME_CHALLENGES, ConfigReader::challenge);
        var once = new HashSet<ChallengeType>();
        for (ChallengeType challenge : challenges) {
            if (!once.add(challenge)) {
                mistakes.add(ConfigKey.ACME_CHALLENGES + ": " + quoted(spelling(challenge))
                        + " is given twice; name each challenge once");
            }
        }
        return challenges;
    }

    private Duration duration(ConfigKey key) {
        return required(key, durationWithin(key));
    }

    private static Parser<Duration> durationWithin(ConfigKey key) {
        return text -> {
            Duration least = Quantity.duration(key.least().orElseThrow());
            Duration most = Quantity.duration(key.most().orElseThrow());
            Duration duration;
            try {
                duration = Quantity.duration(text);
            } catch (IllegalArgumentException notOne) {
                throw new Mistake(text, Quantity.NO_DURATION);
            }
            if (duration.compareTo(least) < 0 || duration.compareTo(most) > 0) {
                throw outOfBounds(key, text, "duration");
            }
            return duration;
        };
    }

    private int number(ConfigKey key) {
        return required(key, text -> {
            if (!WHOLE_NUMBER.matcher(text).matches()) {
                throw new Mistake(text, "is not a whole number; write digits only, like 10000");
            }
            long number = Long.parseLong(text);
            if (number < Long.parseLong(key.least().orElseThrow())
                    || number > Long.parseLong(key.most().orElseThrow())) {
                throw outOfBounds(key, text, "number");
            }
            return Math.toIntExact(number);
        });
    }

    private static Mistake outOfBounds(ConfigKey key, String text, String kind) {
        return new Mistake(
                text,
                "is out of bounds; write a " + kind + " from " + key.least().orElseThrow() + " to "
                        + key.most().orElseThrow());
    }

    private static boolean bool(String text) throws Mistake {
        return switch (text) {
            case "true" -> true;
            case "false" -> false;
            default -> throw new Mistake(text, "is neither true nor false; write one of them");
        };
    }

    private static Allowance allowance(String text, int fewest) throws Mistake {
        if (text.equals("auto")) {
            return new Allowance.Automatic();
        }
        if (text.equals("none")) {
            return new Allowance.Unlimited();
        }
        Matcher rate = RATE.matcher(text);
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

    private Path publicSuffixes(String text) throws Mistake {
        Path file = path(text);
        byte[] list = bytes(file, MAX_SUFFIXES_FILE);
        try {
            PublicSuffixes.read(new ByteArrayInputStream(list));
        } catch (IllegalArgumentException | IOException malformed) {
            throw new Mistake(
                    file.toString(),
                    "is no public suffix list (" + malformed.getMessage() + "); take it from publicsuffix.org");
        }
        return file;
    }

    private static <T> T choice(T[] values, Function<? super T, String> spelling, String text) throws Mistake {
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

    private static ChallengeType challenge(String text) throws Mistake {
        if (text.equals("dns-01")) {
            throw new Mistake(text, "is not supported; use tls-alpn-01 or http-01");
        }
        return choice(ChallengeType.values(), ConfigReader::spelling, text);
    }

    private static NamePattern pattern(String text) throws Mistake {
        try {
            return NamePattern.parse(text);
        } catch (IllegalArgumentException notOne) {
            throw new Mistake(
                    text, "is no server name; write a full name like a.example.com, or *.example.com for one label");
        }
    }

    private static ServerName serverName(String text) throws Mistake {
        try {
            return ServerName.parse(text);
        } catch (IllegalArgumentException notOne) {
            throw new Mistake(text, "is no server name; write a full name like www.example.com");
        }
    }

    private static URI ask(String text) throws Mistake {
        URI url = url(text, List.of("http", "https"), "write an http or https URL");
        String query = url.getRawQuery();
        if (query != null && DOMAIN_PARAMETER.matcher(query).matches()) {
            // An endpoint that looks at the first of two would answer for the operator's name whatever is asked.
            throw new Mistake(safe(text), "has a query parameter \"domain\" already; remove it, the name is added");
        }
        return url;
    }

    private static Directory directory(String text) throws Mistake {
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

    private static Directory directory(PublicCa ca) {
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

    private static String className(String text) throws Mistake {
        if (!CLASS_NAME.matcher(text).matches()) {
            throw new Mistake(text, "is no name of a class; write it in full, like com.example.MyPermission");
        }
        return text;
    }

    private static String query(String text) throws Mistake {
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

    // Neither is shown: a URL may carry a password, and what is meant as one may be misspelt.
    private static String dataSource(String text) throws Mistake {
        if (UNPRINTABLE.matcher(text).find() || (!text.startsWith("jdbc:") && text.indexOf(' ') >= 0)) {
            throw new Mistake(
                    null,
                    "is neither a JNDI name nor a jdbc: URL; write one like jdbc/customers or jdbc:postgresql://…");
        }
        return text;
    }

    private static String bean(String text) throws Mistake {
        if (!BEAN.matcher(text).matches()) {
            throw new Mistake(
                    text, "is no name of an attribute; write what the application calls it, like customers.mayHave");
        }
        return text;
    }

    private static Rate rate(String text) throws Mistake {
        try {
            return Quantity.rate(text);
        } catch (IllegalArgumentException notOne) {
            throw new Mistake(text, Quantity.NO_RATE);
        }
    }

    private static InetSocketAddress resolver(String text) throws Mistake {
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

    private static AddressBlock addressBlock(String text) throws Mistake {
        try {
            return AddressBlock.parse(text);
        } catch (IllegalArgumentException notOne) {
            throw new Mistake(text, "is no block of addresses; write one like 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32");
        }
    }

    private static String email(String text) throws Mistake {
        if (!EMAIL.matcher(text).matches()) {
            throw new Mistake(text, "is no e-mail address; write a single one, like ops@example.com");
        }
        return text;
    }

    private static String profile(String text) throws Mistake {
        if (!PROFILE.matcher(text).matches()) {
            throw new Mistake(text, "is no name of a profile; write the CA's name for it, without spaces");
        }
        return text;
    }

    private static ExternalAccountBinding eab(String text) throws Mistake {
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

    private Store store() {
        Store store = required(ConfigKey.STORE, this::storePlace);
        if (wrong.contains(ConfigKey.STORE)) {
            return store;
        }
        boolean url =
                store instanceof DatabaseStore database && !database.source().startsWith(DatabaseStore.JNDI);
        for (ConfigKey key : List.of(ConfigKey.STORE_USER, ConfigKey.STORE_PASSWORD)) {
            if (mentioned.contains(key) && !url) {
                mistakes.add(key + ": " + ConfigKey.STORE + " is no jdbc: URL"
                        + (store instanceof DatabaseStore ? "; the DataSource has a user of its own" : "")
                        + "; remove it");
            }
        }
        for (ConfigKey key : List.of(ConfigKey.STORE_CREATE_SCHEMA, ConfigKey.STORE_CONNECTIONS)) {
            if (mentioned.contains(key) && store instanceof FileStore) {
                mistakes.add(key + ": " + ConfigKey.STORE + " is no database; remove it");
            }
        }
        // Looked at for the default as well: what is in its place is the operator's, not ours.
        if (store instanceof FileStore files
                && Files.exists(files.directory())
                && !Files.isDirectory(files.directory())) {
            mistakes.add(ConfigKey.STORE + ": " + quoted(files.directory().toString())
                    + " is not a directory; name a directory, it is made where it is missing");
        }
        return store;
    }

    private Store storePlace(String text) throws Mistake {
        if (!DATABASE.matcher(text).matches()) {
            return new FileStore(path(text));
        }
        int colon = text.indexOf(':');
        String source = text.substring(0, colon).toLowerCase(Locale.ROOT) + text.substring(colon);
        // Such a URL may carry a password.
        String shown = source.substring(0, colon + 1) + "…";
        if (UNPRINTABLE.matcher(source).find() || source.length() == colon + 1) {
            throw new Mistake(shown, "is no database; write a URL like jdbc:postgresql://host/name, or jndi:jdbc/name");
        }
        if (source.startsWith("jdbc:") && !KNOWN_DATABASE.matcher(source).matches()) {
            throw new Mistake(
                    shown, "is no database a store can be in; write a jdbc:postgresql: or a jdbc:mariadb: URL");
        }
        return new DatabaseStore(
                source,
                optional(ConfigKey.STORE_USER, user -> user),
                optional(ConfigKey.STORE_PASSWORD, password -> password),
                required(ConfigKey.STORE_CREATE_SCHEMA, ConfigReader::bool),
                number(ConfigKey.STORE_CONNECTIONS));
    }

    private List<EncryptionKey> encryptionKeys() {
        List<EncryptionKey> keys = elements(ConfigKey.STORE_ENCRYPTION_KEY, ConfigReader::encryptionKey);
        if (new HashSet<>(keys).size() < keys.size()) {
            mistakes.add(ConfigKey.STORE_ENCRYPTION_KEY + ": a key is given twice; name each key once");
        }
        return keys;
    }

    private static EncryptionKey encryptionKey(String text) throws Mistake {
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

    private Path readableFile(String text) throws Mistake {
        Path file = path(text);
        if (!Files.exists(file)) {
            throw new Mistake(file.toString(), "does not exist; create it or correct the path");
        }
        if (Files.isDirectory(file) || !Files.isReadable(file)) {
            throw new Mistake(file.toString(), "is no file this process may read; correct the path or its permissions");
        }
        return file;
    }

    private Path trustedRoots(String text) throws Mistake {
        Path file = path(text);
        byte[] pem = bytes(file, MAX_ROOTS_FILE);
        long begun = PEM_BEGIN
                .matcher(new String(pem, StandardCharsets.ISO_8859_1))
                .results()
                .count();
        if (begun == 0) {
            throw new Mistake(
                    file.toString(), "holds no certificate in PEM; write the roots of the CA's HTTPS into it");
        }
        // Newer JDKs pass over a block that was cut off at the end, so what was read is counted.
        if (begun != certificates(pem)) {
            throw new Mistake(
                    file.toString(),
                    "holds a certificate that cannot be read; write each from -----BEGIN CERTIFICATE----- to"
                            + " -----END CERTIFICATE-----");
        }
        return file;
    }

    private static long certificates(byte[] pem) {
        try {
            return CertificateFactory.getInstance("X.509")
                    .generateCertificates(new ByteArrayInputStream(pem))
                    .size();
        } catch (CertificateException malformed) {
            return 0;
        }
    }

    private Path path(String text) throws Mistake {
        try {
            return base.resolve(text).normalize();
        } catch (InvalidPathException malformed) {
            throw new Mistake(text, "is no path (" + malformed.getReason() + "); correct it");
        }
    }

    private static byte[] bytes(Path file, int most) throws Mistake {
        if (Files.isDirectory(file)) {
            throw new Mistake(file.toString(), "is a directory; name a file");
        }
        byte[] bytes;
        try (InputStream in = Files.newInputStream(file)) {
            bytes = in.readNBytes(most + 1);
        } catch (NoSuchFileException missing) {
            throw new Mistake(file.toString(), "does not exist; create it or correct the path");
        } catch (AccessDeniedException denied) {
            throw new Mistake(file.toString(), "may not be read by this process; correct its permissions");
        } catch (IOException unreadable) {
            throw new Mistake(file.toString(), "cannot be read; correct the path");
        }
        if (bytes.length > most) {
            throw new Mistake(file.toString(), "is longer than " + most / 1024 + "KiB; correct the path");
        }
        return bytes;
    }

    private static String utf8(Path file, byte[] bytes) throws Mistake {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException malformed) {
            throw new Mistake(file.toString(), "is not text in UTF-8; save it as such");
        }
    }

    private <T> T required(ConfigKey key, Parser<T> parser) {
        return optional(key, parser).orElseGet(() -> byDefault(key, parser));
    }

    private <T> Optional<T> optional(ConfigKey key, Parser<T> parser) {
        return Optional.ofNullable(given.get(key)).flatMap(value -> parsed(value, value.text(), parser));
    }

    // Commas that separate nothing are let pass: appending with "+=,name" leaves one at the front.
    private <T> List<T> elements(ConfigKey key, Parser<T> parser) {
        Given value = given.get(key);
        if (value == null) {
            String defaults = key.defaultText().orElse("");
            return split(defaults).stream()
                    .map(element -> ConfigReader.<T>byDefault(key, element, parser))
                    .toList();
        }
        List<String> elements = split(value.text());
        if (elements.isEmpty()) {
            wrong.add(key);
            mistakes.add(value.spelling().name() + ": there is nothing between the commas; write at least one of the "
                    + key.type().label());
        }
        return elements.stream()
                .flatMap(element -> parsed(value, element, parser).stream())
                .toList();
    }

    private static List<String> split(String text) {
        return Arrays.stream(text.split(",", -1))
                .map(String::trim)
                .filter(element -> !element.isEmpty())
                .toList();
    }

    private <T> Optional<T> parsed(Given value, String text, Parser<T> parser) {
        try {
            return Optional.of(parser.parse(text));
        } catch (Mistake mistake) {
            wrong.add(value.spelling().key());
            mistakes.add(value.spelling().name() + ": " + mistake.in(value.showable()));
            return Optional.empty();
        }
    }

    private static <T> T byDefault(ConfigKey key, Parser<T> parser) {
        return byDefault(key, key.defaultText().orElseThrow(), parser);
    }

    private static <T> T byDefault(ConfigKey key, String text, Parser<T> parser) {
        try {
            return parser.parse(text);
        } catch (Mistake mistake) {
            throw new IllegalStateException("the default of " + key + " " + mistake.what, mistake);
        }
    }

    private static String quoted(String text) {
        return '"' + shown(text) + '"';
    }

    private static String shown(String text) {
        String line = UNPRINTABLE.matcher(text).replaceAll("?");
        return line.length() <= MAX_SHOWN ? line : line.substring(0, MAX_SHOWN) + "…";
    }

    // A query may carry a token, and what stands before an @ a password.
    private static @Nullable String safe(String url) {
        if (url.indexOf('@') >= 0) {
            return null;
        }
        int query = url.indexOf('?');
        return query < 0 ? url : url.substring(0, query + 1) + "…";
    }

    private record Given(Spelling spelling, String text) {

        // Whoever puts a value into a file may do so because nobody is to see it.
        boolean showable() {
            return !spelling.key().secret() && !spelling.byFile();
        }
    }

    @FunctionalInterface
    private interface Parser<T> {
        T parse(String text) throws Mistake;
    }

    private static final class Mistake extends Exception {

        private final @Nullable String subject;
        private final String what;

        // A subject of null is one that must not be shown.
        Mistake(@Nullable String subject, String what) {
            super(what);
            this.subject = subject;
            this.what = what;
        }

        String in(boolean showable) {
            return (showable && subject != null ? quoted(subject) : "the value") + ' ' + what;
        }
    }
}
