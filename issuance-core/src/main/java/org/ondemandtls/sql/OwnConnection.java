package org.ondemandtls.sql;

import java.sql.Connection;
import java.util.function.BooleanSupplier;

/** A connection that is opened for one user, who lets it go. Used by one thread at a time. */
public final class OwnConnection implements AutoCloseable {

    private final SqlSession session;
    private final BooleanSupplier outlived;

    OwnConnection(SqlSession session, BooleanSupplier outlived) {
        this.session = session;
        this.outlived = outlived;
    }

    /** The connection, which is not closed but by this. */
    public Connection connection() {
        return session.connection();
    }

    /**
     * Whether it is to be replaced by another: it has been open for half an hour, or one that was opened before or with it was
     * found to be of no use, as after a failover.
     */
    public boolean isOutlived() {
        return outlived.getAsBoolean();
    }

    /** Closes it; to the server's pool it goes back as it was lent. */
    @Override
    public void close() {
        session.end();
    }

    /** Ends it so that the server's pool does not lend it again. */
    public void discard() {
        session.discard();
    }
}
