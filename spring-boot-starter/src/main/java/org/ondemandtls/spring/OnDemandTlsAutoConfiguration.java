package org.ondemandtls.spring;

import java.util.function.Predicate;
import org.ondemandtls.StartException;
import org.ondemandtls.config.ConfigException;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.SmartInitializingSingleton;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Conditional;
import org.springframework.context.annotation.DependsOn;
import org.springframework.context.annotation.Import;
import org.springframework.core.env.Environment;

/**
 * Makes the application's server obtain certificates on demand where the application says so by any property below
 * {@code ondemand-tls.}; otherwise it does nothing.
 */
@AutoConfiguration
@Conditional(OnAnyKey.class)
@ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.SERVLET)
@Import({
    Boot3Tomcat.class,
    Boot4Tomcat.class,
    Boot3Jetty.class,
    Boot4Jetty.class,
    Boot3Health.class,
    Boot4Health.class,
    EndpointConfiguration.class,
    MetricsConfiguration.class,
    PageConfiguration.class
})
public class OnDemandTlsAutoConfiguration {

    /** Made by Spring. */
    public OnDemandTlsAutoConfiguration() {}

    @Bean
    Settings onDemandTlsSettings(
            Environment environment,
            ListableBeanFactory beans,
            @Qualifier(Settings.PREDICATE) ObjectProvider<Predicate<String>> predicate)
            throws ConfigException, StartException {
        return Settings.of(environment, beans, predicate::getObject);
    }

    // Behind the settings, which borrow the application's DataSource: what is made later is destroyed earlier.
    @Bean
    @DependsOn("onDemandTlsSettings")
    RunningEngine onDemandTlsRunningEngine() {
        return new RunningEngine();
    }

    // Another server, or one that the application is deployed to, asks for no customizer of ours.
    @Bean
    SmartInitializingSingleton onDemandTlsServed(RunningEngine running, Environment environment) {
        return () -> {
            if (!running.hasHost() && !OnAnyKey.isInATest(environment)) {
                throw Refusals.unserved();
            }
        };
    }
}
