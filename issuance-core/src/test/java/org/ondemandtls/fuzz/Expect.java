package org.ondemandtls.fuzz;

/** What a fuzzer reports. */
final class Expect {

    private Expect() {}

    static void that(boolean kept, String otherwise) {
        if (!kept) {
            throw new AssertionError(otherwise);
        }
    }
}
