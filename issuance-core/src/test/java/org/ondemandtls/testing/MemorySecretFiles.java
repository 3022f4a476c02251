package org.ondemandtls.testing;

import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.ondemandtls.authority.SecretFiles;

/** {@link SecretFiles} in memory, with switches for what can go wrong. */
public final class MemorySecretFiles implements SecretFiles {

    private final Map<String, byte[]> contents = new TreeMap<>();
    private final Set<String> secrets = new TreeSet<>();
    private boolean readOnly;
    private volatile Consumer<String> beforeWriting = name -> {};

    /** Calls this with each name on the thread that is about to write. */
    public void beforeWriting(Consumer<String> told) {
        beforeWriting = told;
    }

    @Override
    public synchronized Optional<byte[]> read(String name) {
        return Optional.ofNullable(contents.get(name)).map(byte[]::clone);
    }

    @Override
    public void write(String name, byte[] content, boolean secret) throws IOException {
        beforeWriting.accept(name);
        synchronized (this) {
            if (readOnly) {
                throw new IOException("read-only file system");
            }
            contents.put(name, content.clone());
            if (secret) {
                secrets.add(name);
            }
        }
    }

    /** Loses one file. */
    public synchronized void remove(String name) {
        contents.remove(name);
    }

    /** Refuses every write from now on, or no longer. */
    public synchronized void readOnly(boolean value) {
        readOnly = value;
    }

    /** What is there. */
    public synchronized Set<String> names() {
        return new TreeSet<>(contents.keySet());
    }

    /** What was written as a secret. */
    public synchronized Set<String> secrets() {
        return new TreeSet<>(secrets);
    }
}
