package org.ondemandtls.config;

import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.ondemandtls.name.AddressBlock;
import org.ondemandtls.name.ServerName;

/**
 * Everything the operator said, checked; made by {@link ConfigReader} or {@link ConfigBuilder}.
 *
 * @param permission who may have a certificate
 * @param issuer who signs
 * @param acme how an ACME CA is spoken to; read only where {@code issuer} is {@link Issuer#ACME}
 * @param keyType the kind of key made for a certificate
 * @param store where certificates are kept
 * @param encryptionKeys the keys private keys are encrypted with at rest: the first encrypts, all decrypt; none leaves
 *     them in clear
 * @param handshake what a waiting client may cost
 * @param tlsProvider whose TLS engine shakes hands
 * @param inventory what is kept in memory
 * @param shield what strangers may make us do at once
 * @param names the operator's own names: obtained at start, renewed whether visited or not
 * @param renewal which certificates are renewed, withdrawn and forgotten
 * @param budget what may be asked of a CA over time
 * @param preflight what is looked at before an order
 * @param status who may use the management page and its API, where a server has them
 */
public record OnDemandTlsConfig(
        Permission permission,
        Issuer issuer,
        Acme acme,
        KeyType keyType,
        Store store,
        List<EncryptionKey> encryptionKeys,
        Handshake handshake,
        TlsProvider tlsProvider,
        Inventory inventory,
        Shield shield,
        List<ServerName> names,
        Renewal renewal,
        Budget budget,
        Preflight preflight,
        Status status) {

    /** Keeps copies of the lists. */
    public OnDemandTlsConfig {
        encryptionKeys = List.copyOf(encryptionKeys);
        names = List.copyOf(names);
    }

    /** Begins a configuration in Java. */
    public static ConfigBuilder builder() {
        return new ConfigBuilder();
    }

    /** Who signs. */
    public enum Issuer {
        /** A CA that speaks ACME (RFC 8555). */
        ACME,
        /** The CA embedded in the engine, for development and private networks. */
        INTERNAL
    }

    /** Whether the {@code Host} of a request is compared to the certificate its connection was served with. */
    public enum HostCheck {
        /** It is; who named no server is checked against what was served. */
        TRUE,
        /** It is, and who names no server is refused. */
        STRICT,
        /** It is not. */
        FALSE;

        /** As it is written. */
        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Whose TLS engine shakes hands. */
    public enum TlsProvider {
        /** The JDK's. */
        JDK,
        /** Conscrypt's, which is BoringSSL. */
        CONSCRYPT,
        /** Tomcat's, which is OpenSSL. */
        OPENSSL;

        /** As it is written. */
        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** The kind of key made for a certificate. */
    public enum KeyType {
        /** ECDSA on the curve P-256. */
        P_256,
        /** ECDSA on the curve P-384. */
        P_384,
        /** RSA with 2048 bits. */
        RSA_2048,
        /** RSA with 3072 bits. */
        RSA_3072,
        /** RSA with 4096 bits. */
        RSA_4096
    }

    /** A challenge type of RFC 8555 or RFC 8737. */
    public enum ChallengeType {
        /** Proof by handshake (RFC 8737). */
        TLS_ALPN_01,
        /** Proof by a resource on port 80 (RFC 8555 section 8.3). */
        HTTP_01;

        /** The identifier of RFC 8555 section 9.7.8, for example {@code "http-01"}. */
        public String identifier() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /**
     * Who may have a certificate. At least one source is given, here or beside the configuration in Java.
     *
     * @param ask the URL asked, empty where none is
     * @param askTimeout the total time of one ask
     * @param names names allowed without asking, the operator's own among them
     * @param file a file of such names, absolute, empty where none is
     * @param sql the query asked, empty where none is
     * @param className a class implementing {@code PermissionPolicy}, empty where none is
     * @param bean the name an application on the same server publishes what is asked under, empty where none is
     * @param rememberGranted how long a grant is reused
     * @param rememberDenied how long a denial is reused
     */
    public record Permission(
            Optional<URI> ask,
            Duration askTimeout,
            List<NamePattern> names,
            Optional<Path> file,
            Optional<Sql> sql,
            Optional<String> className,
            Optional<String> bean,
            Duration rememberGranted,
            Duration rememberDenied) {

        /** Keeps a copy of the list. */
        public Permission {
            names = List.copyOf(names);
        }

        /** Whether there is any source at all. */
        public boolean hasSource() {
            return ask.isPresent()
                    || !names.isEmpty()
                    || file.isPresent()
                    || sql.isPresent()
                    || className.isPresent()
                    || bean.isPresent();
        }
    }

    /**
     * A query that decides.
     *
     * @param query with one {@code ?} for the name
     * @param dataSource a JNDI name, or a {@code jdbc:} URL that may carry a password and is never shown
     */
    public record Sql(String query, String dataSource) {

        @Override
        public String toString() {
            return "Sql[query=" + query + "]";
        }
    }

    /**
     * How ACME CAs are spoken to.
     *
     * @param directories the CAs in order of preference, not empty, each of them once
     * @param email the accounts' contact, empty where none is given or each CA has its own
     * @param profile the certificate profile to ask for where a CA offers it, empty likewise
     * @param trustedRoots a PEM file of roots trusted for the CAs' own HTTPS, absolute, beside the JVM's where there are
     *     several CAs; empty for the JVM's, or where each CA has its own
     * @param challenges the allowed challenges in order of preference, not empty; all there are where each CA has its own
     * @param origins more origins a CA's URLs may have beside its directory's, https
     * @param preferredChain the name of an issuer: where a CA offers several chains, one up to it is served
     * @param throughProxies whether CDNs are shown proofs over TLS before there is a certificate
     * @param proxy through which the CAs are reached, empty for the JVM's
     */
    public record Acme(
            List<Directory> directories,
            Optional<String> email,
            Optional<String> profile,
            Optional<Path> trustedRoots,
            List<ChallengeType> challenges,
            List<URI> origins,
            Optional<String> preferredChain,
            boolean throughProxies,
            Optional<CaProxy> proxy) {

        /** Without other origins, a preferred chain and a proxy, and nothing for CDNs. */
        public Acme(
                List<Directory> directories,
                Optional<String> email,
                Optional<String> profile,
                Optional<Path> trustedRoots,
                List<ChallengeType> challenges) {
            this(
                    directories,
                    email,
                    profile,
                    trustedRoots,
                    challenges,
                    List.of(),
                    Optional.empty(),
                    false,
                    Optional.empty());
        }

        /** Keeps copies of the lists. */
        public Acme {
            origins = List.copyOf(origins);
            directories = List.copyOf(directories);
            challenges = List.copyOf(challenges);
            if (directories.isEmpty()) {
                throw new IllegalArgumentException("there is no directory");
            }
        }

        /** Whether one of the CAs is a public one: it looks at ports 80 and 443. */
        public boolean hasPublicCa() {
            return directories.stream().anyMatch(directory -> directory.alias().isPresent());
        }
    }

    /**
     * One CA, and what it knows us by.
     *
     * @param url the directory URL (RFC 8555 section 7.1.1), https
     * @param alias the alias of the public CA whose directory this is, however it was written; empty where it is another's
     * @param eab the external account binding (RFC 8555 section 7.3.4), empty where none is given
     * @param own what is said of this CA alone
     */
    public record Directory(URI url, Optional<String> alias, Optional<ExternalAccountBinding> eab, CaSettings own) {

        /** A CA of which nothing is said that is not said of all. */
        public Directory(URI url, Optional<String> alias, Optional<ExternalAccountBinding> eab) {
            this(url, alias, eab, CaSettings.NONE);
        }
    }

    /**
     * What binds an ACME account to an account the operator has with the CA.
     *
     * @param keyId the key identifier the CA gave
     * @param hmac the MAC key, base64url without padding; never shown
     */
    public record ExternalAccountBinding(String keyId, String hmac) {

        @Override
        public String toString() {
            return "ExternalAccountBinding[keyId=" + keyId + "]";
        }
    }

    /** Where certificates are kept. */
    public sealed interface Store {

        /** What may be shown of it: a path, or a URL without credentials and parameters. */
        String location();
    }

    /**
     * A store in files, of one process.
     *
     * @param directory where they are, absolute
     */
    public record FileStore(Path directory) implements Store {

        @Override
        public String location() {
            return directory.toString();
        }
    }

    /**
     * A store in a database, of any number of servers.
     *
     * @param source a {@code jdbc:} URL, or {@code jndi:} and the name of a DataSource of the server's; not to be shown
     * @param user for a URL, empty where it is in it or not needed
     * @param password for a URL, empty where it is in it or not needed; never shown
     * @param createSchema whether missing tables are made
     * @param connections how many connections are in use at the same time, at least 1
     */
    public record DatabaseStore(
            String source, Optional<String> user, Optional<String> password, boolean createSchema, int connections)
            implements Store {

        /** What begins the name of a DataSource. */
        public static final String JNDI = "jndi:";

        private static final int BEHIND_JDBC = "jdbc:".length();

        @Override
        public String location() {
            if (source.startsWith(JNDI)) {
                return source;
            }
            String shown = source.replaceFirst("[?;].*", "");
            int at = shown.lastIndexOf('@');
            if (at < 0) {
                return shown;
            }
            int slashes = shown.indexOf("//");
            int host = slashes >= 0 && slashes < at ? slashes + 2 : shown.indexOf(':', BEHIND_JDBC) + 1;
            return shown.substring(0, host) + shown.substring(at + 1);
        }

        @Override
        public String toString() {
            return "DatabaseStore[" + location() + "]";
        }
    }

    /**
     * What a waiting client may cost.
     *
     * @param deadline how long a client may wait for its certificate
     * @param parked how many handshakes may wait at the same time, at least 1
     * @param hostCheck whether a request whose {@code Host} the served certificate does not cover gets 421
     * @param defaultName the name assumed when a client sends none, empty where none is assumed
     * @param helloTimeout how long a client may take to send its ClientHello
     * @param helloOctets how many octets may be held of ClientHellos that are not whole, and of large ones that wait
     */
    public record Handshake(
            Duration deadline,
            int parked,
            HostCheck hostCheck,
            Optional<ServerName> defaultName,
            Duration helloTimeout,
            int helloOctets) {}

    /**
     * What is kept in memory.
     *
     * @param size how many certificates are held ready at most; others come from the store when visited
     */
    public record Inventory(int size) {}

    /**
     * What strangers may make us do at once.
     *
     * @param askConcurrency how many permission questions run at the same time
     * @param askQueue how many more may wait
     * @param ordersInFlight how many orders run at the same time
     * @param ordersQueued how many more may wait
     * @param rememberedRefusals how many denials and failures are remembered
     * @param askRate how many permission questions are begun in a time
     * @param clients what one client block may make us do
     * @param lookups how many look-ups in the store there may be
     */
    public record Shield(
            int askConcurrency,
            int askQueue,
            int ordersInFlight,
            int ordersQueued,
            int rememberedRefusals,
            Rate askRate,
            Clients clients,
            Lookups lookups) {}

    /**
     * What one client block, or all who want one name, may make us do.
     *
     * @param newNames how many new names a client block may make us ask for in a time
     * @param newNamesPerDomain how many new names of one registered domain are ordered for strangers in a time
     * @param trusted whose addresses are not counted, beside loopback
     * @param parkedPerName how many handshakes may wait for one name
     * @param parkedPerClient how many handshakes of one client block may wait
     */
    public record Clients(
            Rate newNames, Rate newNamesPerDomain, List<AddressBlock> trusted, int parkedPerName, int parkedPerClient) {

        /** Keeps a copy of the list. */
        public Clients {
            trusted = List.copyOf(trusted);
        }
    }

    /**
     * How many look-ups in the store there may be.
     *
     * @param inFlight how many run at the same time
     * @param queued how many more may wait
     * @param rate how many are begun in a time while it is not known which names the store holds
     */
    public record Lookups(int inFlight, int queued, Rate rate) {}

    /**
     * Which certificates are renewed, withdrawn and forgotten.
     *
     * @param visitedWithin how long ago the last visit may be, empty where any visit during the certificate's life counts
     * @param grace how long after its expiry the store keeps a certificate
     * @param movedAwayGrace for how long a name that leads elsewhere is looked at again when its renewal is due
     * @param withdrawAfter how long every answer about a name has to be a denial before it is withdrawn
     * @param recheck how often permission for a served and visited name is asked again, empty where renewals only ask
     */
    public record Renewal(
            Optional<Duration> visitedWithin,
            Duration grace,
            Duration movedAwayGrace,
            Duration withdrawAfter,
            Optional<Duration> recheck) {}

    /** How much of something a CA is asked for over time: so many, or one of the words. */
    public sealed interface Allowance permits Allowance.Automatic, Allowance.Unlimited, Rate {

        /** What the CA itself publishes, where it is a public one of ours; otherwise no limit. */
        record Automatic() implements Allowance {}

        /** No limit of ours. */
        record Unlimited() implements Allowance {}
    }

    /**
     * What may be asked of a CA over time.
     *
     * @param orders new orders per account
     * @param domain certificates per registered domain
     * @param name certificates for the same name
     * @param failures failed validations per name
     * @param publicSuffixes a newer public suffix list, absolute; empty for the one that comes along
     */
    public record Budget(
            Allowance orders, Allowance domain, Allowance name, Allowance failures, Optional<Path> publicSuffixes) {}

    /**
     * What is looked at before an order is spent on a name.
     *
     * @param enabled whether anything is
     * @param resolver the DNS resolver asked, empty for the system's
     * @param addresses where names may point, empty where that does not matter
     * @param httpPort where the CA looks for HTTP-01 proofs
     * @param questions how many DNS questions may be sent
     * @param cdnRanges a list of CDNs' addresses, absolute; empty for the one that comes along
     */
    public record Preflight(
            boolean enabled,
            Optional<InetSocketAddress> resolver,
            List<AddressBlock> addresses,
            int httpPort,
            Questions questions,
            Optional<Path> cdnRanges) {

        /** Keeps a copy of the list. */
        public Preflight {
            addresses = List.copyOf(addresses);
        }
    }

    /**
     * How many DNS questions may be sent.
     *
     * @param perClient for the visits of one client block
     * @param all for everybody
     */
    public record Questions(Rate perClient, Rate all) {}

    /**
     * Who may use the management page and its API.
     *
     * @param addresses where they may be asked from, empty for this machine only
     * @param hosts the host names they are offered under, beside localhost
     * @param lookRole the role of users who may look
     * @param actRole the role of users who may act, and look
     */
    public record Status(List<AddressBlock> addresses, List<ServerName> hosts, String lookRole, String actRole) {

        /** Keeps copies of the lists. */
        public Status {
            addresses = List.copyOf(addresses);
            hosts = List.copyOf(hosts);
        }
    }
}
