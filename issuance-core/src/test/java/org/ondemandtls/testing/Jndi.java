package org.ondemandtls.testing;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.Hashtable;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import javax.naming.Context;
import javax.naming.NameNotFoundException;
import javax.naming.spi.InitialContextFactory;

/** A naming service of this JVM, which has none by itself: what is bound is found, by its plain name only. */
public final class Jndi implements InitialContextFactory, AutoCloseable {

    private static final Map<String, Object> BOUND = new ConcurrentHashMap<>();

    /** Made by the JDK, and by tests that bind something; closing forgets what is bound. */
    public Jndi() {
        System.setProperty(Context.INITIAL_CONTEXT_FACTORY, Jndi.class.getName());
    }

    /** Binds an object. */
    public Jndi bind(String name, Object object) {
        BOUND.put(name, object);
        return this;
    }

    @Override
    public Context getInitialContext(Hashtable<?, ?> environment) {
        InvocationHandler lookUp = (proxy, method, arguments) -> {
            if (!method.getName().equals("lookup")) {
                return null;
            }
            Object found = BOUND.get(String.valueOf(arguments[0]));
            if (found == null) {
                throw new NameNotFoundException();
            }
            return found;
        };
        return (Context) Proxy.newProxyInstance(Jndi.class.getClassLoader(), new Class<?>[] {Context.class}, lookUp);
    }

    @Override
    public void close() {
        BOUND.clear();
        System.clearProperty(Context.INITIAL_CONTEXT_FACTORY);
    }
}
