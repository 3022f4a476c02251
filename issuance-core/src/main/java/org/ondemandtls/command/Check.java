package org.ondemandtls.command;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamConstants;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;
import org.ondemandtls.config.ConfigException;
import org.ondemandtls.config.ConfigKey;
import org.ondemandtls.config.ConfigReader;

/**
 * Reads a configuration where it is written, and lists its mistakes. Nothing is opened, asked or written; only the files that
 * the configuration names are read.
 */
final class Check {

    private static final String PROTOCOL = "org.ondemandtls.tomcat.OnDemandTlsProtocol";

    private static final String BYTE_ORDER_MARK = "\ufeff";
    private static final Pattern MODULE = Pattern.compile("(?m)^\\s*--modules?=(\\S*,)?ondemand-tls(,|\\s|$)");

    /** One configuration: where it is written, its keys, and whether Tomcat takes properties of the JVM for others. */
    private record Written(String where, Map<String, String> keys, boolean inTomcat) {

        Written(String where, Map<String, String> keys) {
            this(where, keys, false);
        }
    }

    private final Path file;
    private final Path base;
    private final PrintStream out;
    private int mistakes;

    /**
     * Makes it ready.
     *
     * @param file a {@code server.xml}, a file of properties, or the base directory of a server
     * @param base where relative paths begin; empty for the base of the server that the file belongs to
     * @param out where it tells what it finds
     */
    Check(Path file, Optional<Path> base, PrintStream out) {
        this.file = file;
        this.base = base.orElseGet(() -> baseOf(file)).toAbsolutePath().normalize();
        this.out = out;
    }

    /**
     * Checks.
     *
     * @return whether there is no mistake
     * @throws IOException if the file cannot be read
     * @throws Arguments.WrongException if there is no configuration of ours in it
     */
    boolean run() throws IOException, Arguments.WrongException {
        List<Written> all = Files.isDirectory(file) ? inDirectory() : inFile(file);
        if (all.isEmpty()) {
            throw new Arguments.WrongException("there is no configuration of On-Demand TLS in " + file);
        }
        Placeholders placeholders = new Placeholders(base);
        for (Written written : all) {
            check(written, placeholders);
        }
        return mistakes == 0;
    }

    private void check(Written written, Placeholders placeholders) {
        Map<String, String> keys = placeholders.checkable(
                written.keys(),
                (key, unknown) -> out.println(written.where() + ": " + key
                        + " is not checked, because only the running server knows " + unknown));
        int number = written.keys().size();
        if (written.inTomcat()) {
            // As the connector does; Tomcat fills no placeholders in these.
            Map<String, String> more = ConfigReader.withFallback(written.keys(), placeholders.properties());
            more.entrySet().removeAll(written.keys().entrySet());
            keys.putAll(more);
            number += more.size();
        }
        try {
            ConfigReader.read(keys, base);
            out.println(written.where() + ": no mistake in " + number + " keys");
        } catch (ConfigException e) {
            mistakes += e.mistakes().size();
            e.mistakes().forEach(mistake -> out.println(written.where() + ": " + mistake));
        }
    }

    private List<Written> inDirectory() throws IOException, Arguments.WrongException {
        Path serverXml = file.resolve("conf/server.xml");
        if (Files.isRegularFile(serverXml)) {
            return inFile(serverXml);
        }
        Map<String, String> keys = new TreeMap<>();
        List<Path> files = new ArrayList<>(List.of(file.resolve("start.ini")));
        if (Files.isDirectory(file.resolve("start.d"))) {
            try (Stream<Path> more = Files.list(file.resolve("start.d"))) {
                more.filter(one -> one.toString().endsWith(".ini")).sorted().forEach(files::add);
            }
        }
        boolean enabled = Files.exists(file.resolve("start.d/ondemand-tls.ini"));
        for (Path one : files) {
            if (Files.isRegularFile(one)) {
                String text = text(one);
                read(text, keys);
                enabled |= MODULE.matcher(text).find();
            }
        }
        return keys.isEmpty() && !enabled ? List.of() : List.of(new Written(file.toString(), keys));
    }

    private List<Written> inFile(Path file) throws IOException, Arguments.WrongException {
        if (!Files.isRegularFile(file)) {
            throw new Arguments.WrongException(file + " is not there");
        }
        if (file.toString().endsWith(".xml")) {
            return connectors(file);
        }
        String text = text(file);
        Map<String, String> keys = new TreeMap<>();
        read(text, keys);
        if (keys.isEmpty() && SpringFile.isOne(text)) {
            return List.of(new Written(file.toString(), SpringFile.keys(file, text, out)));
        }
        boolean template = "ondemand-tls.ini".equals(String.valueOf(file.getFileName()));
        return keys.isEmpty() && !template ? List.of() : List.of(new Written(file.toString(), keys));
    }

    // Whatever else is written in it, and in whichever encoding: keys are ASCII.
    private static String text(Path file) throws IOException {
        String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
        return text.startsWith(BYTE_ORDER_MARK) ? text.substring(1) : text;
    }

    // Jetty's files: KEY=VALUE, KEY?=VALUE for a default, KEY+=VALUE for more, # for a comment, all else is Jetty's.
    private static void read(String text, Map<String, String> keys) {
        for (String line : text.lines().map(String::strip).toList()) {
            int equals = line.indexOf('=');
            if (equals > 0 && isOurs(line)) {
                String key = line.substring(0, equals).strip();
                String name = key.substring(0, key.length() - 1);
                String value = line.substring(equals + 1);
                if (key.endsWith("?")) {
                    keys.putIfAbsent(name, value);
                } else if (key.endsWith("+")) {
                    String before = keys.getOrDefault(name, "");
                    keys.put(name, before.isEmpty() && value.startsWith(",") ? value.substring(1) : before + value);
                } else {
                    keys.put(key, value);
                }
            }
        }
    }

    private static List<Written> connectors(Path file) throws IOException, Arguments.WrongException {
        XMLInputFactory factory = XMLInputFactory.newInstance();
        // Nothing outside of the file is fetched.
        factory.setProperty(XMLInputFactory.SUPPORT_DTD, false);
        factory.setProperty(XMLInputFactory.IS_SUPPORTING_EXTERNAL_ENTITIES, false);
        factory.setProperty(XMLInputFactory.IS_REPLACING_ENTITY_REFERENCES, false);
        List<Written> found = new ArrayList<>();
        try (InputStream in = Files.newInputStream(file)) {
            // In the encoding that the file itself names.
            XMLStreamReader xml = factory.createXMLStreamReader(in);
            while (xml.hasNext()) {
                if (xml.next() == XMLStreamConstants.START_ELEMENT
                        && xml.getLocalName().equals("Connector")
                        && PROTOCOL.equals(xml.getAttributeValue(null, "protocol"))) {
                    found.add(new Written(
                            file + ", connector on port " + xml.getAttributeValue(null, "port"),
                            attributes(xml),
                            true));
                }
            }
        } catch (XMLStreamException e) {
            throw new Arguments.WrongException(
                    file + ", line " + e.getLocation().getLineNumber() + ", is no XML that can be read");
        }
        return found;
    }

    private static Map<String, String> attributes(XMLStreamReader xml) {
        Map<String, String> keys = new TreeMap<>();
        for (int i = 0; i < xml.getAttributeCount(); i++) {
            if (isOurs(xml.getAttributeLocalName(i))) {
                keys.put(xml.getAttributeLocalName(i), xml.getAttributeValue(i));
            }
        }
        return keys;
    }

    private static boolean isOurs(String text) {
        return text.regionMatches(true, 0, ConfigKey.PREFIX, 0, ConfigKey.PREFIX.length());
    }

    // start.d/x.ini and conf/server.xml lie one folder below the base of their server.
    private static Path baseOf(Path file) {
        Path absolute = file.toAbsolutePath().normalize();
        Path parent = absolute.getParent();
        if (Files.isDirectory(absolute) || parent == null) {
            return absolute;
        }
        String folder = String.valueOf(parent.getFileName());
        Path above = parent.getParent();
        return above != null && (folder.equals("conf") || folder.equals("start.d")) ? above : parent;
    }
}
