package org.ondemandtls.examples.springboot;

import java.net.InetAddress;
import java.nio.file.Path;
import java.util.Set;
import org.apache.catalina.connector.Connector;
import org.apache.coyote.http2.Http2Protocol;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.OnDemandTlsSetup;
import org.ondemandtls.config.ConfigException;
import org.ondemandtls.config.OnDemandTlsConfig.Issuer;
import org.ondemandtls.permission.PermissionPolicy;
import org.ondemandtls.tomcat.AcmeChallengeValve;
import org.ondemandtls.tomcat.CertificateRedirectValve;
import org.ondemandtls.tomcat.OnDemandTlsProtocol;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.stereotype.Component;

/** Puts a connector that obtains certificates on demand beside the plain one of {@code server.port}. */
@Component
class TlsOnDemand implements WebServerFactoryCustomizer<TomcatServletWebServerFactory> {

    private final OnDemandTlsSetup setup;
    private final int tlsPort;

    TlsOnDemand(
            @Value("${shop.customers}") Set<String> customers,
            @Value("${shop.base}") Path base,
            @Value("${shop.tls-port}") int tlsPort)
            throws ConfigException {
        this.tlsPort = tlsPort;
        this.setup = OnDemandTls.builder()
                .permissionPolicy(PermissionPolicy.grantingIf(name -> customers.contains(name.value())))
                // The embedded CA, to try it; without this line it is Let's Encrypt.
                .issuer(Issuer.INTERNAL)
                .build(base);
    }

    @Override
    public void customize(TomcatServletWebServerFactory factory) {
        Connector tls = new Connector(new OnDemandTlsProtocol(setup));
        tls.setPort(tlsPort);
        InetAddress address = factory.getAddress();
        if (address != null) {
            tls.setProperty("address", address.getHostAddress());
        }
        tls.addUpgradeProtocol(new Http2Protocol());
        tls.setThrowOnFailure(true);
        factory.addAdditionalConnectors(tls);
        factory.addConnectorCustomizers(plain -> plain.setRedirectPort(tlsPort));
        factory.addEngineValves(new AcmeChallengeValve(), new CertificateRedirectValve());
    }
}
