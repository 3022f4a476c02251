package org.ondemandtls.status;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@link FilterText}: what cannot be listed is refused in words, what operators write is what the index has. */
class FilterTextTest {

    private static NameFilter filter(String name, String value) {
        return FilterText.filter(Map.of(name, value), Instant.EPOCH);
    }

    @ParameterizedTest
    @ValueSource(strings = {"denied", "waiting", "obtaining", "unknown", "lost", "served,denied"})
    void aStateThatNoIndexKnowsIsRefused(String state) {
        assertThatThrownBy(() -> filter("state", state))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("moved-away, expired and refused; for any other state look the name up");
    }

    @Test
    void whatIsRefusedIsFoundByTheRefusals() {
        assertThat(filter("state", "refused").refusal()).contains(NameFilter.ANY_REFUSAL);
        assertThat(filter("state", "refused").states()).isEqualTo(Set.of(NameState.REFUSED));
        assertThatThrownBy(() -> filter("state", "refused,served"))
                .hasMessageStartingWith("list the state refused alone");
        assertThat(FilterText.states("Served, MOVED-AWAY")).containsExactly(NameState.SERVED, NameState.MOVED_AWAY);
    }

    @Test
    void namesAreSpelledAsTheStoreHasThem() {
        assertThat(filter("domain", "B\u00fccher.example").domain()).contains("xn--bcher-kva.example");
        assertThat(filter("domain", "Intranet").domain()).contains("intranet");
        assertThat(filter("prefix", "Shop.b").prefix()).isEqualTo("shop.b");
        assertThat(filter("prefix", "b\u00fccher").prefix()).isEqualTo("xn--bcher-kva");
        assertThat(filter("prefix", "b\u00fccher.").prefix()).isEqualTo("xn--bcher-kva.");
        assertThat(filter("prefix", "www.b\u00fccher.example").prefix()).isEqualTo("www.xn--bcher-kva.example");
    }

    @Test
    void aCaMayBeGivenByItsAlias() {
        assertThat(filter("ca", "letsencrypt").issuer()).contains("https://acme-v02.api.letsencrypt.org/directory");
        assertThat(filter("ca", "internal").issuer()).contains("internal");
    }
}
