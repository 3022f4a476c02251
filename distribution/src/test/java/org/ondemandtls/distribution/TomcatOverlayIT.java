package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.Test;

/** The Tomcat overlay: where its files lie, and that its one jar brings nothing a web application could stumble over. */
class TomcatOverlayIT {

    private static final String JAR = "lib/ondemand-tls-tomcat-" + System.getProperty("ondemandtls.version") + ".jar";

    private final Path archive = Path.of(System.getProperty("ondemandtls.tomcat.overlay", "not set"));

    @Test
    void oneJarASampleAndLicencesAreAllThereIs() throws IOException {
        assertThat(files())
                .containsExactlyInAnyOrder(
                        JAR,
                        "conf/ondemand-tls/server.xml",
                        "conf/ondemand-tls/sbom.json",
                        "conf/ondemand-tls/licenses/LICENSE",
                        "conf/ondemand-tls/licenses/NOTICE",
                        "conf/ondemand-tls/licenses/THIRD-PARTY.txt",
                        "conf/ondemand-tls/licenses/Bouncy-Castle.md");
    }

    @Test
    void everyClassAndServiceInTheJarIsOurs() throws IOException {
        List<String> entries = jarEntries();

        assertThat(entries)
                .filteredOn(entry -> entry.endsWith(".class"))
                .hasSizeGreaterThan(1000)
                .allMatch(entry -> entry.matches("org/ondemandtls/.*"));
        assertThat(entries)
                .filteredOn(entry -> entry.startsWith("META-INF/services/") && !entry.endsWith("/"))
                .isNotEmpty()
                .allMatch(entry -> entry.startsWith("META-INF/services/org.ondemandtls.")
                        || entry.equals("META-INF/services/jakarta.servlet.ServletContainerInitializer"));
        assertThat(entries).contains("META-INF/LICENSE", "META-INF/NOTICE", "META-INF/licenses/THIRD-PARTY.txt");
    }

    @Test
    void theBillOfMaterialsNamesWhatIsInTheJarAndNothingElse() throws IOException {
        String materials = text("conf/ondemand-tls/sbom.json");

        assertThat(materials)
                .contains(
                        "\"acme4j-client\"",
                        "\"jose4j\"",
                        "\"bcprov-jdk18on\"",
                        "\"caffeine\"",
                        "\"dnsjava\"",
                        "\"slf4j-api\"")
                .doesNotContain("\"tomcat-embed-core\"")
                .doesNotContain("\"serialNumber\"");
    }

    @Test
    void everyEntryHasTheSameFixedTime() throws IOException {
        try (var zip = new ZipFile(archive.toFile())) {
            assertThat(zip.stream().map(ZipEntry::getTimeLocal).distinct())
                    .containsExactly(LocalDateTime.of(2026, 11, 1, 0, 0));
        }
    }

    private List<String> files() throws IOException {
        try (var zip = new ZipFile(archive.toFile())) {
            return zip.stream()
                    .map(ZipEntry::getName)
                    .filter(name -> !name.endsWith("/"))
                    .toList();
        }
    }

    private List<String> jarEntries() throws IOException {
        List<String> entries = new ArrayList<>();
        try (var zip = new ZipFile(archive.toFile());
                var jar = new ZipInputStream(zip.getInputStream(zip.getEntry(JAR)))) {
            for (ZipEntry entry = jar.getNextEntry(); entry != null; entry = jar.getNextEntry()) {
                entries.add(entry.getName());
            }
        }
        return entries;
    }

    private String text(String entry) throws IOException {
        try (var zip = new ZipFile(archive.toFile());
                var content = zip.getInputStream(zip.getEntry(entry))) {
            return new String(content.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
