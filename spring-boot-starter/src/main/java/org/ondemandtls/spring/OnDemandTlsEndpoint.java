package org.ondemandtls.spring;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.ondemandtls.status.OnDemandTlsMXBean;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.actuate.endpoint.annotation.ReadOperation;
import org.springframework.boot.actuate.endpoint.annotation.Selector;
import org.springframework.boot.actuate.endpoint.annotation.WriteOperation;

/**
 * What the MXBean has, as an endpoint of Spring Boot's actuator:
 *
 * <pre>
 * GET  /actuator/ondemandtls        all figures
 * GET  /actuator/ondemandtls/NAME   says what would be done with a name, and why
 * POST /actuator/ondemandtls/NAME   has a name tried again
 * </pre>
 *
 * <p>Safe for use by many threads. What concerns a name looks into the store, and blocks for that.
 */
@Endpoint(id = "ondemandtls")
public final class OnDemandTlsEndpoint {

    private static final String GETTER = "get";

    private final Supplier<Optional<? extends OnDemandTlsMXBean>> running;

    OnDemandTlsEndpoint(Supplier<Optional<? extends OnDemandTlsMXBean>> running) {
        this.running = running;
    }

    /** Every attribute of the MXBean, by its name; empty while the engine does not run. */
    @ReadOperation
    public Map<String, Object> figures() {
        Map<String, Object> figures = new TreeMap<>();
        Optional<? extends OnDemandTlsMXBean> bean = running.get();
        if (bean.isPresent()) {
            for (Method method : OnDemandTlsMXBean.class.getMethods()) {
                if (method.getName().startsWith(GETTER) && method.getParameterCount() == 0) {
                    figures.put(attribute(method), value(method, bean.get()));
                }
            }
        }
        return figures;
    }

    /**
     * Says what would be done with a name now, and why.
     *
     * @param name a server name as an operator spells it
     * @return one line
     */
    @ReadOperation
    public Map<String, String> explain(@Selector String name) {
        return answer(name, running.get().map(bean -> bean.explain(name)));
    }

    /**
     * Has a name tried again at once.
     *
     * @param name a server name as an operator spells it
     * @return what was done
     */
    @WriteOperation
    public Map<String, String> retry(@Selector String name) {
        return answer(name, running.get().map(bean -> bean.retry(name)));
    }

    private static Map<String, String> answer(String name, Optional<String> words) {
        return Map.of("name", name, "answer", words.orElse("On-Demand TLS does not run"));
    }

    private static String attribute(Method getter) {
        String name = getter.getName().substring(GETTER.length());
        return name.substring(0, 1).toLowerCase(Locale.ROOT) + name.substring(1);
    }

    private static Object value(Method getter, OnDemandTlsMXBean bean) {
        try {
            return getter.invoke(bean);
        } catch (IllegalAccessException | InvocationTargetException e) {
            throw new IllegalStateException(getter.getName() + " cannot be read", e);
        }
    }
}
