package org.ondemandtls.event;

/** Receives events; the host's writes them to the server's own log. */
@FunctionalInterface
public interface EventListener {

    /**
     * Takes one event.
     *
     * <p><b>Threads.</b> Called on whatever thread the event happened on, a server's selector among them:
     * must not block beyond what the server's own logging does, and must not throw.
     *
     * @param event what happened
     */
    void on(Event event);
}
