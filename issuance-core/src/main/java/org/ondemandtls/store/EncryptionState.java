package org.ondemandtls.store;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Under which keys the records of a store are, kept in the store itself so that opening it tells a wrong key at once. It
 * is written before the first record under another key is, and again when the last one under an older key is gone.
 *
 * @param current the identifier of the key that encrypts
 * @param older what records may still be under besides: identifiers, and {@code plain} for those in clear
 */
public record EncryptionState(String current, Set<String> older) {

    private static final String KIND = "encryption";

    /**
     * What a store has to note when it is opened.
     *
     * @param stored what it has noted, empty if it never was encrypted
     * @param sealing the keys that were given
     * @param filled whether it may hold records already
     * @param location where it is, for the message
     * @return the state from now on, empty if nothing is encrypted
     * @throws StoreException if its records cannot all be read with these keys, with what to do
     */
    public static Optional<EncryptionState> opening(
            Optional<EncryptionState> stored, KeySealing sealing, boolean filled, String location)
            throws StoreException {
        List<String> given = List.copyOf(sealing.keyIds());
        if (stored.isEmpty()) {
            return given.isEmpty() ? Optional.empty() : Optional.of(begun(given, filled));
        }
        EncryptionState before = stored.get();
        if (given.isEmpty()) {
            throw new StoreException("the store " + location + " is encrypted and no key is given; set"
                    + " onDemandTls.store.encryptionKey to the one whose id is " + before.current
                    + "; to go on in clear, begin another store and have the certificates obtained anew");
        }
        Set<String> needed = new LinkedHashSet<>(before.older);
        needed.add(before.current);
        for (String id : needed) {
            if (!id.equals(KeySealing.PLAIN) && !given.contains(id)) {
                throw new StoreException("the store " + location + " holds keys encrypted under another key than those"
                        + " given (its id is " + id + ", given: " + String.join(", ", given)
                        + "); correct onDemandTls.store.encryptionKey, or add that key to it behind the first, until the"
                        + " log says that everything is encrypted under the first");
            }
        }
        needed.remove(given.get(0));
        return Optional.of(new EncryptionState(given.get(0), needed));
    }

    // Where the note of an older life was lost, records under the other keys may be there.
    private static EncryptionState begun(List<String> given, boolean filled) {
        Set<String> older = new LinkedHashSet<>();
        if (filled) {
            older.add(KeySealing.PLAIN);
            older.addAll(given.subList(1, given.size()));
        }
        return new EncryptionState(given.get(0), older);
    }

    /** The state in which every record is under the current key. */
    public EncryptionState completed() {
        return new EncryptionState(current, Set.of());
    }

    /** The note as it is kept. */
    public byte[] encode() {
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("current", current);
        if (!older.isEmpty()) {
            fields.put("older", String.join(" ", older));
        }
        return new Bundle(KIND, fields, List.of()).encode();
    }

    /**
     * Reads the note.
     *
     * @throws UnreadableException if it is damaged
     */
    public static EncryptionState decode(byte[] content) throws UnreadableException {
        Bundle bundle = Bundle.decode(KIND, content);
        List<String> older = new ArrayList<>(
                bundle.optional("older").map(ids -> List.of(ids.split(" "))).orElse(List.of()));
        return new EncryptionState(bundle.field("current"), new LinkedHashSet<>(older));
    }
}
