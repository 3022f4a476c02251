package org.ondemandtls.sql;

import java.sql.SQLException;

/** What the failure of a database means for the connection it came over, and for what was asked. */
public final class SqlFailure {

    private static final int MARIADB_CHANGED = 1020;
    private static final int MARIADB_LOCK_WAIT = 1205;
    private static final int MARIADB_DEADLOCK = 1213;
    private static final int MARIADB_TIME_IS_UP = 1969;
    private static final int MARIADB_READ_ONLY = 1290;
    private static final int MARIADB_READ_ONLY_TRANSACTION = 1792;
    private static final int MYSQL_READ_ONLY_MODE = 1836;
    private static final int MYSQL_INNODB_READ_ONLY = 1874;
    private static final int GALERA_NOT_READY = 1047;

    /** A driver, or a pool of the server, threw what it never should. */
    public static final class DriverException extends SQLException {
        private final String kind;

        DriverException(Throwable cause) {
            super("the driver failed", "08000", cause);
            this.kind = cause.getClass().getSimpleName();
        }

        /** What it threw, without its words. */
        public String kind() {
            return kind;
        }
    }

    private SqlFailure() {}

    /** What a driver threw and never should, as the failure of the database that it is. */
    public static SQLException of(Throwable thrown) {
        return new DriverException(thrown);
    }

    /** Whether the database gave it up for the sake of another transaction, and has undone it. */
    public static boolean isConflict(SQLException e) {
        String state = state(e);
        return state.equals("40001")
                || state.equals("40P01")
                || e.getErrorCode() == MARIADB_DEADLOCK
                || (state.equals("HY000")
                        && (e.getErrorCode() == MARIADB_LOCK_WAIT || e.getErrorCode() == MARIADB_CHANGED));
    }

    /** Whether the connection is of no use any more. */
    public static boolean isBroken(SQLException e) {
        String state = state(e);
        return !isConflict(e)
                && !isTimeUp(e)
                && !isReadOnly(e)
                && (state.isEmpty()
                        || state.startsWith("08")
                        || state.startsWith("57P")
                        || state.startsWith("25P03")
                        || state.startsWith("HY")
                        || state.startsWith("70100")
                        || state.startsWith("58")
                        || state.startsWith("XX"));
    }

    /** Whether this connection leads where nothing can be written, as to the former primary after a failover. */
    public static boolean isReadOnly(SQLException e) {
        return state(e).equals("25006")
                || e.getErrorCode() == MARIADB_READ_ONLY
                || e.getErrorCode() == MARIADB_READ_ONLY_TRANSACTION
                || e.getErrorCode() == MYSQL_READ_ONLY_MODE
                || e.getErrorCode() == MYSQL_INNODB_READ_ONLY
                || e.getErrorCode() == GALERA_NOT_READY;
    }

    /** Whether the database ended it because it took too long. */
    public static boolean isTimeUp(SQLException e) {
        return state(e).equals("57014") || e.getErrorCode() == MARIADB_TIME_IS_UP;
    }

    /** Its SQL state, empty where it has none. */
    public static String state(SQLException e) {
        String state = e.getSQLState();
        return state == null ? "" : state;
    }
}
