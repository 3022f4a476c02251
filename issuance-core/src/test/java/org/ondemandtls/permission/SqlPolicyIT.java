package org.ondemandtls.permission;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.PermissionPolicy.Decision;
import org.ondemandtls.permission.PermissionPolicy.Purpose;
import org.ondemandtls.testing.Database;

/** {@link SqlPolicy} against real databases: what grants, what denies, and what a database in trouble costs. */
@Tag("once")
@ParameterizedClass
@EnumSource(Database.Kind.class)
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class SqlPolicyIT {

    private static final String QUERY = "SELECT 1 FROM customer_domain WHERE name = ?";
    private static final ServerName SHOP = ServerName.parse("shop.example.com");
    private static final ServerName OTHER = ServerName.parse("other.example.com");

    /** For answers that have to come, on a busy machine as well. */
    private static final Duration TIMEOUT = Duration.ofSeconds(30);

    /** For those that never come. */
    private static final Duration BRIEF = Duration.ofSeconds(2);

    private static Database database;

    @Parameter
    private Database.Kind kind;

    private SqlPolicy policy;

    @BeforeParameterizedClassInvocation
    static void startDatabase(Database.Kind kind) {
        database = Database.shared(kind);
        database.update("INSERT INTO customer_domain VALUES ('shop.example.com')");
    }

    @BeforeEach
    void open() {
        policy = policy(QUERY, TIMEOUT);
    }

    @AfterEach
    void close() {
        policy.close();
    }

    private SqlPolicy policy(String query, Duration timeout) {
        return new SqlPolicy(SqlPolicy.connections(database.url(), System::nanoTime), query, timeout, System::nanoTime);
    }

    private static Decision ask(SqlPolicy asked, ServerName name) {
        return asked.decide(name, Purpose.OBTAIN).toCompletableFuture().join();
    }

    private static String noAnswer(SqlPolicy asked) {
        try {
            return "answered " + ask(asked, SHOP);
        } catch (CompletionException e) {
            assertThat(e.getCause()).isInstanceOf(NoAnswerException.class);
            return String.valueOf(e.getCause().getMessage());
        }
    }

    @Test
    void aRowGrantsAndNoRowDenies() {
        assertThat(ask(policy, SHOP)).isInstanceOf(Decision.Granted.class);
        assertThat(ask(policy, OTHER)).isInstanceOf(Decision.Denied.class);
    }

    @Test
    void manyMayAskAtOnce() {
        ExecutorService crowd = Executors.newFixedThreadPool(8);
        try {
            List<CompletableFuture<Decision>> answers = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                ServerName name = i % 2 == 0 ? SHOP : OTHER;
                answers.add(CompletableFuture.supplyAsync(() -> ask(policy, name), crowd));
            }

            assertThat(answers)
                    .extracting(CompletableFuture::join)
                    .filteredOn(Decision.Granted.class::isInstance)
                    .hasSize(100);
        } finally {
            crowd.shutdownNow();
        }
    }

    @Test
    void aQueryThatFailsIsNoAnswerAndSaysNothingOfTheUrl() {
        try (SqlPolicy wrong = policy("SELECT 1 FROM nowhere WHERE name = ?", TIMEOUT)) {
            assertThat(noAnswer(wrong))
                    .startsWith("onDemandTls.permission.sql failed")
                    .contains("SQL state 42")
                    .doesNotContain("jdbc");
        }
    }

    @Test
    void aDatabaseThatWasStartedAgainIsAskedAgainByItself() {
        ask(policy, SHOP);

        database.stop();
        assertThat(noAnswer(policy)).startsWith("onDemandTls.permission.sql failed");
        database.restart();

        assertThat(ask(policy, SHOP)).isInstanceOf(Decision.Granted.class);
    }

    @Test
    void aRestartBetweenTwoQuestionsIsNotNoticed() {
        ask(policy, SHOP);

        database.stop();
        database.restart();

        assertThat(ask(policy, SHOP)).isInstanceOf(Decision.Granted.class);
    }

    @Test
    void aDatabaseThatHangsIsNoAnswerInItsTimeAndAnswersWhenItGoesOn() {
        try (SqlPolicy brief = policy(QUERY, BRIEF)) {
            awaitGranted(brief);
            database.hang(true);
            try {
                // While the database hangs: whoever waited for it would wait for good.
                assertThat(noAnswer(brief)).startsWith("onDemandTls.permission.sql");

                // Now without a connection to use.
                assertThat(noAnswer(brief)).startsWith("onDemandTls.permission.sql");
            } finally {
                database.hang(false);
            }

            awaitGranted(brief);
        }
    }

    // The brief time may be over before a busy machine has an answer.
    private static void awaitGranted(SqlPolicy asked) {
        Awaitility.await()
                .atMost(Duration.ofMinutes(3))
                .ignoreExceptionsInstanceOf(CompletionException.class)
                .until(() -> ask(asked, SHOP) instanceof Decision.Granted);
    }

    @Test
    void aQueryThatTakesTooLongIsNoAnswerInItsTime() {
        String sleep = kind == Database.Kind.POSTGRESQL
                ? "SELECT pg_sleep(3000) FROM customer_domain WHERE name = ?"
                : "SELECT SLEEP(3000) FROM customer_domain WHERE name = ?";
        try (SqlPolicy slow = policy(sleep, BRIEF)) {
            assertThat(noAnswer(slow)).startsWith("onDemandTls.permission.sql");
        }
        Awaitility.await("the database has been told")
                .until(() -> Database.query(
                                database.url(),
                                kind == Database.Kind.POSTGRESQL
                                        ? "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"
                                                + " AND state = 'active'"
                                        : "SELECT count(*) FROM information_schema.processlist"
                                                + " WHERE info LIKE 'SELECT SLEEP%'")
                        .equals(List.of("0")));
    }

    @Test
    void aMissingDriverIsNamedWithWhereToPutIt() {
        assertThatThrownBy(() -> SqlPolicy.connections("jdbc:oracle:thin:scott/tiger@db", System::nanoTime))
                .hasMessageContaining("jdbc:oracle:")
                .hasMessageContaining("$JETTY_BASE/lib/ondemand-tls/")
                .hasMessageContaining("$CATALINA_BASE/lib/")
                .hasMessageNotContaining("tiger");
    }
}
