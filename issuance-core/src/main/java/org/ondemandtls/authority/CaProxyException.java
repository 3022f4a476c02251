package org.ondemandtls.authority;

import java.io.IOException;

/** The proxy in front of a CA is why there is no connection; its words say what to change. */
final class CaProxyException extends IOException {

    private static final long serialVersionUID = 1L;

    private final boolean isFinal;

    /**
     * No way through the proxy.
     *
     * @param what what is wrong and what to do, one line, without a password
     * @param isFinal whether trying again at once makes no sense: the proxy said no
     */
    CaProxyException(String what, boolean isFinal) {
        super(what);
        this.isFinal = isFinal;
    }

    /** Whether trying again at once makes no sense. */
    boolean isFinal() {
        return isFinal;
    }
}
