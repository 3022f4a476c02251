package org.ondemandtls.examples.springboot;

import java.util.Set;
import java.util.function.Predicate;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Says which names may have a certificate. */
@Configuration
class Customers {

    /** The starter finds this bean by its name. */
    @Bean
    Predicate<String> onDemandTlsPermission(@Value("${shop.customers}") Set<String> customers) {
        return customers::contains;
    }
}
