package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.name.ServerName;

/** {@link JournalBeside}: nothing is lost by not waiting at once. */
class JournalBesideTest {

    private static final URI FIRST = URI.create("https://ca.example/order/1");
    private static final URI SECOND = URI.create("https://ca.example/order/2");
    private static final ServerName SHOP = ServerName.parse("shop.example");

    private final List<URI> kept = new ArrayList<>();
    private final Queue<Runnable> tasks = new ArrayDeque<>();

    private static void fail(URI url) throws IssuanceException.StoreFailed {
        throw new IssuanceException.StoreFailed(SHOP, "no room", Duration.ofSeconds(1), null);
    }

    @Test
    void whoBeginsToWriteGoesOnAtOnce() throws Exception {
        JournalBeside journal = new JournalBeside(kept::add, tasks::add);

        journal.orderCreated(FIRST);

        assertThat(kept).isEmpty();
        tasks.remove().run();
        journal.await();
        assertThat(kept).containsExactly(FIRST);
    }

    @Test
    void aFailureIsThrownToWhoWaitsAndNotBefore() throws Exception {
        JournalBeside journal = new JournalBeside(JournalBesideTest::fail, Runnable::run);

        journal.orderCreated(FIRST);

        assertThatThrownBy(journal::await).isInstanceOf(IssuanceException.StoreFailed.class);
        assertThatThrownBy(() -> journal.orderCreated(SECOND)).isInstanceOf(IssuanceException.StoreFailed.class);
        assertThatCode(journal::settle).doesNotThrowAnyException();
    }

    @Test
    void aDefectOfTheJournalIsThrownAsWell() throws Exception {
        JournalBeside journal = new JournalBeside(
                url -> {
                    throw new IllegalStateException("defect");
                },
                Runnable::run);

        journal.orderCreated(FIRST);

        assertThatThrownBy(journal::await).hasRootCauseMessage("defect");
    }

    @Test
    void whereNobodyElseWritesTheCallerDoes() throws Exception {
        JournalBeside journal = new JournalBeside(kept::add, task -> {
            throw new RejectedExecutionException();
        });

        journal.orderCreated(FIRST);
        journal.orderCreated(SECOND);
        journal.await();

        assertThat(kept).containsExactly(FIRST, SECOND);
    }

    @Test
    void withoutAnOrderThereIsNothingToWaitFor() {
        JournalBeside journal = new JournalBeside(kept::add, tasks::add);

        assertThatCode(journal::await).doesNotThrowAnyException();
        assertThatCode(journal::settle).doesNotThrowAnyException();
    }
}
