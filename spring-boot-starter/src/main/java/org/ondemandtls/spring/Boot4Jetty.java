package org.ondemandtls.spring;

import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.jetty.ConfigurableJettyWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;

/** Jetty as Spring Boot 4 embeds it. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass(
        name = {"org.springframework.boot.jetty.ConfigurableJettyWebServerFactory", "org.eclipse.jetty.server.Server"})
class Boot4Jetty {

    // Behind Spring Boot's own, which say how its connector is, for ours to be alike.
    @Bean
    @Order(Ordered.LOWEST_PRECEDENCE)
    WebServerFactoryCustomizer<ConfigurableJettyWebServerFactory> onDemandTlsJetty(
            Settings settings, RunningEngine running) {
        JettyParts parts = new JettyParts(settings, running);
        return factory -> {
            Refusals.serverSsl(factory);
            factory.addServerCustomizers(server -> parts.addTo(server, JettyParts.wantsHttp2(factory)));
        };
    }
}
