package org.ondemandtls.tomcat;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** {@link ConfigTest}: which command lines open nothing. */
class ConfigTestTest {

    @Test
    void isTheLastWordOfTomcatsOwnCommandLine() {
        assertThat(ConfigTest.isIn("org.apache.catalina.startup.Bootstrap configtest"))
                .isTrue();
        assertThat(ConfigTest.isIn("org.apache.catalina.startup.Bootstrap -config conf/a.xml configtest"))
                .isTrue();
    }

    @Test
    void isNoOtherCommandLine() {
        assertThat(ConfigTest.isIn("org.apache.catalina.startup.Bootstrap start"))
                .isFalse();
        assertThat(ConfigTest.isIn("org.apache.catalina.startup.Bootstrap")).isFalse();
        assertThat(ConfigTest.isIn("com.example.Main configtest")).isFalse();
        assertThat(ConfigTest.isIn("")).isFalse();
    }
}
