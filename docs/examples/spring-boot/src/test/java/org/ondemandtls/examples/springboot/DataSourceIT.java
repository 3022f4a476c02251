package org.ondemandtls.examples.springboot;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import javax.sql.DataSource;
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

    @TempDir
    Path directory;

    @Test
    void theStoreIsInTheApplicationsDatabase() throws Exception {
        int tlsPort = FreePorts.next();
        String url = Database.shared(Database.Kind.POSTGRESQL).fresh();
        try (ConfigurableApplicationContext application =
                SpringApplication.run(new Class<?>[] {ShopApplication.class, Pool.class}, new String[] {
                    "--server.address=127.0.0.1",
                    "--server.port=" + FreePorts.next(),
                    "--ondemand-tls.port=" + tlsPort,
                    "--ondemand-tls.store=dataSource",
                    "--test.database=" + url,
                    "--shop.customers=" + NAME
                })) {
            assertThat(application.isRunning()).isTrue();
            Path root = Files.createFile(directory.resolve("root.pem"));

            var visit = Curl.trusting(root).with("--insecure").get(NAME, tlsPort, "/");

            assertThat(visit.body()).as(visit.command().stderr()).isEqualTo("Welcome to " + NAME);
            assertThat(Database.query(url, "SELECT name FROM ondemand_tls_certificate"))
                    .contains(NAME);
        }
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
