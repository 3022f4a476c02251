package org.ondemandtls;

import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.ondemandtls.authority.AcmeAuthority;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.authority.CaDates;
import org.ondemandtls.authority.ChallengePreference;
import org.ondemandtls.authority.InternalAuthority;
import org.ondemandtls.authority.SecretFiles;
import org.ondemandtls.authority.StoredSecrets;
import org.ondemandtls.certificate.SpareKeys;
import org.ondemandtls.challenge.ChallengeBoard;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.config.OnDemandTlsConfig.Issuer;
import org.ondemandtls.config.OnDemandTlsConfig.KeyType;
import org.ondemandtls.event.Events;
import org.ondemandtls.machine.Time;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.preflight.Preflight;
import org.ondemandtls.store.CertificateStore;

/** Makes the CAs an operator has configured. */
final class AuthoritySetup {

    private AuthoritySetup() {}

    /**
     * Makes them in the operator's order; none is spoken to yet.
     *
     * @param config what the operator said
     * @param host the server
     * @param store where accounts are kept
     * @param challenges where proofs are displayed
     * @param time wall clock and monotonic time
     * @param events where everything is reported
     * @param preflight what is known of a name's DNS, asked at every order
     * @param dates told what time CAs say it is
     * @throws StartException if something configured cannot be used, in one line
     */
    static List<Authority> open(
            OnDemandTlsConfig config,
            OnDemandTls.Host host,
            CertificateStore store,
            ChallengeBoard challenges,
            Time time,
            Events events,
            Supplier<Preflight> preflight,
            CaDates dates)
            throws StartException {
        SecretFiles files = new StoredSecrets(store);
        List<Authority> opened = new ArrayList<>();
        try {
            if (config.issuer() == Issuer.INTERNAL) {
                return List.of(InternalAuthority.open(files, time.clock(), events));
            }
            AcmeAuthority.Ports ports = new AcmeAuthority.Ports(
                    files,
                    challenges,
                    new ChallengePreference(config.acme().challenges()),
                    name -> usable(config, host, preflight.get(), name),
                    time.clock(),
                    time::nanoTime,
                    events,
                    (name, ca) -> preflight.get().validationMethods(name, ca),
                    dates);
            for (OnDemandTlsConfig.Directory directory : config.acme().directories()) {
                // What was learned at one CA counts at the next, where both may ask for the same.
                AcmeAuthority.Ports own = directory
                        .own()
                        .challenges()
                        .map(allowed -> ports.with(new ChallengePreference(allowed)))
                        .orElse(ports);
                opened.add(AcmeAuthority.open(config.acme(), directory, own));
            }
            return List.copyOf(opened);
        } catch (IOException e) {
            opened.forEach(Authority::close);
            throw new StartException(String.valueOf(e.getMessage()));
        }
    }

    /**
     * The supply of keys for certificates, of each kind that is wanted; empty yet.
     *
     * @param config what the operator said
     * @param target how many of each kind to keep ready
     * @param executor where they are made
     */
    static SpareKeys keys(OnDemandTlsConfig config, int target, Executor executor) {
        Map<String, KeyType> own = new HashMap<>();
        if (config.issuer() == Issuer.ACME) {
            for (OnDemandTlsConfig.Directory directory : config.acme().directories()) {
                directory
                        .own()
                        .keyType()
                        .ifPresent(type -> own.put(directory.url().toString(), type));
            }
        }
        return new SpareKeys(config.keyType(), own, target, executor);
    }

    /** Which proofs this server can show for a name now, going by what its last look at DNS said. */
    static Set<ChallengeType> usable(
            OnDemandTlsConfig config, OnDemandTls.Host host, Preflight preflight, ServerName name) {
        Set<ChallengeType> usable =
                host.answersPlainHttp() ? EnumSet.allOf(ChallengeType.class) : EnumSet.of(ChallengeType.TLS_ALPN_01);
        // Whoever ends TLS in front shows the CA a certificate of its own.
        if (preflight.cdn(name).isPresent()) {
            usable.remove(ChallengeType.TLS_ALPN_01);
        }
        // It may come to the TLS port for the other one, also where DNS did not say in time that it is there.
        if (config.acme().throughProxies() && !preflight.isDirect(name)) {
            usable.add(ChallengeType.HTTP_01);
        }
        return usable;
    }
}
