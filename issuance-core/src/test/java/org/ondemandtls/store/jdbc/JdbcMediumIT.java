package org.ondemandtls.store.jdbc;

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
import org.ondemandtls.testing.Database;
import org.ondemandtls.testing.RecordedEvents;

/** {@link JdbcMedium} in real databases: the contract of a medium, on tables that a later version has added to. */
@Tag("once")
@ParameterizedClass
@EnumSource(Database.Kind.class)
class JdbcMediumIT extends MediumContract {

    @Parameter
    private Database.Kind kind;

    @Override
    protected Medium open() throws Exception {
        String url = JdbcTables.emptiedOfLaterVersion(kind);
        JdbcPool pool = new JdbcPool(SqlSource.of(url), new Properties(), "here", 4, Time.ofMachine());
        SqlDialect dialect = pool.begin();
        pool.<Boolean>alone("the tables cannot be made", connection -> {
            JdbcSchema.prepare(connection, dialect, true, "here");
            return true;
        });
        return new JdbcMedium(
                pool, dialect, "0123456789abcdef", new RecordedEvents().events(), Time.ofMachine(), KeySealing.none());
    }
}
