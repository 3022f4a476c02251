package org.ondemandtls.tomcat;

import jakarta.servlet.ServletContainerInitializer;
import jakarta.servlet.ServletContext;
import jakarta.servlet.ServletContextEvent;
import jakarta.servlet.ServletContextListener;
import java.lang.ref.WeakReference;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * The web applications that run, so that one of them can publish what is asked for permission. Tomcat makes one for each
 * application it starts, since our jar is in its common class loader.
 *
 * <p>An application is known from its start to its end, and never kept from being collected.
 */
public final class Applications implements ServletContainerInitializer {

    private static final List<WeakReference<ServletContext>> RUNNING = new CopyOnWriteArrayList<>();

    /** Made by Tomcat. */
    public Applications() {}

    @Override
    public void onStartup(@Nullable Set<Class<?>> ofNoInterest, ServletContext application) {
        application.addListener(new Life(new WeakReference<>(application)));
    }

    /**
     * What an application publishes as an attribute of its {@code ServletContext}.
     *
     * @param attribute the attribute's name
     * @return its value, in the application that was started last where several have one
     */
    static Optional<Object> published(String attribute) {
        Object last = null;
        for (WeakReference<ServletContext> known : RUNNING) {
            ServletContext application = known.get();
            Object value = application == null ? null : application.getAttribute(attribute);
            last = value == null ? last : value;
        }
        return Optional.ofNullable(last);
    }

    // The events bring a ServletContext that may be another object than the application's own.
    private record Life(WeakReference<ServletContext> application) implements ServletContextListener {

        @Override
        public void contextInitialized(ServletContextEvent event) {
            RUNNING.add(application);
        }

        @Override
        public void contextDestroyed(ServletContextEvent event) {
            RUNNING.removeIf(known -> known.equals(application) || known.refersTo(null));
        }
    }
}
