package org.ondemandtls.inventory;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.ondemandtls.testing.HeldNames;

/** What names take of the heap, with leaves as long as those of a public CA. */
class HeldNamesTest {

    private static final int IDLE = 1200;
    private static final int MEAN = 2500;

    @Test
    @Tag("long")
    void oneOfAHundredThousandTakesTwoAndAHalfKilobytesWhereATenthIsVisited() throws Exception {
        int count = 100_000;
        HeldNames names = new HeldNames(count);

        names.pass(count / 10);
        assertThat(names.resting()).isEqualTo(count - count / 10);
        assertThat(names.perName()).isLessThanOrEqualTo(MEAN);

        names.pass(0);
        assertThat(names.resting()).isEqualTo(count);
        assertThat(names.perName()).isLessThanOrEqualTo(IDLE);
    }
}
