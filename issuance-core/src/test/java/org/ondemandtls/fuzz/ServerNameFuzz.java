package org.ondemandtls.fuzz;

import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.ondemandtls.config.NamePattern;
import org.ondemandtls.name.ServerName;

/** Any text or octets: a canonical name, or a refusal, and nothing in between. */
public final class ServerNameFuzz {

    private ServerNameFuzz() {}

    /** Called by Jazzer. */
    public static void fuzzerTestOneInput(byte[] octets) {
        Optional<ServerName> wire = ServerName.fromWire(octets);
        wire.ifPresent(ServerNameFuzz::check);
        String text = new String(octets, StandardCharsets.UTF_8);
        Optional<ServerName> written = parse(text);
        written.ifPresent(ServerNameFuzz::check);
        if (wire.isPresent()) {
            Expect.that(wire.equals(written), "an operator writes the same name otherwise than a client");
        }
        try {
            NamePattern.parse(text);
        } catch (IllegalArgumentException refused) {
            // As it may.
        }
    }

    private static Optional<ServerName> parse(String text) {
        try {
            return Optional.of(ServerName.parse(text));
        } catch (IllegalArgumentException refused) {
            return Optional.empty();
        }
    }

    private static void check(ServerName name) {
        String value = name.value();
        Expect.that(value.length() >= 3 && value.length() <= 253, "a length no name has");
        Expect.that(value.matches("[a-z0-9-]{1,63}(\\.[a-z0-9-]{1,63})+"), "a character no name has");
        Expect.that(!value.substring(value.lastIndexOf('.') + 1).matches("[0-9]+"), "an address");
        Expect.that(new ServerName(value).equals(name), "not canonical");
        Expect.that(ServerName.parse(value).equals(name), "not the same when read again");
        Expect.that(
                ServerName.fromWire(value.getBytes(StandardCharsets.US_ASCII)).equals(Optional.of(name)),
                "not the same from the wire");
    }
}
