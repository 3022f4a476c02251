package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.name.ServerName;

/** {@link DeferredJournal}: kept once, and not later than asked for. */
class DeferredJournalTest {

    private static final URI FIRST = URI.create("https://ca.example/order/1");
    private static final URI SECOND = URI.create("https://ca.example/order/2");

    private final List<URI> kept = new ArrayList<>();

    private static void fail(URI url) throws IssuanceException.StoreFailed {
        throw new IssuanceException.StoreFailed(
                ServerName.parse("shop.example"), "no room", Duration.ofSeconds(1), null);
    }

    @Test
    void whenAnOrderExpiresIsToldBeforeItsUrl() throws Exception {
        Instant expires = Instant.parse("2026-11-30T12:00:00Z");
        List<Object> told = new ArrayList<>();
        DeferredJournal journal = new DeferredJournal(new Authority.Journal() {
            @Override
            public void orderCreated(URI url) {
                told.add(url);
            }

            @Override
            public void orderExpires(Instant when) {
                told.add(when);
            }
        });

        journal.orderCreated(FIRST, expires);
        journal.keep();
        journal.orderCreated(SECOND, null);
        journal.keep();

        assertThat(told).containsExactly(expires, FIRST, SECOND);
    }

    @Test
    void anOrderIsKeptWhenAskedForAndOnce() throws Exception {
        DeferredJournal journal = new DeferredJournal(kept::add);

        journal.orderCreated(FIRST, null);
        assertThat(kept).isEmpty();
        journal.keep();
        journal.keep();
        journal.keepIfPossible();

        assertThat(kept).containsExactly(FIRST);
    }

    @Test
    void eachOrderIsKept() throws Exception {
        DeferredJournal journal = new DeferredJournal(kept::add);

        journal.orderCreated(FIRST, null);
        journal.keep();
        journal.orderCreated(SECOND, null);
        journal.keepIfPossible();

        assertThat(kept).containsExactly(FIRST, SECOND);
    }

    @Test
    void aFailureStopsWhoeverWantsToGoOnAndNobodyElse() {
        DeferredJournal journal = new DeferredJournal(DeferredJournalTest::fail);

        journal.orderCreated(FIRST, null);
        assertThatThrownBy(journal::keep).isInstanceOf(IssuanceException.StoreFailed.class);
        journal.orderCreated(SECOND, null);

        assertThatCode(journal::keepIfPossible).doesNotThrowAnyException();
    }
}
