package org.ondemandtls.spring;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.OnDemandTlsBuilder;
import org.ondemandtls.OnDemandTlsSetup;
import org.ondemandtls.StartException;
import org.ondemandtls.config.ConfigException;
import org.ondemandtls.permission.PermissionPolicy;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.core.env.Environment;

/**
 * What the servers are set up with.
 *
 * @param setup what the engine is opened with
 * @param port the port for HTTPS; 0 lets the system choose
 * @param redirect whether plain requests are redirected for names that have a certificate
 * @param virtualThreads whether HTTPS requests run on virtual threads
 */
record Settings(OnDemandTlsSetup setup, int port, boolean redirect, boolean virtualThreads) {

    /** The name of a {@code Predicate<String>} bean that is permission. */
    static final String PREDICATE = "onDemandTlsPermission";

    private static final int DEFAULT_PORT = 8443;
    private static final int MAX_PORT = 65_535;
    private static final int FIRST_JDK_WITH_VIRTUAL_THREADS = 21;
    private static final List<String> BEANS_OF_THE_APPLICATION =
            List.of("onDemandTls.store", "onDemandTls.permission.dataSource");

    /**
     * Reads and validates properties and looks for permission among the beans. No bean is made for that.
     *
     * @throws ConfigException if there are mistakes among the keys of all servers; it names them all
     * @throws StartException if there is a mistake in what is Spring Boot's alone
     */
    static Settings of(Environment environment, ListableBeanFactory beans) throws ConfigException, StartException {
        Keys keys = Keys.of(environment);
        OnDemandTlsBuilder builder = OnDemandTls.builder();
        for (String key : BEANS_OF_THE_APPLICATION) {
            if ("dataSource".equals(keys.server().get(key))) {
                throw new StartException(key + ": the DataSource bean cannot be used yet; give a jdbc: URL");
            }
        }
        keys.server().forEach(builder::set);
        permission(beans).ifPresent(builder::permissionPolicy);
        return new Settings(
                builder.build(Path.of("")),
                port(keys),
                flag(keys, Keys.REDIRECT),
                environment.getProperty("spring.threads.virtual.enabled", Boolean.class, false)
                        && Runtime.version().feature() >= FIRST_JDK_WITH_VIRTUAL_THREADS);
    }

    private static Optional<PermissionPolicy> permission(ListableBeanFactory beans) throws StartException {
        List<String> policies = List.of(beans.getBeanNamesForType(PermissionPolicy.class, true, false));
        boolean predicate = beans.containsBean(PREDICATE) && beans.isTypeMatch(PREDICATE, Predicate.class);
        if (policies.size() + (predicate ? 1 : 0) > 1) {
            throw new StartException("more than one bean is permission: "
                    + String.join(", ", policies)
                    + (predicate ? ", " + PREDICATE : "")
                    + "; keep one of them");
        }
        if (!policies.isEmpty()) {
            String name = policies.get(0);
            // The bean may need the web server; it is made by the time the first question comes.
            return Optional.of((server, purpose) ->
                    beans.getBean(name, PermissionPolicy.class).decide(server, purpose));
        }
        return predicate
                ? Optional.of((server, purpose) -> CompletableFuture.completedFuture(granted(beans, server.value())))
                : Optional.empty();
    }

    @SuppressWarnings("unchecked")
    private static PermissionPolicy.Decision granted(ListableBeanFactory beans, String name) {
        return ((Predicate<String>) beans.getBean(PREDICATE, Predicate.class)).test(name)
                ? new PermissionPolicy.Decision.Granted()
                : new PermissionPolicy.Decision.Denied(PREDICATE + " said no");
    }

    private static int port(Keys keys) throws StartException {
        String text = keys.own().getOrDefault(Keys.PORT, "").trim();
        if (text.isEmpty()) {
            return DEFAULT_PORT;
        }
        if (text.matches("\\d{1,5}") && Integer.parseInt(text) <= MAX_PORT) {
            return Integer.parseInt(text);
        }
        throw new StartException(Keys.PREFIX + ".port: not a port: write a number from 0 to " + MAX_PORT);
    }

    /** Whether a key of this starter is on, as it is without being written. */
    static boolean flag(Keys keys, String name) throws StartException {
        String text = keys.own().getOrDefault(name, "").trim();
        return switch (text) {
            case "", "true" -> true;
            case "false" -> false;
            default -> throw new StartException(Keys.PREFIX + "." + name + ": write true or false");
        };
    }
}
