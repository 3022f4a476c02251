package org.ondemandtls.spring;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Proxy;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.ondemandtls.status.OnDemandTlsMXBean;

/** {@link OnDemandTlsEndpoint}. */
class OnDemandTlsEndpointTest {

    private final OnDemandTlsEndpoint endpoint = new OnDemandTlsEndpoint(() -> Optional.of(bean()), Optional::empty);
    private final OnDemandTlsEndpoint stopped = new OnDemandTlsEndpoint(Optional::empty, Optional::empty);

    @Test
    void everyAttributeOfTheMxBeanIsAFigure() {
        long attributes = Stream.of(OnDemandTlsMXBean.class.getMethods())
                .filter(method -> method.getName().startsWith("get"))
                .count();

        assertThat(endpoint.figures())
                .hasSize(Math.toIntExact(attributes))
                .containsEntry("issuer", "getIssuer")
                .containsEntry("inventorySize", 7L);
    }

    @Test
    void aNameIsExplainedAndTriedAgain() {
        assertThat(explained(endpoint)).isEqualTo(Map.of("name", "shop.example", "answer", "explain shop.example"));
        assertThat(endpoint.retry("shop.example"))
                .isEqualTo(Map.of("name", "shop.example", "answer", "retry shop.example"));
    }

    @Test
    void saysSoWhereNothingRuns() {
        assertThat(stopped.figures()).isEmpty();
        assertThat(explained(stopped))
                .isEqualTo(Map.of("name", "shop.example", "answer", "On-Demand TLS does not run"));
        assertThat(stopped.retry("shop.example"))
                .isEqualTo(Map.of("name", "shop.example", "answer", "On-Demand TLS does not run"));
        assertThat(stopped.look(new String[] {"names", "shop.example"}).getStatus())
                .isEqualTo(503);
        assertThat(stopped.act(new String[] {"names", "shop.example", "obtain"}, null, null)
                        .getStatus())
                .isEqualTo(503);
    }

    private static Object explained(OnDemandTlsEndpoint endpoint) {
        return endpoint.explain("shop.example", null, null, null, null, null, null, null, null);
    }

    private static OnDemandTlsMXBean bean() {
        return (OnDemandTlsMXBean) Proxy.newProxyInstance(
                OnDemandTlsEndpointTest.class.getClassLoader(),
                new Class<?>[] {OnDemandTlsMXBean.class},
                (self, method, arguments) -> {
                    if (arguments != null) {
                        return method.getName() + " " + arguments[0];
                    }
                    if (method.getReturnType() == long.class) {
                        return 7L;
                    }
                    if (method.getReturnType() == int.class) {
                        return 7;
                    }
                    return method.getReturnType() == String.class ? method.getName() : Map.of();
                });
    }
}
