package org.ondemandtls;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.ondemandtls.command.Command;

/** {@link Main}: what is typed reaches the command, with the class loader of the caller as it was. */
class MainTest {

    @Test
    void aLineThatIsNoCommandFailsAndLeavesNothingBehind() throws Exception {
        ClassLoader before = Thread.currentThread().getContextClassLoader();

        assertThat(Main.runWithAllJars(new String[] {"export", "here", "there"}))
                .isEqualTo(Command.FAILED);

        assertThat(Thread.currentThread().getContextClassLoader()).isSameAs(before);
        assertThat(Main.run(new String[] {})).isEqualTo(Command.FAILED);
    }
}
