package org.ondemandtls.config;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.config.OnDemandTlsConfig.Issuer;
import org.ondemandtls.config.OnDemandTlsConfig.KeyType;
import org.ondemandtls.name.ServerName;

/**
 * The keys as they are given in Java.
 *
 * <p>It collects what an operator would write and hands it to {@link ConfigReader}: the same keys, the same bounds,
 * the same messages. A later call for a key replaces an earlier one. An instance belongs to one thread.
 *
 * @param <B> the builder itself
 */
public abstract class ConfigKeys<B extends ConfigKeys<B>> {

    private final Map<String, String> texts = new TreeMap<>();

    /** Begins without any key. */
    protected ConfigKeys() {}

    /** This builder. */
    protected abstract B self();

    /** Says who may have a certificate. */
    public final B permission(Consumer<PermissionKeys> keys) {
        keys.accept(new PermissionKeys());
        return self();
    }

    /** Says who signs. */
    public final B issuer(Issuer issuer) {
        put(ConfigKey.ISSUER, ConfigReader.spelling(issuer));
        return self();
    }

    /** Says how an ACME CA is spoken to. */
    public final B acme(Consumer<AcmeKeys> keys) {
        keys.accept(new AcmeKeys());
        return self();
    }

    /** Says which kind of key is made for a certificate. */
    public final B certificateKey(KeyType keyType) {
        put(ConfigKey.CERTIFICATE_KEY, ConfigReader.spelling(keyType));
        return self();
    }

    /** Says in which directory certificates, keys and open orders are kept. */
    public final B store(Path directory) {
        put(ConfigKey.STORE, directory);
        return self();
    }

    /**
     * Says in which database certificates, keys and open orders are kept; user and password by {@link #set}.
     *
     * @param source a {@code jdbc:} URL, or {@code jndi:} and the name of a DataSource of the server's
     */
    public final B store(String source) {
        put(ConfigKey.STORE, source);
        return self();
    }

    /** Says whose TLS engine shakes hands. */
    public final B tlsProvider(OnDemandTlsConfig.TlsProvider provider) {
        put(ConfigKey.TLS_PROVIDER, provider.word());
        return self();
    }

    /** Says what a waiting client may cost. */
    public final B handshake(Consumer<HandshakeKeys> keys) {
        keys.accept(new HandshakeKeys());
        return self();
    }

    /**
     * Gives any key by its name, as it would be written in a file; the file form of a key too.
     *
     * @param name the name of the key, for example {@code "onDemandTls.handshake.deadline"}
     * @param text its value, for example {@code "10s"}; a blank one counts as not given
     * @throws IllegalArgumentException if the name does not start with {@value ConfigKey#PREFIX}; whether there is
     *     such a key is seen when the configuration is built
     */
    public final B set(String name, String text) {
        if (!name.startsWith(ConfigKey.PREFIX)) {
            throw new IllegalArgumentException("a key starts with " + ConfigKey.PREFIX + ": " + name);
        }
        texts.put(name, text.trim());
        return self();
    }

    /**
     * Validates everything at once. System properties are taken for keys that were not given.
     *
     * @param base the directory relative paths are taken from
     * @param policyInJava whether the server is given a permission policy in Java as well: no other source is needed
     *     then, and a class of the same kind is one too many
     * @return the configuration
     * @throws ConfigException if there are mistakes; it names them all
     */
    protected final OnDemandTlsConfig read(Path base, boolean policyInJava) throws ConfigException {
        Map<String, String> properties = ConfigReader.withFallback(texts, System.getProperties());
        return policyInJava ? ConfigReader.readBesidePolicy(properties, base) : ConfigReader.read(properties, base);
    }

    private void put(ConfigKey key, String text) {
        set(key.key(), text);
    }

    private void put(ConfigKey key, Duration duration) {
        put(key, Quantity.text(duration));
    }

    private void put(ConfigKey key, int number) {
        put(key, Integer.toString(number));
    }

    // The empty path is the base itself; as a text it would count as not given.
    private void put(ConfigKey key, Path path) {
        put(key, path.toString().isEmpty() ? "." : path.toString());
    }

    // An empty list is a mistake to be reported, not a key that was not given.
    private static String joined(Stream<String> elements) {
        String text = elements.collect(Collectors.joining(","));
        return text.isEmpty() ? "," : text;
    }

    /** The keys that start with {@code onDemandTls.permission}; at least one source among them has to be given. */
    public final class PermissionKeys {

        private PermissionKeys() {}

        /** The http or https URL asked. */
        public PermissionKeys ask(URI url) {
            put(ConfigKey.PERMISSION_ASK, url.toString());
            return this;
        }

        /** The total time of one ask, in whole milliseconds. */
        public PermissionKeys askTimeout(Duration timeout) {
            put(ConfigKey.PERMISSION_ASK_TIMEOUT, timeout);
            return this;
        }

        /** Names allowed without asking: {@code a.example.com}, {@code *.example.com} for one more label. */
        public PermissionKeys names(String... names) {
            put(ConfigKey.PERMISSION_NAMES, joined(Stream.of(names)));
            return this;
        }

        /** A file of such names, one per line. */
        public PermissionKeys file(Path file) {
            put(ConfigKey.PERMISSION_FILE, file);
            return this;
        }

        /**
         * A query that decides.
         *
         * @param query with one {@code ?} for the name
         * @param dataSource a JNDI name or a {@code jdbc:} URL
         */
        public PermissionKeys sql(String query, String dataSource) {
            put(ConfigKey.PERMISSION_SQL, query);
            put(ConfigKey.PERMISSION_DATA_SOURCE, dataSource);
            return this;
        }

        /** The name an application on the same server publishes what is asked under. */
        public PermissionKeys bean(String name) {
            put(ConfigKey.PERMISSION_BEAN, name);
            return this;
        }

        /** The fully qualified name of a class that implements {@code PermissionPolicy}. */
        public PermissionKeys className(String className) {
            put(ConfigKey.PERMISSION_CLASS, className);
            return this;
        }

        /** How long a grant is reused, in whole milliseconds. */
        public PermissionKeys rememberGranted(Duration duration) {
            put(ConfigKey.PERMISSION_REMEMBER_GRANTED, duration);
            return this;
        }

        /** How long a denial is reused, in whole milliseconds. */
        public PermissionKeys rememberDenied(Duration duration) {
            put(ConfigKey.PERMISSION_REMEMBER_DENIED, duration);
            return this;
        }
    }

    /** The keys that start with {@code onDemandTls.acme}. */
    public final class AcmeKeys {

        private AcmeKeys() {}

        /** The CA's directory, an https URL (RFC 8555 section 7.1.1). */
        public AcmeKeys directory(URI url) {
            return directory(url.toString());
        }

        /** The CA's directory by its alias, for example {@code "letsencrypt-staging"}, or as an https URL. */
        public AcmeKeys directory(String aliasOrUrl) {
            put(ConfigKey.ACME_DIRECTORY, aliasOrUrl);
            return this;
        }

        /** Several CAs in order of preference, each by its alias or directory URL. */
        public AcmeKeys directories(String... aliasesOrUrls) {
            put(ConfigKey.ACME_DIRECTORY, joined(Stream.of(aliasesOrUrls)));
            return this;
        }

        /** The account's contact. */
        public AcmeKeys email(String address) {
            put(ConfigKey.ACME_EMAIL, address);
            return this;
        }

        /** The external account binding (RFC 8555 section 7.3.4): key identifier, and MAC key in base64url. */
        public AcmeKeys eab(String keyId, String hmac) {
            put(ConfigKey.ACME_EAB, keyId + ':' + hmac);
            return this;
        }

        /** The external account bindings of several CAs in their order, {@code KEYID:BASE64URL-HMAC}, empty where none. */
        public AcmeKeys eabs(String... bindings) {
            put(ConfigKey.ACME_EAB, joined(Stream.of(bindings)));
            return this;
        }

        /** The certificate profile asked for when the CA offers it. */
        public AcmeKeys profile(String profile) {
            put(ConfigKey.ACME_PROFILE, profile);
            return this;
        }

        /** A PEM file of the roots trusted for the CA's own HTTPS. */
        public AcmeKeys trustedRoots(Path pem) {
            put(ConfigKey.ACME_TRUSTED_ROOTS, pem);
            return this;
        }

        /** More origins a CA's URLs may have beside its directory's. */
        public AcmeKeys origins(URI... origins) {
            put(ConfigKey.ACME_ORIGINS, joined(Stream.of(origins).map(URI::toString)));
            return this;
        }

        /** The common name of an issuer whose chain is served where the CA offers several. */
        public AcmeKeys preferredChain(String issuer) {
            put(ConfigKey.ACME_PREFERRED_CHAIN, issuer);
            return this;
        }

        /** The proxy through which CAs are reached: {@code http://USER:PASSWORD@HOST:PORT}. */
        public AcmeKeys proxy(String url) {
            put(ConfigKey.ACME_PROXY, url);
            return this;
        }

        /** The allowed challenges in order of preference. */
        public AcmeKeys challenges(ChallengeType... challenges) {
            put(ConfigKey.ACME_CHALLENGES, joined(Stream.of(challenges).map(ChallengeType::identifier)));
            return this;
        }
    }

    /** The keys that start with {@code onDemandTls.handshake}. */
    public final class HandshakeKeys {

        private HandshakeKeys() {}

        /** How long a client may wait for its certificate, in whole milliseconds. */
        public HandshakeKeys deadline(Duration deadline) {
            put(ConfigKey.HANDSHAKE_DEADLINE, deadline);
            return this;
        }

        /** How many handshakes may wait at the same time. */
        public HandshakeKeys parked(int handshakes) {
            put(ConfigKey.HANDSHAKE_PARKED, handshakes);
            return this;
        }

        /** How long a client may take to send its whole ClientHello, in whole milliseconds. */
        public HandshakeKeys helloTimeout(Duration timeout) {
            put(ConfigKey.HANDSHAKE_HELLO_TIMEOUT, timeout);
            return this;
        }

        /** How many octets may be held of ClientHellos that are not whole, and of large ones that wait. */
        public HandshakeKeys helloOctets(int octets) {
            put(ConfigKey.HANDSHAKE_HELLO_OCTETS, octets);
            return this;
        }

        /** Whether a request whose {@code Host} the served certificate does not cover gets 421. */
        public HandshakeKeys hostCheck(boolean check) {
            put(ConfigKey.HANDSHAKE_HOST_CHECK, Boolean.toString(check));
            return this;
        }

        /** The same, with the choice to refuse clients that name no server. */
        public HandshakeKeys hostCheck(OnDemandTlsConfig.HostCheck check) {
            put(ConfigKey.HANDSHAKE_HOST_CHECK, check.word());
            return this;
        }

        /** The name assumed when a client sends none. */
        public HandshakeKeys defaultName(ServerName name) {
            put(ConfigKey.HANDSHAKE_DEFAULT_NAME, name.value());
            return this;
        }
    }
}
