package org.ondemandtls.store.jdbc;

import java.time.Instant;

/** Small things that SQL needs. */
final class Sql {

    private Sql() {}

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
