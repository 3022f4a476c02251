package org.ondemandtls.store;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.ondemandtls.challenge.Proof;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.name.ServerName;

/** Keeps in memory what a store keeps, for tests in which years pass; its ledger is that of files, which synchronises nothing. */
public final class MemoryCertificateStore implements CertificateStore {

    /** What survives when a store is closed. */
    public static final class Medium {
        private final Map<String, StoredCertificate> certificates = new TreeMap<>();
        private final Map<String, String> pointers = new TreeMap<>();
        private final Map<String, OpenOrder> orders = new TreeMap<>();
        private final Map<String, Hold> holds = new TreeMap<>();
        private final Map<String, byte[]> secrets = new TreeMap<>();
        private final Map<ServerName, Held> leases = new TreeMap<>(Comparator.comparing(ServerName::value));
        private final Map<String, Proof> proofs = new TreeMap<>();
        private final List<Peers.News> followers = new ArrayList<>();
        private long fences;
    }

    private record Held(MemoryCertificateStore holder, long fence) {}

    private final Medium medium;
    private final FileLedger ledger;
    private final boolean shared;

    private boolean gone;
    private boolean unreadable;

    /** Opens what a medium holds. */
    public MemoryCertificateStore(Medium medium, Path ledgerDirectory, Clock clock) throws IOException {
        this(medium, ledgerDirectory, clock, false);
    }

    /** Opens what a medium holds, for one of several servers or for one that is alone; each has a ledger of its own. */
    public MemoryCertificateStore(Medium medium, Path ledgerDirectory, Clock clock, boolean shared) throws IOException {
        this.medium = medium;
        this.shared = shared;
        this.ledger = new FileLedger(ledgerDirectory, clock);
    }

    @Override
    public String location() {
        return "memory";
    }

    @Override
    public boolean mayHold(ServerName name) {
        return load(name.value()).isPresent() || load(name.wildcard()).isPresent();
    }

    @Override
    public synchronized Optional<StoredCertificate> find(ServerName name) throws StoreException {
        if (unreadable) {
            throw new StoreException("the memory does not answer");
        }
        return FindOrder.find(name, new FindOrder.Shelf() {
            @Override
            public Optional<StoredCertificate> own(String spelling) {
                return Optional.ofNullable(medium.certificates.get(spelling));
            }

            @Override
            public Optional<StoredCertificate> led(String spelling) {
                return Optional.ofNullable(medium.certificates.get(medium.pointers.getOrDefault(spelling, "")));
            }
        });
    }

    private synchronized Optional<StoredCertificate> load(String name) {
        StoredCertificate own = medium.certificates.get(name);
        return Optional.ofNullable(own != null ? own : medium.certificates.get(medium.pointers.getOrDefault(name, "")));
    }

    @Override
    public synchronized StoredCertificate save(StoredCertificate certificate) throws StoreException {
        if (certificate.certificate().names().isEmpty()) {
            throw new IllegalArgumentException("a certificate without a name cannot be kept");
        }
        checkRevision(certificate);
        StoredCertificate before = medium.certificates.get(certificate.firstName());
        StoredCertificate next = certificate.withRevision(certificate.revision() + 1);
        String first = next.firstName();
        medium.certificates.put(first, next);
        next.certificate().names().stream()
                .filter(name -> !name.equals(first))
                .forEach(name -> medium.pointers.put(name, first));
        if (before == null
                || !before.certificate().id().equals(next.certificate().id())
                || !before.withdrawn().equals(next.withdrawn())) {
            tell(next);
        }
        return next;
    }

    private void tell(StoredCertificate changed) {
        medium.followers.forEach(
                follower -> follower.changed(List.copyOf(changed.certificate().names())));
    }

    private void checkRevision(StoredCertificate certificate) throws StaleRevisionException {
        StoredCertificate stored = medium.certificates.get(certificate.firstName());
        long revision = stored == null ? 0 : stored.revision();
        if (revision != certificate.revision()) {
            throw new StaleRevisionException(certificate.firstName(), revision, certificate.revision());
        }
    }

    @Override
    public synchronized List<StoredCertificate> due(Instant atOrBefore, int limit) {
        return medium.certificates.values().stream()
                .filter(stored -> !stored.due().isAfter(atOrBefore))
                .sorted(Comparator.comparing(StoredCertificate::due))
                .limit(limit)
                .toList();
    }

    @Override
    public synchronized List<StoredCertificate> due(Instant from, Instant atOrBefore, int limit) {
        return due(atOrBefore, Integer.MAX_VALUE).stream()
                .filter(stored -> !stored.due().isBefore(from))
                .limit(limit)
                .toList();
    }

    @Override
    public synchronized Optional<Instant> nextDue() {
        return medium.certificates.values().stream().map(StoredCertificate::due).min(Comparator.naturalOrder());
    }

    @Override
    public synchronized void forget(StoredCertificate certificate) throws StoreException {
        if (medium.certificates.containsKey(certificate.firstName())) {
            checkRevision(certificate);
            medium.certificates.remove(certificate.firstName());
            medium.pointers.values().removeIf(certificate.firstName()::equals);
            tell(certificate);
        }
    }

    @Override
    public synchronized void journal(OpenOrder order) {
        medium.orders.put(order.name().value(), order);
    }

    @Override
    public synchronized Optional<OpenOrder> openOrder(ServerName name) {
        return Optional.ofNullable(medium.orders.get(name.value()));
    }

    @Override
    public synchronized List<OpenOrder> openOrders() {
        return medium.orders.values().stream()
                .sorted(Comparator.comparing(OpenOrder::started))
                .toList();
    }

    @Override
    public synchronized void closeOrder(ServerName name) {
        medium.orders.remove(name.value());
    }

    @Override
    public synchronized Optional<Hold> hold(String scope) {
        checkScope(scope);
        return Optional.ofNullable(medium.holds.get(scope));
    }

    @Override
    public synchronized void keepHold(Hold hold) {
        medium.holds.put(hold.scope(), hold);
    }

    @Override
    public synchronized void dropHold(String scope) {
        checkScope(scope);
        medium.holds.remove(scope);
    }

    private static void checkScope(String scope) {
        if (!Hold.isScope(scope)) {
            throw new IllegalArgumentException("not a scope");
        }
    }

    @Override
    public synchronized List<Hold> holds(int limit) {
        return medium.holds.values().stream().limit(limit).toList();
    }

    @Override
    public Ledger ledger() {
        return ledger;
    }

    @Override
    public synchronized Optional<byte[]> readSecret(String path) {
        checkSecret(path);
        return Optional.ofNullable(medium.secrets.get(path)).map(byte[]::clone);
    }

    @Override
    public void writePublic(String path, byte[] content) {
        writeSecret(path, content);
    }

    @Override
    public synchronized void writeSecret(String path, byte[] content) {
        checkSecret(path);
        medium.secrets.put(path, content.clone());
    }

    private static void checkSecret(String path) {
        if (!FileCertificateStore.SECRET_PATH.matcher(path).matches()) {
            throw new IllegalArgumentException("not the place of a secret");
        }
    }

    @Override
    public void visitAll(Visitor visitor) throws StoreException {
        List<StoredCertificate> all;
        synchronized (this) {
            all = List.copyOf(medium.certificates.values());
        }
        for (StoredCertificate one : all) {
            visitor.visit(one);
        }
    }

    @Override
    public synchronized List<String> secretPaths() {
        return List.copyOf(medium.secrets.keySet());
    }

    /** Whether looking for a certificate fails from now on. */
    public synchronized void unreadable(boolean now) {
        unreadable = now;
    }

    /** From now on this server's leases run out: it stands still, or is gone. */
    public void standStill() {
        synchronized (medium) {
            gone = true;
        }
    }

    /** The server goes on; what it held is lost. */
    public void goOn() {
        synchronized (medium) {
            medium.leases.values().removeIf(held -> held.holder() == this);
            gone = false;
        }
    }

    @Override
    public StoredCertificate save(StoredCertificate certificate, Lease lease) throws StoreException {
        synchronized (medium) {
            check(lease);
            return save(certificate);
        }
    }

    @Override
    public void journal(OpenOrder order, Lease lease) throws StoreException {
        synchronized (medium) {
            check(lease);
            journal(order);
        }
    }

    @Override
    public void closeOrder(ServerName name, Lease lease) throws StoreException {
        synchronized (medium) {
            check(lease);
            closeOrder(name);
        }
    }

    private void check(Lease lease) throws LeaseLostException {
        if (shared) {
            Held held = medium.leases.get(lease.name());
            if (held == null || held.fence() != lease.fence() || gone) {
                throw new LeaseLostException(lease);
            }
        }
    }

    @Override
    public Peers peers() {
        return shared ? new MemoryPeers() : Peers.NONE;
    }

    private final class MemoryPeers implements Peers {

        @Override
        public boolean any() {
            return true;
        }

        @Override
        public Optional<Lease> take(ServerName name) {
            synchronized (medium) {
                Held held = medium.leases.get(name);
                if (held != null && !held.holder().gone) {
                    return Optional.empty();
                }
                medium.fences++;
                medium.leases.put(name, new Held(MemoryCertificateStore.this, medium.fences));
                return Optional.of(new Lease(name, medium.fences));
            }
        }

        @Override
        public void giveBack(Lease lease) {
            synchronized (medium) {
                // Who stands still, or is gone, gives nothing back.
                medium.leases.computeIfPresent(
                        lease.name(), (name, held) -> held.fence() == lease.fence() && !gone ? null : held);
            }
        }

        @Override
        public List<OpenOrder> abandoned() {
            synchronized (medium) {
                return openOrders().stream()
                        .filter(order -> {
                            Held held = medium.leases.get(order.name());
                            return held != null && held.holder().gone;
                        })
                        .toList();
            }
        }

        @Override
        public void show(Proof proof) {
            synchronized (medium) {
                medium.proofs.put(key(proof.name(), proof.type(), proof.token()), proof);
            }
        }

        @Override
        public void takeDown(Proof proof) {
            synchronized (medium) {
                medium.proofs.remove(key(proof.name(), proof.type(), proof.token()), proof);
            }
        }

        @Override
        public Optional<String> proof(ServerName name, ChallengeType type, String token) {
            synchronized (medium) {
                return Optional.ofNullable(medium.proofs.get(key(name, type, token)))
                        .map(Proof::content);
            }
        }

        @Override
        public void tell(ServerName name) {
            synchronized (medium) {
                medium.followers.forEach(follower -> follower.changed(List.of(name.value())));
            }
        }

        @Override
        public void follow(News news) {
            synchronized (medium) {
                medium.followers.add(news);
            }
        }

        private String key(ServerName name, ChallengeType type, String token) {
            return type + " " + name + " " + token;
        }
    }

    @Override
    public void close() {
        try {
            ledger.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
