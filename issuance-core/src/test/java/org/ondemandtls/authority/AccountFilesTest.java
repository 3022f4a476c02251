package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.certificate.KeyPairs;
import org.ondemandtls.config.OnDemandTlsConfig.KeyType;
import org.ondemandtls.machine.Time;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.file.FileCertificateStore;
import org.ondemandtls.testing.MemorySecretFiles;
import org.ondemandtls.testing.RecordedEvents;

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
    void aNoteThatCannotBeReadOrWrittenIsToldOfOnceAndKeepsNothingFromBeingOrdered(@TempDir Path root)
            throws Exception {
        RecordedEvents recorded = new RecordedEvents();
        List<String> told = new ArrayList<>();
        try (CertificateStore store =
                FileCertificateStore.open(root, recorded.events(), Time.ofMachine(), Duration.ZERO)) {
            AccountFiles stored = new AccountFiles(new StoredSecrets(store), CA, told::add);
            KeyPair key = stored.keyOrNew();
            stored.keepUrl(URI.create("https://ca.example/account/1").toURL());
            stored.keepContact("a@example.com");
            stored.keepTerms("terms");
            stored.keepDeactivated("");
            for (String note : List.of(".url", ".contact", ".terms", ".deactivated")) {
                Path file = Path.of(root + "/" + pathOf(store, note));
                Files.delete(file);
                Files.createDirectory(file);
            }

            for (int i = 0; i < 2; i++) {
                assertThat(stored.url()).isEmpty();
                assertThat(stored.contact()).isEmpty();
                assertThat(stored.terms()).isEmpty();
                assertThat(stored.deactivated()).isEmpty();
                stored.keepUrl(URI.create("https://ca.example/account/1").toURL());
            }

            assertThat(stored.has(key)).isTrue();
            assertThat(told).hasSize(4).first().asString().contains(".url cannot be read");
        }
    }

    private static String pathOf(CertificateStore store, String suffix) throws Exception {
        return store.secretPaths().stream()
                .filter(path -> path.endsWith(suffix))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void aNoteThatCannotBeWrittenThoughItCouldBeReadIsAFailure() {
        SecretFiles full = new SecretFiles() {
            @Override
            public Optional<byte[]> read(String name) {
                return memory.read(name);
            }

            @Override
            public void write(String name, byte[] content, boolean secret) throws IOException {
                throw new IOException("disk full");
            }
        };

        assertThatThrownBy(() -> new AccountFiles(full, CA).keepContact("a@example.com"))
                .hasMessage("disk full");
    }

    @Test
    void anotherAttemptTakesTheKeyThatWasLeftOver() throws Exception {
        KeyPair key = KeyPairs.generate(KeyType.P_256);

        assertThat(files.successorOrNew(key).getPublic())
                .isEqualTo(files.successorOrNew(key).getPublic());
    }
}
