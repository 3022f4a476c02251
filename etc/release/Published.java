import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import java.util.stream.Stream;
import java.util.zip.ZipFile;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.xpath.XPath;
import javax.xml.xpath.XPathFactory;
import org.w3c.dom.Document;

/** Looks at a directory of published artefacts: whether each is what Maven Central asks for, and what we promise beside. */
final class Published {

    // Ending of the file by which each is known, behind its name and version; the others are the same for all of a kind.
    private static final Map<String, List<String>> JARS = new TreeMap<>(Map.of(
            "ondemand-tls-core", List.of(".jar"),
            "ondemand-tls-jetty", List.of(".jar"),
            "ondemand-tls-tomcat", List.of(".jar", "-all.jar"),
            "ondemand-tls-micrometer", List.of(".jar"),
            "ondemand-tls-spring-boot-starter", List.of(".jar")));
    private static final Map<String, List<String>> OTHERS = new TreeMap<>(Map.of(
            "ondemand-tls-parent", List.of(),
            "ondemand-tls-bom", List.of(),
            "ondemand-tls-jetty-overlay", List.of(".zip"),
            "ondemand-tls-tomcat-overlay", List.of(".zip")));
    // What Maven Central's checks ask a POM for.
    private static final List<String> DEMANDED = List.of(
            "groupId", "artifactId", "version", "name", "description", "url", "licenses/license/name", "licenses/license/url",
            "developers/developer/name", "scm/connection", "scm/developerConnection", "scm/url");

    private final Path root;
    private final String version;
    private final List<String> mistakes = new ArrayList<>();
    private int files;

    private Published(Path root, String version) {
        this.root = root;
        this.version = version;
    }

    public static void main(String... arguments) throws Exception {
        Published published = new Published(Path.of(arguments[0]), arguments[1]);
        published.look();
        published.mistakes.forEach(System.err::println);
        if (!published.mistakes.isEmpty()) {
            System.exit(1);
        }
        System.out.println("Published: " + (JARS.size() + OTHERS.size()) + " artefacts, " + published.files
                + " signed files, as Maven Central asks for them.");
    }

    private void look() throws Exception {
        TreeSet<String> expected = new TreeSet<>(JARS.keySet());
        expected.addAll(OTHERS.keySet());
        TreeSet<String> found = new TreeSet<>(names(root));
        check(expected.equals(found), "published are " + found + " in place of " + expected);
        for (String artefact : found) {
            for (Path file : files(artefact)) {
                signed(file);
            }
            pom(artefact);
        }
        for (String artefact : JARS.keySet()) {
            for (String ending : JARS.get(artefact)) {
                jar(file(artefact, ending));
            }
            contains(file(artefact, "-sources.jar"), "META-INF/LICENSE");
            contains(file(artefact, "-sources.jar"), ".java");
            contains(file(artefact, "-javadoc.jar"), "index.html");
            sbom(artefact);
        }
        for (String artefact : OTHERS.keySet()) {
            for (String ending : OTHERS.get(artefact)) {
                check(Files.isRegularFile(file(artefact, ending)), artefact + ending + " is not there");
            }
        }
    }

    private void signed(Path file) throws Exception {
        files++;
        for (String algorithm : List.of("MD5", "SHA-1")) {
            Path sum = Path.of(file + "." + algorithm.toLowerCase().replace("-", ""));
            check(
                    Files.isRegularFile(sum)
                            && Files.readString(sum)
                                    .strip()
                                    .equals(HexFormat.of()
                                            .formatHex(MessageDigest.getInstance(algorithm)
                                                    .digest(Files.readAllBytes(file)))),
                    sum + " is not there or wrong");
        }
        Process gpg = new ProcessBuilder("gpg", "--batch", "--quiet", "--verify", file + ".asc", file.toString())
                .redirectErrorStream(true)
                .start();
        String said = new String(gpg.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        check(gpg.waitFor() == 0, file + " is not signed: " + said.strip());
    }

    private void jar(Path file) throws IOException {
        contains(file, "META-INF/LICENSE");
        contains(file, "META-INF/NOTICE");
        try (JarFile jar = new JarFile(file.toFile())) {
            Manifest manifest = jar.getManifest();
            String module = manifest == null ? null : manifest.getMainAttributes().getValue("Automatic-Module-Name");
            check(module != null && module.startsWith("org.ondemandtls"), file + " has no Automatic-Module-Name");
        }
    }

    // In a bill of materials the libraries, and with each its version; in that of a starter ours among them.
    private void sbom(String artefact) throws IOException {
        Path file = file(artefact, "-cyclonedx.json");
        String text = Files.isRegularFile(file) ? Files.readString(file) : "";
        check(text.contains("\"bomFormat\" : \"CycloneDX\""), file + " is no CycloneDX");
        check(text.contains("pkg:maven/org.ondemandtls/" + artefact + "@" + version), file + " is about something else");
        check(text.contains("pkg:maven/org.bouncycastle/bcprov-jdk18on@"), file + " does not name Bouncy Castle");
    }

    private void pom(String artefact) throws Exception {
        Path file = file(artefact, ".pom");
        Document pom = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(file.toFile());
        XPath xpath = XPathFactory.newInstance().newXPath();
        for (String demanded : DEMANDED) {
            check(!xpath.evaluate("/project/" + demanded, pom).isBlank(), file + " has no " + demanded);
        }
        check(xpath.evaluate("/project/version", pom).equals(version), file + " has another version");
        if (artefact.equals("ondemand-tls-parent")) {
            // Nobody needs it: what the others have of it stands in their own.
            return;
        }
        for (String unwanted : List.of(
                "parent",
                "build",
                "profiles",
                "repositories",
                "dependencies/dependency[scope='test']",
                "dependencies/dependency[not(version)]")) {
            check(xpath.evaluate("count(/project/" + unwanted + ")", pom).equals("0"), file + " has " + unwanted);
        }
        // A POM knows its own version.
        String text = Files.readString(file).replace("${project.version}", version);
        check(!text.contains("${"), file + " has a property that is not filled");
    }

    private void contains(Path file, String entry) throws IOException {
        if (!Files.isRegularFile(file)) {
            check(false, file + " is not there");
            return;
        }
        try (ZipFile zip = new ZipFile(file.toFile())) {
            check(zip.stream().anyMatch(one -> one.getName().endsWith(entry)), file + " has no " + entry);
        }
    }

    private Path file(String artefact, String ending) {
        return root.resolve(artefact).resolve(version).resolve(artefact + "-" + version + ending);
    }

    // Those that are signed: all but sums, signatures, and what a repository keeps about versions.
    private List<Path> files(String artefact) throws IOException {
        try (Stream<Path> all = Files.list(root.resolve(artefact).resolve(version))) {
            return all.filter(file -> !file.toString().matches(".*\\.(md5|sha1|sha256|sha512|asc)|.*/maven-metadata.*"))
                    .sorted()
                    .toList();
        }
    }

    private static List<String> names(Path directory) throws IOException {
        try (Stream<Path> all = Files.list(directory)) {
            return all.map(one -> one.getFileName().toString()).toList();
        }
    }

    private void check(boolean good, String mistake) {
        if (!good) {
            mistakes.add(mistake);
        }
    }
}
