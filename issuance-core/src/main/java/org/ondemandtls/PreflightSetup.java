package org.ondemandtls;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.challenge.ChallengeBoard;
import org.ondemandtls.config.ConfigKey;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.config.OnDemandTlsConfig.Issuer;
import org.ondemandtls.event.Events;
import org.ondemandtls.inventory.Inventory;
import org.ondemandtls.issuance.WithdrawnName;
import org.ondemandtls.machine.Time;
import org.ondemandtls.name.AddressBlock;
import org.ondemandtls.name.CdnRanges;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.ClientAllowances;
import org.ondemandtls.preflight.CaIdentity;
import org.ondemandtls.preflight.DnsPreflight;
import org.ondemandtls.preflight.Preflight;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;

/** Joins the look at a name's DNS with the rest of the house. */
final class PreflightSetup {

    private static final CaIdentity UNKNOWN = new CaIdentity(Set.of(), Optional.empty(), Set.of());

    private PreflightSetup() {}

    /**
     * What it needs of the house.
     *
     * @param host the server
     * @param authorities the CAs an order may go to
     * @param challenges where proofs are shown
     * @param inventory what is served
     * @param store what can be served
     * @param registeredDomain what the public suffix list makes of a name
     */
    record House(
            OnDemandTls.Host host,
            List<Authority> authorities,
            ChallengeBoard challenges,
            Inventory inventory,
            CertificateStore store,
            Function<ServerName, String> registeredDomain) {}

    /**
     * Makes it, also where orders do not wait for it: an operator may have a name diagnosed.
     *
     * @throws StartException if the list of CDNs cannot be read any more
     */
    static Preflight open(OnDemandTlsConfig config, House house, EngineThreads threads, Time time, Events events)
            throws StartException {
        CdnRanges cdns = cdns(config);
        return new DnsPreflight(
                config.preflight(),
                cdns,
                // One that has not said who it is may be the one that is allowed.
                () -> house.authorities().stream()
                        .map(authority -> authority.caaIdentity().orElse(UNKNOWN))
                        .toList(),
                house.registeredDomain(),
                bounds(config, time)::tryTake,
                new Proofs(config, house, cdns, time.clock()),
                new DnsPreflight.Ports(
                        threads.pool(
                                "preflight",
                                config.shield().askConcurrency(),
                                config.shield().askQueue()),
                        threads.scheduler(),
                        time::nanoTime,
                        events));
    }

    /**
     * The addresses of those who end TLS in front of other people's servers.
     *
     * @throws StartException if the operator's list cannot be read any more
     */
    static CdnRanges cdns(OnDemandTlsConfig config) throws StartException {
        Optional<Path> newer = config.preflight().cdnRanges();
        if (newer.isEmpty()) {
            return CdnRanges.bundled();
        }
        try (InputStream in = Files.newInputStream(newer.get())) {
            return CdnRanges.read(in);
        } catch (IOException | IllegalArgumentException e) {
            throw StartException.unreadable(ConfigKey.PREFLIGHT_CDN_RANGES.key() + " cannot be used", e);
        }
    }

    /** Whose addresses are no CA's: the operator's own proxies, and networks that end TLS in front of a server. */
    static Predicate<InetAddress> proxies(OnDemandTlsConfig config) throws StartException {
        List<AddressBlock> trusted = config.shield().clients().trusted();
        CdnRanges cdns = cdns(config);
        return address -> trusted.stream().anyMatch(block -> block.contains(address))
                || cdns.network(address).isPresent();
    }

    private static ClientAllowances bounds(OnDemandTlsConfig config, Time time) {
        OnDemandTlsConfig.Questions questions = config.preflight().questions();
        return new ClientAllowances(
                new ClientAllowances.Bound(ConfigKey.SHIELD_DNS_QUESTIONS_PER_CLIENT.key(), questions.perClient()),
                new ClientAllowances.Bound(ConfigKey.SHIELD_DNS_QUESTIONS.key(), questions.all()),
                config.shield().rememberedRefusals(),
                time::nanoTime);
    }

    /**
     * What the look at a name's plain HTTP needs to know of the house.
     *
     * @param config what an order would use
     * @param house what is served and shown
     * @param cdns the addresses of those who end TLS in front of other people's servers
     * @param clock tells what has expired
     */
    record Proofs(OnDemandTlsConfig config, House house, CdnRanges cdns, Clock clock)
            implements DnsPreflight.HttpProofs {

        @Override
        public Runnable show(ServerName name, String token, String text) throws IOException {
            return house.challenges().displayHttp(name, token, text)::close;
        }

        @Override
        public boolean isUsed() {
            return isPossible() && config.acme().challenges().get(0) == ChallengeType.HTTP_01;
        }

        @Override
        public boolean isPossible() {
            return config.issuer() == Issuer.ACME
                    && config.acme().challenges().contains(ChallengeType.HTTP_01)
                    && house.host().answersPlainHttp();
        }

        @Override
        public boolean isServed(ServerName name, InetAddress address) {
            return house.inventory().find(name).isPresent()
                    || cdns.network(address).isPresent()
                    || isStored(name);
        }

        // Memory holds only so many. Where the store does not answer nothing is certain.
        private boolean isStored(ServerName name) {
            try {
                Optional<StoredCertificate> stored = house.store().mayHold(name)
                        ? house.store().find(name).filter(one -> one.isServableAt(clock.instant()))
                        : Optional.empty();
                return stored.isPresent()
                        && !(stored.get().certificate().names().size() > 1
                                && WithdrawnName.isKept(house.store(), name));
            } catch (StoreException e) {
                return true;
            }
        }
    }
}
