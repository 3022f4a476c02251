package org.ondemandtls.config;

import static org.ondemandtls.config.Bounds.within;

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
            KeyType.URL,
            null,
            "URL that the server asks before it obtains or renews a certificate: GET URL?domain=NAME. Other"
                    + " query parameters are kept. 2xx grants. 4xx denies, except 401, 407, 408, 425 and 429."
                    + " Everything else is no answer."),
    PERMISSION_ASK_TIMEOUT(
            "permission.askTimeout", KeyType.DURATION, "2s", within("1ms", "1m"), "Longest time for one ask, in all."),
    PERMISSION_NAMES(
            "permission.names",
            KeyType.NAMES,
            null,
            "Names allowed without asking, separated by commas. \"*.example.com\" stands for exactly one more label."),
    PERMISSION_FILE(
            "permission.file",
            KeyType.PATH,
            null,
            "File of names allowed without asking, one per line, with # comments. The server reads it again"
                    + " when it changes."),
    PERMISSION_SQL(
            "permission.sql",
            KeyType.TEXT,
            null,
            "SQL query with one ? for the name: SELECT 1 FROM customer_domain WHERE name = ? A row grants,"
                    + " no row denies. onDemandTls.permission.dataSource names the database."),
    PERMISSION_DATA_SOURCE(
            "permission.dataSource",
            KeyType.SECRET,
            null,
            "JNDI name of a connection pool of the server, or a jdbc: URL with user and password. Such a URL"
                    + " is a secret: best given as onDemandTls.permission.dataSource.file."),
    PERMISSION_CLASS(
            "permission.class",
            KeyType.CLASS,
            null,
            "Fully qualified name of a class that implements PermissionPolicy."),
    PERMISSION_BEAN(
            "permission.bean",
            KeyType.TEXT,
            null,
            "Name of a ServletContext attribute under which an application on the same server publishes the"
                    + " answer. It is a Predicate<String>, or a BiFunction<String, String, ?> of name and purpose."),
    PERMISSION_REMEMBER_GRANTED(
            "permission.rememberGranted", KeyType.DURATION, "5m", within("1ms", "30d"), "How long a grant is reused."),
    PERMISSION_REMEMBER_DENIED(
            "permission.rememberDenied", KeyType.DURATION, "1m", within("1ms", "30d"), "How long a denial is reused."),
    PERMISSION_WITHDRAW_AFTER(
            "permission.withdrawAfter",
            KeyType.DURATION,
            "1d",
            within("1ms", "365d"),
            "How long every answer about a served name must be a denial before its certificate is removed."
                    + " The first denial already ends its renewal."),
    PERMISSION_RECHECK(
            "permission.recheck",
            KeyType.DURATION,
            "1d",
            within("1s", "365d"),
            "How often permission is asked again for a name that is served and visited. The questions are"
                    + " spread over this time. none asks only at renewals."),
    ISSUER(
            "issuer",
            KeyType.CHOICE,
            "acme",
            "Who signs: acme, or internal. internal is an embedded CA for development and private networks;"
                    + " its root is in the store as internal-ca/root.pem."),
    ACME_DIRECTORY(
            "acme.directory",
            KeyType.URLS,
            "letsencrypt",
            "Directory of the CA: an https URL, or letsencrypt, letsencrypt-staging, google or zerossl."
                    + " Several CAs are separated by commas, the preferred one first. Using a CA accepts its terms of"
                    + " service. google and zerossl need onDemandTls.acme.eab."),
    ACME_EMAIL(
            "acme.email",
            KeyType.TEXT,
            null,
            "E-mail address that the CA stores as the contact of the account."
                    + " With several CAs give one for all, or one each in the same order, empty where none."),
    ACME_EAB(
            "acme.eab",
            KeyType.SECRET,
            null,
            "External account binding as KEYID:BASE64URL-HMAC, if the CA wants one. For several CAs give one"
                    + " each in the same order, empty where a CA wants none. A secret: best given as"
                    + " onDemandTls.acme.eab.file."),
    ACME_PROFILE(
            "acme.profile",
            KeyType.TEXT,
            null,
            "Certificate profile to ask for, if the CA offers it."
                    + " With several CAs give one for all, or one each in the same order, empty where none."),
    ACME_TRUSTED_ROOTS(
            "acme.trustedRoots",
            KeyType.PATH,
            null,
            "PEM file of root certificates to trust for the HTTPS of a test or private CA. With one CA these roots"
                    + " replace those of the JVM. With several CAs the roots of the JVM count too. Give one file"
                    + " for all CAs, or one for each in the same order, empty where none."),
    ACME_CHALLENGES(
            "acme.challenges",
            KeyType.LIST,
            "tls-alpn-01,http-01",
            "Allowed challenges in order of preference, separated by commas: tls-alpn-01, http-01."
                    + " With several CAs give one list for all, or one each in the same order, separated by semicolons."),
    CHALLENGE_THROUGH_PROXIES(
            "challenge.throughProxies",
            KeyType.BOOLEAN,
            "false",
            "Whether a CDN's published addresses may fetch an HTTP-01 proof over TLS before there is a certificate."
                    + " They get a self-signed certificate, for the challenge path only, while an order for the name is"
                    + " open. The addresses are those of onDemandTls.preflight.cdnRanges."),
    ACME_ORIGINS(
            "acme.origins",
            KeyType.URLS,
            null,
            "More origins that URLs of a CA may have besides the origin of its directory, separated by commas, like"
                    + " https://acme.example.org. Without them a CA that names another origin is not used."),
    ACME_PREFERRED_CHAIN(
            "acme.preferredChain",
            KeyType.TEXT,
            null,
            "Common name of an issuer, like ISRG Root X1. If the CA offers several chains, the server serves the one"
                    + " whose last certificate this issuer signed. Without such a chain it serves the first."),
    ACME_PROXY(
            "acme.proxy",
            KeyType.SECRET,
            null,
            "HTTP proxy for requests to CAs, as http://HOST:PORT or http://USER:PASSWORD@HOST:PORT. A secret if it has a"
                    + " password: best given as onDemandTls.acme.proxy.file. Revocation lists are fetched without it, and"
                    + " onDemandTls.permission.ask never uses it. If not set, the proxy of the JVM is used, if any."),
    CERTIFICATE_KEY(
            "certificate.key",
            KeyType.CHOICE,
            "P-256",
            "Kind of private key for a certificate: P-256, P-384, RSA-2048, RSA-3072 or RSA-4096."
                    + " With several CAs give one for all, or one each in the same order, separated by commas."),
    STORE(
            "store",
            KeyType.STORE,
            "ondemand-tls",
            "Where certificates, keys and open orders are stored. One server: a directory, relative to the"
                    + " base of the server. Several servers: a database, as a jdbc:postgresql: or jdbc:mariadb: URL,"
                    + " or as jndi: and the name of a DataSource."),
    STORE_USER("store.user", KeyType.TEXT, null, "User of the database, if onDemandTls.store is a jdbc: URL."),
    STORE_PASSWORD(
            "store.password",
            KeyType.SECRET,
            null,
            "Password of the database, if onDemandTls.store is a jdbc: URL. A secret: best given as"
                    + " onDemandTls.store.password.file."),
    STORE_CREATE_SCHEMA(
            "store.createSchema",
            KeyType.BOOLEAN,
            "true",
            "Whether the server creates missing tables. If not, create them with sql/postgresql.sql or"
                    + " sql/mariadb.sql from the archive."),
    STORE_CONNECTIONS(
            "store.connections",
            KeyType.INTEGER,
            "8",
            within("1", "1000"),
            "How many connections to the database are used at the same time. Leases and news use two more."),
    STORE_ENCRYPTION_KEY(
            "store.encryptionKey",
            KeyType.SECRET,
            null,
            "Key that encrypts every private key in the store: 32 bytes in base64, made by openssl rand"
                    + " -base64 32. With several, separated by commas, the first encrypts and all decrypt. A secret:"
                    + " best given as onDemandTls.store.encryptionKey.file. Without it private keys are not encrypted."),
    HANDSHAKE_DEADLINE(
            "handshake.deadline",
            KeyType.DURATION,
            "25s",
            within("1ms", "10m"),
            "How long a client may wait for its certificate before the handshake fails."),
    HANDSHAKE_PARKED(
            "handshake.parked",
            KeyType.INTEGER,
            "10000",
            within("1", "1000000"),
            "How many handshakes may wait at the same time. Further ones are refused at once."),
    HANDSHAKE_HELLO_TIMEOUT(
            "handshake.helloTimeout",
            KeyType.DURATION,
            "10s",
            within("1ms", "10m"),
            "How long a client may take for its ClientHello."),
    HANDSHAKE_HELLO_OCTETS(
            "handshake.helloOctets",
            KeyType.INTEGER,
            "16777216",
            within("65536", "1073741824"),
            "How many bytes of ClientHellos are held in memory in all. Counted: ClientHellos that are not complete,"
                    + " and what a waiting ClientHello has above 4 KiB. One client block may use a sixteenth, or one"
                    + " ClientHello of the largest size. Further ones are refused at once."),
    HANDSHAKE_HOST_CHECK(
            "handshake.hostCheck",
            KeyType.CHOICE,
            "true",
            "Whether a request gets 421 if the served certificate does not cover its Host: true, false, or strict."
                    + " strict also refuses every client without SNI."),
    HANDSHAKE_DEFAULT_NAME(
            "handshake.defaultName",
            KeyType.NAME,
            null,
            "Name to assume when a client sends no SNI. Without it such a handshake is refused, unless the"
                    + " server has a certificate of its own."),
    TLS_PROVIDER(
            "tls.provider",
            KeyType.CHOICE,
            "jdk",
            "Whose TLS engine shakes hands: jdk, conscrypt, or openssl. conscrypt needs the jar conscrypt-openjdk-uber."
                    + " openssl needs Tomcat, Java 22 or later, and OpenSSL."),
    INVENTORY_SIZE(
            "inventory.size",
            KeyType.INTEGER,
            "10000",
            within("1", "1000000"),
            "How many certificates are kept ready in memory. Others are read from the store when visited."),
    SHIELD_ASK_CONCURRENCY(
            "shield.askConcurrency",
            KeyType.INTEGER,
            "16",
            within("1", "1000"),
            "How many permission questions run at once."),
    SHIELD_ASK_QUEUE(
            "shield.askQueue",
            KeyType.INTEGER,
            "256",
            within("1", "100000"),
            "How many more permission questions may wait. Further ones are refused at once."),
    SHIELD_ASK_RATE(
            "shield.askRate",
            KeyType.RATE,
            "200/1s",
            "How many permission questions may start in a period. Further ones wait their turn."),
    SHIELD_NEW_NAMES_PER_CLIENT(
            "shield.newNamesPerClient",
            KeyType.RATE,
            "60/10m",
            "How many new names one client block (a /24 or /56) may cause questions for in a period. Further"
                    + " ones are refused at once. Loopback and onDemandTls.shield.trusted are not counted."),
    SHIELD_NEW_NAMES_PER_DOMAIN(
            "shield.newNamesPerDomain",
            KeyType.RATE,
            "100/1h",
            "How many new names of one registered domain strangers may have ordered in a period. Further ones are"
                    + " refused at once. Visits from loopback, and renewals, are not counted."),
    SHIELD_DNS_QUESTIONS_PER_CLIENT(
            "shield.dnsQuestionsPerClient",
            KeyType.RATE,
            "600/10m",
            "How many DNS questions onDemandTls.preflight may ask for the visits of one client block in a period."
                    + " Further names are refused at once. Loopback and onDemandTls.shield.trusted are not counted."),
    SHIELD_DNS_QUESTIONS(
            "shield.dnsQuestions",
            KeyType.RATE,
            "500/1s",
            "How many DNS questions onDemandTls.preflight may ask in all in a period. Further ones are refused."),
    SHIELD_TRUSTED(
            "shield.trusted",
            KeyType.BLOCKS,
            null,
            "Address blocks that are not counted as clients, such as load balancers that hide their clients:"
                    + " 10.0.0.0/8,2001:db8::/32. Loopback is always among them."),
    SHIELD_PARKED_PER_NAME(
            "shield.parkedPerName",
            KeyType.INTEGER,
            "2000",
            within("1", "1000000"),
            "How many handshakes may wait for one name at the same time. Further ones are refused at once."),
    SHIELD_PARKED_PER_CLIENT(
            "shield.parkedPerClient",
            KeyType.INTEGER,
            "500",
            within("1", "1000000"),
            "How many handshakes of one client block (a /24 or /56) may wait at the same time. Further ones"
                    + " are refused at once. Loopback and onDemandTls.shield.trusted are not counted."),
    SHIELD_LOOKUPS_IN_FLIGHT(
            "shield.lookupsInFlight",
            KeyType.INTEGER,
            "4",
            within("1", "1000"),
            "How many store look-ups run at once."),
    SHIELD_LOOKUPS_QUEUED(
            "shield.lookupsQueued",
            KeyType.INTEGER,
            "256",
            within("1", "100000"),
            "How many more look-ups in the store may wait. Further ones are refused at once."),
    SHIELD_LOOKUP_RATE(
            "shield.lookupRate",
            KeyType.RATE,
            "500/1s",
            "How many look-ups in the store may start in a period, until the server knows which names the store holds."
                    + " Further ones are refused at once. This limit matters only in the first moments after a start."),
    SHIELD_ORDERS_IN_FLIGHT(
            "shield.ordersInFlight",
            KeyType.COUNT,
            "auto",
            within("1", "1000"),
            "How many orders run at the same time. auto is 256 for a CA of your own and 16 otherwise."),
    SHIELD_ORDERS_QUEUED(
            "shield.ordersQueued",
            KeyType.INTEGER,
            "256",
            within("1", "100000"),
            "How many more orders may wait. Further ones are refused at once."),
    SHIELD_REMEMBERED_REFUSALS(
            "shield.rememberedRefusals",
            KeyType.INTEGER,
            "50000",
            within("1", "10000000"),
            "How many denials and failures are remembered. Each takes about 300 bytes of memory."),
    NAMES(
            "names",
            KeyType.NAMES,
            null,
            "Names of your own, separated by commas. They need no permission, are obtained at the start, and"
                    + " are renewed whether visited or not."),
    RENEWAL_VISITED_WITHIN(
            "renewal.visitedWithin",
            KeyType.DURATION,
            null,
            within("1m", "365d"),
            "A certificate is renewed only if its last visit is not longer ago than this. Without it, any"
                    + " visit during the life of the certificate counts."),
    RENEWAL_GRACE(
            "renewal.grace",
            KeyType.DURATION,
            "30d",
            within("1s", "3650d"),
            "How long after its expiry a certificate that nobody renewed stays in the store."),
    RENEWAL_MOVED_AWAY_GRACE(
            "renewal.movedAwayGrace",
            KeyType.DURATION,
            "7d",
            within("1s", "3650d"),
            "How long the server goes on checking the DNS of a name that points elsewhere when its renewal is due."
                    + " After that it checks only at a visit."),
    BUDGET_ORDERS(
            "budget.orders",
            KeyType.ALLOWANCE,
            "auto",
            "New orders per account and period, like 300/3h, or none for no limit. Half of them are for renewals, half"
                    + " for new names. auto takes what the CA publishes, and no limit for a CA of your own."),
    BUDGET_DOMAIN("budget.domain", KeyType.ALLOWANCE, "auto", "Certificates per domain, like 50/7d, or none, or auto."),
    BUDGET_NAME("budget.name", KeyType.ALLOWANCE, "auto", "Certificates per name, like 5/7d, or none, or auto."),
    BUDGET_FAILURES(
            "budget.failures",
            KeyType.ALLOWANCE,
            "auto",
            "Failed validations per name and period, like 5/1h, or none, or auto. At the limit no more"
                    + " orders are placed for the name."),
    BUDGET_PUBLIC_SUFFIXES(
            "budget.publicSuffixes",
            KeyType.PATH,
            null,
            "File of a newer public suffix list than the built-in one, in the official format with the"
                    + " private section. The list decides what a registered domain is."),
    PREFLIGHT(
            "preflight",
            KeyType.CHOICE,
            "auto",
            "Whether the server checks the DNS of a name before it places an order: true, false, or auto."
                    + " auto is true for the aliases of public CAs and false otherwise."),
    PREFLIGHT_RESOLVER(
            "preflight.resolver",
            KeyType.TEXT,
            null,
            "Address of the DNS resolver to ask, like 127.0.0.1:5353. Without it, the resolver of the system."),
    PREFLIGHT_ADDRESSES(
            "preflight.addresses",
            KeyType.BLOCKS,
            null,
            "Addresses that a name may point to, 198.51.100.1,2001:db8::1 or whole blocks. A name that"
                    + " points anywhere else gets no order. Without this key any address is accepted."),
    PREFLIGHT_CDN_RANGES(
            "preflight.cdnRanges",
            KeyType.PATH,
            null,
            "File with the addresses of CDNs that end TLS in front of this server, instead of the built-in list: a"
                    + " name and an address block on each line. Names behind a CDN are proved by HTTP-01 only."),
    PREFLIGHT_HTTP_PORT(
            "preflight.httpPort",
            KeyType.INTEGER,
            "80",
            within("1", "65535"),
            "Port at which the CA fetches HTTP-01 proofs; the check before an order uses it as well. It is"
                    + " 80 for all public CAs."),
    STATUS_ADDRESSES(
            "status.addresses",
            KeyType.BLOCKS,
            null,
            "Addresses that may ask for the management page and its API, 192.0.2.7 or whole blocks. Without them only"
                    + " this machine may. Other machines need HTTPS."),
    STATUS_HOSTS(
            "status.hosts",
            KeyType.NAMES,
            null,
            "Host names under which the management page and its API answer, besides localhost and loopback."),
    STATUS_LOOK_ROLE(
            "status.lookRole",
            KeyType.TEXT,
            "ondemand-tls-look",
            "Role of the users of the server who may see the management page and its figures."),
    STATUS_ACT_ROLE(
            "status.actRole",
            KeyType.TEXT,
            "ondemand-tls-act",
            "Role of the server's users who may see the management page and act on it: obtain, withdraw and so on.");

    /** What the name of every key begins with. */
    public static final String PREFIX = "onDemandTls.";

    /** What is appended to a key's name to give a file that holds its value. */
    public static final String FILE_SUFFIX = ".file";

    private final String key;
    private final KeyType type;
    private final @Nullable String defaultText;
    private final @Nullable String least;
    private final @Nullable String most;
    private final String sentence;

    ConfigKey(String name, KeyType type, @Nullable String defaultText, Bounds bounds, String sentence) {
        this.key = PREFIX + name;
        this.type = type;
        this.defaultText = defaultText;
        this.least = bounds.least();
        this.most = bounds.most();
        this.sentence = sentence;
    }

    ConfigKey(String name, KeyType type, @Nullable String defaultText, String sentence) {
        this(name, type, defaultText, Bounds.NONE, sentence);
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
    public KeyType type() {
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
        return type == KeyType.SECRET;
    }

    @Override
    public String toString() {
        return key;
    }
}
