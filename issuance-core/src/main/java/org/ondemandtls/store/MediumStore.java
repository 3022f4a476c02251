package org.ondemandtls.store;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.machine.Time;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.KeySealing.KeyMissingException;
import org.ondemandtls.store.Medium.DamagedException;
import org.ondemandtls.store.Medium.Due;
import org.ondemandtls.store.Medium.Expected;
import org.ondemandtls.store.Medium.Found;
import org.ondemandtls.store.Medium.Kept;
import org.ondemandtls.store.Medium.Marks;

/** All that a store promises, once, over any medium. */
public class MediumStore implements CertificateStore {

    private static final Pattern SECRET_PATH = Pattern.compile("[a-z0-9-]+/[A-Za-z0-9][A-Za-z0-9.-]{0,99}");
    private static final int MIN_FINGERPRINT = 65_536;
    private static final int MAX_FINGERPRINT = 100_000_000;

    private final Medium medium;
    private volatile Happening.Source lately = name -> List.of();
    private final KeySealing sealing;
    private final Troubles troubles;
    private final Records<StoredCertificate> certificates;
    private final Records<OpenOrder> orders;
    private final Records<Hold> holds;
    private final KnownNames names;
    private final Resealing resealing;
    private final Peers peers;
    private final Ledger ledger;

    /**
     * Makes a store that does nothing by itself yet.
     *
     * @param medium what it stands on; closed with this
     * @param events where trouble is reported
     * @param time what its work in the background rests by
     * @param sealing what encrypts private keys and other secrets
     */
    protected MediumStore(Medium medium, Events events, Time time, KeySealing sealing) {
        this(medium, events, time, sealing, RecordCodec::decodeCertificate);
    }

    MediumStore(
            Medium unguarded,
            Events events,
            Time time,
            KeySealing sealing,
            Records.Decoder<StoredCertificate> decoder) {
        this.medium = GuardedMedium.of(unguarded);
        this.sealing = sealing;
        this.troubles = new Troubles(events);
        this.certificates = new Records<>(
                medium, Shelf.CERTIFICATE, sealing, events, troubles, decoder, StoredCertificate::firstName);
        Records<OpenOrder> open = new Records<>(
                medium,
                Shelf.ORDER,
                sealing,
                events,
                troubles,
                RecordCodec::decodeOrder,
                order -> order.name().value());
        this.orders = open;
        this.holds = new Records<>(
                medium,
                Shelf.HOLD,
                sealing,
                events,
                troubles,
                (content, ignored) -> RecordCodec.decodeHold(content),
                Hold::key);
        this.names = new KnownNames(
                time,
                ended -> survey(medium, ended),
                e -> events.publish(
                        EventKind.STORE_FAILED,
                        e.getMessage()
                                + "; until then every look-up goes to the store; the server tries again by itself"));
        this.resealing = new Resealing(time, medium, sealing, events, troubles, certificates, open);
        this.ledger = medium.ledger();
        this.peers = medium.peers(found -> inOrder(open.readable(found)));
    }

    /** Begins to learn which names are stored, in the background; reads no certificate. */
    protected final void begin() {
        // Before the names are read: what changes meanwhile is heard.
        peers.follow(new Peers.News() {
            @Override
            public void changed(List<String> changed) {
                changed.forEach(MediumStore.this::note);
            }

            @Override
            public void missed() {
                names.surveyAgain();
            }
        });
        names.surveyAgain();
    }

    /** Looks whether records are to be put under another key; in the background if so. */
    public final void lookAtEncryption() throws StoreException {
        resealing.look();
    }

    @Override
    public final String location() {
        return medium.location();
    }

    @Override
    public boolean mayHold(ServerName name) {
        return names.mayContain(medium.handle(Shelf.CERTIFICATE, name.value()))
                || names.mayContain(medium.handle(Shelf.CERTIFICATE, name.wildcard()));
    }

    @Override
    public boolean knowsItsNames() {
        return names.isComplete();
    }

    /**
     * {@inheritDoc}
     *
     * <p>Of the exact name before the wildcard of one label, and of each the one with that first name before the one with
     * more names. One that does not bear the spelling it was found by does not count: a certificate that was replaced by one
     * with fewer names may leave its other names behind.
     */
    @Override
    public Optional<StoredCertificate> find(ServerName name) throws StoreException {
        List<String> spellings = List.of(name.value(), name.wildcard());
        Medium.View view = medium.view(Shelf.CERTIFICATE, spellings);
        @Nullable StoreException unreadable = null;
        for (String spelling : spellings) {
            try {
                Optional<StoredCertificate> found = bearing(spelling, view.own(spelling));
                if (found.isEmpty()) {
                    found = bearing(spelling, view.led(spelling));
                }
                if (found.isPresent()) {
                    medium.read(found.get().firstName(), found.get().due());
                    return found;
                }
            } catch (StoreException e) {
                // A certificate for the wildcard may be there all the same.
                unreadable = unreadable == null ? e : unreadable;
            }
        }
        if (unreadable != null) {
            throw unreadable;
        }
        return Optional.empty();
    }

    private Optional<StoredCertificate> bearing(String spelling, Optional<Found> found) throws StoreException {
        return certificates
                .read(found)
                .filter(stored -> stored.certificate().names().contains(spelling));
    }

    @Override
    public void remember(Happening.Source source) {
        lately = source;
    }

    @Override
    public StoredCertificate save(StoredCertificate certificate, @Nullable Lease lease) throws StoreException {
        if (certificate.certificate().names().isEmpty()) {
            throw new IllegalArgumentException("a certificate without a name cannot be kept");
        }
        StoredCertificate next = certificate
                .withHistory(Happening.joined(certificate.history(), lately.of(certificate.firstName())))
                .withRevision(certificate.revision() + 1);
        Kept record = new Kept(
                Shelf.CERTIFICATE,
                next.firstName(),
                RecordCodec.encode(next, fence(lease), sealing),
                next.revision(),
                RecordCodec.marks(next, sealing));
        Expected expected = new Expected.Revision(certificate.revision());
        try {
            medium.put(record, expected, lease);
        } catch (DamagedException e) {
            certificates.setAside(e.found(), null, e.why());
            medium.put(record, expected, lease);
        }
        next.certificate().names().forEach(this::note);
        return next;
    }

    /** What a certificate is found and listed by. */
    protected final Medium.Marks marksOf(StoredCertificate stored) {
        return RecordCodec.marks(stored, sealing);
    }

    private void note(String name) {
        names.add(medium.handle(Shelf.CERTIFICATE, name));
    }

    private static long fence(@Nullable Lease lease) {
        return lease == null ? 0 : lease.fence();
    }

    @Override
    public List<StoredCertificate> due(Instant from, Instant atOrBefore, int limit) throws StoreException {
        List<StoredCertificate> found = new ArrayList<>();
        @Nullable Due last = from.isAfter(Instant.EPOCH) ? Due.before(from) : null;
        while (true) {
            int wanted = limit - found.size();
            List<Due> page = medium.due(atOrBefore, last, wanted);
            for (Due due : page) {
                last = due;
                certificates
                        .readable(due.found())
                        .filter(stored -> !stored.due().isAfter(atOrBefore))
                        .ifPresent(found::add);
            }
            if (page.size() < wanted || found.size() >= limit) {
                found.sort(Comparator.comparing(StoredCertificate::due));
                return found;
            }
        }
    }

    @Override
    public Optional<Instant> nextDue() throws StoreException {
        return medium.firstDue();
    }

    @Override
    public void forget(StoredCertificate certificate) throws StoreException {
        List<String> all = List.copyOf(certificate.certificate().names());
        medium.remove(
                Shelf.CERTIFICATE,
                certificate.firstName(),
                all.subList(1, all.size()),
                new Expected.Revision(certificate.revision()),
                null);
    }

    @Override
    public void visitAll(Visitor visitor) throws StoreException {
        medium.each(Shelf.CERTIFICATE, found -> {
            Optional<StoredCertificate> stored = certificates.readable(found);
            if (stored.isPresent()) {
                visitor.visit(stored.get());
            }
            return true;
        });
    }

    @Override
    public List<StoredCertificate> page(String prefix, String after, int limit) throws StoreException {
        return filled((last, wanted) -> medium.page(prefix, last, wanted), certificates::readable, after, limit);
    }

    /** Reads a page behind a key; has fewer than are wanted where it is the last. */
    private interface Pages {
        SortedMap<String, Found> behind(String last, int wanted) throws StoreException;
    }

    // What cannot be read is left out, so that a page is made of several.
    private static <T> List<T> filled(Pages pages, Function<Found, Optional<T>> reader, String after, int limit)
            throws StoreException {
        List<T> all = new ArrayList<>();
        String last = after;
        while (true) {
            int wanted = limit - all.size();
            SortedMap<String, Found> page = pages.behind(last, wanted);
            page.values().forEach(found -> reader.apply(found).ifPresent(all::add));
            if (page.size() < wanted || all.size() >= limit) {
                return all;
            }
            last = page.lastKey();
        }
    }

    @Override
    public Optional<List<Listed>> listed(Listed.Slice slice, String after, int limit) throws StoreException {
        if (slice instanceof Listed.Expiring || slice instanceof Listed.Late) {
            // A place that nobody was given is the caller's mistake, not the medium's.
            Listed.momentOf(after);
        }
        return medium.listed(slice, after, limit);
    }

    @Override
    public List<Hold> namesHeld(Class<? extends Scope.OfName> kind, String after, int limit) throws StoreException {
        return filled(
                (last, wanted) -> medium.namesHeld(ScopeKeys.prefix(kind), last, wanted),
                found -> holds.readable(found).filter(kept -> kind.isInstance(kept.scope())),
                after,
                limit);
    }

    @Override
    public List<StoredCertificate> under(List<String> firstNames) throws StoreException {
        if (firstNames.isEmpty()) {
            return List.of();
        }
        Medium.View view = medium.view(Shelf.CERTIFICATE, firstNames);
        List<StoredCertificate> found = new ArrayList<>();
        for (String name : firstNames) {
            view.own(name).flatMap(certificates::readable).ifPresent(found::add);
        }
        return found;
    }

    @Override
    public void journal(OpenOrder order, @Nullable Lease lease) throws StoreException {
        medium.put(
                new Kept(
                        Shelf.ORDER,
                        order.name().value(),
                        RecordCodec.encode(order, fence(lease), sealing),
                        0,
                        new Marks(List.of(), order.started(), sealing.keyId(), "", false)),
                Expected.ANY,
                lease);
    }

    @Override
    public Optional<OpenOrder> openOrder(ServerName name) throws StoreException {
        return orders.get(name.value());
    }

    @Override
    public List<OpenOrder> openOrders() throws StoreException {
        return inOrder(orders.readable(medium.idleOrders()));
    }

    private static List<OpenOrder> inOrder(List<OpenOrder> open) {
        open.sort(Comparator.comparing(OpenOrder::started));
        return open;
    }

    @Override
    public void closeOrder(ServerName name, @Nullable Lease lease) throws StoreException {
        medium.remove(Shelf.ORDER, name.value(), List.of(), Expected.ANY, lease);
    }

    @Override
    public Optional<Hold> hold(Scope scope) throws StoreException {
        return holds.get(ScopeKeys.of(scope));
    }

    @Override
    public void keepHold(Hold hold) throws StoreException {
        medium.put(new Kept(Shelf.HOLD, hold.key(), RecordCodec.encode(hold), 0, Marks.under("")), Expected.ANY, null);
    }

    @Override
    public void dropHold(Scope scope) throws StoreException {
        medium.remove(Shelf.HOLD, ScopeKeys.of(scope), List.of(), Expected.ANY, null);
    }

    @Override
    public List<Hold> holds(int limit) throws StoreException {
        List<Hold> all = new ArrayList<>();
        medium.each(Shelf.HOLD, found -> {
            holds.readable(found).ifPresent(all::add);
            return all.size() < limit;
        });
        return all;
    }

    @Override
    public Ledger ledger() {
        return ledger;
    }

    @Override
    public Peers peers() {
        return peers;
    }

    @Override
    public Optional<byte[]> readSecret(String path) throws StoreException {
        Optional<Found> found =
                medium.view(Shelf.SECRET, List.of(checkedPath(path))).own(path);
        if (found.isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(
                    RecordCodec.decodeSecret(path, found.get().content().read(), sealing));
        } catch (UnreadableException e) {
            // Not set aside: to make another account or root in silence would be worse than to stop.
            throw new RecordUnreadableException(
                    new StoreException(found.get().place() + " cannot be used: " + e.getMessage()
                            + (e instanceof KeyMissingException ? "" : "; bring it back from a backup, or remove it")));
        } catch (StoreException e) {
            throw new RecordUnreadableException(e);
        }
    }

    @Override
    public void writeSecret(String path, byte[] content) throws StoreException {
        medium.put(kept(path, content, true), Expected.ANY, null);
    }

    @Override
    public void writePublic(String path, byte[] content) throws StoreException {
        medium.put(kept(path, content, false), Expected.ANY, null);
    }

    @Override
    public byte[] writeFirst(String path, byte[] content, boolean secret) throws StoreException {
        try {
            medium.put(kept(path, content, secret), new Expected.Revision(0), null);
        } catch (StaleRevisionException e) {
            // Somebody was faster, or this before a connection broke: what is there now counts.
        }
        return readSecret(path)
                .orElseThrow(() -> new StoreException(path + " in " + location() + " was removed meanwhile"));
    }

    private Kept kept(String path, byte[] content, boolean secret) {
        return new Kept(
                Shelf.SECRET,
                checkedPath(path),
                secret && sealing.encrypts() ? RecordCodec.encodeSecret(path, content, sealing) : content,
                0,
                Marks.under(secret ? sealing.keyId() : ""));
    }

    private static String checkedPath(String path) {
        if (!isSecretPath(path)) {
            throw new IllegalArgumentException("not the place of a secret");
        }
        return path;
    }

    /** Whether a text is the place of a secret. */
    public static boolean isSecretPath(String text) {
        return SECRET_PATH.matcher(text).matches();
    }

    @Override
    public List<String> secretPaths() throws StoreException {
        List<String> paths = new ArrayList<>();
        medium.each(Shelf.SECRET, found -> paths.add(found.handle()));
        paths.sort(null);
        return paths;
    }

    @Override
    public void close() {
        names.close();
        resealing.close();
        medium.close();
    }

    private static NameFingerprint survey(Medium medium, BooleanSupplier ended) throws StoreException {
        long expected = medium.estimatedNames();
        while (true) {
            int most = (int) Math.min(MAX_FINGERPRINT, Math.max(MIN_FINGERPRINT, expected * 2));
            NameFingerprint fresh = new NameFingerprint(most);
            medium.names(fresh::add, () -> fresh.isFull() || ended.getAsBoolean());
            if (!fresh.isFull() || most == MAX_FINGERPRINT || ended.getAsBoolean()) {
                return fresh;
            }
            // The estimate was too low.
            expected = most;
        }
    }
}
