package org.ondemandtls.spring;

import org.springframework.beans.factory.SmartInitializingSingleton;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Conditional;

/** Ends the start of a reactive application that asks for certificates on demand: nobody would obtain them. */
@AutoConfiguration
@Conditional(OnAnyKey.class)
@ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.REACTIVE)
class OnDemandTlsReactiveAutoConfiguration {

    @Bean
    SmartInitializingSingleton onDemandTlsUnserved() {
        return () -> {
            throw Refusals.unserved();
        };
    }
}
