package org.ondemandtls.examples.jetty;

import java.nio.file.Path;
import java.util.Set;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.SecureRequestCustomizer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.OnDemandTlsSetup;
import org.ondemandtls.StartException;
import org.ondemandtls.config.OnDemandTlsConfig.Issuer;
import org.ondemandtls.jetty.CertificateRedirectHandler;
import org.ondemandtls.jetty.JettyOnDemandTls;
import org.ondemandtls.permission.PermissionPolicy;

/** A Jetty that greets every customer under the customer's own name, by HTTPS as soon as there is a certificate. */
public final class EmbeddedJetty {

    private EmbeddedJetty() {}

    /** Serves on the ports 8080 and 8443 until the process ends. */
    public static void main(String[] args) throws Exception {
        Set<String> customers = Set.of("shop.customer.example");
        OnDemandTlsSetup setup = OnDemandTls.builder()
                .permissionPolicy(PermissionPolicy.grantingIf(name -> customers.contains(name.value())))
                // The embedded CA, to try it; without this line it is Let's Encrypt.
                .issuer(Issuer.INTERNAL)
                .build(Path.of(""));
        Server server = server(setup, 8080, 8443);
        server.start();
        server.join();
    }

    static Server server(OnDemandTlsSetup setup, int httpPort, int tlsPort) throws StartException {
        Server server = new Server();
        server.setHandler(new Greeting());
        server.insertHandler(new CertificateRedirectHandler());

        HttpConfiguration http = new HttpConfiguration();
        ServerConnector plain = new ServerConnector(server, new HttpConnectionFactory(http));
        plain.setPort(httpPort);
        server.addConnector(plain);

        HttpConfiguration https = new HttpConfiguration(http);
        https.addCustomizer(new SecureRequestCustomizer());
        ServerConnector tls =
                new ServerConnector(server, new SslContextFactory.Server(), new HttpConnectionFactory(https));
        tls.setPort(tlsPort);
        server.addConnector(tls);

        JettyOnDemandTls.addTo(server, setup);
        return server;
    }

    private static final class Greeting extends Handler.Abstract.NonBlocking {

        @Override
        public boolean handle(Request request, Response response, Callback callback) {
            Content.Sink.write(response, true, "Welcome to " + Request.getServerName(request), callback);
            return true;
        }
    }
}
