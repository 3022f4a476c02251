package org.ondemandtls.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.Proxy;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.function.Predicate;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.StartException;
import org.ondemandtls.config.ConfigException;
import org.ondemandtls.config.OnDemandTlsConfig.DatabaseStore;
import org.ondemandtls.config.OnDemandTlsConfig.FileStore;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.PermissionPolicy;
import org.ondemandtls.permission.PermissionPolicy.Decision;
import org.ondemandtls.permission.PermissionPolicy.Purpose;
import org.ondemandtls.sql.SqlSource;
import org.springframework.beans.factory.support.DefaultListableBeanFactory;
import org.springframework.beans.factory.support.RootBeanDefinition;
import org.springframework.core.ResolvableType;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;

/** {@link Settings}. */
class SettingsTest {

    private static final ServerName NAME = ServerName.parse("shop.example.com");
    private static final Predicate<String> ENDS_IN_COM = name -> name.endsWith(".com");

    private final DefaultListableBeanFactory beans = new DefaultListableBeanFactory();

    @Test
    void aPageThatNobodyCouldLogInToIsRefused() {
        assertThatThrownBy(() -> given(Map.of("ondemand-tls.page", "true")))
                .hasMessageContaining("ondemand-tls.page: nobody could log in")
                .hasMessageContaining("ondemand-tls.page-password");
    }

    @Test
    void withoutAnyPermissionNothingStarts() {
        assertThatThrownBy(() -> given(Map.of("ondemand-tls.issuer", "internal")))
                .isInstanceOf(ConfigException.class);
    }

    @Test
    void aPredicateUnderItsNameIsPermission() throws Exception {
        predicate(Settings.PREDICATE);

        Settings settings = given(Map.of());

        assertThat(decided(settings)).isEqualTo(new Decision.Granted());
    }

    @Test
    void aPredicateUnderAnotherNameIsNot() {
        predicate("somethingElse");

        assertThatThrownBy(() -> given(Map.of("ondemand-tls.issuer", "internal")))
                .isInstanceOf(ConfigException.class);
    }

    @Test
    void anotherKindOfBeanUnderThatNameIsRefused() {
        beans.registerSingleton(Settings.PREDICATE, "no predicate");

        assertThatThrownBy(() -> given(Map.of()))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("onDemandTlsPermission");
    }

    @Test
    void aPolicyIsPermissionWhateverItsName() throws Exception {
        beans.registerSingleton("customers", PermissionPolicy.grantingIf(name -> true));

        assertThat(decided(given(Map.of()))).isEqualTo(new Decision.Granted());
    }

    @Test
    void twoBeansThatArePermissionAreRefusedByName() {
        predicate(Settings.PREDICATE);
        beans.registerSingleton("customers", PermissionPolicy.grantingIf(name -> true));

        assertThatThrownBy(() -> given(Map.of()))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("customers")
                .hasMessageContaining("onDemandTlsPermission");
    }

    @Test
    void theDataSourceOfTheApplicationIsUsedOnlyWhereItIsWritten() throws Exception {
        predicate(Settings.PREDICATE);
        assertThatThrownBy(() -> given(Map.of("ondemand-tls.store", "dataSource")))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("DataSource");
        beans.registerSingleton("pool", pool());

        assertThat(given(Map.of()).setup().config().store()).isInstanceOf(FileStore.class);
        assertThat(given(Map.of("ondemand-tls.store", "dataSource"))
                        .setup()
                        .config()
                        .store())
                .isInstanceOf(DatabaseStore.class);
    }

    @Test
    void theDataSourcesOfTwoApplicationsInOneJvmAreKeptApartAndGivenBack() throws Exception {
        predicate(Settings.PREDICATE);
        beans.registerSingleton("pool", pool());
        Map<String, Object> written = Map.of("ondemand-tls.store", "dataSource");
        Settings one = given(written);
        Settings another = given(written);

        assertThat(another.lent()).isNotEqualTo(one.lent());
        assertThat(another.setup().config().store())
                .isNotEqualTo(one.setup().config().store());
        assertThat(isLent(one)).isTrue();
        one.destroy();
        assertThat(isLent(one)).isFalse();
        assertThat(isLent(another)).isTrue();
        another.destroy();
    }

    private static boolean isLent(Settings settings) throws Exception {
        try {
            SqlSource.of(Objects.requireNonNull(settings.lent())).connect(1000, new Properties());
            return true;
        } catch (SQLException nothingThere) {
            return false;
        }
    }

    private static DataSource pool() {
        return (DataSource) Proxy.newProxyInstance(
                SettingsTest.class.getClassLoader(),
                new Class<?>[] {DataSource.class},
                (self, method, arguments) -> null);
    }

    @Test
    void aBeanOfAnotherApplicationOnTheServerIsRefusedWithWhatToDoInstead() {
        assertThatThrownBy(() -> given(Map.of("ondemand-tls.permission.bean", "customers")))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("onDemandTlsPermission");
    }

    @Test
    void httpsIsBesideThePlainPortUnlessBothAreTheSame() throws Exception {
        predicate(Settings.PREDICATE);

        assertThat(given(Map.of()).port()).isEqualTo(8443);
        assertThat(given(Map.of()).takesPort(8080)).isFalse();
        assertThat(given(Map.of("ondemand-tls.port", "443")).takesPort(443)).isTrue();
        assertThat(given(Map.of("ondemand-tls.port", "0")).takesPort(0)).isFalse();
    }

    @Test
    void redirectsGoToThePortThatVisitorsReach() throws Exception {
        predicate(Settings.PREDICATE);

        assertThat(given(Map.of("ondemand-tls.port", "9443")).redirectPort()).isEqualTo(9443);
        assertThat(given(Map.of("ondemand-tls.redirect-port", "443")).redirectPort())
                .isEqualTo(443);
        assertThat(given(Map.of("ondemand-tls.redirect-port", "443")).port()).isEqualTo(8443);
        assertThatThrownBy(() -> given(Map.of("ondemand-tls.redirect-port", "0")))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("ondemand-tls.redirect-port");
    }

    @Test
    void mistakesInTheStartersOwnKeysAreRefused() {
        predicate(Settings.PREDICATE);

        assertThatThrownBy(() -> given(Map.of("ondemand-tls.port", "65536")))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("ondemand-tls.port");
        assertThatThrownBy(() -> given(Map.of("ondemand-tls.redirect", "perhaps")))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("ondemand-tls.redirect");
        assertThatThrownBy(() -> given(Map.of("ondemand-tls.enabled", "flase")))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("ondemand-tls.enabled");
    }

    @ParameterizedTest
    @ValueSource(strings = {"true", "TRUE", " on ", "yes", "1"})
    void whatSpringBootTakesForTrueIsOn(String word) throws Exception {
        predicate(Settings.PREDICATE);

        assertThat(given(Map.of("ondemand-tls.redirect", word)).redirect()).isTrue();
        assertThatThrownBy(() -> given(Map.of("ondemand-tls.page", word)))
                .hasMessageContaining("ondemand-tls.page: nobody could log in");
    }

    @ParameterizedTest
    @ValueSource(strings = {"false", "False", "off", "no ", "0"})
    void whatSpringBootTakesForFalseIsOff(String word) throws Exception {
        predicate(Settings.PREDICATE);

        assertThat(given(Map.of("ondemand-tls.redirect", word)).redirect()).isFalse();
        assertThat(given(Map.of("ondemand-tls.page", word)).redirect()).isTrue();
    }

    private void predicate(String name) {
        RootBeanDefinition definition = new RootBeanDefinition();
        definition.setTargetType(ResolvableType.forClassWithGenerics(Predicate.class, String.class));
        definition.setInstanceSupplier(() -> ENDS_IN_COM);
        beans.registerBeanDefinition(name, definition);
    }

    private Settings given(Map<String, Object> properties) throws ConfigException, StartException {
        StandardEnvironment environment = new StandardEnvironment();
        environment.getPropertySources().addFirst(new MapPropertySource("given", new LinkedHashMap<>(properties)));
        return Settings.of(environment, beans, () -> ENDS_IN_COM);
    }

    private static Decision decided(Settings settings) throws Exception {
        return settings.setup()
                .permissionPolicy()
                .orElseThrow()
                .decide(NAME, Purpose.OBTAIN)
                .toCompletableFuture()
                .get();
    }
}
