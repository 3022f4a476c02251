package org.ondemandtls.examples.tomcat;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.startup.Tomcat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.config.OnDemandTlsConfig.Issuer;
import org.ondemandtls.permission.PermissionPolicy;
import org.ondemandtls.testing.Curl;
import org.ondemandtls.testing.FreePorts;
import org.ondemandtls.testing.TlsProbe;

/** {@link EmbeddedTomcat}, visited. */
class EmbeddedTomcatIT {

    private static final String NAME = "shop.customer.example";

    @TempDir
    Path directory;

    private final int httpPort = FreePorts.next();
    private final int tlsPort = FreePorts.next();
    private Tomcat tomcat;
    private Path root;

    @BeforeEach
    void start() throws Exception {
        tomcat = EmbeddedTomcat.tomcat(
                OnDemandTls.builder()
                        .permissionPolicy(
                                PermissionPolicy.grantingIf(name -> name.value().endsWith(".customer.example")))
                        .issuer(Issuer.INTERNAL)
                        .build(directory),
                directory,
                httpPort,
                tlsPort);
        for (Connector connector : tomcat.getService().findConnectors()) {
            connector.setProperty("address", "127.0.0.1");
        }
        tomcat.start();
        root = directory.resolve("ondemand-tls/internal-ca/root.pem");
    }

    @AfterEach
    void stop() throws Exception {
        tomcat.stop();
        tomcat.destroy();
    }

    @Test
    void aPermittedNameIsGreetedByHttpsAndFromThenOnRedirectedThere() {
        var before = Curl.trusting(root).getPlain(NAME, httpPort, "/");
        var visit = Curl.trusting(root).get(NAME, tlsPort, "/");
        var after = Curl.trusting(root).getPlain(NAME, httpPort, "/?a=b");

        assertThat(before.status()).isEqualTo(200);
        assertThat(visit.status()).as(visit.command().stderr()).isEqualTo(200);
        assertThat(visit.body()).isEqualTo("Welcome to " + NAME);
        assertThat(after.status()).isEqualTo(308);
        assertThat(after.location()).contains("https://" + NAME + ":" + tlsPort + "/?a=b");
    }

    @Test
    void aStrangerGetsNoCertificateAndStaysOnHttp() {
        assertThat(TlsProbe.trusting(root)
                        .handshake(tlsPort, "stranger.example")
                        .alert())
                .contains("unrecognized_name");
        assertThat(Curl.trusting(root)
                        .getPlain("stranger.example", httpPort, "/")
                        .body())
                .isEqualTo("Welcome to stranger.example");
    }
}
