package org.ondemandtls.spring;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.env.SystemEnvironmentPropertySource;

/** {@link Keys}. */
class KeysTest {

    private final StandardEnvironment environment = new StandardEnvironment();

    @Test
    void everySpellingOfSpringBootIsTheSameKey() {
        assertThat(given(Map.of("ondemand-tls.permission.ask-timeout", "1s")).server())
                .containsExactly(Map.entry("onDemandTls.permission.askTimeout", "1s"));
        assertThat(given(Map.of("ondemand-tls.permission.askTimeout", "1s")).server())
                .containsExactly(Map.entry("onDemandTls.permission.askTimeout", "1s"));
    }

    @Test
    void aVariableOfTheProcessIsAKeyAsWell() {
        environment
                .getPropertySources()
                .addFirst(new SystemEnvironmentPropertySource(
                        "systemEnvironment", Map.of("ONDEMANDTLS_PERMISSION_ASKTIMEOUT", "1s")));

        assertThat(Keys.of(environment).server()).containsExactly(Map.entry("onDemandTls.permission.askTimeout", "1s"));
    }

    @Test
    void aKeyAndAKeyBelowItStandBesideEachOther() {
        assertThat(given(Map.of("ondemand-tls.store", "jdbc:postgresql:x", "ondemand-tls.store.user", "me"))
                        .server())
                .containsEntry("onDemandTls.store", "jdbc:postgresql:x")
                .containsEntry("onDemandTls.store.user", "me");
    }

    @Test
    void aListIsJoinedInItsOrder() {
        Map<String, Object> list = new LinkedHashMap<>();
        list.put("ondemand-tls.permission.names[1]", "b.example.com");
        list.put("ondemand-tls.permission.names[0]", "a.example.com");

        assertThat(given(list).server())
                .containsExactly(Map.entry("onDemandTls.permission.names", "a.example.com,b.example.com"));
    }

    @Test
    void theFileFormOfAKeyIsKept() {
        assertThat(given(Map.of("ondemand-tls.store.encryption-key.file", "k")).server())
                .containsExactly(Map.entry("onDemandTls.store.encryptionKey.file", "k"));
    }

    @Test
    void anUnknownKeyIsLeftToTheReaderToRefuse() {
        assertThat(given(Map.of("ondemand-tls.permision.ask", "x")).server())
                .containsExactly(Map.entry("onDemandTls.permision.ask", "x"));
    }

    @Test
    void thePortIsTheStartersOwn() {
        Keys keys = given(Map.of("ondemand-tls.port", "443"));

        assertThat(keys.server()).isEmpty();
        assertThat(keys.own()).containsExactly(Map.entry("port", "443"));
    }

    @Test
    void nothingBelowThePrefixIsNothing() {
        assertThat(given(Map.of("server.port", "8080")).isEmpty()).isTrue();
    }

    private Keys given(Map<String, Object> properties) {
        environment.getPropertySources().remove("given");
        environment.getPropertySources().addFirst(new MapPropertySource("given", properties));
        return Keys.of(environment);
    }
}
