package org.ondemandtls.store.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.util.Properties;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.ondemandtls.machine.Time;
import org.ondemandtls.sql.SqlDialect;
import org.ondemandtls.sql.SqlSource;
import org.ondemandtls.store.KeySealing;
import org.ondemandtls.store.Medium;
import org.ondemandtls.store.MediumContract;
import org.ondemandtls.store.Shelf;
import org.ondemandtls.testing.Database;
import org.ondemandtls.testing.RecordedEvents;

/** {@link JdbcMedium} in real databases: the contract of a medium, on tables that a later version has added to. */
@Tag("once")
@ParameterizedClass
@EnumSource(Database.Kind.class)
class JdbcMediumIT extends MediumContract {

    @Parameter
    private Database.Kind kind;

    private String url;

    @Override
    protected Medium open() throws Exception {
        url = JdbcTables.emptiedOfLaterVersion(kind);
        JdbcPool pool = new JdbcPool(SqlSource.of(url), new Properties(), "here", 4, Time.ofMachine());
        SqlDialect dialect = pool.begin();
        pool.<Boolean>alone("the tables cannot be made", connection -> {
            JdbcSchema.prepare(connection, dialect, true, "here");
            return true;
        });
        return new JdbcMedium(
                pool, dialect, "0123456789abcdef", new RecordedEvents().events(), Time.ofMachine(), KeySealing.none());
    }

    @Override
    protected void damage(Shelf shelf, String key, byte[] content) throws Exception {
        String sql = "UPDATE ondemand_tls_" + shelf.kind() + " SET content = ? WHERE "
                + (shelf == Shelf.HOLD ? "scope" : "name") + " = ?";
        try (Connection connection = DriverManager.getConnection(url);
                PreparedStatement update = connection.prepareStatement(sql)) {
            update.setObject(1, shelf == Shelf.SECRET ? content : new String(content, StandardCharsets.ISO_8859_1));
            update.setString(2, key);
            assertThat(update.executeUpdate()).isEqualTo(1);
        }
    }
}
