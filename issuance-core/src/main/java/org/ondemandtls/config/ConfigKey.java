package org.ondemandtls.config;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The keys an operator may write: each with its name, the form of its value, its default, its bounds and the
 * sentence that explains it.
 *
 * <p>The one place they are listed: the reader, the table of the documentation and the template of the Jetty module
 * are made from it or checked against it. The order is the order of the documentation.
 */
public enum ConfigKey {
    PERMISSION_ASK(
            "permission.ask",
            Type.URL,
            null,
            "URL asked before a certificate is obtained: GET URL?domain=NAME, other query parameters are kept."
                    + " 2xx grants; 4xx denies, except 401, 407, 408, 425 and 429; everything else is no answer."),
    PERMISSION_ASK_TIMEOUT("permission.askTimeout", Type.DURATION, "2s", "1ms", "1m", "Total time of one ask."),
    PERMISSION_NAMES(
            "permission.names",
            Type.NAMES,
            null,
            "Names allowed without asking, separated by commas; \"*.example.com\" stands for exactly one more label."),
    PERMISSION_FILE(
            "permission.file",
            Type.PATH,
            null,
            "File of names allowed without asking, one per line, with # comments; read again when it changes."),
    PERMISSION_SQL(
            "permission.sql",
            Type.TEXT,
            null,
            "Query with one ? for the name; a row grants, no row denies:"
                    + " SELECT 1 FROM customer_domain WHERE name = ?"
                    + " The database is onDemandTls.permission.dataSource."),
    PERMISSION_DATA_SOURCE(
            "permission.dataSource",
            Type.SECRET,
            null,
            "JNDI name of the server's connection pool, or a jdbc: URL, user and password included, which is a secret"
                    + " then, best given as onDemandTls.permission.dataSource.file."),
    PERMISSION_CLASS(
            "permission.class", Type.CLASS, null, "Fully qualified name of a class that implements PermissionPolicy."),
    PERMISSION_BEAN(
            "permission.bean",
            Type.TEXT,
            null,
            "Name under which an application on the same server publishes what is asked, as an attribute of its"
                    + " ServletContext: a Predicate<String>, or a BiFunction<String, String, ?> of name and purpose."),
    PERMISSION_REMEMBER_GRANTED(
            "permission.rememberGranted", Type.DURATION, "5m", "1ms", "30d", "How long a grant is reused."),
    PERMISSION_REMEMBER_DENIED(
            "permission.rememberDenied", Type.DURATION, "1m", "1ms", "30d", "How long a denial is reused."),
    PERMISSION_WITHDRAW_AFTER(
            "permission.withdrawAfter",
            Type.DURATION,
            "1d",
            "1ms",
            "365d",
            "How long every answer about a served name has to be a denial before its certificate is withdrawn;"
                    + " the first denial ends its renewal."),
    ISSUER(
            "issuer",
            Type.CHOICE,
            "acme",
            "Who signs: acme, or internal, an embedded CA for development and private networks"
                    + " whose root is in the store as internal-ca/root.pem."),
    ACME_DIRECTORY(
            "acme.directory",
            Type.URLS,
            "letsencrypt",
            "The CA's directory: an https URL, or letsencrypt, letsencrypt-staging, google or zerossl; or several CAs,"
                    + " separated by commas, in order of preference."
                    + " Using a CA accepts its terms of service. google and zerossl need onDemandTls.acme.eab."),
    ACME_EMAIL(
            "acme.email",
            Type.TEXT,
            null,
            "E-mail address the CA has as the account's contact."
                    + " For several CAs one for all, or one each in the same order, empty where none."),
    ACME_EAB(
            "acme.eab",
            Type.SECRET,
            null,
            "External account binding as KEYID:BASE64URL-HMAC, where the CA wants one; for several CAs one each, in the"
                    + " same order, empty where none; a secret, best given as onDemandTls.acme.eab.file."),
    ACME_PROFILE(
            "acme.profile",
            Type.TEXT,
            null,
            "Certificate profile asked for when the CA offers it."
                    + " For several CAs one for all, or one each in the same order, empty where none."),
    ACME_TRUSTED_ROOTS(
            "acme.trustedRoots",
            Type.PATH,
            null,
            "PEM file of the roots trusted for the CA's own HTTPS, for a test or private CA;"
                    + " without it, those of the JVM; for several CAs, beside those of the JVM."
                    + " For several CAs one for all, or one each in the same order, empty where none."),
    ACME_CHALLENGES(
            "acme.challenges",
            Type.LIST,
            "tls-alpn-01,http-01",
            "Allowed challenges in order of preference: tls-alpn-01, http-01, separated by a comma."),
    ACME_ORIGINS(
            "acme.origins",
            Type.URLS,
            null,
            "More origins that a CA's URLs may have beside its directory's, separated by commas, like"
                    + " https://acme.example.org; without them a CA that names another origin is not used."),
    ACME_PREFERRED_CHAIN(
            "acme.preferredChain",
            Type.TEXT,
            null,
            "Common name of an issuer, like ISRG Root X1: where the CA offers several chains, the one that this issuer"
                    + " signed is served; without such a chain, the one the CA sends first."),
    CERTIFICATE_KEY(
            "certificate.key",
            Type.CHOICE,
            "P-256",
            "Kind of key made for a certificate: P-256, P-384, RSA-2048, RSA-3072 or RSA-4096."),
    STORE(
            "store",
            Type.STORE,
            "ondemand-tls",
            "Where certificates, keys and open orders are kept: a directory, a relative one taken from the server's base;"
                    + " or, for several servers, a database: a jdbc:postgresql: or jdbc:mariadb: URL, or jndi: and the name"
                    + " of a DataSource of the server's."),
    STORE_USER("store.user", Type.TEXT, null, "User of the database, where onDemandTls.store is a jdbc: URL."),
    STORE_PASSWORD(
            "store.password",
            Type.SECRET,
            null,
            "Password of the database, where onDemandTls.store is a jdbc: URL; a secret, best given as"
                    + " onDemandTls.store.password.file."),
    STORE_CREATE_SCHEMA(
            "store.createSchema",
            Type.BOOLEAN,
            "true",
            "Whether missing tables are made in the database; if not, sql/postgresql.sql or sql/mariadb.sql of the archive"
                    + " makes them."),
    STORE_CONNECTIONS(
            "store.connections",
            Type.INTEGER,
            "8",
            "1",
            "1000",
            "How many connections to the database are in use at the same time; two more are used for leases and news."),
    STORE_ENCRYPTION_KEY(
            "store.encryptionKey",
            Type.SECRET,
            null,
            "Key that encrypts every private key at rest: 32 bytes in base64, as openssl rand -base64 32 makes them; several,"
                    + " separated by commas: the first encrypts, all decrypt. A secret, best given as"
                    + " onDemandTls.store.encryptionKey.file; without it keys are in clear."),
    HANDSHAKE_DEADLINE(
            "handshake.deadline",
            Type.DURATION,
            "25s",
            "1ms",
            "10m",
            "How long a client may wait for its certificate before the handshake fails."),
    HANDSHAKE_PARKED(
            "handshake.parked",
            Type.INTEGER,
            "10000",
            "1",
            "1000000",
            "How many handshakes may wait at the same time; further ones are refused at once."),
    HANDSHAKE_HELLO_TIMEOUT(
            "handshake.helloTimeout",
            Type.DURATION,
            "10s",
            "1ms",
            "10m",
            "How long a client may take to send its whole ClientHello."),
    HANDSHAKE_HOST_CHECK(
            "handshake.hostCheck",
            Type.BOOLEAN,
            "true",
            "Whether a request whose Host the served certificate does not cover gets 421;"
                    + " a client that sent no SNI is not checked."),
    HANDSHAKE_DEFAULT_NAME(
            "handshake.defaultName",
            Type.NAME,
            null,
            "Name assumed when a client sends no SNI; without it such a handshake is refused"
                    + " unless the server has a certificate of its own."),
    INVENTORY_SIZE(
            "inventory.size",
            Type.INTEGER,
            "10000",
            "1",
            "1000000",
            "How many certificates are kept ready in memory; others come from the store when visited."),
    SHIELD_ASK_CONCURRENCY(
            "shield.askConcurrency",
            Type.INTEGER,
            "16",
            "1",
            "1000",
            "How many permission questions run at the same time."),
    SHIELD_ASK_QUEUE(
            "shield.askQueue",
            Type.INTEGER,
            "256",
            "1",
            "100000",
            "How many more permission questions may wait; further ones are refused at once."),
    SHIELD_ASK_RATE(
            "shield.askRate",
            Type.RATE,
            "200/1s",
            "How many permission questions are begun in a time; further ones wait their turn."),
    SHIELD_NEW_NAMES_PER_CLIENT(
            "shield.newNamesPerClient",
            Type.RATE,
            "60/10m",
            "How many new names one client block, a /24 or /56, may make us ask for in a time; further ones are"
                    + " refused at once. Loopback and onDemandTls.shield.trusted are not counted."),
    SHIELD_TRUSTED(
            "shield.trusted",
            Type.BLOCKS,
            null,
            "Address blocks that are not counted as clients, for balancers that hide theirs: 10.0.0.0/8,2001:db8::/32."
                    + " Loopback is always among them."),
    SHIELD_PARKED_PER_NAME(
            "shield.parkedPerName",
            Type.INTEGER,
            "2000",
            "1",
            "1000000",
            "How many handshakes may wait for one name at the same time; further ones are refused at once."),
    SHIELD_PARKED_PER_CLIENT(
            "shield.parkedPerClient",
            Type.INTEGER,
            "500",
            "1",
            "1000000",
            "How many handshakes of one client block, a /24 or /56, may wait at the same time; further ones are"
                    + " refused at once. Loopback and onDemandTls.shield.trusted are not counted."),
    SHIELD_LOOKUPS_IN_FLIGHT(
            "shield.lookupsInFlight",
            Type.INTEGER,
            "4",
            "1",
            "1000",
            "How many look-ups in the store run at the same time."),
    SHIELD_LOOKUPS_QUEUED(
            "shield.lookupsQueued",
            Type.INTEGER,
            "256",
            "1",
            "100000",
            "How many more look-ups in the store may wait; further ones are refused at once."),
    SHIELD_LOOKUP_RATE(
            "shield.lookupRate",
            Type.RATE,
            "500/1s",
            "How many look-ups in the store are begun in a time while it is not known yet which names it holds, in the"
                    + " first moments after a start; further ones are refused at once."),
    SHIELD_ORDERS_IN_FLIGHT(
            "shield.ordersInFlight", Type.INTEGER, "16", "1", "1000", "How many orders run at the same time."),
    SHIELD_ORDERS_QUEUED(
            "shield.ordersQueued",
            Type.INTEGER,
            "256",
            "1",
            "100000",
            "How many more orders may wait; further ones are refused at once."),
    SHIELD_REMEMBERED_REFUSALS(
            "shield.rememberedRefusals",
            Type.INTEGER,
            "50000",
            "1",
            "10000000",
            "How many denials and failures are remembered; about 300 bytes of memory each."),
    NAMES(
            "names",
            Type.NAMES,
            null,
            "Names of the operator's own, separated by commas: obtained at start and renewed whether visited or not;"
                    + " granted by being here."),
    RENEWAL_VISITED_WITHIN(
            "renewal.visitedWithin",
            Type.DURATION,
            null,
            "1m",
            "365d",
            "How long ago the last visit may be for a certificate to be renewed;"
                    + " without it, any visit during the certificate's life counts."),
    RENEWAL_GRACE(
            "renewal.grace",
            Type.DURATION,
            "30d",
            "1s",
            "3650d",
            "How long after its expiry the store forgets a certificate that nobody renewed."),
    BUDGET_ORDERS(
            "budget.orders",
            Type.ALLOWANCE,
            "auto",
            "New orders per account and time, like 300/3h, or none; half of them is for renewals, half for new names."
                    + " auto takes what the CA publishes, and none for a CA of your own."),
    BUDGET_DOMAIN(
            "budget.domain",
            Type.ALLOWANCE,
            "auto",
            "Certificates per registered domain and time, like 50/7d, none, or auto."),
    BUDGET_NAME(
            "budget.name",
            Type.ALLOWANCE,
            "auto",
            "Certificates for the same name and time, like 5/7d, none, or auto."),
    BUDGET_FAILURES(
            "budget.failures",
            Type.ALLOWANCE,
            "auto",
            "Failed validations per name and time, like 5/1h, none, or auto; at the limit the name is left alone."),
    BUDGET_PUBLIC_SUFFIXES(
            "budget.publicSuffixes",
            Type.PATH,
            null,
            "File of a newer public suffix list than the one that comes along, in its official format with the private"
                    + " section; says what a registered domain is."),
    PREFLIGHT(
            "preflight",
            Type.CHOICE,
            "auto",
            "Whether a name's DNS is looked at before an order is spent on it: true, false, or auto, which is true for the"
                    + " public CAs' aliases and false otherwise."),
    PREFLIGHT_RESOLVER(
            "preflight.resolver",
            Type.TEXT,
            null,
            "Address of the DNS resolver asked, 192.0.2.53 or 127.0.0.1:5353; without it, the system's."),
    PREFLIGHT_ADDRESSES(
            "preflight.addresses",
            Type.BLOCKS,
            null,
            "Addresses a name may point to, 198.51.100.1,2001:db8::1 or whole blocks; a name that points anywhere else"
                    + " gets no order. Without them any address will do."),
    PREFLIGHT_HTTP_PORT(
            "preflight.httpPort",
            Type.INTEGER,
            "80",
            "1",
            "65535",
            "The port at which the CA looks for HTTP-01 proofs, and the look before an order as well: 80 for all public"
                    + " CAs.");

    /** What the name of every key begins with. */
    public static final String PREFIX = "onDemandTls.";

    /** What is appended to a key's name to give a file that holds its value. */
    public static final String FILE_SUFFIX = ".file";

    /** The form of a value. */
    public enum Type {
        /** A whole number with its unit: {@code 500ms}, {@code 30s}, {@code 5m}, {@code 12h}, {@code 7d}. */
        DURATION("duration"),
        /** A whole number in decimal digits. */
        INTEGER("number"),
        /** A whole number, a slash and a duration: {@code 60/10m}. */
        RATE("rate"),
        /** So many in so long: {@code 300/3h}; or one of the words the sentence names. */
        ALLOWANCE("number/duration or word"),
        /** {@code true} or {@code false}. */
        BOOLEAN("true or false"),
        /** An absolute URL, or an alias the sentence names. */
        URL("URL"),
        /** URLs or aliases as for one, separated by commas. */
        URLS("URLs"),
        /** One server name. */
        NAME("name"),
        /** Server names and one-label wildcards, separated by commas. */
        NAMES("names"),
        /** A file or directory, relative to the server's base. */
        PATH("path"),
        /** A directory, relative to the server's base, or a database. */
        STORE("path or database"),
        /** The fully qualified name of a Java class. */
        CLASS("class"),
        /** Text the sentence describes. */
        TEXT("text"),
        /** One of the words the sentence names. */
        CHOICE("word"),
        /** Several of the words the sentence names, separated by commas. */
        LIST("words"),
        /** Address blocks, separated by commas. */
        BLOCKS("address blocks"),
        /** Text that is never shown. */
        SECRET("secret");

        private final String label;

        Type(String label) {
            this.label = label;
        }

        /** The word the documentation uses for this form. */
        public String label() {
            return label;
        }
    }

    private final String key;
    private final Type type;
    private final @Nullable String defaultText;
    private final @Nullable String least;
    private final @Nullable String most;
    private final String sentence;

    ConfigKey(
            String name,
            Type type,
            @Nullable String defaultText,
            @Nullable String least,
            @Nullable String most,
            String sentence) {
        this.key = PREFIX + name;
        this.type = type;
        this.defaultText = defaultText;
        this.least = least;
        this.most = most;
        this.sentence = sentence;
    }

    ConfigKey(String name, Type type, @Nullable String defaultText, String sentence) {
        this(name, type, defaultText, null, null, sentence);
    }

    /** The name as it is written at every door, for example {@code "onDemandTls.permission.ask"}. */
    public String key() {
        return key;
    }

    /** The name under which a file that holds the value is given: {@link #key} and {@link #FILE_SUFFIX}. */
    public String fileKey() {
        return key + FILE_SUFFIX;
    }

    /** The form of the value. */
    public Type type() {
        return type;
    }

    /** What is taken where the key is not given, as an operator would write it; empty where nothing is. */
    public Optional<String> defaultText() {
        return Optional.ofNullable(defaultText);
    }

    /** The smallest value allowed, as an operator would write it; empty where the type has no order. */
    public Optional<String> least() {
        return Optional.ofNullable(least);
    }

    /** The largest value allowed, as an operator would write it; empty where the type has no order. */
    public Optional<String> most() {
        return Optional.ofNullable(most);
    }

    /** What the key means, in plain text: one sentence, or a few short ones. */
    public String sentence() {
        return sentence;
    }

    /** Whether the value is never shown, not even in a message about it. */
    public boolean secret() {
        return type == Type.SECRET;
    }

    @Override
    public String toString() {
        return key;
    }
}
