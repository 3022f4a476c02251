package org.ondemandtls.store;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.challenge.Proof;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.file.FileLedger;

/** A medium in memory: the least that a store can stand on. */
final class MemoryMedium implements Medium {

    /** What several servers share, and what survives when they end. */
    static class World {
        private final Map<Shelf, TreeMap<String, Kept>> shelves = new EnumMap<>(Shelf.class);
        private final Map<String, String> aliases = new TreeMap<>();
        private final List<Kept> aside = new ArrayList<>();
        private final Map<String, Held> leases = new TreeMap<>();
        private final Map<String, Proof> proofs = new TreeMap<>();
        private final List<Peers.News> followers = new ArrayList<>();
        private long fences;

        private TreeMap<String, Kept> of(Shelf shelf) {
            return shelves.computeIfAbsent(shelf, fresh -> new TreeMap<>());
        }

        private void tell(List<String> names) {
            List.copyOf(followers).forEach(follower -> follower.changed(names));
        }
    }

    private static final int LARGEST = 1 << 20;

    private record Held(MemoryMedium holder, long fence) {}

    private final World world;
    private final FileLedger ledger;
    private final boolean shared;
    private final String keyId;

    private final Set<String> unreadableKeys = ConcurrentHashMap.newKeySet();
    private volatile boolean gone;
    private volatile boolean unreadable;
    private volatile @Nullable Throwable broken;

    MemoryMedium(World world, FileLedger ledger, boolean shared, KeySealing sealing) {
        this.world = world;
        this.ledger = ledger;
        this.shared = shared;
        this.keyId = sealing.keyId();
    }

    void unreadable(boolean now) {
        unreadable = now;
    }

    /** Whether the record of a key, on whatever shelf, cannot be read from now on. */
    void unreadable(String key, boolean now) {
        if (now) {
            unreadableKeys.add(key);
        } else {
            unreadableKeys.remove(key);
        }
    }

    /** From now on reading throws what no medium should, until it is given nothing. */
    void broken(@Nullable Throwable thrown) {
        broken = thrown;
    }

    private void check() {
        if (broken instanceof Error error) {
            throw error;
        }
        if (broken instanceof RuntimeException defect) {
            throw defect;
        }
    }

    void standStill() {
        gone = true;
    }

    void goOn() {
        synchronized (world) {
            world.leases.values().removeIf(held -> held.holder() == this);
            gone = false;
        }
    }

    boolean holds(String name) {
        synchronized (world) {
            return world.of(Shelf.CERTIFICATE).containsKey(name)
                    || world.of(Shelf.CERTIFICATE).containsKey(world.aliases.getOrDefault(name, ""));
        }
    }

    /** Has another content in a record, as if the medium had changed it. */
    void damage(Shelf shelf, String key, byte[] content) {
        synchronized (world) {
            world.of(shelf)
                    .computeIfPresent(
                            key, (same, kept) -> new Kept(shelf, key, content, kept.revision(), kept.marks()));
        }
    }

    int aside() {
        synchronized (world) {
            return world.aside.size();
        }
    }

    @Override
    public String location() {
        return "memory";
    }

    @Override
    public String handle(Shelf shelf, String key) {
        return key;
    }

    private Found found(Kept kept) {
        String place = kept.shelf().named(kept.key()) + " in memory";
        return new Found(kept.shelf(), kept.key(), place, kept.revision(), () -> {
            if (unreadableKeys.contains(kept.key())) {
                throw new StoreException(place + " cannot be read");
            }
            if (kept.content().length > LARGEST) {
                throw new UnreadableException("it is larger than anything we write");
            }
            return kept.content().clone();
        });
    }

    @Override
    public View view(Shelf shelf, List<String> keys) throws StoreException {
        if (unreadable && shelf == Shelf.CERTIFICATE) {
            throw new StoreException("the memory does not answer");
        }
        return new View() {
            @Override
            public Optional<Found> own(String key) {
                check();
                synchronized (world) {
                    return Optional.ofNullable(world.of(shelf).get(key)).map(MemoryMedium.this::found);
                }
            }

            @Override
            public Optional<Found> led(String alias) {
                synchronized (world) {
                    return own(world.aliases.getOrDefault(alias, ""));
                }
            }
        };
    }

    @Override
    public void put(Kept record, Expected expected, @Nullable Lease lease) throws StoreException {
        boolean tell;
        synchronized (world) {
            check(lease);
            Kept before = world.of(record.shelf()).get(record.key());
            check(record.shelf(), record.key(), expected);
            world.of(record.shelf()).put(record.key(), record);
            record.marks().aliases().forEach(alias -> world.aliases.put(alias, record.key()));
            tell = record.shelf() == Shelf.CERTIFICATE
                    && (before == null
                            || !before.marks().leaf().equals(record.marks().leaf())
                            || before.marks().withdrawn() != record.marks().withdrawn());
        }
        if (tell) {
            tell(record.key(), record.marks().aliases());
        }
    }

    private void tell(String key, List<String> aliases) {
        world.tell(Stream.concat(Stream.of(key), aliases.stream()).toList());
    }

    private void check(@Nullable Lease lease) throws LeaseLostException {
        if (shared && lease != null) {
            Held held = world.leases.get(lease.name().value());
            if (held == null || held.fence() != lease.fence() || gone) {
                throw new LeaseLostException(lease);
            }
        }
    }

    private void check(Shelf shelf, String key, Expected expected) throws StaleRevisionException {
        if (expected instanceof Expected.Revision revision) {
            Kept there = world.of(shelf).get(key);
            long stored = there == null ? 0 : Math.max(1, there.revision());
            if (stored != revision.number()) {
                throw new StaleRevisionException(key, stored, revision.number());
            }
        }
    }

    @Override
    public void remove(Shelf shelf, String key, List<String> aliases, Expected expected, @Nullable Lease lease)
            throws StoreException {
        synchronized (world) {
            check(lease);
            if (!world.of(shelf).containsKey(key)) {
                return;
            }
            check(shelf, key, expected);
            world.of(shelf).remove(key);
            if (shelf == Shelf.CERTIFICATE) {
                world.aliases.values().removeIf(key::equals);
            }
        }
        if (shelf == Shelf.CERTIFICATE) {
            tell(key, aliases);
        }
    }

    @Override
    public boolean rewrite(Found read, byte[] before, byte[] content, String newKeyId) {
        synchronized (world) {
            Kept there = world.of(read.shelf()).get(read.handle());
            if (there == null || !Arrays.equals(there.content(), before)) {
                return false;
            }
            Marks marks = there.marks();
            Marks anew =
                    new Marks(marks.aliases(), marks.at(), newKeyId, marks.leaf(), marks.withdrawn(), marks.listed());
            world.of(read.shelf())
                    .put(read.handle(), new Kept(there.shelf(), there.key(), content, there.revision(), anew));
            return true;
        }
    }

    @Override
    public Optional<String> setAside(Found read, String reason, boolean keep) throws StoreException {
        synchronized (world) {
            Kept there = world.of(read.shelf()).get(read.handle());
            if (there == null || !Arrays.equals(content(found(there)), content(read))) {
                return Optional.empty();
            }
            world.of(read.shelf()).remove(read.handle());
            if (keep) {
                world.aside.add(there);
            }
            return Optional.of("in memory");
        }
    }

    // Null where it is too large.
    private static byte @Nullable [] content(Found found) throws StoreException {
        try {
            return found.content().read();
        } catch (UnreadableException tooLarge) {
            return null;
        }
    }

    @Override
    public void removeSetAside(Predicate<byte[]> which) {
        synchronized (world) {
            world.aside.removeIf(kept -> which.test(kept.content()));
        }
    }

    private List<Kept> all(Shelf shelf) {
        synchronized (world) {
            return List.copyOf(world.of(shelf).values());
        }
    }

    @Override
    public void each(Shelf shelf, Visitor visitor) throws StoreException {
        for (Kept kept : all(shelf)) {
            if (!visitor.visit(found(kept))) {
                return;
            }
        }
    }

    @Override
    public Optional<List<Listed>> listed(Listed.Slice slice, String after, int limit) {
        ListedIndex index = new ListedIndex();
        all(Shelf.CERTIFICATE).forEach(kept -> kept.marks().listed().ifPresent(index::saved));
        return Optional.of(index.page(slice, after, limit));
    }

    @Override
    public SortedMap<String, Found> namesHeld(String prefix, String after, int limit) {
        SortedMap<String, Found> page = new TreeMap<>();
        all(Shelf.HOLD).stream()
                .filter(kept -> kept.key().startsWith(prefix) && kept.key().compareTo(prefix + after) > 0)
                .limit(limit)
                .forEach(kept -> page.put(kept.key().substring(prefix.length()), found(kept)));
        return page;
    }

    @Override
    public SortedMap<String, Found> page(String prefix, String after, int limit) {
        SortedMap<String, Found> page = new TreeMap<>();
        all(Shelf.CERTIFICATE).stream()
                .filter(kept -> kept.key().startsWith(prefix) && kept.key().compareTo(after) > 0)
                .limit(limit)
                .forEach(kept -> page.put(kept.key(), found(kept)));
        return page;
    }

    @Override
    public long estimatedNames() {
        return all(Shelf.CERTIFICATE).size();
    }

    @Override
    public void names(Consumer<String> name, BooleanSupplier ended) {
        all(Shelf.CERTIFICATE).forEach(kept -> {
            name.accept(kept.key());
            kept.marks().aliases().forEach(name);
        });
    }

    @Override
    public List<Due> due(Instant atOrBefore, @Nullable Due after, int limit) {
        check();
        List<Due> due = new ArrayList<>();
        synchronized (world) {
            for (Kept kept : world.of(Shelf.CERTIFICATE).values()) {
                if (!kept.marks().at().isAfter(atOrBefore)) {
                    due.add(new Due(kept.marks().at(), found(kept)));
                }
            }
        }
        // As a look finds it mostly, and in some tests there are a million looks.
        if (due.isEmpty()) {
            return due;
        }
        Comparator<Due> order =
                Comparator.comparing(Due::at).thenComparing(one -> one.found().handle());
        return due.stream()
                .filter(one -> after == null || order.compare(one, after) > 0)
                .sorted(order)
                .limit(limit)
                .toList();
    }

    @Override
    public Optional<Instant> firstDue() {
        return all(Shelf.CERTIFICATE).stream().map(kept -> kept.marks().at()).min(Comparator.naturalOrder());
    }

    @Override
    public List<Found> idleOrders() {
        return all(Shelf.ORDER).stream().map(this::found).toList();
    }

    private List<Kept> underOtherKeys() {
        return Stream.of(Shelf.ORDER, Shelf.SECRET, Shelf.CERTIFICATE)
                .flatMap(shelf -> all(shelf).stream())
                .filter(kept ->
                        !kept.marks().keyId().isEmpty() && !kept.marks().keyId().equals(keyId))
                .toList();
    }

    @Override
    public boolean hasOtherKeys() {
        return !underOtherKeys().isEmpty();
    }

    @Override
    public void eachUnderOtherKeys(Visitor visitor) throws StoreException {
        for (Kept kept : underOtherKeys()) {
            if (!visitor.visit(found(kept))) {
                return;
            }
        }
    }

    @Override
    public boolean noteSingleKey() {
        return underOtherKeys().isEmpty();
    }

    @Override
    public Ledger ledger() {
        return new Ledger() {
            @Override
            public Outcome reserve(List<Quota> counted, List<Quota> checked) throws StoreException {
                check();
                return ledger.reserve(counted, checked);
            }

            @Override
            public void giveBack(Ticket ticket) throws StoreException {
                check();
                ledger.giveBack(ticket);
            }

            @Override
            public void count(String key, Duration keepFor) throws StoreException {
                check();
                ledger.count(key, keepFor);
            }

            @Override
            public int used(String key, Duration window) {
                check();
                return ledger.used(key, window);
            }
        };
    }

    @Override
    public Peers peers(Orders orders) {
        return shared ? new MemoryPeers(orders) : Peers.NONE;
    }

    private final class MemoryPeers implements Peers {

        private final Orders orders;

        MemoryPeers(Orders orders) {
            this.orders = orders;
        }

        @Override
        public boolean any() {
            return true;
        }

        @Override
        public Optional<Lease> take(ServerName name) {
            synchronized (world) {
                Held held = world.leases.get(name.value());
                if (held != null && !held.holder().gone) {
                    return Optional.empty();
                }
                world.fences++;
                world.leases.put(name.value(), new Held(MemoryMedium.this, world.fences));
                return Optional.of(new Lease(name, world.fences));
            }
        }

        @Override
        public void giveBack(Lease lease) {
            synchronized (world) {
                // Who stands still, or is gone, gives nothing back.
                world.leases.computeIfPresent(
                        lease.name().value(), (name, held) -> held.fence() == lease.fence() && !gone ? null : held);
            }
        }

        @Override
        public List<OpenOrder> abandoned() {
            synchronized (world) {
                return orders.read(all(Shelf.ORDER).stream()
                        .filter(order -> {
                            Held held = world.leases.get(order.key());
                            return held != null && held.holder().gone;
                        })
                        .map(MemoryMedium.this::found)
                        .toList());
            }
        }

        @Override
        public void show(Proof proof) {
            synchronized (world) {
                world.proofs.put(key(proof.name(), proof.type(), proof.token()), proof);
            }
        }

        @Override
        public void takeDown(Proof proof) {
            synchronized (world) {
                world.proofs.remove(key(proof.name(), proof.type(), proof.token()), proof);
            }
        }

        @Override
        public Optional<String> proof(ServerName name, ChallengeType type, String token) {
            synchronized (world) {
                return Optional.ofNullable(world.proofs.get(key(name, type, token)))
                        .map(Proof::content);
            }
        }

        @Override
        public Map<String, String> httpProofs(ServerName name) {
            synchronized (world) {
                return world.proofs.values().stream()
                        .filter(proof -> proof.name().equals(name) && proof.type() == ChallengeType.HTTP_01)
                        .collect(Collectors.toMap(Proof::token, Proof::content));
            }
        }

        @Override
        public Optional<ServerName> nameOf(String token) {
            synchronized (world) {
                return world.proofs.values().stream()
                        .filter(proof -> proof.token().equals(token) && proof.type() == ChallengeType.HTTP_01)
                        .map(Proof::name)
                        .findFirst();
            }
        }

        @Override
        public void tell(ServerName name) {
            world.tell(List.of(name.value()));
        }

        @Override
        public void follow(News news) {
            synchronized (world) {
                world.followers.add(news);
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
