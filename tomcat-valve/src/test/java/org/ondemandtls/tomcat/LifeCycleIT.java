package org.ondemandtls.tomcat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import org.apache.catalina.connector.Connector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.ondemandtls.testing.LifeCycleContract;
import org.ondemandtls.testing.TlsProbe;

class LifeCycleIT extends LifeCycleContract<TomcatFixture> {

    @Override
    protected TomcatFixture fixture(Path directory) throws IOException {
        return new TomcatFixture(directory);
    }

    @Test
    void aKeyInAnotherCaseIsAMistake() {
        fixture.keys.put("ondemandtls.store", "elsewhere");

        assertThatThrownBy(fixture::start).hasStackTraceContaining("ondemandtls.store");
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
        assertNoThreadIsLeft();
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
