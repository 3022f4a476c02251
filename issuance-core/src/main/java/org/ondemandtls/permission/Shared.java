package org.ondemandtls.permission;

import java.lang.ref.WeakReference;
import java.util.Map;
import java.util.Optional;
import java.util.WeakHashMap;

/**
 * Values of which each is kept once however many hold it, up to a number of different ones at the same time: what strangers
 * make us remember stays small whatever the words are. A value that nobody holds any more makes room. Safe for use by many
 * threads.
 *
 * @param <T> immutable values that are equal by content
 */
public final class Shared<T> {

    private final int most;
    private final Map<T, WeakReference<T>> kept = new WeakHashMap<>();

    /**
     * Makes a set without values.
     *
     * @param most how many different ones may be held at the same time
     */
    public Shared(int most) {
        this.most = most;
    }

    /**
     * The one copy of a value.
     *
     * @param value any value
     * @return an equal one, the same for all; empty where there are too many others
     */
    public synchronized Optional<T> share(T value) {
        WeakReference<T> known = kept.get(value);
        T shared = known == null ? null : known.get();
        if (shared != null) {
            return Optional.of(shared);
        }
        if (kept.size() >= most) {
            return Optional.empty();
        }
        kept.put(value, new WeakReference<>(value));
        return Optional.of(value);
    }
}
