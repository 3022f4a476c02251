package org.ondemandtls.jetty;

import java.lang.reflect.Method;
import java.util.List;
import org.eclipse.jetty.io.SelectorManager;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.NetworkConnectionLimit;
import org.jspecify.annotations.Nullable;

/**
 * How many connections may be there at once, on one connector or on several together.
 *
 * @param component which sees to that: Jetty's {@code NetworkConnectionLimit}, or its {@code ConnectionLimit}, which the
 *     stock module {@code connection-limit} makes
 * @param connections so many, 1 at least
 */
record ConnectionBound(Object component, int connections) {

    // Jetty is about to remove its class, so it is not linked to.
    private static final @Nullable Method MAX_CONNECTIONS = maxConnections();

    /** The bounds of a connector, those of its server among them: once started they are beans of each connector. */
    static List<ConnectionBound> of(Connector connector) {
        return connector.getBeans(SelectorManager.AcceptListener.class).stream()
                .map(bean -> new ConnectionBound(bean, connections(bean)))
                .filter(bound -> bound.connections() > 0)
                .toList();
    }

    /** How many of them may be visits that wait: the others are for names that are known. */
    int mostParked() {
        return Math.max(1, connections / 2);
    }

    // 0 where it is no limit, or none is in force.
    private static int connections(Object bean) {
        if (bean instanceof NetworkConnectionLimit limit) {
            return limit.getMaxNetworkConnectionCount();
        }
        try {
            return MAX_CONNECTIONS != null
                            && MAX_CONNECTIONS.getDeclaringClass().isInstance(bean)
                            && MAX_CONNECTIONS.invoke(bean) instanceof Integer most
                    ? most
                    : 0;
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("a public getter of Jetty's cannot be called", e);
        }
    }

    private static @Nullable Method maxConnections() {
        try {
            return Class.forName(
                            "org.eclipse.jetty.server.ConnectionLimit",
                            false,
                            NetworkConnectionLimit.class.getClassLoader())
                    .getMethod("getMaxConnections");
        } catch (ClassNotFoundException | NoSuchMethodException e) {
            return null;
        }
    }
}
