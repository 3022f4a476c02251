package org.ondemandtls.event;

/**
 * What can happen, each with the logger it goes to, its severity, and whether strangers can cause it at will.
 *
 * <p>Kinds that strangers can cause are logged at a limited rate and always counted.
 */
public enum EventKind {
    /** The engine started; where its store is and who signs. */
    STARTED("org.ondemandtls", Severity.INFO, false),
    /** The engine stopped. */
    STOPPED("org.ondemandtls", Severity.INFO, false),
    /** Something the operator should know about the configuration or its surroundings. */
    ADVICE("org.ondemandtls", Severity.WARN, false),
    /** A certificate was obtained and published. */
    OBTAINED("org.ondemandtls.issuance", Severity.INFO, false),
    /** A certificate was renewed and published. */
    RENEWED("org.ondemandtls.renewal", Severity.INFO, false),
    /** A certificate could not be renewed now; the one there is goes on being served. */
    NOT_RENEWED("org.ondemandtls.renewal", Severity.WARN, true),
    /** A name was denied for so long that its certificate is not served any more. */
    WITHDRAWN("org.ondemandtls.renewal", Severity.INFO, false),
    /** An operator had a certificate revoked by its CA. */
    REVOKED("org.ondemandtls.renewal", Severity.INFO, false),
    /** A name leads elsewhere when its renewal is due: not renewed, and looked at again for a time. */
    MOVED_AWAY("org.ondemandtls.renewal", Severity.INFO, true),
    /** So many names are denied at once that nothing is withdrawn; or that is over. */
    MASS_DENIAL("org.ondemandtls.renewal", Severity.ERROR, false),
    /** A certificate that expired and that nobody visits was removed from the store. */
    FORGOTTEN("org.ondemandtls.renewal", Severity.INFO, false),
    /** The CA named another time for a renewal than the one planned. */
    RENEWAL_WINDOW("org.ondemandtls.renewal", Severity.INFO, true),
    /** The clock of the machine jumped, or is back. */
    CLOCK("org.ondemandtls.renewal", Severity.WARN, false),
    /** No order was placed, since a budget is used up; when there is room again. */
    OVER_BUDGET("org.ondemandtls.issuance", Severity.WARN, true),
    /** One CA did not give a certificate, the next one is asked. */
    NEXT_CA("org.ondemandtls.issuance", Severity.INFO, true),
    /** A certificate came from the store into the inventory. */
    LOADED("org.ondemandtls.issuance", Severity.DEBUG, true),
    /** An order that an earlier life left open was taken up again, or given up with a reason. */
    RESUMED("org.ondemandtls.issuance", Severity.INFO, false),
    /** A policy denied a name. */
    DENIED("org.ondemandtls.permission", Severity.INFO, true),
    /** No permission source answered. */
    NO_ANSWER("org.ondemandtls.permission", Severity.WARN, true),
    /** A source of permission changed or failed as a whole: a file read again. */
    PERMISSION_SOURCE("org.ondemandtls.permission", Severity.INFO, false),
    /** A source of permission granted a name that nobody can own: it seems to grant everything. */
    GRANTS_ALL("org.ondemandtls.permission", Severity.WARN, false),
    /** Permission granted so many new names of one registered domain that strangers seem to guess them. */
    MANY_NAMES("org.ondemandtls.permission", Severity.WARN, true),
    /** A name's DNS was found not to be ready for an order. */
    NOT_READY("org.ondemandtls.preflight", Severity.INFO, true),
    /** The DNS resolver does not answer, so that names are ordered without a look at their DNS. */
    RESOLVER("org.ondemandtls.preflight", Severity.WARN, true),
    /** The CA rejected a name, or answered what cannot be used. */
    REJECTED("org.ondemandtls.authority", Severity.WARN, true),
    /** The CA could not be reached or could not work. */
    AUTHORITY_UNAVAILABLE("org.ondemandtls.authority", Severity.WARN, true),
    /** An ACME account was found or made; terms of service. */
    ACCOUNT("org.ondemandtls.authority", Severity.INFO, false),
    /** A proof of control was put on display, looked at, or failed. */
    CHALLENGE("org.ondemandtls.challenge", Severity.DEBUG, true),
    /** A proof was asked for under another host than its own, and not shown. */
    PROOF_STRAYED("org.ondemandtls.challenge", Severity.WARN, true),
    /** A proof was shown to a CDN over TLS, before there was a certificate. */
    PROOF_PROXIED("org.ondemandtls.challenge", Severity.INFO, true),
    /** The store failed. */
    STORE_FAILED("org.ondemandtls.store", Severity.ERROR, true),
    /** A write came after another server had taken the name over, and was refused. */
    LEASE_LOST("org.ondemandtls.store", Severity.WARN, false),
    /** Stored data failed its check and was set aside. */
    QUARANTINED("org.ondemandtls.store", Severity.WARN, false),
    /** Stored keys are being encrypted anew, or all have been. */
    ENCRYPTION("org.ondemandtls.store", Severity.INFO, false),
    /** A handshake was refused at the gate: no or malformed name, not TLS, too large, too slow. */
    REFUSED("org.ondemandtls.handshake", Severity.DEBUG, true),
    /** A request asked for a host for which its connection was not served, and got 421. */
    MISDIRECTED("org.ondemandtls.handshake", Severity.INFO, true),
    /** A bound was reached and what overflowed was refused. */
    OVERLOADED("org.ondemandtls.handshake", Severity.WARN, true),
    /** A parked handshake reached its deadline. */
    DEADLINE("org.ondemandtls.handshake", Severity.INFO, true),
    /** What was told of as failing failed again, in the same way. */
    STILL_FAILING("org.ondemandtls", Severity.DEBUG, true),
    /** What was told of as failing works again. */
    RECOVERED("org.ondemandtls", Severity.INFO, true),
    /** A defect of ours: something failed that nothing should make fail. */
    DEFECT("org.ondemandtls", Severity.ERROR, true);

    /** How much an event matters to an operator, as logs rank it. */
    public enum Severity {
        /** Of interest while looking for something. */
        DEBUG,
        /** Worth a line. */
        INFO,
        /** Something does not work; it may mend by itself. */
        WARN,
        /** Something does not work and somebody has to act. */
        ERROR
    }

    private final String logger;
    private final Severity severity;
    private final boolean causedByStrangers;

    EventKind(String logger, Severity severity, boolean causedByStrangers) {
        this.logger = logger;
        this.severity = severity;
        this.causedByStrangers = causedByStrangers;
    }

    /** The name of the logger this kind is written to; starts with {@code org.ondemandtls}. */
    public String logger() {
        return logger;
    }

    /** How much it matters. */
    public Severity severity() {
        return severity;
    }

    /** Whether unauthenticated peers decide how often it happens, so that its log lines are limited in rate. */
    public boolean causedByStrangers() {
        return causedByStrangers;
    }
}
