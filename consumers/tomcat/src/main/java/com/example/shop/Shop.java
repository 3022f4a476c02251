package com.example.shop;

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
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.permission.PermissionPolicy;
import org.ondemandtls.tomcat.AcmeChallengeValve;
import org.ondemandtls.tomcat.CertificateRedirectValve;
import org.ondemandtls.tomcat.OnDemandTlsProtocol;

/** A Tomcat that greets every customer; keys are system properties, the ports {@code http.port} and {@code https.port}. */
public final class Shop {

    private static final Set<String> CUSTOMERS = Set.of("shop.customer.example");

    private Shop() {}

    public static void main(String[] arguments) throws Exception {
        Tomcat tomcat = new Tomcat();
        tomcat.setBaseDir(Path.of("").toAbsolutePath().toString());

        Connector plain = new Connector();
        plain.setPort(Integer.getInteger("http.port", 80));
        plain.setRedirectPort(Integer.getInteger("https.port", 443));
        tomcat.setConnector(plain);

        Connector tls = new Connector(new OnDemandTlsProtocol(OnDemandTls.builder()
                .permissionPolicy(PermissionPolicy.grantingIf(name -> CUSTOMERS.contains(name.value())))
                .build(Path.of(""))));
        tls.setPort(Integer.getInteger("https.port", 443));
        tls.setThrowOnFailure(true);
        tomcat.getService().addConnector(tls);

        Pipeline pipeline = tomcat.getEngine().getPipeline();
        pipeline.addValve(new AcmeChallengeValve());
        pipeline.addValve(new CertificateRedirectValve());

        Context context = tomcat.addContext("", null);
        Tomcat.addServlet(context, "greeting", new Greeting());
        context.addServletMappingDecoded("/", "greeting");
        tomcat.start();
        tomcat.getServer().await();
    }

    private static final class Greeting extends HttpServlet {

        @Override
        protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
            response.setContentType("text/plain;charset=UTF-8");
            response.getWriter().write("Welcome to " + request.getServerName() + " over " + request.getScheme());
        }
    }
}
