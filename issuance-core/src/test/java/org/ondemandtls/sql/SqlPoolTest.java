package org.ondemandtls.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.machine.Time;
import org.ondemandtls.sql.SqlPool.Wait;
import org.ondemandtls.testing.Jndi;

/** {@link SqlPool} over a database that fails as told. */
class SqlPoolTest {

    private static final SQLException BROKEN = new SQLException("gone", "08006");
    private static final SQLException CONFLICT = new SQLException("conflict", "40001", 1213);

    private final FakeDatabase database = new FakeDatabase();
    private final Jndi jndi = new Jndi();
    private final AtomicLong now = new AtomicLong();

    private final Time time = new Time() {
        @Override
        public Clock clock() {
            throw new AssertionError("no wall clock");
        }

        @Override
        public long nanoTime() {
            return now.get();
        }

        @Override
        public void rest(long nanos) {
            now.addAndGet(nanos);
        }
    };

    private SqlPool pool = pool(FakeDatabase.URL);

    /** What a piece of work refuses by itself. */
    private static final class RefusedException extends Exception {}

    @AfterEach
    void close() {
        pool.close();
        jndi.close();
        database.close();
    }

    private SqlPool pool(String source) {
        return new SqlPool(SqlSource.of(source), new Properties(), time, 2, 2000, 5, "test-connect-");
    }

    private SqlPool serversPool() {
        jndi.bind("jdbc/fake", database.pool());
        return pool("jdbc/fake");
    }

    private String each() throws SQLException {
        return pool.<String, RuntimeException>each(Wait.IN_LINE, SqlPoolTest::update);
    }

    private String together() throws SQLException {
        return pool.<String, RuntimeException>together(Wait.IN_LINE, SqlPoolTest::update);
    }

    private static String update(Connection connection) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement("UPDATE")) {
            update.executeUpdate();
        }
        return "done";
    }

    private void failAlwaysAt(String step, RuntimeException thrown) {
        database.trouble = (connection, at) -> {
            if (at.equals(step)) {
                throw thrown;
            }
        };
    }

    private void failAlwaysAt(String step, Error thrown) {
        database.trouble = (connection, at) -> {
            if (at.equals(step)) {
                throw thrown;
            }
        };
    }

    private void failOnceAt(String step, SQLException thrown) {
        AtomicInteger times = new AtomicInteger();
        database.trouble = (connection, at) -> {
            if (at.equals(step) && times.getAndIncrement() == 0) {
                throw thrown;
            }
        };
    }

    private void healed() {
        database.trouble = (connection, at) -> {};
        now.addAndGet(Duration.ofSeconds(1).toNanos());
    }

    @ParameterizedTest
    @ValueSource(strings = {"open", "UPDATE", "commit"})
    void aDriverThatThrowsWhatItNeverShouldHasFailedAndHeals(String step) throws SQLException {
        assertThat(together()).isEqualTo("done");
        now.addAndGet(Duration.ofHours(1).toNanos());
        failAlwaysAt(step, new IllegalStateException("a driver's defect"));

        assertThatThrownBy(this::together)
                .isInstanceOf(SqlFailure.DriverException.class)
                .hasMessage("the driver failed");
        healed();

        assertThat(together()).isEqualTo("done");
        assertThat(database.opened.get(0).closed).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"open", "UPDATE", "commit"})
    void aDriverWhoseClassesAreGoneHasFailedAndHeals(String step) throws SQLException {
        assertThat(together()).isEqualTo("done");
        now.addAndGet(Duration.ofHours(1).toNanos());
        failAlwaysAt(step, new NoClassDefFoundError("org/example/Driver"));

        assertThatThrownBy(this::together)
                .isInstanceOf(SqlFailure.DriverException.class)
                .hasMessage("the driver failed");
        healed();

        assertThat(together()).isEqualTo("done");
        assertThat(database.opened.get(0).closed).isTrue();
    }

    @Test
    void aDriverThatThrowsWhenItIsFirstAskedHasFailed() throws SQLException {
        failAlwaysAt("open", new IllegalStateException("a driver's defect"));

        assertThatThrownBy(pool::begin).isInstanceOf(SqlFailure.DriverException.class);
        assertThatThrownBy(pool::connection).isInstanceOf(SqlFailure.DriverException.class);
        healed();

        assertThat(pool.begin()).isEqualTo(SqlDialect.POSTGRESQL);
    }

    @Test
    void aDriverThatThrowsWhenAskedWhetherAConnectionLivesHasLostIt() throws SQLException {
        each();
        now.addAndGet(Duration.ofMinutes(2).toNanos());
        failAlwaysAt("isValid", new NullPointerException());

        assertThat(each()).isEqualTo("done");
        assertThat(database.opened).hasSize(2);
    }

    @ParameterizedTest
    @CsvSource({"25006, 0", "HY000, 1290", "25006, 1792", "08S01, 1047", "HY000, 1836", "HY000, 1874"})
    void aConnectionThatCanOnlyReadIsLetGoAndTheWorkDoneOnAnother(String state, int code) throws SQLException {
        each();
        database.trouble = (connection, step) -> {
            if (connection == 1 && step.equals("UPDATE")) {
                throw new SQLException("read-only", state, code);
            }
        };

        assertThat(together()).isEqualTo("done");
        assertThat(each()).isEqualTo("done");

        assertThat(database.opened).hasSize(2);
        assertThat(database.opened.get(0).closed).isTrue();
        assertThat(database.steps).endsWith("2 UPDATE", "2 commit", "2 UPDATE");
    }

    @Test
    void aDatabaseThatCanOnlyBeReadIsNotAskedOverAndOver() {
        database.trouble = (connection, step) -> {
            if (step.equals("UPDATE")) {
                throw new SQLException("read-only", "25006");
            }
        };

        assertThatThrownBy(this::each).hasMessage("read-only");

        assertThat(database.opened).hasSize(1);
        assertThat(database.opened.get(0).closed).isTrue();
    }

    @Test
    void aConnectionInUseWhileAnotherIsFoundReadOnlyIsNotKept() throws SQLException {
        pool.<String, SQLException>each(Wait.IN_LINE, first -> {
            database.trouble = (connection, step) -> {
                if (connection == 2 && step.equals("UPDATE")) {
                    throw new SQLException("read-only", "25006");
                }
            };
            assertThatThrownBy(this::each).hasMessage("read-only");
            return "read";
        });

        each();

        assertThat(database.opened).hasSize(3);
        assertThat(database.opened.get(0).closed).isTrue();
    }

    @Test
    void theServersPoolDoesNotLendAgainWhatCanOnlyRead() throws SQLException {
        pool = serversPool();
        failOnceAt("UPDATE", new SQLException("read-only", "25006"));

        assertThat(each()).isEqualTo("done");

        assertThat(database.opened).extracting(one -> one.aborted).containsExactly(true, false);
    }

    @Test
    void theServersPoolDoesNotLendAgainWhatCouldNotBeBroughtBackToWhatItWas() throws SQLException {
        pool = serversPool();
        failOnceAt("rollback", new SQLException("not now", "25P02"));

        assertThatThrownBy(() -> pool.together(Wait.IN_LINE, connection -> {
                    throw new RefusedException();
                }))
                .isInstanceOf(RefusedException.class);
        assertThat(together()).isEqualTo("done");

        assertThat(database.opened).extracting(one -> one.aborted).containsExactly(true, false);
    }

    @Test
    void noConnectionIsKeptForLongerThanHalfAnHour() throws SQLException {
        each();
        now.addAndGet(Duration.ofMinutes(30).toNanos() - 1);
        each();
        assertThat(database.opened).hasSize(1);
        now.addAndGet(1);

        each();

        assertThat(database.opened).hasSize(2);
        assertThat(database.opened.get(0).closed).isTrue();
    }

    @Test
    void aConnectionOfSomebodysOwnIsOutlivedAfterHalfAnHour() throws SQLException {
        try (OwnConnection own = pool.connection()) {
            now.addAndGet(Duration.ofMinutes(30).toNanos() - 1);
            assertThat(own.isOutlived()).isFalse();
            now.addAndGet(1);
            assertThat(own.isOutlived()).isTrue();
        }
    }

    @Test
    void aConnectionOfSomebodysOwnIsOutlivedWhereAnotherCanOnlyRead() throws SQLException {
        try (OwnConnection own = pool.connection()) {
            failOnceAt("UPDATE", new SQLException("read-only", "25006"));
            assertThatThrownBy(this::each).hasMessage("read-only");

            assertThat(own.isOutlived()).isTrue();
            try (OwnConnection next = pool.connection()) {
                assertThat(next.isOutlived()).isFalse();
            }
        }
    }

    @Test
    void aConnectionOfTheServerThatIsDiscardedIsNotLentAgain() throws SQLException {
        pool = serversPool();

        pool.connection().close();
        pool.connection().discard();

        assertThat(database.opened).extracting(one -> one.aborted).containsExactly(false, true);
        assertThat(database.opened).allMatch(one -> one.closed);
    }

    @Test
    void aConflictAtTheCommitIsDoneAgainAsAWhole() throws SQLException {
        failOnceAt("commit", CONFLICT);

        assertThat(together()).isEqualTo("done");

        assertThat(database.steps).containsExactly("1 UPDATE", "1 commit", "1 rollback", "1 UPDATE", "1 commit");
    }

    @Test
    void aLostAnswerIsLookedUpAndTheWorkNotDoneTwice() throws SQLException {
        failOnceAt("commit", BROKEN);

        assertThat(pool.<String, RuntimeException>together(
                        Wait.IN_LINE, SqlPoolTest::update, connection -> Optional.of("found")))
                .isEqualTo("found");

        assertThat(database.steps).containsExactly("1 UPDATE", "1 commit", "1 close");
    }

    @Test
    void workWhoseAnswerWasLostAndThatIsNotThereIsDoneAgain() throws SQLException {
        failOnceAt("commit", BROKEN);

        assertThat(pool.<String, RuntimeException>together(
                        Wait.IN_LINE, SqlPoolTest::update, connection -> Optional.empty()))
                .isEqualTo("done");

        assertThat(database.steps).containsExactly("1 UPDATE", "1 commit", "1 close", "2 UPDATE", "2 commit");
    }

    @Test
    void workThatIsRefusedForItsOwnEffectHasBeenDone() throws Exception {
        AtomicInteger worked = new AtomicInteger();
        AtomicInteger looked = new AtomicInteger();
        failOnceAt("commit", BROKEN);

        assertThat(pool.<String, RefusedException>together(
                        Wait.IN_LINE,
                        connection -> {
                            if (worked.getAndIncrement() > 0) {
                                throw new RefusedException();
                            }
                            return "done";
                        },
                        connection -> looked.getAndIncrement() == 0 ? Optional.empty() : Optional.of("found")))
                .isEqualTo("found");
    }

    @Test
    void anAnswerThatNobodyCanLookUpIsAFailure() {
        failOnceAt("commit", BROKEN);

        assertThatThrownBy(this::together).isSameAs(BROKEN);

        assertThat(database.steps).containsExactly("1 UPDATE", "1 commit", "1 close");
    }

    @Test
    void workThatRefusesIsUndoneAndItsConnectionKept() throws SQLException {
        assertThatThrownBy(() -> pool.together(Wait.IN_LINE, connection -> {
                    throw new RefusedException();
                }))
                .isInstanceOf(RefusedException.class);

        each();
        assertThat(database.steps).containsExactly("1 rollback", "1 UPDATE");
    }

    @ParameterizedTest
    @CsvSource({"true, 0", "false, 0", "true, 7000"})
    void aConnectionOfTheServerGoesBackAsItWasLent(boolean withoutAutoCommit, int networkTimeout) throws SQLException {
        database.lendsWithoutAutoCommit = withoutAutoCommit;
        database.lendsWithNetworkTimeout = networkTimeout;
        pool = serversPool();
        pool.begin();

        pool.<String, RuntimeException>each(Wait.IN_LINE, connection -> {
            assertThat(connection.getAutoCommit()).isTrue();
            assertThat(connection.getNetworkTimeout()).isEqualTo(networkTimeout == 0 ? 4000 : networkTimeout);
            return update(connection);
        });
        together();
        try (OwnConnection own = pool.connection()) {
            assertThat(own.connection().getAutoCommit()).isTrue();
        }

        assertThat(database.opened).hasSize(4).allSatisfy(one -> {
            assertThat(one.closed).isTrue();
            assertThat(one.autoCommit).isNotEqualTo(withoutAutoCommit);
            assertThat(one.networkTimeout).isEqualTo(networkTimeout);
        });
    }

    @Test
    void whoComesAfterTheCloseFindsTheServersPoolClosed() {
        pool = serversPool();
        pool.close();

        assertThatThrownBy(this::each).isInstanceOf(SQLException.class).hasMessage("closed");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aStatementThatCannotBeBoundedIsClosed(boolean checked) throws Exception {
        pool.close();
        pool = serversPool();
        database.trouble = (connection, step) -> {
            if (step.equals("setQueryTimeout")) {
                if (checked) {
                    throw new SQLException("not now", "0A000");
                }
                throw new IllegalStateException("not now");
            }
        };

        assertThatThrownBy(() -> pool.<Object, RuntimeException>each(
                        Wait.IN_LINE, connection -> pool.prepared(connection, "SELECT 1")))
                .isInstanceOf(SQLException.class);

        assertThat(database.closed).contains("1 SELECT 1");
    }
}
