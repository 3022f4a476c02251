package org.ondemandtls.spring;

import org.ondemandtls.StartException;
import org.springframework.context.annotation.Condition;
import org.springframework.context.annotation.ConditionContext;
import org.springframework.core.env.Environment;
import org.springframework.core.type.AnnotatedTypeMetadata;

/**
 * True where the application says anything below {@code ondemand-tls.}, and does not say it is off. In a
 * {@code @SpringBootTest} true only where the test itself says {@code ondemand-tls.enabled=true}, whatever the application
 * says: no test speaks to a CA for what production is configured with.
 */
final class OnAnyKey implements Condition {

    // Spring Boot's own mark of a test; it is the same on both lines.
    private static final String IN_A_TEST = "org.springframework.boot.test.context.SpringBootTestContextBootstrapper";

    @Override
    public boolean matches(ConditionContext context, AnnotatedTypeMetadata metadata) {
        Environment environment = context.getEnvironment();
        Keys keys = Keys.of(environment);
        try {
            return !keys.isEmpty()
                    && keys.isOn(Keys.ENABLED).orElse(true)
                    && (!isInATest(environment) || isOnInATest(environment));
        } catch (StartException e) {
            // The settings, which are made then, end the start with it.
            return true;
        }
    }

    private static boolean isOnInATest(Environment environment) throws StartException {
        return OfTheTest.keys(environment).isOn(Keys.ENABLED).orElse(false);
    }

    /** Whether this is a {@code @SpringBootTest}. */
    static boolean isInATest(Environment environment) {
        return environment.getProperty(IN_A_TEST, "").equals("true");
    }
}
