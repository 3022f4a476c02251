package org.ondemandtls.authority;

import java.io.IOException;
import java.util.Optional;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.RecordUnreadableException;
import org.ondemandtls.store.StoreException;

/**
 * What authorities keep, in the store.
 *
 * @param store where it is kept
 */
public record StoredSecrets(CertificateStore store) implements SecretFiles {

    @Override
    public Optional<byte[]> read(String name) throws IOException {
        return unwrapped(() -> store.readSecret(name));
    }

    @Override
    public void write(String name, byte[] content, boolean secret) throws IOException {
        unwrapped(() -> {
            if (secret) {
                store.writeSecret(name, content);
            } else {
                store.writePublic(name, content);
            }
            return content;
        });
    }

    @Override
    public byte[] writeFirst(String name, byte[] content, boolean secret) throws IOException {
        return unwrapped(() -> store.writeFirst(name, content, secret));
    }

    private static <T> T unwrapped(Access<T> access) throws IOException {
        try {
            return access.run();
        } catch (RecordUnreadableException e) {
            throw new UnreadableSecretException(String.valueOf(e.getMessage()), e);
        } catch (StoreException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    @FunctionalInterface
    private interface Access<T> {
        T run() throws StoreException;
    }
}
