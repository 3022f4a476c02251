package org.ondemandtls.name;

/**
 * What the {@code server_name} extension of a ClientHello said.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6066#section-3">RFC 6066 section 3</a>
 */
public sealed interface RequestedName {

    /** The extension was not there. */
    record Absent() implements RequestedName {}

    /** The extension was there but held no name that could be anybody's; what it held is not kept. */
    record Malformed() implements RequestedName {}

    /**
     * A host name.
     *
     * @param name the canonical name
     */
    record Named(ServerName name) implements RequestedName {}
}
