package org.ondemandtls.spring;

import java.util.List;
import org.apache.catalina.connector.Connector;
import org.ondemandtls.tomcat.OnDemandTlsProtocol;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.tomcat.TomcatProtocolHandlerCustomizer;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;

/** Tomcat as Spring Boot 4 embeds it. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass(
        name = {
            "org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory",
            "org.apache.catalina.startup.Tomcat"
        })
class Boot4Tomcat {

    // Behind Spring Boot's own, which say what is bound and which valves know the proxy.
    @Bean
    @Order(Ordered.LOWEST_PRECEDENCE)
    WebServerFactoryCustomizer<TomcatServletWebServerFactory> onDemandTlsTomcat(
            Settings settings, RunningEngine running) {
        TomcatParts parts = new TomcatParts(settings, running);
        return factory -> {
            Refusals.serverSsl(factory);
            if (settings.takesPort(factory.getPort())) {
                factory.setProtocol(OnDemandTlsProtocol.class.getName());
                factory.addConnectorCustomizers(parts::setUp);
                factory.setEngineValves(parts.valves(factory.getEngineValves(), false));
                return;
            }
            Connector tls = parts.connector(
                    factory,
                    factory.getUriEncoding(),
                    new TomcatParts.Handlers(
                            TomcatProtocolHandlerCustomizer.class,
                            List.copyOf(factory.getProtocolHandlerCustomizers())));
            List.copyOf(factory.getConnectorCustomizers()).forEach(theirs -> theirs.customize(tls));
            parts.complete(tls);
            factory.addAdditionalConnectors(tls);
            factory.addConnectorCustomizers(parts::redirect);
            factory.setEngineValves(parts.valves(factory.getEngineValves(), settings.redirect()));
        };
    }
}
