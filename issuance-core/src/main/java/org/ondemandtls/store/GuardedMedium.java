package org.ondemandtls.store;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Stands before a medium, what it shows, counts and shares: what it throws and never should is a {@link StoreException}, an
 * outage like any other, after which it is asked again. A method that may not throw one is left as it is.
 */
final class GuardedMedium implements InvocationHandler {

    private static final List<Class<?>> GUARDED = List.of(Medium.View.class, Ledger.class, Peers.class);

    private final Object guarded;

    private GuardedMedium(Object guarded) {
        this.guarded = guarded;
    }

    static Medium of(Medium medium) {
        return guarded(Medium.class, medium);
    }

    private static <T> T guarded(Class<T> type, Object what) {
        return type.cast(Proxy.newProxyInstance(
                GuardedMedium.class.getClassLoader(), new Class<?>[] {type}, new GuardedMedium(what)));
    }

    @Override
    public @Nullable Object invoke(Object proxy, Method method, Object @Nullable [] arguments) throws Throwable {
        try {
            Object answer = method.invoke(guarded, arguments);
            return GUARDED.contains(method.getReturnType()) && answer != null
                    ? guarded(method.getReturnType(), answer)
                    : answer;
        } catch (InvocationTargetException e) {
            Throwable thrown = e.getCause() == null ? e : e.getCause();
            if ((thrown instanceof RuntimeException || thrown instanceof Error)
                    && Arrays.asList(method.getExceptionTypes()).contains(StoreException.class)) {
                throw new StoreException("the store failed as it never should, which is a defect: " + thrown, thrown);
            }
            throw thrown;
        }
    }
}
