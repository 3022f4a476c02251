package org.ondemandtls.certificate;

/** A chain that must not be served for the name it was meant for. */
public final class InvalidCertificateException extends Exception {

    /**
     * A refusal.
     *
     * @param reason what is wrong, in one line
     */
    public InvalidCertificateException(String reason) {
        super(reason, null, false, false);
    }
}
