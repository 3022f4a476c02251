package org.ondemandtls.examples.springboot;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.sql.DataSource;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.testing.Curl;
import org.ondemandtls.testing.Database;
import org.ondemandtls.testing.FreePorts;
import org.postgresql.ds.PGSimpleDataSource;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;

/** {@link ShopApplication} with a DataSource of its own, which is used where that is written. */
@Tag("once")
class DataSourceIT {

    private static final String NAME = "shop.customer.example";
    private static final String ANOTHER = "shop.stranger.example";

    @TempDir
    Path directory;

    private Path root;

    @BeforeEach
    void prepare() throws IOException {
        root = Files.createFile(directory.resolve("root.pem"));
    }

    @Test
    void theStoreIsInTheApplicationsDatabase() throws Exception {
        int tlsPort = FreePorts.next();
        String url = Database.shared(Database.Kind.POSTGRESQL).fresh();
        try (ConfigurableApplicationContext application = run(url, tlsPort, NAME)) {
            assertThat(application.isRunning()).isTrue();

            assertThat(body(tlsPort, NAME)).isEqualTo("Welcome to " + NAME);
            assertThat(stored(url)).contains(NAME);
        }
    }

    @Test
    void twoApplicationsInOneJvmKeepTheirDatabasesApart() throws Exception {
        int onePort = FreePorts.next();
        int anotherPort = FreePorts.next();
        String one = Database.shared(Database.Kind.POSTGRESQL).fresh();
        String another = Database.shared(Database.Kind.POSTGRESQL).fresh();
        try (ConfigurableApplicationContext first = run(one, onePort, NAME)) {
            assertThat(first.isRunning()).isTrue();
            try (ConfigurableApplicationContext second = run(another, anotherPort, ANOTHER)) {
                assertThat(second.isRunning()).isTrue();
                assertThat(body(anotherPort, ANOTHER)).isEqualTo("Welcome to " + ANOTHER);
                assertThat(body(onePort, NAME)).isEqualTo("Welcome to " + NAME);
            }
            assertThat(body(onePort, NAME)).isEqualTo("Welcome to " + NAME);
        }
        assertThat(stored(one)).contains(NAME).doesNotContain(ANOTHER);
        assertThat(stored(another)).contains(ANOTHER).doesNotContain(NAME);
    }

    private static ConfigurableApplicationContext run(String url, int tlsPort, String customer) {
        return SpringApplication.run(new Class<?>[] {ShopApplication.class, Pool.class}, new String[] {
            "--server.address=127.0.0.1",
            "--server.port=" + FreePorts.next(),
            "--ondemand-tls.port=" + tlsPort,
            "--ondemand-tls.store=dataSource",
            "--test.database=" + url,
            "--shop.customers=" + customer
        });
    }

    private String body(int tlsPort, String name) throws Exception {
        var visit = Curl.trusting(root).with("--insecure").get(name, tlsPort, "/");
        assertThat(visit.body()).as(visit.command().stderr()).isNotEmpty();

        return visit.body();
    }

    private static String stored(String url) {
        return String.valueOf(Database.query(url, "SELECT name FROM ondemand_tls_certificate"));
    }

    /** The application's pool; without an annotation, so that no other test finds it. */
    static class Pool {

        @Bean
        DataSource pool(@Value("${test.database}") String url) {
            PGSimpleDataSource pool = new PGSimpleDataSource();
            pool.setUrl(url);
            return pool;
        }
    }
}
