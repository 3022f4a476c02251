package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.ondemandtls.testing.TlsProbe;

/** A real server that is told nonsense: it does not start, and says everything that is wrong at once. */
@Tag("once")
@ParameterizedClass
@MethodSource("org.ondemandtls.distribution.ServerLine#tried")
class ConfigurationIT {

    private static ServerProcess server;

    @TempDir
    private static Path directory;

    @BeforeParameterizedClassInvocation
    static void layOut(ServerLine line) throws IOException {
        server = line.layOut(directory.resolve(line.name())).withoutPlainHttp();
    }

    @Parameter
    private ServerLine line;

    @BeforeEach
    void forget() {
        server.withoutProperties().property("onDemandTls.issuer", "internal");
    }

    @AfterEach
    void stopServer() {
        server.close();
    }

    @Test
    void withoutAPermissionNothingStarts() throws IOException {
        assertThat(server.startInVain()).contains("onDemandTls.permission.");
    }

    @Test
    void everyMistakeIsNamedAtOnceAndAMisspeltKeyWithTheNearestOne() throws IOException {
        server.property("onDemandTls.permission.names", "*.customer.example")
                .property("onDemandTls.handshake.dedline", "10s")
                .property("onDemandTls.permission.askTimeout", "soon")
                .property("onDemandTls.certificate.key", "RSA-512");

        assertThat(server.startInVain())
                .contains("onDemandTls.handshake.dedline")
                .contains("onDemandTls.handshake.deadline")
                .contains("onDemandTls.permission.askTimeout")
                .contains("onDemandTls.certificate.key");
    }

    @Test
    void aKeyThatDoesNothingWithoutAnotherIsRefusedAndNotIgnored() throws IOException {
        server.property("onDemandTls.permission.names", "*.customer.example")
                .property("onDemandTls.permission.sql", "SELECT 1 FROM customer_domain WHERE name = ?");

        assertThat(server.startInVain())
                .contains("onDemandTls.permission.sql is given without onDemandTls.permission.dataSource");
    }

    @Test
    void aStoreThatCannotBeOpenedIsSaidInOneLine() throws IOException {
        Path store = Files.createDirectories(server.base().resolve("tomorrow"));
        Files.writeString(store.resolve("FORMAT"), "of tomorrow");
        server.property("onDemandTls.permission.names", "*.customer.example").property("onDemandTls.store", "tomorrow");

        assertThat(server.startInVain().lines())
                .filteredOn(said -> said.contains("ERROR") || said.contains("SEVERE"))
                .filteredOn(said -> said.contains("ondemandtls") && said.contains("/tomorrow"))
                .hasSize(1);
    }

    @Test
    void aSettingOfTheServersThatCannotWorkIsSaidInOneLine() throws IOException {
        String setting = line.isJetty() ? "jetty.sslContext.provider" : "socket.bufferPool";
        server.property("onDemandTls.permission.names", "*.customer.example")
                .property(setting, line.isJetty() ? "Conscrypt" : "0");

        assertThat(server.startInVain().lines())
                .filteredOn(said -> said.contains("ERROR") || said.contains("SEVERE"))
                .filteredOn(said -> said.contains("ondemandtls") && said.contains(setting))
                .hasSize(1);
    }

    @Test
    void aSecondVersionOfTheJarForTheServerIsRefusedByName() throws IOException {
        String part = line.isJetty() ? "ondemand-tls-jetty-" : "ondemand-tls-tomcat-";
        server.property("onDemandTls.permission.names", "*.customer.example");
        Path second = server.jars().resolve(part + "0.9.0-all.jar");
        try (var jars = Files.list(server.jars())) {
            Files.copy(
                    jars.filter(jar -> jar.getFileName().toString().startsWith(part))
                            .findFirst()
                            .orElseThrow(),
                    second);
        }
        try {
            assertThat(server.startInVain())
                    .contains("On-Demand TLS is there more than once: ")
                    .contains(second.getFileName() + " and ");
        } finally {
            Files.delete(second);
        }
    }

    @Test
    void aValueFromASystemPropertyIsHeeded() throws IOException {
        server.jvm("-DonDemandTls.permission.names=shop.customer.example");

        server.start();

        assertThat(TlsProbe.trusting(server.internalRoot())
                        .get(server.tlsPort(), "shop.customer.example", "/")
                        .answer())
                .endsWith(ServerProcess.CONTENT);
    }

    /** A server without its TLS connector is a Jetty that ends, and a Tomcat that goes on. */
    @Test
    void aMistakeDoesToTheServerWhatItsOwnMistakesDo() throws IOException {
        server.property("onDemandTls.permission.names", "*.customer.example")
                .property("onDemandTls.handshake.deadline", "soon");
        String mistake = "onDemandTls.handshake.deadline: \"soon\" is not a duration";

        if (line.isJetty()) {
            assertThat(server.startInVain()).contains(mistake);
        } else {
            server.start();
            assertThat(server.log()).contains(mistake).contains("Failed to initialize component [Connector");
        }
    }
}
