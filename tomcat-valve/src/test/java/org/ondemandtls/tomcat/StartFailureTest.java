package org.ondemandtls.tomcat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.apache.catalina.connector.Connector;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.ondemandtls.event.EventKind;

/** {@link OnDemandTlsProtocol}: whatever keeps it from starting has a line of ours at level SEVERE. */
class StartFailureTest {

    private static final Logger LOGGER = Logger.getLogger(EventKind.STARTED.logger());

    private final List<String> lines = new ArrayList<>();
    private final Handler recording = new Handler() {

        @Override
        public void publish(LogRecord line) {
            if (line.getLevel().equals(Level.SEVERE) && LOGGER.getName().equals(line.getLoggerName())) {
                lines.add(line.getMessage());
            }
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    };

    @BeforeEach
    void listen() {
        LOGGER.addHandler(recording);
    }

    @AfterEach
    void forget() {
        LOGGER.removeHandler(recording);
    }

    @ParameterizedTest
    @CsvSource({
        "socket.bufferPool, 0, socket.bufferPool",
        "socket.bufferPoolSize, 0, socket.bufferPoolSize",
        "sslImplementationName, org.apache.tomcat.util.net.openssl.OpenSSLImplementation, OpenSSL",
        "SSLEnabled, false, SSLEnabled",
        "onDemandTls.tls.provider, openssl, '\"openssl\" cannot be used'",
        "onDemandTls.isuer, internal, onDemandTls.isuer",
    })
    void anAttributeThatCannotWorkIsSaidOnce(String attribute, String value, String named) {
        Connector connector = new Connector(OnDemandTlsProtocol.class.getName());
        connector.setProperty("onDemandTls.permission.names", "a.customer.test");
        connector.setProperty(attribute, value);

        assertThatThrownBy(() -> connector.getProtocolHandler().init()).hasMessageContaining(named);

        assertThat(lines).singleElement().asString().contains(named);
    }
}
