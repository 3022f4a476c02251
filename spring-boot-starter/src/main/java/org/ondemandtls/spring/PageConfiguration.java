package org.ondemandtls.spring;

import org.ondemandtls.StartException;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Condition;
import org.springframework.context.annotation.ConditionContext;
import org.springframework.context.annotation.Conditional;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;
import org.springframework.core.type.AnnotatedTypeMetadata;

/** The management page, where the application asks for it. */
@Configuration(proxyBeanMethods = false)
@Conditional(PageConfiguration.IsOn.class)
class PageConfiguration {

    @Bean
    PageFilter onDemandTlsPage(RunningEngine running, Environment environment) {
        return new PageFilter(running, Keys.of(environment).own().getOrDefault(Keys.PAGE_PASSWORD, ""));
    }

    /** True where the application says {@code ondemand-tls.page=true}. */
    static final class IsOn implements Condition {

        @Override
        public boolean matches(ConditionContext context, AnnotatedTypeMetadata metadata) {
            try {
                return Keys.of(context.getEnvironment()).isOn(Keys.PAGE).orElse(false);
            } catch (StartException e) {
                // The settings end the start with it.
                return false;
            }
        }
    }
}
