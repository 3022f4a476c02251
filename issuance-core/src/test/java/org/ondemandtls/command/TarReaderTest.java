package org.ondemandtls.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** {@link TarReader}: the files that are wanted, whole or not at all. */
class TarReaderTest {

    private final ByteArrayOutputStream archive = new ByteArrayOutputStream();

    @Test
    void onlyRegularFilesThatAreWantedAreRead() throws Exception {
        archive.writeBytes(Tars.entry("wanted/", '5', new byte[0]));
        archive.writeBytes(Tars.file("wanted/a", octets("one")));
        archive.writeBytes(Tars.file("other/b", octets("two")));
        archive.writeBytes(Tars.file("./wanted/c", new byte[0]));
        archive.writeBytes(Tars.entry("wanted/link", '2', new byte[0]));
        archive.writeBytes(Tars.end());

        assertThat(read()).containsExactly(Map.entry("wanted/a", "one"), Map.entry("wanted/c", ""));
    }

    @Test
    void aLongNameIsTakenFromTheRecordBeforeIt() throws Exception {
        String pax = "wanted/" + "x".repeat(120);
        String gnu = "wanted/" + "y".repeat(150);
        archive.writeBytes(Tars.longFile(pax, octets("one")));
        archive.writeBytes(Tars.entry("././@LongLink", 'L', octets(gnu + "\0")));
        archive.writeBytes(Tars.file(gnu, octets("two")));
        archive.writeBytes(Tars.file("wanted/short", octets("three")));
        archive.writeBytes(Tars.end());

        assertThat(read())
                .containsExactly(Map.entry("wanted/short", "three"), Map.entry(pax, "one"), Map.entry(gnu, "two"));
    }

    @Test
    void anythingElseIsRefused() {
        archive.writeBytes(octets("no archive".repeat(100)));

        assertThatThrownBy(this::read).isInstanceOf(IOException.class).hasMessageContaining("no tar archive");
    }

    @Test
    void aFileThatIsTooLargeIsRefused() {
        archive.writeBytes(Tars.file("wanted/a", new byte[1001]));

        assertThatThrownBy(this::read).hasMessageContaining("wanted/a in the archive is larger than 1000 bytes");
    }

    @Test
    void anArchiveThatIsCutOffIsRefused() {
        archive.write(Tars.file("wanted/a", new byte[900]), 0, 1000);

        assertThatThrownBy(this::read).isInstanceOf(IOException.class);
    }

    private Map<String, String> read() throws IOException {
        Map<String, String> files = new TreeMap<>();
        TarReader.read(
                new ByteArrayInputStream(archive.toByteArray()),
                1000,
                name -> name.startsWith("wanted/"),
                (name, content) -> files.put(name, new String(content, StandardCharsets.UTF_8)));
        return files;
    }

    private static byte[] octets(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
