package org.ondemandtls.tomcat;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import javax.management.ObjectName;
import org.junit.jupiter.api.Test;
import org.ondemandtls.testing.FirstVisitContract;

class FirstVisitIT extends FirstVisitContract<TomcatFixture> {

    @Override
    protected TomcatFixture fixture(Path directory) throws IOException {
        return new TomcatFixture(directory);
    }

    @Test
    void theBeansOfTomcatAndOurOwnAreThere() throws Exception {
        fixture.visit("shop.customer.test");
        var beans = ManagementFactory.getPlatformMBeanServer();
        String threadPool = "Tomcat:type=ThreadPool,name=\"https-jsse-nio-127.0.0.1-auto-*\",*";

        ObjectName found = beans.queryNames(new ObjectName(threadPool), null).stream()
                .findFirst()
                .orElseThrow();

        assertThat(beans.getAttribute(found, "maxThreads")).isEqualTo(TomcatFixture.THREADS);
        assertThat(beans.getAttribute(found, "connectionCount")).isInstanceOf(Long.class);
        assertThat(beans.getAttribute(new ObjectName("org.ondemandtls:type=OnDemandTls"), "InventorySize"))
                .isEqualTo(1L);
    }
}
