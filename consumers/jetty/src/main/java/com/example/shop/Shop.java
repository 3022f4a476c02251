package com.example.shop;

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
import org.ondemandtls.jetty.CertificateRedirectHandler;
import org.ondemandtls.jetty.JettyOnDemandTls;
import org.ondemandtls.permission.PermissionPolicy;

/** A Jetty that greets every customer; keys are system properties, the ports {@code http.port} and {@code https.port}. */
public final class Shop {

    private static final Set<String> CUSTOMERS = Set.of("shop.customer.example");

    private Shop() {}

    public static void main(String[] arguments) throws Exception {
        Server server = new Server();
        server.setHandler(new Greeting());
        server.insertHandler(new CertificateRedirectHandler());

        ServerConnector plain = new ServerConnector(server);
        plain.setPort(Integer.getInteger("http.port", 80));
        server.addConnector(plain);

        HttpConfiguration https = new HttpConfiguration();
        https.addCustomizer(new SecureRequestCustomizer());
        ServerConnector tls =
                new ServerConnector(server, new SslContextFactory.Server(), new HttpConnectionFactory(https));
        tls.setPort(Integer.getInteger("https.port", 443));
        server.addConnector(tls);

        JettyOnDemandTls.addTo(
                server,
                OnDemandTls.builder()
                        .permissionPolicy(PermissionPolicy.grantingIf(name -> CUSTOMERS.contains(name.value())))
                        .build(Path.of("")));
        server.start();
        server.join();
    }

    private static final class Greeting extends Handler.Abstract {

        @Override
        public boolean handle(Request request, Response response, Callback callback) {
            String scheme = request.isSecure() ? "https" : "http";
            Content.Sink.write(
                    response, true, "Welcome to " + Request.getServerName(request) + " over " + scheme, callback);
            return true;
        }
    }
}
