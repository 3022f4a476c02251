package org.ondemandtls.config;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.ondemandtls.config.OnDemandTlsConfig.Acme;
import org.ondemandtls.config.OnDemandTlsConfig.Budget;
import org.ondemandtls.config.OnDemandTlsConfig.Clients;
import org.ondemandtls.config.OnDemandTlsConfig.DatabaseStore;
import org.ondemandtls.config.OnDemandTlsConfig.FileStore;
import org.ondemandtls.config.OnDemandTlsConfig.Handshake;
import org.ondemandtls.config.OnDemandTlsConfig.HostCheck;
import org.ondemandtls.config.OnDemandTlsConfig.Inventory;
import org.ondemandtls.config.OnDemandTlsConfig.Issuer;
import org.ondemandtls.config.OnDemandTlsConfig.KeyType;
import org.ondemandtls.config.OnDemandTlsConfig.Lookups;
import org.ondemandtls.config.OnDemandTlsConfig.Permission;
import org.ondemandtls.config.OnDemandTlsConfig.Preflight;
import org.ondemandtls.config.OnDemandTlsConfig.Questions;
import org.ondemandtls.config.OnDemandTlsConfig.Renewal;
import org.ondemandtls.config.OnDemandTlsConfig.Shield;
import org.ondemandtls.config.OnDemandTlsConfig.Sql;
import org.ondemandtls.config.OnDemandTlsConfig.Status;
import org.ondemandtls.config.OnDemandTlsConfig.Store;
import org.ondemandtls.config.OnDemandTlsConfig.TlsProvider;
import org.ondemandtls.name.ServerName;

/**
 * Turns properties, as every server hands them over, into an {@link OnDemandTlsConfig}: the one place they are
 * validated.
 *
 * <p>It goes on after a mistake, so that all of them are reported at once. It reads the files that are named and
 * never writes; it is called at start, where it may block.
 */
public final class ConfigReader {

    // One half for renewals, one for new names.
    private static final int ORDERS = 16;
    private static final int ORDERS_OF_OWN_CA = 256;
    private static final int FEWEST_ORDERS = 2;
    private static final Pattern DATABASE = Pattern.compile("(?is)(jdbc|jndi):.*");
    private static final Pattern KNOWN_DATABASE = Pattern.compile("jdbc:(postgresql|mariadb):.+");

    private static final List<ConfigKey> PERMISSION_SOURCES = List.of(
            ConfigKey.PERMISSION_ASK,
            ConfigKey.PERMISSION_NAMES,
            ConfigKey.PERMISSION_FILE,
            ConfigKey.PERMISSION_SQL,
            ConfigKey.PERMISSION_CLASS,
            ConfigKey.PERMISSION_BEAN);

    private final boolean policyInJava;
    private final ValueFiles files;
    private final GivenKeys given;

    private ConfigReader(Map<String, String> properties, Path base, boolean policyInJava) {
        this.policyInJava = policyInJava;
        this.files = new ValueFiles(base);
        this.given = new GivenKeys(properties, files);
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
        return new ConfigReader(properties, base, false).read();
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
        return new ConfigReader(properties, base, true).read();
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

    private OnDemandTlsConfig read() throws ConfigException {
        OnDemandTlsConfig config = config();
        if (!given.mistakes().isEmpty()) {
            throw new ConfigException(given.mistakes());
        }
        return config;
    }

    private OnDemandTlsConfig config() {
        List<ServerName> ownNames = given.elements(ConfigKey.NAMES, Grammar.SERVER_NAME);
        Permission permission = permission(ownNames);
        Issuer issuer =
                given.required(ConfigKey.ISSUER, text -> Grammar.choice(Issuer.values(), ConfigReader::spelling, text));
        AcmeReader cas = new AcmeReader(given, files);
        Acme acme = cas.read(issuer);
        return new OnDemandTlsConfig(
                permission,
                issuer,
                acme,
                cas.keyType(acme),
                store(),
                encryptionKeys(),
                handshake(),
                tlsProvider(),
                new Inventory(given.number(ConfigKey.INVENTORY_SIZE)),
                new Shield(
                        given.number(ConfigKey.SHIELD_ASK_CONCURRENCY),
                        given.number(ConfigKey.SHIELD_ASK_QUEUE),
                        given.required(
                                ConfigKey.SHIELD_ORDERS_IN_FLIGHT,
                                Grammar.numberOrAuto(ConfigKey.SHIELD_ORDERS_IN_FLIGHT, ordersAtOnce(issuer, acme))),
                        given.number(ConfigKey.SHIELD_ORDERS_QUEUED),
                        given.number(ConfigKey.SHIELD_REMEMBERED_REFUSALS),
                        given.required(ConfigKey.SHIELD_ASK_RATE, Grammar.RATE),
                        new Clients(
                                given.required(ConfigKey.SHIELD_NEW_NAMES_PER_CLIENT, Grammar.RATE),
                                given.required(ConfigKey.SHIELD_NEW_NAMES_PER_DOMAIN, Grammar.RATE),
                                given.elements(ConfigKey.SHIELD_TRUSTED, Grammar.ADDRESS_BLOCK),
                                given.number(ConfigKey.SHIELD_PARKED_PER_NAME),
                                given.number(ConfigKey.SHIELD_PARKED_PER_CLIENT)),
                        new Lookups(
                                given.number(ConfigKey.SHIELD_LOOKUPS_IN_FLIGHT),
                                given.number(ConfigKey.SHIELD_LOOKUPS_QUEUED),
                                given.required(ConfigKey.SHIELD_LOOKUP_RATE, Grammar.RATE))),
                ownNames,
                new Renewal(
                        given.optional(
                                ConfigKey.RENEWAL_VISITED_WITHIN,
                                Grammar.durationWithin(ConfigKey.RENEWAL_VISITED_WITHIN)),
                        given.duration(ConfigKey.RENEWAL_GRACE),
                        given.duration(ConfigKey.RENEWAL_MOVED_AWAY_GRACE),
                        given.duration(ConfigKey.PERMISSION_WITHDRAW_AFTER),
                        given.required(
                                ConfigKey.PERMISSION_RECHECK, Grammar.durationOrNone(ConfigKey.PERMISSION_RECHECK))),
                new Budget(
                        given.required(ConfigKey.BUDGET_ORDERS, text -> Grammar.allowance(text, FEWEST_ORDERS)),
                        given.required(ConfigKey.BUDGET_DOMAIN, text -> Grammar.allowance(text, 1)),
                        given.required(ConfigKey.BUDGET_NAME, text -> Grammar.allowance(text, 1)),
                        given.required(ConfigKey.BUDGET_FAILURES, text -> Grammar.allowance(text, 1)),
                        given.optional(ConfigKey.BUDGET_PUBLIC_SUFFIXES, files::publicSuffixes)),
                preflight(issuer, acme),
                new Status(
                        given.elements(ConfigKey.STATUS_ADDRESSES, Grammar.ADDRESS_BLOCK),
                        given.elements(ConfigKey.STATUS_HOSTS, Grammar.SERVER_NAME),
                        given.required(ConfigKey.STATUS_LOOK_ROLE, Grammar.ROLE),
                        given.required(ConfigKey.STATUS_ACT_ROLE, Grammar.ROLE)));
    }

    // A public CA publishes how much it stands; signing by ourselves takes processor time and no waiting.
    private static int ordersAtOnce(Issuer issuer, Acme acme) {
        return issuer == Issuer.ACME && !acme.hasPublicCa() ? ORDERS_OF_OWN_CA : ORDERS;
    }

    private Preflight preflight(Issuer issuer, Acme acme) {
        String mode = given.required(
                ConfigKey.PREFLIGHT,
                text -> Grammar.choice(new String[] {"auto", "true", "false"}, Function.identity(), text));
        return new Preflight(
                mode.equals("auto") ? issuer == Issuer.ACME && acme.hasPublicCa() : mode.equals("true"),
                given.optional(ConfigKey.PREFLIGHT_RESOLVER, Grammar::resolver),
                given.elements(ConfigKey.PREFLIGHT_ADDRESSES, Grammar.ADDRESS_BLOCK),
                given.number(ConfigKey.PREFLIGHT_HTTP_PORT),
                new Questions(
                        given.required(ConfigKey.SHIELD_DNS_QUESTIONS_PER_CLIENT, Grammar.RATE),
                        given.required(ConfigKey.SHIELD_DNS_QUESTIONS, Grammar.RATE)),
                given.optional(ConfigKey.PREFLIGHT_CDN_RANGES, files::cdnRanges));
    }

    private Permission permission(List<ServerName> ownNames) {
        if (policyInJava && given.mentions(ConfigKey.PERMISSION_CLASS)) {
            given.report(ConfigKey.PERMISSION_CLASS + " is given beside a permission policy in Java; keep one of them");
        }
        if (!policyInJava && PERMISSION_SOURCES.stream().noneMatch(given::mentions)) {
            given.report("no permission source: set "
                    + PERMISSION_SOURCES.stream().map(ConfigKey::key).collect(Collectors.joining(" or "))
                    + "; without one anybody could have certificates issued");
        }
        return new Permission(
                given.optional(ConfigKey.PERMISSION_ASK, Grammar::ask),
                given.duration(ConfigKey.PERMISSION_ASK_TIMEOUT),
                allowedNames(ownNames),
                given.optional(ConfigKey.PERMISSION_FILE, files::readableFile),
                sql(),
                given.optional(ConfigKey.PERMISSION_CLASS, Grammar.CLASS_NAME),
                given.optional(ConfigKey.PERMISSION_BEAN, Grammar.BEAN),
                given.duration(ConfigKey.PERMISSION_REMEMBER_GRANTED),
                given.duration(ConfigKey.PERMISSION_REMEMBER_DENIED));
    }

    // The operator's own names are granted by being listed.
    private List<NamePattern> allowedNames(List<ServerName> ownNames) {
        List<NamePattern> allowed = new ArrayList<>(given.elements(ConfigKey.PERMISSION_NAMES, Grammar.NAME_PATTERN));
        allowed.addAll(
                ownNames.stream().map(name -> new NamePattern(name.value())).toList());
        return allowed;
    }

    private Optional<Sql> sql() {
        Optional<String> query = given.optional(ConfigKey.PERMISSION_SQL, Grammar::query);
        Optional<String> dataSource = given.optional(ConfigKey.PERMISSION_DATA_SOURCE, Grammar::dataSource);
        requireBeside(
                ConfigKey.PERMISSION_SQL,
                ConfigKey.PERMISSION_DATA_SOURCE,
                "the JNDI name or jdbc: URL of the database");
        requireBeside(ConfigKey.PERMISSION_DATA_SOURCE, ConfigKey.PERMISSION_SQL, "the query");
        return query.flatMap(text -> dataSource.map(source -> new Sql(text, source)));
    }

    private void requireBeside(ConfigKey key, ConfigKey other, String what) {
        if (given.mentions(key) && !given.isWrong(key) && !given.mentions(other)) {
            given.report(key + " is given without " + other + "; set that to " + what);
        }
    }

    private Handshake handshake() {
        return new Handshake(
                given.duration(ConfigKey.HANDSHAKE_DEADLINE),
                given.number(ConfigKey.HANDSHAKE_PARKED),
                given.required(
                        ConfigKey.HANDSHAKE_HOST_CHECK,
                        text -> Grammar.choice(HostCheck.values(), HostCheck::word, text)),
                given.optional(ConfigKey.HANDSHAKE_DEFAULT_NAME, Grammar.SERVER_NAME),
                given.duration(ConfigKey.HANDSHAKE_HELLO_TIMEOUT),
                given.number(ConfigKey.HANDSHAKE_HELLO_OCTETS));
    }

    private TlsProvider tlsProvider() {
        return given.required(
                ConfigKey.TLS_PROVIDER, text -> Grammar.choice(TlsProvider.values(), TlsProvider::word, text));
    }

    private Store store() {
        Store store = given.required(ConfigKey.STORE, this::storePlace);
        if (given.isWrong(ConfigKey.STORE)) {
            return store;
        }
        boolean url =
                store instanceof DatabaseStore database && !database.source().startsWith(DatabaseStore.JNDI);
        for (ConfigKey key : List.of(ConfigKey.STORE_USER, ConfigKey.STORE_PASSWORD)) {
            if (given.mentions(key) && !url) {
                given.report(key + ": " + ConfigKey.STORE + " is no jdbc: URL"
                        + (store instanceof DatabaseStore ? "; the DataSource has a user of its own" : "")
                        + "; remove it");
            }
        }
        for (ConfigKey key : List.of(ConfigKey.STORE_CREATE_SCHEMA, ConfigKey.STORE_CONNECTIONS)) {
            if (given.mentions(key) && store instanceof FileStore) {
                given.report(key + ": " + ConfigKey.STORE + " is no database; remove it");
            }
        }
        // Looked at for the default as well: what is in its place is the operator's, not ours.
        if (store instanceof FileStore files
                && Files.exists(files.directory())
                && !Files.isDirectory(files.directory())) {
            given.report(
                    ConfigKey.STORE + ": " + Mistake.quoted(files.directory().toString())
                            + " is not a directory; name a directory, it is made where it is missing");
        }
        return store;
    }

    private Store storePlace(String text) throws Mistake {
        if (!DATABASE.matcher(text).matches()) {
            return new FileStore(files.path(text));
        }
        int colon = text.indexOf(':');
        String source = text.substring(0, colon).toLowerCase(Locale.ROOT) + text.substring(colon);
        // Such a URL may carry a password.
        String shown = source.substring(0, colon + 1) + "…";
        if (Mistake.UNPRINTABLE.matcher(source).find() || source.length() == colon + 1) {
            throw new Mistake(shown, "is no database; write a URL like jdbc:postgresql://host/name, or jndi:jdbc/name");
        }
        if (source.startsWith("jdbc:") && !KNOWN_DATABASE.matcher(source).matches()) {
            throw new Mistake(
                    shown, "is no database a store can be in; write a jdbc:postgresql: or a jdbc:mariadb: URL");
        }
        return new DatabaseStore(
                source,
                given.optional(ConfigKey.STORE_USER, user -> user),
                given.optional(ConfigKey.STORE_PASSWORD, password -> password),
                given.required(ConfigKey.STORE_CREATE_SCHEMA, Grammar::bool),
                given.number(ConfigKey.STORE_CONNECTIONS));
    }

    private List<EncryptionKey> encryptionKeys() {
        List<EncryptionKey> keys = given.elements(ConfigKey.STORE_ENCRYPTION_KEY, Grammar::encryptionKey);
        if (new HashSet<>(keys).size() < keys.size()) {
            given.report(ConfigKey.STORE_ENCRYPTION_KEY + ": a key is given twice; name each key once");
        }
        return keys;
    }
}
