package org.ondemandtls.store;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Secrets, and what lies among them: read back as they were written. */
abstract class SecretsContract extends ShelfContract {

    /** How many may keep the same thing first at once: one, where only one process may use the store. */
    protected abstract int writersAtOnce();

    @Test
    void comeBackAsTheyWereWritten() throws Exception {
        assertThat(store.readSecret("internal-ca/root.key")).isEmpty();

        store.writeSecret("internal-ca/root.key", "one".getBytes(StandardCharsets.US_ASCII));
        store.writeSecret("internal-ca/root.key", "two".getBytes(StandardCharsets.US_ASCII));

        assertThat(store.readSecret("internal-ca/root.key"))
                .hasValueSatisfying(content ->
                        assertThat(content).asString(StandardCharsets.US_ASCII).isEqualTo("two"));
    }

    @Test
    void haveNoPlaceOutsideTheStore() {
        for (String path : new String[] {"../x", "/etc/passwd", "a/../b", "a", "a/.hidden", "a/b/c"}) {
            assertThatThrownBy(() -> store.writeSecret(path, new byte[0])).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> store.readSecret(path)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void keptFirstAreKeptByOneOfManyAndReadByAll() throws Exception {
        Set<String> kept = ConcurrentHashMap.newKeySet();
        List<Thread> threads = IntStream.range(0, writersAtOnce())
                .mapToObj(i -> new Thread(() -> {
                    try {
                        kept.add(new String(
                                store.writeFirst("accounts/one.pem", ("key " + i).getBytes(US_ASCII), true), US_ASCII));
                    } catch (StoreException e) {
                        throw new IllegalStateException(e);
                    }
                }))
                .toList();

        threads.forEach(Thread::start);
        for (Thread thread : threads) {
            thread.join();
        }

        assertThat(kept).hasSize(1);
        assertThat(store.readSecret("accounts/one.pem"))
                .hasValueSatisfying(content -> assertThat(content)
                        .asString(US_ASCII)
                        .isEqualTo(kept.iterator().next()));
        assertThat(store.writeFirst("accounts/one.pem", new byte[] {1}, false))
                .isEqualTo(store.readSecret("accounts/one.pem").orElseThrow());
    }
}
