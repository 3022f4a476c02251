package org.ondemandtls.store;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
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
    }

    private final Medium medium;
    private final FileLedger ledger;

    /** Opens what a medium holds. */
    public MemoryCertificateStore(Medium medium, Path ledgerDirectory, Clock clock) throws IOException {
        this.medium = medium;
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
    public synchronized Optional<StoredCertificate> find(ServerName name) {
        return load(name.value())
                .or(() -> load(name.wildcard()))
                .filter(stored -> stored.certificate().covers(name));
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
        StoredCertificate next = certificate.withRevision(certificate.revision() + 1);
        String first = next.firstName();
        medium.certificates.put(first, next);
        next.certificate().names().stream()
                .filter(name -> !name.equals(first))
                .forEach(name -> medium.pointers.put(name, first));
        return next;
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
    public synchronized Optional<Instant> nextDue() {
        return medium.certificates.values().stream().map(StoredCertificate::due).min(Comparator.naturalOrder());
    }

    @Override
    public synchronized void forget(StoredCertificate certificate) throws StoreException {
        if (medium.certificates.containsKey(certificate.firstName())) {
            checkRevision(certificate);
            medium.certificates.remove(certificate.firstName());
            medium.pointers.values().removeIf(certificate.firstName()::equals);
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
    public void close() {
        try {
            ledger.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
