package org.ondemandtls.examples.tomcat;

import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;
import org.apache.catalina.Context;
import org.apache.catalina.Pipeline;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.startup.Tomcat;
import org.apache.coyote.http2.Http2Protocol;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.OnDemandTlsSetup;
import org.ondemandtls.config.OnDemandTlsConfig.Issuer;
import org.ondemandtls.permission.PermissionPolicy;
import org.ondemandtls.tomcat.AcmeChallengeValve;
import org.ondemandtls.tomcat.CertificateRedirectValve;
import org.ondemandtls.tomcat.OnDemandTlsProtocol;

/** A Tomcat that greets every customer under the customer's own name, by HTTPS as soon as there is a certificate. */
public final class EmbeddedTomcat {

    private EmbeddedTomcat() {}

    /** Serves on the ports 8080 and 8443 until the process ends. */
    public static void main(String[] args) throws Exception {
        Set<String> customers = Set.of("shop.customer.example");
        OnDemandTlsSetup setup = OnDemandTls.builder()
                .permissionPolicy(PermissionPolicy.grantingIf(name -> customers.contains(name.value())))
                // The embedded CA, to try it; without this line it is Let's Encrypt.
                .issuer(Issuer.INTERNAL)
                .build(Path.of(""));
        Tomcat tomcat = tomcat(setup, Path.of("").toAbsolutePath(), 8080, 8443);
        tomcat.start();
        tomcat.getServer().await();
    }

    static Tomcat tomcat(OnDemandTlsSetup setup, Path base, int httpPort, int tlsPort) {
        Tomcat tomcat = new Tomcat();
        tomcat.setBaseDir(base.toString());

        Connector plain = new Connector();
        plain.setPort(httpPort);
        plain.setRedirectPort(tlsPort);
        tomcat.setConnector(plain);

        Connector tls = new Connector(new OnDemandTlsProtocol(setup));
        tls.setPort(tlsPort);
        tls.addUpgradeProtocol(new Http2Protocol());
        tls.setThrowOnFailure(true);
        tomcat.getService().addConnector(tls);

        Pipeline pipeline = tomcat.getEngine().getPipeline();
        pipeline.addValve(new AcmeChallengeValve());
        pipeline.addValve(new CertificateRedirectValve());

        Context context = tomcat.addContext("", null);
        Tomcat.addServlet(context, "greeting", new Greeting());
        context.addServletMappingDecoded("/", "greeting");
        return tomcat;
    }

    private static final class Greeting extends HttpServlet {

        @Override
        protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
            response.setContentType("text/plain;charset=UTF-8");
            response.getWriter().write("Welcome to " + request.getServerName());
        }
    }
}
