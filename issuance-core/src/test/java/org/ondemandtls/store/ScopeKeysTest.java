package org.ondemandtls.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.name.ServerName;

/** {@link ScopeKeys}: what stores of every version have in them is spelled as ever, and read back. */
class ScopeKeysTest {

    private static final String CA = "https://ca.example/directory";
    private static final ServerName SHOP = ServerName.parse("shop.example.com");

    static Stream<Arguments> spellings() {
        return Stream.of(
                Arguments.of(new Scope.Account(CA), "account/https://ca.example/directory"),
                Arguments.of(new Scope.Account("internal"), "account/internal"),
                Arguments.of(new Scope.Domain(CA, "example.com"), "domain/https://ca.example/directory/example.com"),
                Arguments.of(new Scope.NameAt(CA, SHOP), "name-at/https://ca.example/directory/shop.example.com"),
                Arguments.of(new Scope.Name(SHOP), "name/shop.example.com"),
                Arguments.of(new Scope.TakenAway(SHOP), "takenAway/shop.example.com"),
                Arguments.of(new Scope.Withdrawn(SHOP), "withdrawn/shop.example.com"),
                Arguments.of(new Scope.Advised("*.example.com"), "advised/*.example.com"),
                Arguments.of(new Scope.Denials(), "permission/denials"),
                Arguments.of(new Scope.Other("later/whatever"), "later/whatever"));
    }

    @ParameterizedTest
    @MethodSource("spellings")
    void eachHasOneSpelling(Scope scope, String key) {
        assertThat(ScopeKeys.of(scope)).isEqualTo(key);
        assertThat(ScopeKeys.read(key)).isEqualTo(scope);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "x",
                "/",
                "name/",
                "name/no-host",
                "name/Upper.example",
                "name-at/shop.example.com",
                "name-at/https://ca.example/directory/1.2.3.4",
                "domain/example.com",
                "permission/others",
                "takenAway/a/b"
            })
    void whatIsNoneOfTheseIsKeptAsItIs(String key) {
        assertThat(ScopeKeys.read(key)).isEqualTo(new Scope.Other(key));
        assertThat(ScopeKeys.of(ScopeKeys.read(key))).isEqualTo(key);
    }

    @Test
    void aSpellingIsVisibleAsciiOfABoundedLength() {
        for (String key : new String[] {"", " ", "name/\u00fc", "a\nb", "a".repeat(ScopeKeys.LONGEST + 1)}) {
            assertThatThrownBy(() -> ScopeKeys.of(new Scope.Other(key))).isInstanceOf(IllegalArgumentException.class);
        }
        assertThat(ScopeKeys.of(new Scope.Other("a".repeat(ScopeKeys.LONGEST)))).hasSize(ScopeKeys.LONGEST);
    }
}
