package org.ondemandtls.permission;

import java.util.ArrayDeque;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.name.ClientBlock;

/**
 * A bounded queue shared fairly between client blocks: each block's turn comes round, whatever the others have
 * waiting, and when it is full a block with few waiting takes a place from the block with most.
 *
 * <p>Not safe for use by many threads; the caller locks.
 *
 * @param <T> what waits
 */
final class FairQueue<T> {

    private final int capacity;
    private final Map<ClientBlock, ArrayDeque<T>> waiting = new LinkedHashMap<>();
    private int size;

    FairQueue(int capacity) {
        this.capacity = capacity;
    }

    /**
     * Adds to the end of the block's own queue.
     *
     * @return what has no place: null if there was room, the task itself, or another block's newest task
     */
    @Nullable
    T offer(ClientBlock block, T task) {
        if (size < capacity) {
            add(block, task);
            return null;
        }
        ArrayDeque<T> own = waiting.get(block);
        ArrayDeque<T> largest = null;
        for (ArrayDeque<T> queue : waiting.values()) {
            if (largest == null || queue.size() > largest.size()) {
                largest = queue;
            }
        }
        int ownSize = own == null ? 0 : own.size();
        if (largest == null || largest.size() <= ownSize + 1) {
            return task;
        }
        T displaced = largest.removeLast();
        size--;
        add(block, task);
        return displaced;
    }

    /** Takes the oldest task of the block whose turn it is; null if nothing waits. */
    @Nullable
    T poll() {
        var turns = waiting.entrySet().iterator();
        if (!turns.hasNext()) {
            return null;
        }
        Map.Entry<ClientBlock, ArrayDeque<T>> turn = turns.next();
        ClientBlock block = turn.getKey();
        ArrayDeque<T> queue = turn.getValue();
        T task = queue.removeFirst();
        size--;
        turns.remove();
        if (!queue.isEmpty()) {
            waiting.put(block, queue);
        }
        return task;
    }

    int size() {
        return size;
    }

    private void add(ClientBlock block, T task) {
        waiting.computeIfAbsent(block, b -> new ArrayDeque<>()).addLast(task);
        size++;
    }
}
