package org.ondemandtls.spring;

import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.web.embedded.tomcat.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;

/** Tomcat as Spring Boot 3.5 embeds it. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass(
        name = {
            "org.springframework.boot.web.embedded.tomcat.TomcatServletWebServerFactory",
            "org.apache.catalina.startup.Tomcat"
        })
class Boot3Tomcat {

    // Behind Spring Boot's own, which say what is bound and which valves know the proxy.
    @Bean
    @Order(Ordered.LOWEST_PRECEDENCE)
    WebServerFactoryCustomizer<TomcatServletWebServerFactory> onDemandTlsTomcat(
            Settings settings, RunningEngine running) {
        TomcatParts parts = new TomcatParts(settings, running);
        return factory -> {
            boolean http2 = factory.getHttp2() != null && factory.getHttp2().isEnabled();
            factory.addAdditionalTomcatConnectors(parts.connector(factory.getAddress(), http2));
            factory.addConnectorCustomizers(parts::redirect);
            factory.setEngineValves(parts.valves(factory.getEngineValves()));
        };
    }
}
