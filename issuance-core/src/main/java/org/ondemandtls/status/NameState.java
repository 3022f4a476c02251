package org.ondemandtls.status;

/** How a name stands, in one word. */
public enum NameState {
    /** Its certificate is in memory and valid. */
    SERVED,
    /** Its certificate is in the store and valid; the next visit brings it into memory. */
    STORED,
    /** It has a valid certificate whose renewal is overdue. */
    OVERDUE,
    /** It has a valid certificate that is not going to be renewed, since nobody visits it. */
    IDLE,
    /** It has no certificate, and one is being obtained here. */
    OBTAINING,
    /** An operator, or permission over a long time, has taken it away. */
    WITHDRAWN,
    /** It has a certificate, and leads elsewhere since its renewal is due: its owner must act. */
    MOVED_AWAY,
    /** Its certificate has expired. */
    EXPIRED,
    /** It has no certificate, and permission has denied it a moment ago. */
    DENIED,
    /** It has no certificate, and a CA has refused it. */
    REFUSED,
    /** It has no certificate, and something else has to pass or to be done first. */
    WAITING,
    /** Nothing is known of it: the next visit asks permission. */
    UNKNOWN
}
