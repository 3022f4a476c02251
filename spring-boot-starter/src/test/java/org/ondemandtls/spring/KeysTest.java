package org.ondemandtls.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.OnDemandTlsBuilder;
import org.ondemandtls.command.Command;
import org.ondemandtls.config.ConfigException;
import org.ondemandtls.config.ConfigKey;
import org.ondemandtls.machine.Time;
import org.springframework.context.annotation.ConditionContext;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.env.SystemEnvironmentPropertySource;
import org.springframework.core.io.ByteArrayResource;
import org.springframework.core.io.support.ResourcePropertySource;
import org.springframework.core.type.AnnotationMetadata;

/** {@link Keys}. */
class KeysTest {

    private static final String INLINED = "Inlined Test Properties";
    private static final String IN_A_TEST = "org.springframework.boot.test.context.SpringBootTestContextBootstrapper";

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
    void aListOfAStrongerSourceStandsInThePlaceOfAWholeWeakerOne() {
        environment
                .getPropertySources()
                .addLast(new MapPropertySource(
                        "base",
                        Map.of(
                                "ondemand-tls.permission.names", "a.example.com,b.example.com",
                                "ondemand-tls.status.addresses[0]", "10.0.0.0/8",
                                "ondemand-tls.status.addresses[1]", "192.168.0.0/16")));

        assertThat(given(Map.of(
                                "ondemand-tls.permission.names[0]", "c.example.com",
                                "ondemand-tls.status.addresses[0]", "203.0.113.0/24"))
                        .server())
                .containsOnly(
                        Map.entry("onDemandTls.permission.names", "c.example.com"),
                        Map.entry("onDemandTls.status.addresses", "203.0.113.0/24"));
    }

    @Test
    void aVariableWithAnUnderscoreForEachHyphenIsAKeyToo() {
        environment
                .getPropertySources()
                .addFirst(new SystemEnvironmentPropertySource(
                        "systemEnvironment",
                        Map.of(
                                "ONDEMAND_TLS_ACME_DIRECTORY", "letsencrypt-staging",
                                "ONDEMAND_TLS_PERMISSION_ASK_TIMEOUT", "1s",
                                "ONDEMAND_TLS_PAGE_PASSWORD", "secret")));

        Keys keys = Keys.of(environment);

        assertThat(keys.server())
                .containsOnly(
                        Map.entry("onDemandTls.acme.directory", "letsencrypt-staging"),
                        Map.entry("onDemandTls.permission.askTimeout", "1s"));
        assertThat(keys.own()).containsExactly(Map.entry(Keys.PAGE_PASSWORD, "secret"));
    }

    @Test
    void whatKubernetesTellsOfAServiceOfThatNameIsNoPort() {
        environment
                .getPropertySources()
                .addFirst(new SystemEnvironmentPropertySource(
                        "systemEnvironment", Map.of("ONDEMAND_TLS_PORT", "tcp://10.0.0.1:443")));

        assertThat(Keys.of(environment).isEmpty()).isTrue();
    }

    @Test
    void whatKubernetesTellsOfServicesIsNoMistake() {
        variables(Map.of(
                "ONDEMAND_TLS_SERVICE_HOST", "10.0.0.1",
                "ONDEMAND_TLS_SERVICE_PORT", "443",
                "ONDEMAND_TLS_SERVICE_PORT_HTTPS", "443",
                "ONDEMAND_TLS_PORT_443_TCP", "tcp://10.0.0.1:443",
                "ONDEMAND_TLS_PORT_443_TCP_PROTO", "tcp",
                "ONDEMAND_TLS_WEB_PORT", "udp://10.0.0.2:443",
                "ONDEMAND_TLS_WEB_PORT_443_UDP_ADDR", "10.0.0.2",
                "ONDEMANDTLS_SERVICE_HOST", "10.0.0.3",
                "ONDEMANDTLS_PORT", "tcp://10.0.0.3:80",
                "ONDEMANDTLS_PORT_80_TCP_ADDR", "10.0.0.3"));

        assertThat(Keys.of(environment).isEmpty()).isTrue();
    }

    @Test
    void aMisspeltVariableIsRefused() {
        variables(Map.of(
                "ONDEMAND_TLS_PERMISSION_NAME", "shop.example.com",
                "ONDEMAND_TLS_PERMISSION_ASK_TIMOUT", "1s",
                "ONDEMAND_TLS_REDIRECTS", "false"));

        Keys keys = Keys.of(environment);

        assertThat(keys.server())
                .containsOnlyKeys(
                        "onDemandTls.permission.name", "onDemandTls.permission.ask.timout", "onDemandTls.redirects");
        assertThatThrownBy(() -> {
                    OnDemandTlsBuilder builder = OnDemandTls.builder();
                    keys.server().forEach(builder::set);
                    builder.build(Path.of(""));
                })
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("onDemandTls.permission.names");
    }

    @Test
    void aVariableWithAnUnderscoreForEachHyphenOrForSomeOnlyIsRead() {
        variables(Map.of(
                "ONDEMAND_TLS_PERMISSION_ASKTIMEOUT", "1s",
                "ONDEMAND_TLS_PERMISSION_NAMES_0", "a.example.com",
                "ONDEMAND_TLS_PERMISSION_NAMES_1", "b.example.com",
                "ONDEMAND_TLS_STORE_ENCRYPTION_KEY_FILE", "k",
                "ONDEMAND_TLS_ENABLED", "true"));

        Keys keys = Keys.of(environment);

        assertThat(keys.server())
                .containsOnly(
                        Map.entry("onDemandTls.permission.askTimeout", "1s"),
                        Map.entry("onDemandTls.permission.names", "a.example.com,b.example.com"),
                        Map.entry("onDemandTls.store.encryptionKey.file", "k"));
        assertThat(keys.own()).containsExactly(Map.entry(Keys.ENABLED, "true"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ONDEMANDTLS_PERMISSION_ASKTIMEOUT",
                "ONDEMANDTLS_PERMISSION_ASK_TIMEOUT",
                "ONDEMAND_TLS_PERMISSION_ASKTIMEOUT",
                "ONDEMAND_TLS_PERMISSION_ASK_TIMEOUT",
                "ondemand_tls_permission_ask_timeout"
            })
    void aVariableIsAsStrongAsSpringBootMakesVariablesHoweverItIsSpelled(String variable) {
        environment
                .getPropertySources()
                .addLast(new MapPropertySource("file", Map.of("ondemand-tls.permission.ask-timeout", "5s")));
        variables(Map.of(variable, "${time}", "time", "1s", "ONDEMAND_TLS_ACME_TRUSTEDROOTS_0", "a.pem"));

        assertThat(Keys.of(environment).server())
                .containsOnly(
                        Map.entry("onDemandTls.permission.askTimeout", "1s"),
                        Map.entry("onDemandTls.acme.trustedRoots", "a.pem"));
        assertThat(given(Map.of("ondemand-tls.permission.askTimeout", "9s")).server())
                .containsEntry("onDemandTls.permission.askTimeout", "9s");
    }

    @Test
    void ofTwoSpellingsOfAVariableSpringBootsOwnCounts() {
        variables(Map.of("ONDEMAND_TLS_STORE", "a", "ONDEMANDTLS_STORE", "b"));

        assertThat(Keys.of(environment).server()).containsExactly(Map.entry("onDemandTls.store", "b"));
    }

    @Test
    void whatKubernetesTellsOfAServiceHidesNoPortOfAFile() {
        environment.getPropertySources().addLast(new MapPropertySource("file", Map.of("ondemand-tls.port", "443")));
        variables(Map.of("ONDEMAND_TLS_PORT", "tcp://10.0.0.1:8443"));

        assertThat(Keys.of(environment).own()).containsExactly(Map.entry(Keys.PORT, "443"));
    }

    @Test
    void noTwoPropertiesAreTheSameVariable() {
        assertThat(Stream.concat(
                                Stream.of(ConfigKey.values()).flatMap(key -> Stream.of(key.key(), key.fileKey())),
                                Keys.OWN_NAMES.stream())
                        .map(name -> name.replaceAll("[.-]", "").toLowerCase(Locale.ROOT))
                        .distinct())
                .hasSize(2 * ConfigKey.values().length + Keys.OWN_NAMES.size());
    }

    @Test
    void aTextWithCommasStaysAsItIs() {
        assertThat(given(Map.of("ondemand-tls.permission.sql", "SELECT a, b FROM c WHERE d = ?"))
                        .server())
                .containsExactly(Map.entry("onDemandTls.permission.sql", "SELECT a, b FROM c WHERE d = ?"));
    }

    @ParameterizedTest
    @CsvSource({
        "true,false,true",
        "TRUE,true,true",
        "' on',true,true",
        "yes,true,true",
        "1,true,true",
        "'',false,true",
        "'',true,false",
        "False,false,false",
        "FALSE,true,false",
        "off,false,false",
        "no,false,false",
        "'false ',false,false",
        "0,false,false",
        "flase,false,true",
        "flase,true,true"
    })
    void theStarterIsOnAsItIsSaid(String enabled, boolean test, boolean on) {
        source(
                INLINED,
                Map.of("ondemand-tls.enabled", enabled, "ondemand-tls.store", "s", IN_A_TEST, String.valueOf(test)));

        assertThat(isOn()).isEqualTo(on);
    }

    @ParameterizedTest
    @ValueSource(strings = {"Config resource 'application.properties'", "systemEnvironment", "spring.application.json"})
    void whatAnApplicationSaysTurnsNoTestOn(String source) {
        source(INLINED, Map.of(IN_A_TEST, "true"));
        environment
                .getPropertySources()
                .addLast(new MapPropertySource(
                        source, Map.of("ondemand-tls.enabled", "true", "ondemand-tls.port", "0")));
        assertThat(isOn()).isFalse();

        environment.getPropertySources().remove(INLINED);
        assertThat(isOn()).as("outside of a test").isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {INLINED, "Dynamic Test Properties", "commandLineArgs", "test", "systemProperties"})
    void whatATestSaysTurnsItOn(String source) {
        source(INLINED, Map.of(IN_A_TEST, "true"));
        source(source, Map.of("ondemandTls.enabled", "${on}", "on", "yes", IN_A_TEST, "true"));

        assertThat(isOn()).isTrue();
    }

    @Test
    void aFileOfTheTestTurnsItOnAndOneOfTheApplicationDoesNot() throws Exception {
        ResourcePropertySource file = new ResourcePropertySource(
                new ByteArrayResource("ondemand-tls.enabled=true".getBytes(StandardCharsets.UTF_8), "a file"));
        source(INLINED, Map.of(IN_A_TEST, "true"));

        environment.getPropertySources().addLast(file);
        assertThat(isOn()).isFalse();

        environment.getPropertySources().addFirst(file);
        assertThat(isOn()).isTrue();
    }

    private boolean isOn() {
        ConditionContext context = (ConditionContext) Proxy.newProxyInstance(
                KeysTest.class.getClassLoader(),
                new Class<?>[] {ConditionContext.class},
                (self, method, arguments) -> environment);
        return new OnAnyKey().matches(context, AnnotationMetadata.introspect(KeysTest.class));
    }

    @ParameterizedTest
    @CsvSource({"true,true", "True,true", "' on ',true", "off,false", "'',false", "perhaps,false"})
    void thePageIsThereAsItIsSaid(String page, boolean there) {
        given(Map.of("ondemand-tls.page", page));
        ConditionContext context = (ConditionContext) Proxy.newProxyInstance(
                KeysTest.class.getClassLoader(),
                new Class<?>[] {ConditionContext.class},
                (self, method, arguments) -> environment);

        assertThat(new PageConfiguration.IsOn().matches(context, AnnotationMetadata.introspect(KeysTest.class)))
                .isEqualTo(there);
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
    void theCommandThatChecksAFileLeavesTheStartersOwnOut(@TempDir Path directory) throws Exception {
        Path file = directory.resolve("application.properties");
        Files.write(
                file,
                Keys.OWN_NAMES.stream()
                        .map(name -> "ondemand-tls." + name + "=1")
                        .toList());
        ByteArrayOutputStream told = new ByteArrayOutputStream();
        PrintStream out = new PrintStream(told, true, StandardCharsets.UTF_8);

        int status = new Command(Time.ofMachine(), out, out).run(new String[] {"check", file.toString()});

        assertThat(status).as(told.toString(StandardCharsets.UTF_8)).isEqualTo(Command.DONE);
    }

    @Test
    void nothingBelowThePrefixIsNothing() {
        assertThat(given(Map.of("server.port", "8080")).isEmpty()).isTrue();
    }

    private void variables(Map<String, Object> variables) {
        environment.getPropertySources().addFirst(new SystemEnvironmentPropertySource("systemEnvironment", variables));
    }

    private void source(String name, Map<String, Object> properties) {
        environment.getPropertySources().addFirst(new MapPropertySource(name, properties));
    }

    private Keys given(Map<String, Object> properties) {
        source("given", properties);
        return Keys.of(environment);
    }
}
