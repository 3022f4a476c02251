package org.ondemandtls.authority;

import java.time.Duration;

/** How much patience a CA is met with. */
final class CaLimits {

    /** How long a connection may take to be made. */
    static final Duration CONNECT = Duration.ofSeconds(5);

    /** How long one request may take, from its first byte to the last one of the answer. */
    static final Duration REQUEST = Duration.ofSeconds(20);

    /** The same for a request that would be sent once more: a visitor's patience is for both. */
    static final Duration FIRST_TRY = Duration.ofSeconds(8);

    /** Less than this is not enough for a request and its answer, so it is not begun. */
    static final Duration EXCHANGE = Duration.ofMillis(100);

    /** How long one order may take, everything included. */
    static final Duration ORDER = Authority.LONGEST_ORDER;

    /** How long an answer about when to renew may take: nobody depends on it. */
    static final Duration ADVICE = Duration.ofSeconds(10);

    /** How long a directory is believed. */
    static final Duration DIRECTORY = Duration.ofHours(1);

    /** The longest body that is read, in bytes. */
    static final int BODY = 1024 * 1024;

    private CaLimits() {}
}
