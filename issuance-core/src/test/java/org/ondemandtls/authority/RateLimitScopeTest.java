package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.name.ServerName;

/** {@link RateLimitScope}: whom the words of a CA concern; the first ones of each test are Let's Encrypt's. */
class RateLimitScopeTest {

    private static final ServerName NAME = ServerName.parse("shop.customer.example.com");

    private static final String CA = "https://ca.example/directory";

    private static Scope scope(String text) {
        return RateLimitScope.of(text, NAME, CA);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "too many new orders (300) from this account in the last 3h0m0s, retry after 2026-11-24 10:00:00 UTC:"
                        + " see https://letsencrypt.org/docs/rate-limits/#new-orders-per-account",
                "too many new registrations (10) from this IP address in the last 3h0m0s",
                "Service busy; retry later.",
                "see https://example.com/limits",
                "another-example.com and example.com.au and notshop.customer.example.com are at their limit",
                "no detail given",
                ""
            })
    void wordsThatNameNobodyConcernTheAccount(String text) {
        assertThat(scope(text)).isEqualTo(new Scope.Account(CA));
    }

    @ParameterizedTest
    @CsvSource({
        "too many certificates (50) already issued for \"example.com\" in the last 168h0m0s, example.com",
        "too many certificates already issued for EXAMPLE.COM., example.com",
        "too many certificates already issued for: shop.customer.example.com, shop.customer.example.com",
        "limit for customer.example.com reached, customer.example.com"
    })
    void wordsThatNameADomainConcernAllBelowIt(String text, String domain) {
        assertThat(scope(text)).isEqualTo(new Scope.Domain(CA, domain));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "too many failed authorizations (5) for \"shop.customer.example.com\" in the last 1h0m0s",
                "too many failed authorizations recently",
                "too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s",
                "too many certificates (5) already issued for this exact set of domains: shop.customer.example.com",
                "slow down with shop.customer.example.com!"
            })
    void wordsThatNameTheNameOrItsSetConcernTheNameAlone(String text) {
        assertThat(scope(text)).isEqualTo(new Scope.NameAt(CA, NAME));
    }

    @Test
    void aNameIsMentionedOnlyAsAWhole() {
        assertThat(RateLimitScope.mentions("not for Shop.Customer.example.com.", NAME))
                .isTrue();
        assertThat(RateLimitScope.mentions("not for www.shop.customer.example.com", NAME))
                .isFalse();
        assertThat(RateLimitScope.mentions("not for shop.customer.example.com.au", NAME))
                .isFalse();
        assertThat(RateLimitScope.mentions("not for example.com", NAME)).isFalse();
    }
}
