package org.ondemandtls.spring;

import org.springframework.boot.actuate.autoconfigure.health.ConditionalOnEnabledHealthIndicator;
import org.springframework.boot.actuate.health.Health;
import org.springframework.boot.actuate.health.HealthIndicator;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The health indicator as Spring Boot 3.5 has them. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass(
        name = {
            "org.springframework.boot.actuate.health.HealthIndicator",
            "org.springframework.boot.actuate.autoconfigure.health.ConditionalOnEnabledHealthIndicator"
        })
class Boot3Health {

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
