package org.ondemandtls.spring;

import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.health.autoconfigure.contributor.ConditionalOnEnabledHealthIndicator;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The health indicator as Spring Boot 4 has them. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass(
        name = {
            "org.springframework.boot.health.contributor.HealthIndicator",
            "org.springframework.boot.health.autoconfigure.contributor.ConditionalOnEnabledHealthIndicator"
        })
class Boot4Health {

    @Bean
    @ConditionalOnEnabledHealthIndicator("ondemandtls")
    HealthIndicator onDemandTlsHealthIndicator(RunningEngine running) {
        return () -> {
            Issuing issuing = Issuing.of(running.find());
            return Health.status(issuing.status())
                    .withDetails(issuing.details())
                    .build();
        };
    }
}
