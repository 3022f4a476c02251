package org.ondemandtls.store.jdbc;

import java.time.Instant;

/** Small things that SQL needs. */
final class Sql {

    // Twice what we write: a database may need two octets for one of ours.
    private static final int MOST_OCTETS = 2 << 20;

    private Sql() {}

    /** A content as an expression; nothing where it is larger than anything we write, so that it is in no other's way. */
    static String content(String column) {
        return "CASE WHEN octet_length(" + column + ") <= " + MOST_OCTETS + " THEN " + column + " END";
    }

    /** So many places for parameters, separated by commas. */
    static String places(int count) {
        return "?, ".repeat(count - 1) + "?";
    }

    /** A moment in milliseconds since 1970, the nearest that can be said where it is too far away. */
    static long millis(Instant at) {
        try {
            return at.toEpochMilli();
        } catch (ArithmeticException e) {
            return at.isBefore(Instant.EPOCH) ? Long.MIN_VALUE : Long.MAX_VALUE;
        }
    }
}
