package org.ondemandtls.certificate;

/** A chain that must not be served for the name it was meant for. */
public final class InvalidCertificateException extends Exception {

    private final boolean aboutDates;

    /**
     * A refusal.
     *
     * @param reason what is wrong, in one line
     */
    public InvalidCertificateException(String reason) {
        this(reason, false);
    }

    /**
     * A refusal.
     *
     * @param reason what is wrong, in one line
     * @param aboutDates whether only the time now is outside a validity period
     */
    InvalidCertificateException(String reason, boolean aboutDates) {
        super(reason, null, false, false);
        this.aboutDates = aboutDates;
    }

    /** Whether only the time now is outside a validity period, so that a wrong clock may be the cause. */
    public boolean isAboutDates() {
        return aboutDates;
    }
}
