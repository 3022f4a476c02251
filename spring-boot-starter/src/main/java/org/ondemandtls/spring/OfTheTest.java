package org.ondemandtls.spring;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.Environment;
import org.springframework.core.env.PropertySource;
import org.springframework.core.io.support.ResourcePropertySource;

/**
 * What a test says by itself, in its annotations or to its JVM, apart from the files and variables of the application that it
 * tests.
 */
final class OfTheTest {

    private static final String SYSTEM_PROPERTIES = "systemProperties";

    // As Spring calls the properties and arguments of annotations, dynamic properties, and what a test's code sets.
    private static final Set<String> SOURCES =
            Set.of("Inlined Test Properties", "Dynamic Test Properties", "commandLineArgs", "test", SYSTEM_PROPERTIES);

    private OfTheTest() {}

    /** Whether the test says that the starter is on, as {@link Keys} reads it; nothing else is read. */
    static Keys keys(Environment environment) {
        Binder binder = Keys.binder(sources(environment), environment);
        Map<String, String> bound = new HashMap<>();
        Keys.bind(binder, Keys.ENABLED, false, bound);
        return Keys.of(bound);
    }

    private static List<PropertySource<?>> sources(Environment environment) {
        List<PropertySource<?>> sources = new ArrayList<>();
        if (environment instanceof ConfigurableEnvironment configurable) {
            boolean before = true;
            for (PropertySource<?> source : configurable.getPropertySources()) {
                // The files of @TestPropertySource stand before the system's; those of an application behind them.
                if (SOURCES.contains(source.getName()) || (before && source instanceof ResourcePropertySource)) {
                    sources.add(source);
                }
                before &= !source.getName().equals(SYSTEM_PROPERTIES);
            }
        }
        return sources;
    }
}
