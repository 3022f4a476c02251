package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.example.shop.Customers;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Comparator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.ondemandtls.testing.Database;
import org.ondemandtls.testing.TlsProbe;

/** Permission from an operator's database, and from an application on the same server, on every real server. */
@Tag("once")
@ParameterizedClass
@MethodSource("org.ondemandtls.distribution.ServerLine#tried")
class PermissionSourcesIT {

    private static final String QUERY = "SELECT 1 FROM customer_domain WHERE name = ?";
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    @Parameter
    private ServerLine line;

    @TempDir
    private Path directory;

    private static Database database;

    private ServerProcess server;
    private int names;

    @BeforeAll
    static void startDatabase() {
        database = Database.start(Database.Kind.POSTGRESQL);
        database.update("INSERT INTO customer_domain VALUES ('shop.customer.example'), ('late.customer.example')");
    }

    @AfterAll
    static void stopDatabase() {
        database.close();
    }

    @BeforeEach
    void layOut() throws IOException {
        server = line.layOut(directory.resolve("base" + names++))
                .deploying()
                .property("onDemandTls.issuer", "internal")
                // A busy machine may need more than two seconds for the first question of a fresh server.
                .property("onDemandTls.permission.askTimeout", "10s");
    }

    @AfterEach
    void stopServer() {
        server.close();
    }

    private TlsProbe.Outcome visit(String name) {
        return TlsProbe.trustingAnything().handshake(server.tlsPort(), name);
    }

    @Test
    void aDatabaseIsAskedByItsUrl() throws Exception {
        server.withDriver(org.postgresql.Driver.class);
        Path secret = Files.writeString(server.base().resolve("database-url"), database.url());
        server.property("onDemandTls.permission.sql", QUERY)
                .property("onDemandTls.permission.dataSource.file", secret.toString())
                .start();

        assertThat(visit("shop.customer.example").failure()).isEmpty();
        assertThat(visit("other.customer.example").alert()).contains("unrecognized_name");
        database.stop();
        assertThat(visit("late.customer.example").alert()).contains("internal_error");
        assertThat(visit("shop.customer.example").failure()).isEmpty();
        database.restart();
        await().atMost(PATIENCE)
                .untilAsserted(() ->
                        assertThat(visit("late.customer.example").failure()).isEmpty());
        server.stop();
    }

    @Test
    void aMissingDriverIsNamedWithWhereToPutIt() throws Exception {
        server.property("onDemandTls.permission.sql", QUERY)
                .property("onDemandTls.permission.dataSource", database.url());
        try {
            server.start();
        } catch (AssertionError jettyDoesNotStart) {
            assertThat(line.isJetty()).isTrue();
        }

        assertThat(server.log())
                .contains("no JDBC driver for jdbc:postgresql:")
                .contains("$JETTY_BASE/lib/ondemand-tls/")
                .contains("$CATALINA_BASE/lib/")
                .doesNotContain("user=tests");
    }

    @Test
    void aDatabaseIsAskedThroughTheServersOwnPool() throws Exception {
        server.withDriver(org.postgresql.Driver.class);
        bindPool();
        server.property("onDemandTls.permission.sql", QUERY)
                .property("onDemandTls.permission.dataSource", "jdbc/customers")
                .start();

        assertThat(visit("shop.customer.example").failure()).as(server.log()).isEmpty();
        assertThat(visit("other.customer.example").alert()).contains("unrecognized_name");
    }

    @Test
    void anApplicationIsAskedWithoutHttpAsLongAsItRuns() throws Exception {
        Path application = deploy();
        server.property("onDemandTls.permission.bean", "customers.mayHaveCertificate")
                .start();

        assertThat(visit("shop.customer.example").failure()).as(server.log()).isEmpty();
        assertThat(visit("unpaid.customer.example").alert()).contains("unrecognized_name");
        assertThat(server.log()).contains("unpaid.customer.example").contains("has not paid");

        delete(application);
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(
                                visit("n" + names++ + ".customer.example").alert())
                        .contains("internal_error"));
        assertThat(visit("shop.customer.example").failure()).isEmpty();

        deploy();
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(
                                visit("n" + names++ + ".customer.example").failure())
                        .isEmpty());
    }

    private Path deploy() throws IOException {
        Path beside = server.base().resolve("being-built");
        Path file =
                beside.resolve("WEB-INF/classes/" + Customers.class.getName().replace('.', '/') + ".class");
        Files.createDirectories(file.getParent());
        try (InputStream bytes = Customers.class.getResourceAsStream("Customers.class")) {
            Files.copy(bytes, file);
        }
        Files.writeString(
                beside.resolve("WEB-INF/web.xml"),
                "<web-app xmlns=\"https://jakarta.ee/xml/ns/jakartaee\" version=\"6.0\" metadata-complete=\"true\">"
                        + "<listener><listener-class>" + Customers.class.getName()
                        + "</listener-class></listener></web-app>");
        // At once: a server that looks there meanwhile would deploy a part of it.
        return Files.move(
                beside,
                Files.createDirectories(server.base().resolve("webapps")).resolve("shop"),
                StandardCopyOption.ATOMIC_MOVE);
    }

    private static void delete(Path application) throws IOException {
        try (Stream<Path> files = Files.walk(application)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    // As docs/CONFIGURATION.md says.
    private void bindPool() throws IOException {
        if (line.isJetty()) {
            Files.writeString(
                    Files.createDirectories(server.base().resolve("modules")).resolve("customers.mod"),
                    "[depend]\nserver\njndi\nplus\n[xml]\netc/customers.xml\n");
            Files.writeString(server.base().resolve("etc/customers.xml"), """
                    <?xml version="1.0"?>
                    <!DOCTYPE Configure PUBLIC "-//Jetty//Configure//EN" "https://jetty.org/configure_10_0.dtd">
                    <Configure id="Server" class="org.eclipse.jetty.server.Server">
                      <New class="org.eclipse.jetty.plus.jndi.Resource">
                        <Arg></Arg>
                        <Arg>jdbc/customers</Arg>
                        <Arg>
                          <New class="org.postgresql.ds.PGSimpleDataSource">
                            <Set name="URL">%s</Set>
                          </New>
                        </Arg>
                      </New>
                    </Configure>
                    """.formatted(database.url()));
            server.property("--module", "customers");
        } else {
            Path sample = server.base().resolve("conf/ondemand-tls/server.xml");
            String xml = Files.readString(sample);
            String pool = "<GlobalNamingResources><Resource name=\"jdbc/customers\" type=\"javax.sql.DataSource\""
                    + " auth=\"Container\" driverClassName=\"org.postgresql.Driver\" url=\"" + database.url()
                    + "\" maxTotal=\"4\"/></GlobalNamingResources>";
            Files.writeString(sample, xml.replace("<Service name=", pool + "<Service name="));
        }
    }
}
