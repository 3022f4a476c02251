package org.ondemandtls.permission;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.PermissionPolicy.Decision;
import org.ondemandtls.permission.PermissionPolicy.Purpose;
import org.ondemandtls.sql.FakeDatabase;
import org.ondemandtls.testing.Jndi;

/** {@link SqlPolicy} over a pool of the server's that lends connections. */
class SqlPolicyTest {

    private static final String QUERY = "SELECT 1 FROM customer_domain WHERE name = ?";
    private static final ServerName SHOP = ServerName.parse("shop.example.com");

    private final FakeDatabase database = new FakeDatabase();
    private final Jndi jndi = new Jndi();
    private SqlPolicy policy = policy();

    private SqlPolicy policy() {
        jndi.bind("jdbc/fake", database.pool());
        return new SqlPolicy(SqlPolicy.connections("jdbc/fake", () -> 0L), QUERY, Duration.ofSeconds(30), () -> 0L);
    }

    @AfterEach
    void close() {
        policy.close();
        jndi.close();
        database.close();
    }

    private CompletableFuture<Decision> ask() {
        return policy.decide(SHOP, Purpose.OBTAIN).toCompletableFuture();
    }

    private void failAt(String step, SQLException failure) {
        FakeDatabase.Trouble before = database.trouble;
        database.trouble = (connection, at) -> {
            before.at(connection, at);
            if (at.equals(step)) {
                throw failure;
            }
        };
    }

    @ParameterizedTest
    @CsvSource({"42P01, 0", "42S02, 1146", "42501, 0", "57014, 0", "70100, 1969", "40001, 0"})
    void aConnectionOverWhichOnlyTheQueryFailedIsLentAgain(String state, int code) {
        failAt(QUERY, new SQLException("no such table", state, code));

        assertThatThrownBy(() -> ask().join()).hasCauseInstanceOf(NoAnswerException.class);

        assertThat(database.opened)
                .isNotEmpty()
                .allSatisfy(one -> assertThat(one.closed).isTrue())
                .allSatisfy(one -> assertThat(one.aborted).isFalse())
                .allSatisfy(one -> assertThat(one.networkTimeout).isZero());
    }

    @ParameterizedTest
    @CsvSource({"08006, 0", "57P01, 0", "25006, 0", "HY000, 1290", "08S01, 1047"})
    void oneThatIsOfNoUseIsNotLentAgain(String state, int code) {
        failAt(QUERY, new SQLException("gone", state, code));

        assertThatThrownBy(() -> ask().join()).hasCauseInstanceOf(NoAnswerException.class);

        assertThat(database.opened)
                .isNotEmpty()
                .allSatisfy(one -> assertThat(one.aborted).isTrue());
    }

    @Test
    void noneIsLentAgainThatDoesNotAnswerAfterAFailureOfItsOwnDatabase() {
        failAt(QUERY, new SQLException("Database is already closed", "90121", 90121));
        failAt("isValid", new SQLException("Database is already closed", "90121", 90121));

        assertThatThrownBy(() -> ask().join()).hasCauseInstanceOf(NoAnswerException.class);

        assertThat(database.opened)
                .isNotEmpty()
                .allSatisfy(one -> assertThat(one.aborted).isTrue());
    }
}
