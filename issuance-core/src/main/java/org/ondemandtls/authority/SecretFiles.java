package org.ondemandtls.authority;

import java.io.IOException;
import java.util.Optional;

/**
 * Where an authority keeps the little it must not lose: its account, or the embedded CA's root.
 *
 * <p>Safe for use by many threads; methods block.
 */
public interface SecretFiles {

    /**
     * Reads what was written.
     *
     * @param name a relative path of lower-case words, for example {@code internal-ca/root.key}
     * @return the whole content, empty where nothing was ever written by that name
     * @throws IOException if it is there and cannot be read
     */
    Optional<byte[]> read(String name) throws IOException;

    /**
     * Writes, or replaces, as a whole: after a crash there is the old content or the new, and after this returned
     * the new.
     *
     * @param name as for {@link #read}
     * @param content what to keep
     * @param secret whether nobody but the owner may ever be able to read it
     * @throws IOException if it could not be kept
     */
    void write(String name, byte[] content, boolean secret) throws IOException;

    /**
     * Writes unless something is there already. Where several servers share what is written, one of those that do so at
     * once succeeds, and all get what it wrote.
     *
     * @param name as for {@link #read}
     * @param content what to keep
     * @param secret as for {@link #write}
     * @return what is there now
     * @throws IOException if that is not known
     */
    default byte[] writeFirst(String name, byte[] content, boolean secret) throws IOException {
        Optional<byte[]> there = read(name);
        if (there.isPresent()) {
            return there.get();
        }
        write(name, content, secret);
        return content;
    }
}
