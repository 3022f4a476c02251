package org.ondemandtls.handshake;

/** Why a connection got no handshake; a client learns the {@link Alert} only. */
public enum Refusal {
    /** What came is no TLS. */
    NOT_TLS("notTls"),
    /** The ClientHello breaks the syntax of TLS, or something else came first. */
    MALFORMED("malformed"),
    /** The ClientHello is larger than is read. */
    TOO_LARGE("tooLarge"),
    /** The ClientHello was not whole in time. */
    TOO_SLOW("tooSlow"),
    /** The client named no server, and nothing answers that. */
    NO_NAME("noName"),
    /** The client named what is no server name, and no certificate of the server's own is for it. */
    MALFORMED_NAME("malformedName"),
    /** The client named a server with a trailing dot, which RFC 6066 forbids and the JDK refuses. */
    TRAILING_DOT("trailingDot"),
    /** Only {@code acme-tls/1} was offered, or that beside others, and nothing is pending for the name. */
    NO_CHALLENGE("noChallenge"),
    /** Permission denied the name. */
    DENIED("denied"),
    /** No certificate is to be had now. */
    FAILED("failed"),
    /** A bound was reached. */
    TOO_MANY("tooMany"),
    /** The certificate did not come in time. */
    DEADLINE("deadline"),
    /** The server ends. */
    STOPPING("stopping");

    private final String word;

    Refusal(String word) {
        this.word = word;
    }

    /** What its counter is called. */
    public String word() {
        return word;
    }
}
