package org.ondemandtls.spring;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import java.util.function.Supplier;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.OnDemandTlsBuilder;
import org.ondemandtls.OnDemandTlsSetup;
import org.ondemandtls.StartException;
import org.ondemandtls.config.ConfigException;
import org.ondemandtls.config.ConfigKey;
import org.ondemandtls.permission.PermissionPolicy;
import org.ondemandtls.sql.SqlSource;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.core.ResolvableType;
import org.springframework.core.env.Environment;
import org.springframework.util.ClassUtils;

/**
 * What the servers are set up with.
 *
 * @param setup what the engine is opened with
 * @param port the port for HTTPS; 0 lets the system choose
 * @param redirect whether plain requests are redirected for names that have a certificate
 * @param redirectPort the port in the redirects, which visitors reach {@code port} at
 * @param virtualThreads whether HTTPS requests run on virtual threads
 * @param lent the name under which the engine finds the application's DataSource; null where it is not to be used
 */
record Settings(
        OnDemandTlsSetup setup,
        int port,
        boolean redirect,
        int redirectPort,
        boolean virtualThreads,
        @Nullable String lent)
        implements DisposableBean {

    /** The name of a {@code Predicate<String>} bean that is permission. */
    static final String PREDICATE = "onDemandTlsPermission";

    private static final String SPRING_SECURITY = "org.springframework.security.web.SecurityFilterChain";
    private static final ResolvableType NAMES = ResolvableType.forClassWithGenerics(Predicate.class, String.class);
    private static final int DEFAULT_PORT = 8443;
    private static final int MAX_PORT = 65_535;
    private static final int FIRST_JDK_WITH_VIRTUAL_THREADS = 21;

    // What an application writes where its own pool is to be used.
    private static final String DATA_SOURCE = "dataSource";
    // What keys take for it; the value is what comes before its name in the text that reaches the reader.
    private static final Map<String, String> OF_THE_APPLICATION =
            Map.of("onDemandTls.store", "jndi:", "onDemandTls.permission.dataSource", "");

    /**
     * Reads and validates properties and looks for permission among the beans, without making one. A DataSource that is to
     * be used is made.
     *
     * @param environment the properties
     * @param beans the application's
     * @param predicate makes the bean {@value #PREDICATE}, where there is one
     * @throws ConfigException if there are mistakes among the keys of all servers; it names them all
     * @throws StartException if there is a mistake in what is Spring Boot's alone
     */
    static Settings of(Environment environment, ListableBeanFactory beans, Supplier<Predicate<String>> predicate)
            throws ConfigException, StartException {
        Keys keys = Keys.of(environment);
        boolean borrows = keys.server().entrySet().stream().anyMatch(Settings::meansTheApplications);
        String lent = borrows ? lendDataSource(beans) : null;
        try {
            return of(environment, beans, predicate, keys, lent);
        } catch (ConfigException | StartException | RuntimeException e) {
            takeBack(lent);
            throw e;
        }
    }

    private static boolean meansTheApplications(Map.Entry<String, String> written) {
        return DATA_SOURCE.equals(written.getValue()) && OF_THE_APPLICATION.containsKey(written.getKey());
    }

    private static Settings of(
            Environment environment,
            ListableBeanFactory beans,
            Supplier<Predicate<String>> predicate,
            Keys keys,
            @Nullable String lent)
            throws ConfigException, StartException {
        OnDemandTlsBuilder builder = OnDemandTls.builder();
        for (Map.Entry<String, String> written : keys.server().entrySet()) {
            builder.set(
                    written.getKey(),
                    meansTheApplications(written)
                            ? OF_THE_APPLICATION.get(written.getKey()) + lent
                            : written.getValue());
        }
        if (keys.server().containsKey(ConfigKey.PERMISSION_BEAN.key())) {
            throw new StartException(
                    ConfigKey.PERMISSION_BEAN + ": is for applications on a server of their operator's;"
                            + " in Spring Boot declare a bean Predicate<String> with the name " + PREDICATE);
        }
        // Both are read by conditions; here mistakes are told.
        keys.isOn(Keys.ENABLED);
        boolean page = keys.isOn(Keys.PAGE).orElse(false);
        if (!keys.own().containsKey(Keys.PAGE) && keys.own().containsKey(Keys.PAGE_PASSWORD)) {
            throw new StartException(
                    Keys.PREFIX + ".page-password: is for the page; write " + Keys.PREFIX + ".page=true");
        }
        if (page
                && keys.own().getOrDefault(Keys.PAGE_PASSWORD, "").isEmpty()
                && !ClassUtils.isPresent(SPRING_SECURITY, null)) {
            throw new StartException(Keys.PREFIX + ".page: nobody could log in; set " + Keys.PREFIX
                    + ".page-password, or add Spring Security");
        }
        permission(beans, predicate).ifPresent(builder::permissionPolicy);
        int port = port(keys, Keys.PORT, "port", 0).orElse(DEFAULT_PORT);
        return new Settings(
                builder.build(Path.of("")),
                port,
                keys.isOn(Keys.REDIRECT).orElse(true),
                port(keys, Keys.REDIRECT_PORT, "redirect-port", 1).orElse(port),
                environment.getProperty("spring.threads.virtual.enabled", Boolean.class, false)
                        && Runtime.version().feature() >= FIRST_JDK_WITH_VIRTUAL_THREADS,
                lent);
    }

    /** Takes the application's DataSource back; the engine has ended by then. */
    @Override
    public void destroy() {
        takeBack(lent);
    }

    private static void takeBack(@Nullable String lent) {
        if (lent != null) {
            SqlSource.takeBack(lent);
        }
    }

    /** Whether HTTPS takes the place of the server's plain connector rather than one beside it. */
    boolean takesPort(int serverPort) {
        return port > 0 && port == serverPort;
    }

    private static Optional<PermissionPolicy> permission(
            ListableBeanFactory beans, Supplier<Predicate<String>> predicate) throws StartException {
        List<String> policies = List.of(beans.getBeanNamesForType(PermissionPolicy.class, true, false));
        boolean isPredicate = beans.containsBean(PREDICATE);
        if (isPredicate && !beans.isTypeMatch(PREDICATE, NAMES)) {
            if (beans.isTypeMatch(PREDICATE, PermissionPolicy.class)) {
                isPredicate = false;
            } else {
                throw new StartException("the bean " + PREDICATE + " is no Predicate<String>");
            }
        }
        if (policies.size() + (isPredicate ? 1 : 0) > 1) {
            throw new StartException("more than one bean is permission: "
                    + String.join(", ", policies)
                    + (isPredicate ? ", " + PREDICATE : "")
                    + "; keep one of them");
        }
        // The bean may need the web server; it is made by the time the first question comes.
        if (!policies.isEmpty()) {
            String name = policies.get(0);
            return Optional.of((server, purpose) ->
                    beans.getBean(name, PermissionPolicy.class).decide(server, purpose));
        }
        return isPredicate
                ? Optional.of(
                        (server, purpose) -> CompletableFuture.completedFuture(granted(predicate, server.value())))
                : Optional.empty();
    }

    // By a name of this context's: there may be several applications in one JVM.
    private static String lendDataSource(ListableBeanFactory beans) throws StartException {
        if (beans.getBeanNamesForType(DataSource.class, true, false).length == 0) {
            throw new StartException(DATA_SOURCE + " is written, but the application has no DataSource bean");
        }
        return SqlSource.lend(DATA_SOURCE, beans.getBean(DataSource.class));
    }

    private static PermissionPolicy.Decision granted(Supplier<Predicate<String>> predicate, String name) {
        return predicate.get().test(name)
                ? new PermissionPolicy.Decision.Granted()
                : new PermissionPolicy.Decision.Denied(PREDICATE + " said no");
    }

    private static Optional<Integer> port(Keys keys, String key, String spelling, int least) throws StartException {
        String text = keys.own().getOrDefault(key, "").trim();
        if (text.isEmpty()) {
            return Optional.empty();
        }
        int port = text.matches("\\d{1,5}") ? Integer.parseInt(text) : -1;
        if (port < least || port > MAX_PORT) {
            throw new StartException(
                    Keys.PREFIX + "." + spelling + ": not a port: write a number from " + least + " to " + MAX_PORT);
        }
        return Optional.of(port);
    }
}
