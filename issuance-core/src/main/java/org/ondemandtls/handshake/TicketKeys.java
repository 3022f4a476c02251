package org.ondemandtls.handshake;

import javax.net.ssl.SSLSessionContext;

/**
 * What the session tickets of a scope are encrypted with, for an engine that can be told.
 *
 * <p><b>Threads.</b> Called on those of handshakes; must not block.
 */
public interface TicketKeys {

    /** The engine makes keys of its own. */
    TicketKeys OWN = new TicketKeys() {
        @Override
        public long day(SessionScope scope) {
            return TicketSecrets.NONE;
        }

        @Override
        public void set(SessionScope scope, long day, SSLSessionContext sessions) {}
    };

    /**
     * Which day's secret a scope has now; where it is another than before, the scope begins anew. Asked with each handshake.
     *
     * @param scope the scope
     * @return as {@link TicketSecrets#day} says it
     */
    long day(SessionScope scope);

    /**
     * Tells an engine's context its keys, before the first handshake in it.
     *
     * @param scope the scope
     * @param day which secret they come from; {@link TicketSecrets#NONE} for keys of the engine's own
     * @param sessions of the context
     */
    void set(SessionScope scope, long day, SSLSessionContext sessions);
}
