package org.ondemandtls.tomcat;

import java.security.cert.Certificate;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509KeyManager;
import org.apache.tomcat.util.net.SSLContext;
import org.apache.tomcat.util.net.SSLHostConfig;
import org.apache.tomcat.util.net.SSLHostConfigCertificate;
import org.apache.tomcat.util.net.jsse.JSSEImplementation;
import org.apache.tomcat.util.net.jsse.JSSEUtil;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.config.OnDemandTlsConfig.TlsProvider;
import org.ondemandtls.handshake.TicketKeys;
import org.ondemandtls.handshake.TicketSecrets;
import org.ondemandtls.name.HttpHosts;

/**
 * What each {@code <SSLHostConfig>} of one connector means for handshakes: the names of the certificates it was
 * configured with, and a context that serves the engine's under the same trust, ciphers and protocols.
 *
 * <p>Made again for a host configuration that is reloaded; the next handshake sees it.
 */
final class HandshakeContexts {

    private static final Map<TlsProvider, String> IMPLEMENTATIONS = Map.of(
            TlsProvider.JDK, JSSEImplementation.class.getName(),
            TlsProvider.CONSCRYPT, ConscryptImplementation.class.getName(),
            TlsProvider.OPENSSL, OpenSslImplementation.class.getName());
    private static final int SAN_DNS = 2;
    private static final int SAN_ADDRESS = 7;
    private static final List<String> KEY_TYPES = List.of("EC", "RSA", "RSASSA-PSS", "EdDSA", "DSA");

    /**
     * One host configuration.
     *
     * @param configured whether the user gave it a certificate
     * @param names the names in those certificates, lower case
     * @param onDemand makes engines whose certificate is the engine's to choose
     */
    private record Entry(boolean configured, Set<String> names, SSLContext onDemand) {}

    private final Map<SSLHostConfig, Entry> entries = new ConcurrentHashMap<>();
    private final Set<SSLHostConfigCertificate> placeholders = ConcurrentHashMap.newKeySet();
    private final Map<SSLHostConfigCertificate, SSLContext> served = new ConcurrentHashMap<>();
    private final Set<SSLContext> ours = Collections.synchronizedSet(Collections.newSetFromMap(new WeakHashMap<>()));
    private final EngineKeyManager keyManager;
    private final Supplier<@Nullable TicketSecrets> tickets;

    private volatile TlsProvider provider = TlsProvider.JDK;
    private volatile List<String> protocols = List.of();

    /**
     * Begins without any.
     *
     * @param keyManager chooses the engine's certificates
     * @param tickets the engine's secrets, null where it has none or is closed
     */
    HandshakeContexts(EngineKeyManager keyManager, Supplier<@Nullable TicketSecrets> tickets) {
        this.keyManager = keyManager;
        this.tickets = tickets;
    }

    /**
     * Says whose engines the contexts make; before any is made.
     *
     * @param chosen what the operator said
     * @param negotiable what the connector agrees on by ALPN; the list of the endpoint itself, which is filled later
     * @return the name of the class by which Tomcat comes to the same engines
     */
    String use(TlsProvider chosen, List<String> negotiable) {
        provider = chosen;
        protocols = negotiable;
        return IMPLEMENTATIONS.getOrDefault(chosen, "");
    }

    /** Whether the class of this name can be what {@link #use} has returned. */
    static boolean isImplementation(String name) {
        return IMPLEMENTATIONS.containsValue(name);
    }

    /**
     * Makes a host configuration without certificates fit for Tomcat, which wants a context of each. Call it before
     * Tomcat makes its own contexts.
     *
     * @param config the host configuration
     * @throws IllegalArgumentException if its trust, ciphers or protocols cannot be used
     */
    void prepare(SSLHostConfig config) {
        Set<SSLHostConfigCertificate> certificates = config.getCertificates();
        if (certificates.isEmpty()) {
            SSLHostConfigCertificate placeholder =
                    new SSLHostConfigCertificate(config, SSLHostConfigCertificate.Type.UNDEFINED);
            placeholders.add(placeholder);
            config.addCertificate(placeholder);
        }
        for (SSLHostConfigCertificate certificate : certificates) {
            if (placeholders.contains(certificate)) {
                certificate.setSslContext(new BindingContext(onDemand(certificate)));
            }
        }
    }

    /**
     * Takes a host configuration in, or what has changed in it. Call it after Tomcat has made its own contexts.
     *
     * @param config the host configuration
     * @throws IllegalArgumentException if its trust, ciphers or protocols cannot be used
     */
    void learn(SSLHostConfig config) {
        boolean configured = false;
        Set<String> names = new HashSet<>();
        SSLContext onDemand = null;
        for (SSLHostConfigCertificate certificate : config.getCertificates()) {
            if (placeholders.contains(certificate)) {
                onDemand = certificate.getSslContext();
            } else {
                configured = true;
                makeAnew(certificate);
                names.addAll(names(certificate));
                onDemand = onDemand == null ? onDemand(certificate) : onDemand;
            }
        }
        if (onDemand != null) {
            entries.put(config, new Entry(configured, Set.copyOf(names), onDemand));
        }
    }

    /**
     * Forgets the host configurations that are not in use any more.
     *
     * @param configs those that are
     */
    void retain(Collection<SSLHostConfig> configs) {
        entries.keySet().retainAll(configs);
        placeholders.removeIf(certificate -> !configs.contains(certificate.getSSLHostConfig()));
        served.keySet().removeIf(certificate -> !configs.contains(certificate.getSSLHostConfig()));
    }

    /** How many host configurations are known. */
    int size() {
        return entries.size();
    }

    /** Whether {@code certificate} stands for those of the engine. */
    boolean isPlaceholder(SSLHostConfigCertificate certificate) {
        return placeholders.contains(certificate);
    }

    /** Whether the user gave {@code config} a certificate. */
    boolean isConfigured(SSLHostConfig config) {
        Entry entry = entries.get(config);
        return entry != null && entry.configured();
    }

    /**
     * Whether a certificate the user gave {@code config} names {@code host}, exactly or by a wildcard.
     *
     * @param host a DNS name in lower case
     */
    boolean names(SSLHostConfig config, String host) {
        Entry entry = entries.get(config);
        return entry != null && HttpHosts.covered(entry.names(), host);
    }

    /** What makes engines for the engine's certificates under {@code config}; null if it is not known. */
    @Nullable
    SSLContext onDemand(SSLHostConfig config) {
        Entry entry = entries.get(config);
        return entry == null ? null : entry.onDemand();
    }

    // The oldest Tomcat that is supported keeps the context it has made of a certificate, however often that is
    // reloaded; later ones make another. One the user has made is left alone.
    private void makeAnew(SSLHostConfigCertificate certificate) {
        SSLContext now = certificate.getSslContext();
        if (now == null) {
            return;
        }
        boolean usersOwn = !now.equals(certificate.getSslContextGenerated()) && !ours.contains(now);
        if (now.equals(served.get(certificate)) && !usersOwn) {
            now = context(
                    switch (provider) {
                        case JDK -> new JSSEUtil(certificate, false);
                        case CONSCRYPT -> new ConscryptUtil(certificate, false);
                        case OPENSSL -> new OpenSslUtil(certificate, false, TicketKeys.OWN);
                    });
            ours.add(now);
            certificate.setSslContext(now);
        }
        served.put(certificate, now);
    }

    private SSLContext onDemand(SSLHostConfigCertificate certificate) {
        KeyManager[] keys = {keyManager};
        return context(
                switch (provider) {
                    case JDK ->
                        new JSSEUtil(certificate, false) {
                            @Override
                            public KeyManager[] getKeyManagers() {
                                return keys;
                            }
                        };
                    case CONSCRYPT ->
                        new ConscryptUtil(certificate, false) {
                            @Override
                            public KeyManager[] getKeyManagers() {
                                return keys;
                            }
                        };
                    // Nobody is asked: what is shown is known where a context is made.
                    case OPENSSL ->
                        new OpenSslUtil(
                                certificate, false, new SharedTickets(certificate.getSSLHostConfig(), tickets)) {
                            @Override
                            public KeyManager[] getKeyManagers() {
                                return new KeyManager[0];
                            }
                        };
                });
    }

    private SSLContext context(JSSEUtil util) {
        try {
            return util.createSSLContext(protocols);
        } catch (IllegalArgumentException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
    }

    private static Set<String> names(SSLHostConfigCertificate certificate) {
        Set<String> names = new HashSet<>();
        try {
            KeyManager[] managers = new JSSEUtil(certificate, false).getKeyManagers();
            for (KeyManager manager : managers == null ? new KeyManager[0] : managers) {
                if (manager instanceof X509KeyManager x509) {
                    addNames(x509, names);
                }
            }
        } catch (Exception e) {
            // A context given in Java has no key store to read; Tomcat has reported everything else.
            SSLContext given = certificate.getSslContext();
            X509Certificate[] chain = given == null
                    ? null
                    : given.getCertificateChain(
                            certificate.getCertificateKeyAlias() == null
                                    ? "tomcat"
                                    : certificate.getCertificateKeyAlias());
            if (chain != null && chain.length > 0) {
                names.addAll(names(chain[0]));
            }
        }
        return names;
    }

    private static void addNames(X509KeyManager manager, Set<String> names) {
        for (String keyType : KEY_TYPES) {
            String[] aliases = manager.getServerAliases(keyType, null);
            for (String alias : aliases == null ? new String[0] : aliases) {
                X509Certificate[] chain = manager.getCertificateChain(alias);
                if (chain != null && chain.length > 0) {
                    names.addAll(names(chain[0]));
                }
            }
        }
    }

    /**
     * The names of the certificate that an engine has shown.
     *
     * @param engine of a complete handshake, null for none
     * @param config the host configuration it was made under
     * @return its names, empty where it has shown none. An engine of OpenSSL does not tell: then the names in all
     *     certificates the user gave the host configuration
     */
    Set<String> namesShown(@Nullable SSLEngine engine, SSLHostConfig config) {
        if (provider == TlsProvider.OPENSSL) {
            Entry entry = entries.get(config);
            return entry == null ? Set.of() : entry.names();
        }
        Certificate[] chain = engine == null ? null : engine.getSession().getLocalCertificates();
        return chain != null && chain.length > 0 && chain[0] instanceof X509Certificate leaf ? names(leaf) : Set.of();
    }

    /**
     * The DNS names and addresses of a certificate: those of its subjectAltName extension, or, where it has none, its
     * common name.
     *
     * @param certificate any certificate
     * @return the names in lower case, a wildcard among them as {@code *.example.com}
     */
    static Set<String> names(X509Certificate certificate) {
        Set<String> names = new HashSet<>();
        try {
            Collection<List<?>> alternatives = certificate.getSubjectAlternativeNames();
            if (alternatives != null) {
                for (List<?> alternative : alternatives) {
                    if (Integer.valueOf(SAN_DNS).equals(alternative.get(0))
                            || Integer.valueOf(SAN_ADDRESS).equals(alternative.get(0))) {
                        names.add(String.valueOf(alternative.get(1)).toLowerCase(Locale.ROOT));
                    }
                }
                return names;
            }
            for (Rdn rdn : new LdapName(certificate.getSubjectX500Principal().getName()).getRdns()) {
                if (rdn.getType().equalsIgnoreCase("CN")) {
                    names.add(String.valueOf(rdn.getValue()).toLowerCase(Locale.ROOT));
                }
            }
        } catch (CertificateParsingException | InvalidNameException e) {
            return Set.of();
        }
        return names;
    }
}
