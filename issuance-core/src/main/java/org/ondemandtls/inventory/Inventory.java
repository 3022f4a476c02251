package org.ondemandtls.inventory;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.time.Clock;
import java.util.HashSet;
import java.util.Iterator;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.name.ServerName;

/**
 * What can be served right now.
 *
 * <p>Bounded: what does not fit is chosen by frequency of use, so that names visited once cannot push out those
 * visited all day, and is found in the store when it is visited again.
 *
 * <p><b>Threads.</b> Safe for many; nothing blocks or does I/O. A look-up is one or two hash accesses.
 */
public final class Inventory {

    private final Cache<String, KeyedCertificate> byName;
    // Of which the store has said that a wildcard serves them: they may have been withdrawn, or have their own.
    private final Cache<String, Boolean> byWildcard;
    private final Clock clock;

    /**
     * Makes an empty inventory.
     *
     * @param size how many names it holds at most
     * @param clock tells which certificates are still valid
     */
    public Inventory(int size, Clock clock) {
        this.byName =
                Caffeine.newBuilder().maximumSize(size).executor(Runnable::run).build();
        this.byWildcard =
                Caffeine.newBuilder().maximumSize(size).executor(Runnable::run).build();
        this.clock = clock;
    }

    /**
     * The certificate to serve for a name: its own before one of a wildcard of one label, which serves those names that were
     * published with it.
     *
     * @param name the name asked for
     * @return a certificate that is valid now, empty if there is none in memory
     */
    public Optional<KeyedCertificate> find(ServerName name) {
        KeyedCertificate exact = byName.getIfPresent(name.value());
        if (exact != null && exact.isValidAt(clock.instant())) {
            return Optional.of(exact);
        }
        Optional<KeyedCertificate> wildcard = ofWildcard(name);
        return wildcard.isPresent() && (exact != null || byWildcard.getIfPresent(name.value()) != null)
                ? wildcard
                : Optional.empty();
    }

    /** The certificate of a wildcard that covers a name and is valid now, whether it is to serve the name or not. */
    public Optional<KeyedCertificate> ofWildcard(ServerName name) {
        return Optional.ofNullable(byName.getIfPresent(name.wildcard()))
                .filter(certificate -> certificate.isValidAt(clock.instant()));
    }

    /**
     * Makes a certificate servable under each of its names, in place of what was served there before; a name's own
     * certificate stays where the new one is one of several names.
     */
    public void publish(KeyedCertificate certificate) {
        for (String name : certificate.names()) {
            publish(certificate, name);
        }
    }

    /**
     * Makes a certificate servable under the one of its names that answers for a server name, and under no other: the others
     * may have certificates of their own in the store.
     *
     * @param certificate a certificate that covers the name
     * @param name the name asked for
     */
    public void publish(KeyedCertificate certificate, ServerName name) {
        boolean exact = certificate.names().contains(name.value());
        publish(certificate, exact ? name.value() : name.wildcard());
        if (exact) {
            reconsider(name.value());
        } else {
            byWildcard.put(name.value(), true);
        }
    }

    /** Has the store asked again whether a wildcard is to serve a name. */
    public void reconsider(String name) {
        byWildcard.invalidate(name);
    }

    /** The same for all names. */
    public void reconsiderAll() {
        byWildcard.invalidateAll();
    }

    private void publish(KeyedCertificate certificate, String name) {
        boolean own = certificate.names().iterator().next().equals(name);
        byName.asMap().compute(name, (n, served) -> !own && isOwn(served, n) ? served : certificate);
    }

    private boolean isOwn(@Nullable KeyedCertificate served, String name) {
        return served != null && served.names().iterator().next().equals(name) && served.isValidAt(clock.instant());
    }

    /** Stops serving whatever was published under a name. */
    public void withdraw(ServerName name) {
        byName.invalidate(name.value());
        reconsider(name.value());
    }

    /** Stops serving a certificate, or another instance of it, under all its names; its successors stay. */
    public void withdraw(KeyedCertificate certificate) {
        for (String name : certificate.names()) {
            byName.asMap().computeIfPresent(name, (n, served) -> served.id().equals(certificate.id()) ? null : served);
            reconsider(name);
        }
    }

    /**
     * What is held under exactly this name, valid or not; does not count as a use of it.
     *
     * @param name a server name or a wildcard of one
     * @return the certificate, empty if there is none in memory
     */
    public Optional<KeyedCertificate> heldUnder(String name) {
        return Optional.ofNullable(byName.policy().getIfPresentQuietly(name));
    }

    /** The certificates in memory, one for each name, as they come and go meanwhile; does not count as a use of them. */
    Iterator<KeyedCertificate> held() {
        return byName.asMap().values().iterator();
    }

    /** The certificates in memory, each once; a moment's view. */
    public Set<KeyedCertificate> all() {
        return new HashSet<>(byName.asMap().values());
    }

    /** About how many names are held. */
    public long size() {
        return byName.estimatedSize();
    }
}
