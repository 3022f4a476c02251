package org.ondemandtls.tomcat;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Set;
import org.junit.jupiter.api.Test;

/** {@link HostCheckAdapter}: whose requests a connection may carry. */
class HostCheckAdapterTest {

    private static final String BY_DEFAULT = "_default_";
    private static final Served NAMELESS = new Served("own.operator.test", Set.of(), BY_DEFAULT);
    private static final Served NAMED = new Served("own.operator.test", Set.of("*.operator.test"), BY_DEFAULT);

    @Test
    void aHostOfTheCertificateOnTheSameTermsIsFine() {
        assertThat(HostCheckAdapter.isServed(NAMED, "other.operator.test", BY_DEFAULT))
                .isTrue();
        assertThat(HostCheckAdapter.isServed(NAMED, "shop.customer.test", BY_DEFAULT))
                .isFalse();
    }

    @Test
    void aHostOnOtherTermsIsNotAlsoWhereTheCertificateIsForNoName() {
        assertThat(HostCheckAdapter.isServed(NAMED, "admin.operator.test", "admin.operator.test"))
                .isFalse();
        assertThat(HostCheckAdapter.isServed(NAMELESS, "admin.operator.test", "admin.operator.test"))
                .isFalse();
        assertThat(HostCheckAdapter.isServed(NAMELESS, "other.operator.test", BY_DEFAULT))
                .isTrue();
    }
}
