package org.ondemandtls.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.name.ServerName;

/** Holds: kept until they are dropped. */
abstract class HoldsContract extends ShelfContract {

    private static final Scope SCOPE = new Scope.Domain("https://ca.example/directory", "example.com");

    @Test
    void comeBackAsTheyWereKept() throws Exception {
        store.keepHold(hold(SCOPE, 1));
        store.keepHold(hold(SCOPE, 2));
        Hold bare = new Hold(new Scope.Account("x"), "x", 1, NOW, "", "", Optional.empty());
        store.keepHold(bare);
        store.close();

        store = open();

        assertThat(store.hold(SCOPE)).contains(hold(SCOPE, 2));
        assertThat(store.hold(new Scope.Account("x"))).contains(bare);
        assertThat(store.hold(new Scope.Account("y"))).isEmpty();
    }

    @Test
    void areListedUpToALimit() throws Exception {
        for (int i = 0; i < 5; i++) {
            store.keepHold(hold(new Scope.Name(ServerName.parse("n" + i + ".example.com")), i));
        }

        assertThat(store.holds(5)).extracting(Hold::refusals).containsExactlyInAnyOrder(0, 1, 2, 3, 4);
        assertThat(store.holds(4)).hasSize(4);
    }

    @Test
    void areGoneWhenDropped() throws Exception {
        store.keepHold(hold(SCOPE, 1));

        store.dropHold(SCOPE);
        store.dropHold(SCOPE);

        assertThat(store.hold(SCOPE)).isEmpty();
        assertThat(store.holds(10)).isEmpty();
    }

    @Test
    void haveScopesOfVisibleAsciiOnly() {
        for (String key : new String[] {"", " ", "name/\u00fc", "a\nb", "a".repeat(ScopeKeys.LONGEST + 1)}) {
            Scope scope = new Scope.Other(key);
            assertThatThrownBy(() -> hold(scope, 1)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> store.hold(scope)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> store.dropHold(scope)).isInstanceOf(IllegalArgumentException.class);
        }
    }
}
