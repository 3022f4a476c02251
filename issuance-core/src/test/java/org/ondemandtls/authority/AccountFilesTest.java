package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.security.KeyPair;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.ondemandtls.certificate.KeyPairs;
import org.ondemandtls.config.OnDemandTlsConfig.KeyType;
import org.ondemandtls.testing.MemorySecretFiles;

/** {@link AccountFiles}: nothing is lost wherever a server stops, and of two servers neither undoes the other's work. */
class AccountFilesTest {

    private static final URI CA = URI.create("https://ca.example/directory");

    private final MemorySecretFiles memory = new MemorySecretFiles();
    private final AccountFiles files = new AccountFiles(memory, CA);

    @Test
    void anotherKeyIsKeptBeforeTheUrlOfTheOldAccountIsForgotten() throws Exception {
        List<String> written = new ArrayList<>();
        SecretFiles recording = new SecretFiles() {
            @Override
            public Optional<byte[]> read(String name) {
                return memory.read(name);
            }

            @Override
            public void write(String name, byte[] content, boolean secret) throws IOException {
                written.add(name.substring(name.indexOf('.')));
                memory.write(name, content, secret);
            }
        };

        new AccountFiles(recording, CA).startAnew();

        assertThat(written).startsWith(".pem").endsWith(".url");
    }

    @Test
    void aKeyThatAnotherServerHasAdoptedIsNotAdoptedOnceMore() throws Exception {
        KeyPair first = files.keyOrNew();
        KeyPair second = files.successorOrNew(first);
        files.adopt(first, second);
        KeyPair third = files.successorOrNew(second);
        files.adopt(second, third);

        files.adopt(first, second);

        assertThat(files.has(third)).isTrue();
        assertThat(files.successor(first)).isEmpty();
        assertThat(files.successor(second)).isEmpty();
    }

    @Test
    void anotherAttemptTakesTheKeyThatWasLeftOver() throws Exception {
        KeyPair key = KeyPairs.generate(KeyType.P_256);

        assertThat(files.successorOrNew(key).getPublic())
                .isEqualTo(files.successorOrNew(key).getPublic());
    }
}
