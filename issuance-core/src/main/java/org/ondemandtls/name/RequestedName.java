package org.ondemandtls.name;

/**
 * What the {@code server_name} extension of a ClientHello said.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6066#section-3">RFC 6066 section 3</a>
 */
public sealed interface RequestedName {

    /** The extension was not there. */
    record Absent() implements RequestedName {}

    /**
     * A name or an address that no public CA certifies: one label, a service name, an address literal, a name with a
     * trailing dot. Only the server's own certificates may answer it; it goes nowhere else.
     *
     * @param text what was sent, in lower case: 1 to {@value #MAX_OTHER} letters, digits, hyphens, underscores, dots and
     *     colons
     */
    record Other(String text) implements RequestedName {

        /**
         * Whether a handshake can go on with it: the JDK ends one that names an IPv6 address, or a name with a trailing dot,
         * whatever certificates there are.
         */
        public boolean isTaken() {
            return !text.endsWith(".") && text.indexOf(':') < 0;
        }
    }

    /** The longest text that is kept of what is no server name. */
    int MAX_OTHER = 253;

    /** The extension was there but held no name that could be anybody's; what it held is not kept. */
    record Malformed() implements RequestedName {}

    /**
     * A host name.
     *
     * @param name the canonical name
     */
    record Named(ServerName name) implements RequestedName {}
}
