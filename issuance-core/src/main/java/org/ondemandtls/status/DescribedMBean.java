package org.ondemandtls.status;

import java.lang.annotation.Annotation;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Optional;
import javax.management.MBeanAttributeInfo;
import javax.management.MBeanInfo;
import javax.management.MBeanOperationInfo;
import javax.management.MBeanParameterInfo;
import javax.management.StandardMBean;
import org.jspecify.annotations.Nullable;

/** The MXBean of one engine with the words of its {@link Described} annotations. */
public final class DescribedMBean extends StandardMBean {

    /**
     * Wraps what JMX shows.
     *
     * @param status the counters, gauges and operations
     */
    public DescribedMBean(OnDemandTlsMXBean status) {
        super(status, OnDemandTlsMXBean.class, true);
    }

    @Override
    protected @Nullable String getDescription(MBeanInfo info) {
        Described described = OnDemandTlsMXBean.class.getAnnotation(Described.class);
        return described == null ? info.getDescription() : described.value();
    }

    @Override
    protected @Nullable String getDescription(MBeanAttributeInfo info) {
        return method((info.isIs() ? "is" : "get") + info.getName(), 0)
                .map(getter -> getter.getAnnotation(Described.class))
                .map(Described::value)
                .orElse(info.getDescription());
    }

    @Override
    protected @Nullable String getDescription(MBeanOperationInfo info) {
        return method(info.getName(), info.getSignature().length)
                .map(operation -> operation.getAnnotation(Described.class))
                .map(Described::value)
                .orElse(info.getDescription());
    }

    @Override
    protected @Nullable String getParameterName(MBeanOperationInfo operation, MBeanParameterInfo info, int at) {
        return parameter(operation, at).map(Described::name).orElse(info.getName());
    }

    @Override
    protected @Nullable String getDescription(MBeanOperationInfo operation, MBeanParameterInfo info, int at) {
        return parameter(operation, at).map(Described::value).orElse(info.getDescription());
    }

    private static Optional<Method> method(String name, int parameters) {
        return Arrays.stream(OnDemandTlsMXBean.class.getMethods())
                .filter(method -> method.getName().equals(name) && method.getParameterCount() == parameters)
                .findFirst();
    }

    private static Optional<Described> parameter(MBeanOperationInfo operation, int at) {
        return method(operation.getName(), operation.getSignature().length).flatMap(method -> {
            for (Annotation annotation : method.getParameterAnnotations()[at]) {
                if (annotation instanceof Described described) {
                    return Optional.of(described);
                }
            }
            return Optional.empty();
        });
    }
}
