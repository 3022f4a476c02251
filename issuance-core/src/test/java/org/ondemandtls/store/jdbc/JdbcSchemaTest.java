package org.ondemandtls.store.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;
import org.ondemandtls.sql.SqlDialect;

/** {@link JdbcSchema}: what becomes of a database without the table of lists. */
class JdbcSchemaTest {

    private static Connection refusing(SQLException with) {
        return (Connection) Proxy.newProxyInstance(
                JdbcSchemaTest.class.getClassLoader(),
                new Class<?>[] {Connection.class},
                (proxy, method, arguments) -> {
                    throw with;
                });
    }

    @Test
    void aTableOfListsThatIsMissingOrNotGrantedIsNotUsed() throws Exception {
        assertThat(JdbcSchema.hasListing(refusing(new SQLException("no table", "42P01"))))
                .isFalse();
        assertThat(JdbcSchema.hasListing(refusing(new SQLException("no table", "42S02", 1146))))
                .isFalse();
        assertThat(JdbcSchema.hasListing(refusing(new SQLException("not granted", "42501"))))
                .isFalse();
        assertThat(JdbcSchema.hasListing(refusing(new SQLException("not granted", "42000", 1142))))
                .isFalse();
    }

    @Test
    void aDatabaseThatDoesNotAnswerIsNoTableThatIsMissing() {
        SQLException down = new SQLException("down", "08006");

        assertThatThrownBy(() -> JdbcSchema.hasListing(refusing(down))).isSameAs(down);
    }

    @Test
    void theTableOfListsIsMadeWithItsIndexesByOneStatementOfMariaDb() {
        String script = JdbcSchema.script(SqlDialect.MARIADB);

        assertThat(JdbcSchema.statementsAfter(-1, script.substring(script.indexOf("-- listing"))))
                .singleElement()
                .asString()
                .contains("(domain, name)", "(issuer, name)", "(expires, name)", "(late, name)", "(standing, name)");
    }
}
