package org.ondemandtls.store;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Set;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.event.Figure;
import org.ondemandtls.event.Figures;
import org.ondemandtls.event.FlightRecorder;

/** Times what a store does, whatever it offers: one series for each operation and result. */
public final class MeasuredStore implements InvocationHandler {

    // These do no I/O, and some of them stand in a visitor's way.
    private static final Set<String> NOT_TIMED = Set.of(
            "location",
            "mayHold",
            "knowsItsNames",
            "remember",
            "ledger",
            "peers",
            "toString",
            "hashCode",
            "equals",
            "close");

    private final CertificateStore store;
    private final Figures figures;
    private final LongSupplier nanoTime;

    private MeasuredStore(CertificateStore store, Figures figures, LongSupplier nanoTime) {
        this.store = store;
        this.figures = figures;
        this.nanoTime = nanoTime;
    }

    /**
     * Measures a store.
     *
     * @param store what does the work
     * @param figures where the times go
     * @param nanoTime a monotonic clock in nanoseconds
     */
    public static CertificateStore of(CertificateStore store, Figures figures, LongSupplier nanoTime) {
        return (CertificateStore) Proxy.newProxyInstance(
                CertificateStore.class.getClassLoader(),
                new Class<?>[] {CertificateStore.class},
                new MeasuredStore(store, figures, nanoTime));
    }

    @Override
    public @Nullable Object invoke(Object proxy, Method method, Object @Nullable [] arguments) throws Throwable {
        if (method.isDefault()) {
            // What it does by the others is timed.
            return InvocationHandler.invokeDefault(proxy, method, arguments);
        }
        if (NOT_TIMED.contains(method.getName())) {
            return called(method, arguments);
        }
        long start = nanoTime.getAsLong();
        FlightRecorder.Span span = FlightRecorder.store(method.getName());
        String result = "failed";
        try {
            Object answer = called(method, arguments);
            result = "done";
            return answer;
        } catch (StaleRevisionException | LeaseLostException e) {
            result = "refused";
            throw e;
        } finally {
            span.end(result);
            figures.time(Figure.STORE, nanoTime.getAsLong() - start, method.getName(), result);
        }
    }

    private @Nullable Object called(Method method, Object @Nullable [] arguments) throws Throwable {
        try {
            return method.invoke(store, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause() == null ? e : e.getCause();
        }
    }
}
