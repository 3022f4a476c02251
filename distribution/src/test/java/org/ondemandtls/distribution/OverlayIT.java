package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;

/** The overlay archive: where its files lie, what it carries and that nothing in it tells when or where it was built. */
class OverlayIT {

    private final Path archive = Path.of(System.getProperty("ondemandtls.jetty.overlay", "not set"));

    @Test
    void theFilesLieWhereJettyLooksForThem() throws IOException {
        assertThat(names())
                .contains(
                        "modules/ondemand-tls.mod",
                        "modules/ondemand-tls-redirect.mod",
                        "etc/ondemand-tls.xml",
                        "etc/ondemand-tls-redirect.xml",
                        "lib/ondemand-tls/");
        assertThat(names()).allMatch(name -> name.matches("(modules|etc|lib)/.*"), "inside modules, etc and lib");
    }

    @Test
    void itCarriesOurJarsAndTheirLibrariesAndNothingTheServerBrings() throws IOException {
        assertThat(jars())
                .extracting(jar -> jar.replaceFirst("-\\d.*", ""))
                .containsExactlyInAnyOrder(
                        "ondemand-tls-core",
                        "ondemand-tls-jetty",
                        "acme4j-client",
                        "jose4j",
                        "bcprov-jdk18on",
                        "bcpkix-jdk18on",
                        "bcutil-jdk18on",
                        "caffeine",
                        "dnsjava");
    }

    @Test
    void everyLibraryIsInTheListOfLicencesAndInTheBillOfMaterials() throws IOException {
        String licences = text("lib/ondemand-tls/licenses/THIRD-PARTY.txt");
        String materials = text("lib/ondemand-tls/sbom.json");

        for (String jar : jars()) {
            String artifact = jar.replaceFirst("-\\d.*", "");
            assertThat(materials).contains("\"name\" : \"" + artifact + "\"");
            if (!artifact.startsWith("ondemand-tls")) {
                assertThat(licences).contains(artifact);
            }
        }
        assertThat(materials)
                .contains("\"bomFormat\" : \"CycloneDX\"")
                .doesNotContain("\"serialNumber\"")
                .doesNotContain("\"slf4j-api\"")
                .doesNotContain("\"jetty-server\"");
        assertThat(text("lib/ondemand-tls/licenses/LICENSE")).contains("Apache License");
        assertThat(text("lib/ondemand-tls/licenses/NOTICE")).contains("On-Demand TLS");
        assertThat(text("lib/ondemand-tls/licenses/Bouncy-Castle.md")).contains("Legion of the Bouncy Castle");
    }

    @Test
    void everyEntryHasTheSameFixedTime() throws IOException {
        try (var zip = new ZipFile(archive.toFile())) {
            assertThat(zip.stream().map(ZipEntry::getTimeLocal).distinct())
                    .containsExactly(LocalDateTime.of(2026, 11, 1, 0, 0));
        }
    }

    private List<String> names() throws IOException {
        try (var zip = new ZipFile(archive.toFile())) {
            return zip.stream().map(ZipEntry::getName).toList();
        }
    }

    private List<String> jars() throws IOException {
        return names().stream()
                .filter(name -> name.endsWith(".jar"))
                .map(name -> name.substring(name.lastIndexOf('/') + 1))
                .toList();
    }

    private String text(String entry) throws IOException {
        try (var zip = new ZipFile(archive.toFile());
                var content = zip.getInputStream(zip.getEntry(entry))) {
            return new String(content.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
