package org.ondemandtls.store.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.sql.SqlDialect;
import org.ondemandtls.sql.SqlSource;
import org.ondemandtls.store.Peers;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.RecordedEvents;

/** {@link JdbcPeers}: news is handed on to everybody. */
class JdbcPeersTest {

    private static final List<String> NAMES = List.of("shop.example.com");

    private final RecordedEvents recorded = new RecordedEvents();
    private final JdbcPeers peers = peers();
    private final List<String> told = new ArrayList<>();

    // Nothing is connected before it is used.
    private JdbcPeers peers() {
        JdbcPool pool =
                new JdbcPool(SqlSource.of("jdbc/none"), new Properties(), "nowhere", 1, new ManualTime().machine());
        return new JdbcPeers(
                pool,
                SqlDialect.POSTGRESQL,
                new JdbcLeases(pool, SqlDialect.POSTGRESQL, "one"),
                List::of,
                "one",
                recorded.events());
    }

    /** A follower that cannot use what it is told of. */
    private Peers.News failing(Throwable with) {
        return new Peers.News() {
            @Override
            public void changed(List<String> names) {
                JdbcPeersTest.<RuntimeException>thrown(with);
            }

            @Override
            public void missed() {
                told.add("missed");
            }
        };
    }

    @SuppressWarnings("unchecked")
    private static <X extends Throwable> void thrown(Throwable what) throws X {
        throw (X) what;
    }

    private Peers.News noting() {
        return new Peers.News() {
            @Override
            public void changed(List<String> names) {
                told.addAll(names);
            }

            @Override
            public void missed() {
                throw new IllegalStateException("missed");
            }
        };
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aFollowerThatFailsIsToldThatItMissedSomethingAndKeepsNoOtherFromBeingTold(boolean error) {
        peers.follow(failing(error ? new NoClassDefFoundError("gone") : new IllegalStateException("full")));
        peers.follow(noting());

        peers.news().changed(NAMES);

        assertThat(told).containsExactly("missed", "shop.example.com");
        assertThat(recorded.lines(EventKind.DEFECT)).hasSize(1);
    }

    @Test
    void thatSomethingWasMissedIsToldToEverybody() {
        peers.follow(noting());
        peers.follow(failing(new IllegalStateException("full")));

        peers.news().missed();

        assertThat(told).containsExactly("missed");
    }
}
