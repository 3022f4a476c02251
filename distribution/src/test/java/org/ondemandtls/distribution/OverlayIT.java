package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipInputStream;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.xpath.XPathConstants;
import javax.xml.xpath.XPathFactory;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.ondemandtls.testing.Tools;
import org.w3c.dom.Document;
import org.w3c.dom.NodeList;

/** The overlay archives: where their files lie, what they carry and that nothing tells when or where they were built. */
@Tag("once")
class OverlayIT {

    /** An archive, and where it keeps what is not for the server. */
    private enum Overlay {
        JETTY("ondemandtls.jetty.overlay", "lib/ondemand-tls/"),
        TOMCAT("ondemandtls.tomcat.overlay", "conf/ondemand-tls/");

        private final Path archive;
        private final String papers;

        Overlay(String property, String papers) {
            this.archive = Path.of(System.getProperty(property, "not set"));
            this.papers = papers;
        }

        List<String> names() throws IOException {
            try (var zip = new ZipFile(archive.toFile())) {
                return zip.stream().map(ZipEntry::getName).toList();
            }
        }

        String text(String entry) throws IOException {
            try (var zip = new ZipFile(archive.toFile());
                    var content = zip.getInputStream(zip.getEntry(entry))) {
                return new String(content.readAllBytes(), StandardCharsets.UTF_8);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyEntryHasTheSameFixedTime(Overlay overlay) throws IOException {
        try (var zip = new ZipFile(overlay.archive.toFile())) {
            assertThat(zip.stream().map(ZipEntry::getTimeLocal).distinct())
                    .containsExactly(LocalDateTime.of(2026, 11, 1, 0, 0));
        }
    }

    @ParameterizedTest
    @EnumSource
    void theBillOfMaterialsNamesWhatIsCarriedAndNotTheServer(Overlay overlay) throws IOException {
        assertThat(overlay.text(overlay.papers + "sbom.json"))
                .contains("\"bomFormat\" : \"CycloneDX\"")
                .contains("\"acme4j-client\"", "\"jose4j\"", "\"bcprov-jdk18on\"", "\"caffeine\"", "\"dnsjava\"")
                .doesNotContain("\"serialNumber\"")
                .doesNotContain("\"jetty-server\"")
                .doesNotContain("\"tomcat-embed-core\"");
    }

    @ParameterizedTest
    @EnumSource
    void theLicencesAreThere(Overlay overlay) throws IOException {
        String licences = overlay.papers + "licenses/";

        assertThat(overlay.text(licences + "LICENSE")).contains("Apache License");
        assertThat(overlay.text(licences + "NOTICE")).contains("On-Demand TLS");
        assertThat(overlay.text(licences + "Bouncy-Castle.md")).contains("Legion of the Bouncy Castle");
        assertThat(overlay.text(licences + "THIRD-PARTY.txt")).contains("acme4j-client", "bcprov-jdk18on", "caffeine");
    }

    @Nested
    class OfJetty {

        private final Overlay overlay = Overlay.JETTY;

        @Test
        void theFilesLieWhereJettyLooksForThem() throws IOException {
            assertThat(overlay.names())
                    .contains(
                            "modules/ondemand-tls.mod",
                            "modules/ondemand-tls-redirect.mod",
                            "modules/ondemand-tls-status.mod",
                            "etc/ondemand-tls.xml",
                            "etc/ondemand-tls-status.xml",
                            "etc/ondemand-tls-redirect.xml",
                            "lib/ondemand-tls/",
                            "lib/ondemand-tls/sql/postgresql.sql",
                            "lib/ondemand-tls/sql/mariadb.sql");
            assertThat(overlay.names())
                    .allMatch(name -> name.matches("(modules|etc|lib)/.*"), "inside modules, etc and lib");
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
            String licences = overlay.text("lib/ondemand-tls/licenses/THIRD-PARTY.txt");
            String materials = overlay.text("lib/ondemand-tls/sbom.json");

            for (String jar : jars()) {
                String artifact = jar.replaceFirst("-\\d.*", "");
                assertThat(materials).contains("\"name\" : \"" + artifact + "\"");
                if (!artifact.startsWith("ondemand-tls")) {
                    assertThat(licences).contains(artifact);
                }
            }
            assertThat(materials).doesNotContain("\"slf4j-api\"");
        }

        private List<String> jars() throws IOException {
            return overlay.names().stream()
                    .filter(name -> name.endsWith(".jar"))
                    .map(name -> name.substring(name.lastIndexOf('/') + 1))
                    .toList();
        }
    }

    @Nested
    class OfTomcat {

        private static final String SHADED = "org.ondemandtls.shaded.";
        private static final String JAR_PREFIX = "lib/ondemand-tls-tomcat-";

        private final Overlay overlay = Overlay.TOMCAT;
        private final String jar = JAR_PREFIX + System.getProperty("ondemandtls.version") + "-all.jar";

        @Test
        void oneJarASampleAndLicencesAreAllThereIs() throws IOException {
            assertThat(overlay.names())
                    .filteredOn(name -> !name.endsWith("/"))
                    .containsExactlyInAnyOrder(
                            jar,
                            "conf/ondemand-tls/server.xml",
                            "conf/ondemand-tls/sbom.json",
                            "conf/ondemand-tls/sql/postgresql.sql",
                            "conf/ondemand-tls/sql/mariadb.sql",
                            "conf/ondemand-tls/licenses/LICENSE",
                            "conf/ondemand-tls/licenses/NOTICE",
                            "conf/ondemand-tls/licenses/THIRD-PARTY.txt",
                            "conf/ondemand-tls/licenses/Bouncy-Castle.md",
                            "conf/ondemand-tls/licenses/MPL-2.0.txt");
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
        void whoDependsOnTheThinJarGetsBouncyCastleOfOneVersion() throws Exception {
            Document published = DocumentBuilderFactory.newInstance()
                    .newDocumentBuilder()
                    .parse(Tools.root()
                            .resolve("issuance-core/target/published-pom.xml")
                            .toFile());
            NodeList versions = (NodeList) XPathFactory.newInstance()
                    .newXPath()
                    .evaluate(
                            "/*/*[local-name()='dependencies']/*[*[local-name()='groupId'] = 'org.bouncycastle']"
                                    + "/*[local-name()='version']",
                            published,
                            XPathConstants.NODESET);

            assertThat(versions.getLength()).isEqualTo(3);
            for (int i = 1; i < versions.getLength(); i++) {
                assertThat(versions.item(i).getTextContent())
                        .isEqualTo(versions.item(0).getTextContent());
            }
        }

        @Test
        void whatTheJarNeedsOfLoggingIsInItAndInTheBillOfMaterials() throws IOException {
            assertThat(overlay.text("conf/ondemand-tls/sbom.json")).contains("\"slf4j-api\"");
        }

        @Test
        void theJarIsSmallAndWhatOursReachesIsInIt() throws IOException {
            Path file = Tools.root().resolve("distribution/target/tomcat").resolve(jar);
            Set<String> classes = jarEntries().stream()
                    .filter(entry -> entry.endsWith(".class"))
                    .map(entry -> entry.substring(0, entry.length() - ".class".length())
                            .replace('/', '.'))
                    .collect(Collectors.toSet());

            assertThat(file)
                    .satisfies(archive -> assertThat(Files.size(archive)).isLessThan(5 * 1024 * 1024));
            assertThat(reached(classes, dependencies(file))).isNotEmpty().isSubsetOf(classes);
        }

        // What classes of ours are made of, from class to class; neither the JDK's nor the server's.
        private Set<String> reached(Set<String> classes, Map<String, Set<String>> dependencies) {
            Deque<String> toDo = new ArrayDeque<>(
                    classes.stream().filter(name -> !name.startsWith(SHADED)).toList());
            Set<String> reached = new HashSet<>(toDo);
            while (!toDo.isEmpty()) {
                for (String next : dependencies.getOrDefault(toDo.remove(), Set.of())) {
                    if (next.startsWith("org.ondemandtls.") && reached.add(next)) {
                        toDo.add(next);
                    }
                }
            }
            return reached;
        }

        private Map<String, Set<String>> dependencies(Path file) {
            StringWriter lines = new StringWriter();
            int status = ToolProvider.findFirst("jdeps")
                    .orElseThrow()
                    .run(
                            new PrintWriter(lines),
                            new PrintWriter(new StringWriter()),
                            "-verbose:class",
                            "-filter:none",
                            file.toString());
            assertThat(status).isZero();
            Map<String, Set<String>> dependencies = new HashMap<>();
            for (String line : lines.toString().lines().toList()) {
                String[] words = line.strip().split("\\s+");
                dependencies.computeIfAbsent(words[0], name -> new HashSet<>()).add(words[2]);
            }
            return dependencies;
        }

        private List<String> jarEntries() throws IOException {
            List<String> entries = new ArrayList<>();
            try (var zip = new ZipFile(overlay.archive.toFile());
                    var content = new ZipInputStream(zip.getInputStream(zip.getEntry(jar)))) {
                for (ZipEntry entry = content.getNextEntry(); entry != null; entry = content.getNextEntry()) {
                    entries.add(entry.getName());
                }
            }
            return entries;
        }
    }
}
