package org.ondemandtls.command;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the installer writes into Tomcat's own files, as text: each piece stands between two marks, so that it can be taken
 * back. All else keeps its bytes.
 */
final class TomcatFiles {

    private static final String PROTOCOL = "org.ondemandtls.tomcat.OnDemandTlsProtocol";
    private static final String VALVE = "org.ondemandtls.tomcat.AcmeChallengeValve";
    private static final String EXIT = "org.apache.catalina.startup.EXIT_ON_INIT_FAILURE";
    private static final String BEGIN = "ondemand-tls install: begin";
    private static final String END = "ondemand-tls install: end";

    private static final Pattern COMMENT = Pattern.compile("<!--.*?-->", Pattern.DOTALL);
    // To the end of a tag; a value may have that character, too.
    private static final String REST = "(?:[^>\"']++|\"[^\"]*+\"|'[^']*+')*+";
    private static final Pattern ENGINE = Pattern.compile("([ \\t]*)<Engine\\b" + REST + ">");
    private static final Pattern CONNECTOR = Pattern.compile("<Connector\\b(" + REST + ")>");
    private static final Pattern PORT = Pattern.compile("\\sport\\s*=\\s*(?:\"([^\"]*)\"|'([^']*)')");
    private static final Pattern MARKED_XML =
            Pattern.compile("[ \\t]*<!-- " + BEGIN + " -->.*?<!-- " + END + " -->[ \\t]*\\r?\\n?", Pattern.DOTALL);
    // Such a piece stands behind the <Engine>, on lines of its own that end before what stood behind that.
    private static final Pattern MARKED_VALVE =
            Pattern.compile("\\r?\\n[ \\t]*<!-- " + BEGIN + " -->\\s*<Valve\\b[^>]*/>\\s*<!-- " + END + " -->");
    private static final Pattern MARKED_LAST =
            Pattern.compile("\\r?\\n# " + BEGIN + "\\r?\\n.*?# " + END + "\\z", Pattern.DOTALL);
    private static final Pattern MARKED_PROPERTIES =
            Pattern.compile("# " + BEGIN + "\\r?\\n.*?# " + END + "[ \\t]*\\r?\\n?", Pattern.DOTALL);
    private static final Pattern EXIT_LINE =
            Pattern.compile("(?m)^[ \\t]*" + Pattern.quote(EXIT) + "[ \\t]*[=:][ \\t]*(.*)$");

    private TomcatFiles() {}

    /** Whether a {@code server.xml} has a connector of ours. */
    static boolean hasConnector(String xml) {
        return withoutComments(xml).contains(PROTOCOL);
    }

    /** Whether a file of Tomcat's has something of ours, written by the installer or by hand. */
    static boolean hasOurs(String text) {
        return text.contains(BEGIN) || withoutComments(text).contains("org.ondemandtls.");
    }

    /**
     * A {@code server.xml} with the connector, and the valve that answers the CA on other connectors.
     *
     * @param xml the file as it is
     * @param port the port of the connector
     * @param keys the keys of the connector, in the order in which they are written
     * @param placeholders what Tomcat puts in place of placeholders
     * @return the file as it shall be; the same text if it has both
     * @throws Arguments.WrongException if there is no place for them
     */
    static String withConnector(String xml, int port, Map<String, String> keys, Placeholders placeholders)
            throws Arguments.WrongException {
        String seen = withoutComments(xml);
        boolean connector = hasConnector(xml);
        boolean valve = seen.contains(VALVE);
        Matcher engine = ENGINE.matcher(seen);
        if (!engine.find()) {
            throw new Arguments.WrongException("conf/server.xml has no <Engine>");
        }
        if (!connector && isTaken(seen, port, placeholders)) {
            throw new Arguments.WrongException("conf/server.xml has a connector on port " + port
                    + " already; --port names another, or take that connector out");
        }
        if (!valve && engine.group().endsWith("/>")) {
            throw new Arguments.WrongException(
                    "the <Engine> of conf/server.xml is empty, there is no place for the valve");
        }
        String line = lineEnd(xml);
        String indent = engine.group(1);
        StringBuilder changed = new StringBuilder(xml);
        if (!valve) {
            changed.insert(
                    engine.end(),
                    line
                            + marked(indent + "  ", line, "<Valve className=\"" + VALVE + "\"/>")
                                    .stripTrailing());
        }
        if (!connector) {
            List<String> lines = new ArrayList<>();
            lines.add("<Connector port=\"" + port + "\" protocol=\"" + PROTOCOL + "\"");
            keys.forEach((key, value) -> lines.add("           " + key + "=\"" + escaped(value) + '"'));
            lines.set(lines.size() - 1, lines.get(lines.size() - 1) + '>');
            lines.add("  <UpgradeProtocol className=\"org.apache.coyote.http2.Http2Protocol\"/>");
            lines.add("</Connector>");
            changed.insert(engine.start(), marked(indent, line, lines.toArray(String[]::new)));
        }
        return changed.toString();
    }

    /**
     * A {@code server.xml} without what {@link #withConnector} put there.
     *
     * @throws Arguments.WrongException if classes of ours are named outside the marks as well
     */
    static String withoutConnector(String xml) throws Arguments.WrongException {
        String changed = MARKED_VALVE.matcher(xml).replaceAll("");
        for (Matcher mark = MARKED_XML.matcher(changed); mark.find(); mark = MARKED_XML.matcher(changed)) {
            changed = changed.substring(0, mark.start()) + changed.substring(mark.end());
        }
        if (withoutComments(changed).contains("org.ondemandtls.tomcat.")) {
            throw new Arguments.WrongException(
                    "conf/server.xml names org.ondemandtls.tomcat outside of what install wrote; take that out first");
        }
        return changed;
    }

    /** A {@code catalina.properties} by which a connector that cannot start ends Tomcat; the same text if it says so or not. */
    static String withExit(String properties) {
        if (EXIT_LINE.matcher(properties).find()) {
            return properties;
        }
        String line = lineEnd(properties);
        boolean whole = properties.isEmpty() || properties.endsWith("\n");
        String lines = "# " + BEGIN + line
                + "# A mistake in the configuration ends the start, with exit status 1." + line
                + EXIT + "=true" + line
                + "# " + END;
        // What has no end of line at its end has none afterwards.
        return whole ? properties + lines + line : properties + line + lines;
    }

    /** Whether a {@code catalina.properties} makes a connector that cannot start end Tomcat: the last line about it counts. */
    static boolean exits(String properties) {
        String last = "";
        for (Matcher line = EXIT_LINE.matcher(properties); line.find(); ) {
            last = line.group(1);
        }
        return Boolean.parseBoolean(last);
    }

    /** A {@code catalina.properties} without what {@link #withExit} put there. */
    static String withoutExit(String properties) {
        return MARKED_PROPERTIES
                .matcher(MARKED_LAST.matcher(properties).replaceAll(""))
                .replaceAll("");
    }

    /** How many services a {@code server.xml} has, each with an engine. */
    static long services(String xml) {
        return ENGINE.matcher(withoutComments(xml)).results().count();
    }

    private static boolean isTaken(String seen, int port, Placeholders placeholders) {
        return CONNECTOR
                .matcher(seen)
                .results()
                .map(connector -> PORT.matcher(connector.group(1)))
                .filter(Matcher::find)
                .map(written -> written.group(1) == null ? written.group(2) : written.group(1))
                .anyMatch(written -> placeholders.filled(written).strip().equals(String.valueOf(port)));
    }

    private static String marked(String indent, String line, String... lines) {
        StringBuilder text = new StringBuilder();
        text.append(indent).append("<!-- ").append(BEGIN).append(" -->").append(line);
        for (String one : lines) {
            text.append(indent).append(one).append(line);
        }
        return text.append(indent)
                .append("<!-- ")
                .append(END)
                .append(" -->")
                .append(line)
                .toString();
    }

    // As long as before, so that places found in it are places in the file.
    private static String withoutComments(String xml) {
        return COMMENT.matcher(xml)
                .replaceAll(comment -> " ".repeat(comment.group().length()));
    }

    private static String lineEnd(String text) {
        return text.contains("\r\n") ? "\r\n" : "\n";
    }

    // In ASCII, which means the same in whatever encoding the file has.
    private static String escaped(String value) {
        StringBuilder escaped = new StringBuilder();
        value.codePoints().forEach(c -> {
            switch (c) {
                case '&' -> escaped.append("&amp;");
                case '<' -> escaped.append("&lt;");
                case '"' -> escaped.append("&quot;");
                default -> {
                    if (c >= ' ' && c <= '~') {
                        escaped.append((char) c);
                    } else {
                        escaped.append("&#").append(c).append(';');
                    }
                }
            }
        });
        return escaped.toString();
    }
}
