package org.ondemandtls.config;

import org.jspecify.annotations.Nullable;

/**
 * Between which values a key's own lies, as an operator would write them.
 *
 * @param least the smallest value allowed, null where there is none
 * @param most the largest value allowed, null where there is none
 */
record Bounds(@Nullable String least, @Nullable String most) {

    /** Of a type that has no order. */
    static final Bounds NONE = new Bounds(null, null);

    /** Both are allowed themselves. */
    static Bounds within(String least, String most) {
        return new Bounds(least, most);
    }
}
