package org.ondemandtls.spring;

import org.ondemandtls.OnDemandTls;
import org.springframework.boot.actuate.autoconfigure.endpoint.condition.ConditionalOnAvailableEndpoint;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The actuator's endpoint, on both lines. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass(
        name = {
            "org.springframework.boot.actuate.endpoint.annotation.Endpoint",
            "org.springframework.boot.actuate.autoconfigure.endpoint.condition.ConditionalOnAvailableEndpoint"
        })
class EndpointConfiguration {

    @Bean
    @ConditionalOnAvailableEndpoint(endpoint = OnDemandTlsEndpoint.class)
    OnDemandTlsEndpoint onDemandTlsEndpoint(RunningEngine running) {
        return new OnDemandTlsEndpoint(
                () -> running.find().map(OnDemandTls::status),
                () -> running.find().map(engine -> engine.statusSite().api()));
    }
}
