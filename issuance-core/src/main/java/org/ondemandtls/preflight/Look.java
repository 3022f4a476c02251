package org.ondemandtls.preflight;

import org.ondemandtls.name.ClientBlock;

/** One look at one name: until when, for whom, and whether anything was heard. Used by one thread at a time. */
final class Look {

    private final ClientBlock client;
    private final long end;
    private boolean silent;

    /**
     * Begins one.
     *
     * @param client whose questions they are
     * @param end when to give up, on the monotonic clock
     */
    Look(ClientBlock client, long end) {
        this.client = client;
        this.end = end;
    }

    ClientBlock client() {
        return client;
    }

    long end() {
        return end;
    }

    /** Whether the last question that was sent was met with silence. */
    boolean wasSilent() {
        return silent;
    }

    void silent(boolean nothingCame) {
        silent = nothingCame;
    }
}
