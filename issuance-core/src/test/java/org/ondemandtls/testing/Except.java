package org.ondemandtls.testing;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.concurrent.Callable;

/** Something that does all that another does, but for one of its methods. */
public final class Except {

    private Except() {}

    /** What the method does instead. */
    @FunctionalInterface
    public interface Instead {

        /**
         * Does it.
         *
         * @param through what the method would have done
         * @return what the caller gets
         */
        Object call(Callable<Object> through) throws Exception;
    }

    /**
     * Puts it before another.
     *
     * @param type what both are
     * @param all does all else
     * @param method the name of the method
     * @param instead what that does
     */
    public static <T> T of(Class<T> type, T all, String method, Instead instead) {
        return type.cast(Proxy.newProxyInstance(
                type.getClassLoader(), new Class<?>[] {type}, (proxy, called, arguments) -> {
                    Callable<Object> through = () -> called.invoke(all, arguments);
                    try {
                        return called.getName().equals(method) ? instead.call(through) : through.call();
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                }));
    }
}
