package com.example.shop;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import javax.management.ObjectName;
import org.junit.jupiter.api.Test;
import org.ondemandtls.spring.OnDemandTlsAutoConfiguration;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.context.ApplicationContext;

/** A test of the application as it is configured for production: it opens no store and speaks to no CA. */
@SpringBootTest(webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT)
class ShopTest {

    @Autowired
    private ApplicationContext application;

    @Test
    void aTestContactsNoCa() throws Exception {
        assertThat(application.getBeanNamesForType(OnDemandTlsAutoConfiguration.class))
                .isEmpty();
        assertThat(ManagementFactory.getPlatformMBeanServer().queryNames(new ObjectName("org.ondemandtls:*"), null))
                .isEmpty();
    }
}
