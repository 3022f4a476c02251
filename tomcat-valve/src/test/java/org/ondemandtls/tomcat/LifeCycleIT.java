package org.ondemandtls.tomcat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.connector.Connector;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.ondemandtls.testing.HostFixture;
import org.ondemandtls.testing.TlsProbe;

/** How the connector comes into a server, and out of it again. */
class LifeCycleIT {

    @TempDir
    Path directory;

    private TomcatFixture fixture;

    @BeforeEach
    void prepare() throws Exception {
        fixture = new TomcatFixture(directory);
    }

    @AfterEach
    void stop() throws Exception {
        fixture.close();
    }

    @Test
    void aServerStartedAgainServesFromItsStoreAndLeavesNothingBehindWhenStopped() throws Exception {
        for (int i = 0; i < 5; i++) {
            fixture.start();
            // An embedded application has lost its servlets by the second start; TLS has not.
            assertThat(fixture.visit("shop.customer.test")).startsWith("HTTP/1.1 ");
            fixture.tomcat.stop();
            assertThat(HostFixture.onDemandThreads()).isEmpty();
        }

        assertThat(fixture.ask.timesAsked("shop.customer.test")).isEqualTo(1);
    }

    @Test
    void aConnectorWhosePortIsTakenLeavesNothingBehind() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            fixture.secure.setPort(taken.getLocalPort());

            assertThatThrownBy(fixture::start).isInstanceOf(LifecycleException.class);

            assertThat(HostFixture.onDemandThreads()).isEmpty();
        }
    }

    @Test
    void allMistakesAreReportedAtOnce() {
        fixture.keys.put("onDemandTls.isuer", "internal");
        fixture.keys.put("onDemandTls.handshake.deadline", "soon");
        fixture.keys.put("ondemandtls.store", "elsewhere");

        assertThatThrownBy(fixture::start)
                .hasStackTraceContaining("onDemandTls.isuer")
                .hasStackTraceContaining("onDemandTls.handshake.deadline")
                .hasStackTraceContaining("ondemandtls.store");
    }

    @Test
    void anUnusableStoreStopsTheConnector() throws Exception {
        Path store = Files.createDirectory(directory.resolve("ondemand-tls"));
        Files.writeString(store.resolve("somebody-elses"), "file");
        Files.setPosixFilePermissions(store, PosixFilePermissions.fromString("rwxr-xr-x"));

        assertThatThrownBy(fixture::start).hasStackTraceContaining(store.toString());
    }

    @ParameterizedTest
    @CsvSource({
        "socket.bufferPool, 0, socket.bufferPool",
        "sslImplementationName, org.apache.tomcat.util.net.openssl.OpenSSLImplementation, OpenSSL",
        "SSLEnabled, false, SSLEnabled",
    })
    void whatCannotWorkIsRefusedByName(String attribute, String value, String named) {
        fixture.secure.setProperty(attribute, value);

        assertThatThrownBy(fixture::start)
                .hasStackTraceContaining("StartException")
                .hasStackTraceContaining(named);
        assertThat(HostFixture.onDemandThreads()).isEmpty();
    }

    @Test
    void twoConnectorsWhoseKeysAgreeShareOneEngine() throws Exception {
        Connector other = TomcatFixture.connector();
        fixture.keys.forEach(other::setProperty);
        other.addSslHostConfig(fixture.hostConfig("_default_", "own.operator.test"));
        fixture.tomcat.getService().addConnector(other);
        fixture.start();

        assertThat(fixture.visit("shop.customer.test")).startsWith("HTTP/1.1 200 ");
        assertThat(TlsProbe.trustingAnything()
                        .get(other.getLocalPort(), "shop.customer.test", "/")
                        .answer())
                .startsWith("HTTP/1.1 200 ");
        assertThat(fixture.ask.timesAsked("shop.customer.test")).isEqualTo(1);
        assertThat(((OnDemandTlsProtocol) other.getProtocolHandler()).engine()).isSameAs(fixture.engine());
        // What one connector serves by itself, the other obtains.
        assertThat(TlsProbe.trustingAnything()
                        .get(fixture.port(), "own.operator.test", "/")
                        .answer())
                .startsWith("HTTP/1.1 200 ");
        assertThat(fixture.ask.timesAsked("own.operator.test")).isEqualTo(1);

        other.stop();

        assertThat(fixture.visit("shop.customer.test")).startsWith("HTTP/1.1 200 ");
    }

    @Test
    void twoConnectorsWhoseKeysContradictDoNotStart() throws Exception {
        Connector other = TomcatFixture.connector();
        fixture.keys.forEach(other::setProperty);
        other.setProperty("onDemandTls.handshake.deadline", "3s");
        fixture.tomcat.getService().addConnector(other);

        assertThatThrownBy(fixture::start).hasStackTraceContaining("contradict");
    }

    @Test
    void aKeyMayComeFromASystemProperty() throws Exception {
        fixture.keys.remove("onDemandTls.issuer");
        System.setProperty("onDemandTls.issuer", "internal");
        try {
            fixture.start();
        } finally {
            System.clearProperty("onDemandTls.issuer");
        }

        assertThat(fixture.visit("shop.customer.test")).startsWith("HTTP/1.1 200 ");
    }
}
