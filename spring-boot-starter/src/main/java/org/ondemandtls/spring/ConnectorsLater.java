package org.ondemandtls.spring;

import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.util.component.LifeCycle;

/**
 * The server's life as On-Demand TLS has to see it. Spring Boot starts a Jetty without connectors, and hands them back
 * when the whole application is ready: they are shown while the server starts, and the engine works once they accept.
 */
final class ConnectorsLater implements LifeCycle.Listener {

    private final LifeCycle.Listener engine;
    private final Server server;
    private final Connector[] connectors;

    /**
     * Stands between the server and the engine.
     *
     * @param engine what follows the server's life
     * @param server the server
     * @param connectors all of its connectors; the engine works when the last of them accepts
     */
    ConnectorsLater(LifeCycle.Listener engine, Server server, Connector... connectors) {
        this.engine = engine;
        this.server = server;
        this.connectors = connectors.clone();
        this.connectors[this.connectors.length - 1].addEventListener(new LifeCycle.Listener() {
            @Override
            public void lifeCycleStarted(LifeCycle last) {
                engine.lifeCycleStarted(server);
            }
        });
    }

    @Override
    public void lifeCycleStarting(LifeCycle starting) {
        Connector[] present = server.getConnectors();
        if (present.length > 0) {
            engine.lifeCycleStarting(starting);
            return;
        }
        server.setConnectors(connectors);
        try {
            engine.lifeCycleStarting(starting);
        } finally {
            server.setConnectors(present);
        }
    }

    @Override
    public void lifeCycleStopping(LifeCycle stopping) {
        engine.lifeCycleStopping(stopping);
    }

    @Override
    public void lifeCycleStopped(LifeCycle stopped) {
        engine.lifeCycleStopped(stopped);
    }

    @Override
    public void lifeCycleFailure(LifeCycle failed, Throwable cause) {
        engine.lifeCycleFailure(failed, cause);
    }
}
