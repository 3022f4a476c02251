package org.ondemandtls;

import java.lang.reflect.InvocationTargetException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.event.Events;
import org.ondemandtls.permission.AskRehearsal;
import org.ondemandtls.permission.Permission;
import org.ondemandtls.permission.PermissionPolicy;

/** Finds whom the operator lets decide, and loads the policy's class where he names one. */
final class PermissionSetup {

    private PermissionSetup() {}

    /**
     * Sees that there is one source at least, and one policy at most.
     *
     * @throws StartException if not
     */
    static void check(OnDemandTlsSetup setup) throws StartException {
        OnDemandTlsConfig.Permission config = setup.config().permission();
        if (setup.permissionPolicy().isEmpty() && !config.hasSource()) {
            throw new StartException(
                    "no permission source: give one as a key or a permission policy in Java; without one"
                            + " anybody could have certificates issued");
        }
        if (setup.permissionPolicy().isPresent() && config.className().isPresent()) {
            throw new StartException(
                    "onDemandTls.permission.class is given beside a permission policy in Java; keep one of them");
        }
    }

    /**
     * Builds what decides.
     *
     * @throws StartException if the class or the data source cannot be used
     */
    static Permission permission(OnDemandTlsSetup setup, Permission.House house, Permission.Ports ports, Events events)
            throws StartException {
        OnDemandTlsConfig config = setup.config();
        PermissionPolicy policy = setup.permissionPolicy().isPresent()
                ? setup.permissionPolicy().get()
                : policy(config.permission().className());
        try {
            return new Permission(config.permission(), config.shield(), policy, house, ports, events);
        } catch (IllegalArgumentException e) {
            throw new StartException("onDemandTls.permission.dataSource: " + e.getMessage());
        }
    }

    /** Asks once ahead of the first visitor, where a URL is to be asked; blocks for two seconds at most. */
    static Runnable rehearsal(OnDemandTlsConfig config, Permission.Ports ports) {
        return config.permission().ask().isPresent() ? new AskRehearsal(ports)::perform : () -> {};
    }

    private static @Nullable PermissionPolicy policy(Optional<String> className) throws StartException {
        if (className.isEmpty()) {
            return null;
        }
        String prefix = "onDemandTls.permission.class: ";
        String key = prefix + className.get();
        try {
            ClassLoader context = Thread.currentThread().getContextClassLoader();
            ClassLoader loader = context != null ? context : PermissionSetup.class.getClassLoader();
            Object policy = Class.forName(className.get(), true, loader)
                    .getDeclaredConstructor()
                    .newInstance();
            if (policy instanceof PermissionPolicy good) {
                return good;
            }
            throw new StartException(key + " does not implement " + PermissionPolicy.class.getName());
        } catch (ClassNotFoundException e) {
            throw new StartException(prefix + e.getMessage() + " is not on the server's class path");
        } catch (InvocationTargetException | ExceptionInInitializerError e) {
            Throwable thrown = e.getCause() == null ? e : e.getCause();
            // In the operator's own code: the stack trace says where.
            throw new StartException(key + " cannot be made: its code failed (" + thrown + ")", thrown);
        } catch (ReflectiveOperationException | LinkageError e) {
            throw new StartException(
                    key + " cannot be made: it needs a public constructor without arguments (" + e + ")");
        }
    }
}
