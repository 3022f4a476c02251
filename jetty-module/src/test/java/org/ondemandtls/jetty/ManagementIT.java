package org.ondemandtls.jetty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.management.UnixOperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import javax.management.MBeanAttributeInfo;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.eclipse.jetty.jmx.MBeanContainer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an operator sees of the component in Jetty's dump and in JMX, and that all of it goes with it. */
class ManagementIT {

    private static final int CYCLES = 100;
    private static final int WARM_UP = 5;
    private static final String ENGINE = "org.ondemandtls:type=OnDemandTls";

    @TempDir
    Path directory;

    private final MBeanServer mbeans = ManagementFactory.getPlatformMBeanServer();
    private ServerFixture fixture;

    @BeforeEach
    void prepare() throws Exception {
        fixture = new ServerFixture(directory);
    }

    @AfterEach
    void stop() throws Exception {
        fixture.close();
    }

    @Test
    void theDumpNamesTheComponentItsIssuerAndItsStoreAndTheGateOfTheConnector() throws Exception {
        fixture.start();

        assertThat(fixture.server.dump())
                .contains("JettyOnDemandTls@")
                .contains("issuer=internal")
                .contains("store=" + directory.resolve("store"))
                .contains("OnDemandSslConnectionFactory@")
                .contains("AcmeChallengeHandler@");
    }

    @Test
    void jettysMBeansShowTheComponent() throws Exception {
        MBeanContainer container = new MBeanContainer(mbeans);
        fixture.server.addBean(container);
        fixture.server.addEventListener(container);
        fixture.start();

        Set<ObjectName> found =
                mbeans.queryNames(new ObjectName("org.ondemandtls.jetty:type=jettyondemandtls,*"), null);

        assertThat(found).hasSize(1);
        ObjectName component = found.iterator().next();
        assertThat(mbeans.getAttribute(component, "issuer")).isEqualTo("internal");
        assertThat(mbeans.getAttribute(component, "store"))
                .isEqualTo(directory.resolve("store").toString());
        assertThat(mbeans.getAttribute(component, "plainConnector")).isEqualTo(true);
        assertThat(mbeans.getMBeanInfo(component).getAttributes())
                .filteredOn(
                        attribute -> Set.of("issuer", "store", "plainConnector").contains(attribute.getName()))
                .hasSize(3)
                .noneMatch(MBeanAttributeInfo::isWritable);
    }

    @Test
    void theEnginesMBeanIsThereWhileTheServerRunsAndNoLonger() throws Exception {
        ObjectName engine = new ObjectName(ENGINE);
        assertThat(mbeans.isRegistered(engine)).isFalse();
        fixture.start();
        fixture.client().get("shop.customer.test");

        assertThat(mbeans.getAttribute(engine, "Issuer")).isEqualTo("internal");
        assertThat(mbeans.getAttribute(engine, "InventorySize")).isEqualTo(1L);

        fixture.server.stop();

        assertThat(mbeans.isRegistered(engine)).isFalse();
    }

    @Test
    void twoServersOfOneJvmHaveOneMBeanEach() throws Exception {
        fixture.start();
        ServerFixture second = new ServerFixture(directory.resolve("second"));
        try {
            second.start();

            assertThat(mbeans.queryNames(new ObjectName(ENGINE + ",*"), null)).hasSize(2);
        } finally {
            second.close();
        }
        assertThat(mbeans.queryNames(new ObjectName(ENGINE + ",*"), null)).containsExactly(new ObjectName(ENGINE));
    }

    @Test
    void aHundredStartsAndStopsLeaveNoThreadNoMBeanAndNoDescriptor() throws Exception {
        fixture.add();
        cycle(WARM_UP);
        List<String> threadsBefore = threads();
        int mbeansBefore = mbeans.getMBeanCount();
        long descriptorsBefore = descriptors();

        cycle(CYCLES);

        await().untilAsserted(() -> assertThat(threads()).noneMatch(name -> name.startsWith("ondemand-tls")));
        assertThat(mbeans.getMBeanCount()).isEqualTo(mbeansBefore);
        // The JDK's HTTP client ends its thread when it is collected.
        await().pollInSameThread().untilAsserted(() -> {
            System.gc();
            assertThat(threads()).hasSizeLessThanOrEqualTo(threadsBefore.size());
            assertThat(descriptors()).isLessThan(descriptorsBefore + CYCLES / 4);
        });
    }

    private void cycle(int times) throws Exception {
        for (int i = 0; i < times; i++) {
            fixture.server.start();
            assertThat(fixture.client().get("shop.customer.test")).startsWith("HTTP/1.1 200 ");
            fixture.server.stop();
        }
    }

    private static List<String> threads() {
        Thread[] all = new Thread[1_000];
        int count = Thread.enumerate(all);
        return Arrays.stream(all, 0, count).map(Thread::getName).toList();
    }

    private static long descriptors() {
        return ManagementFactory.getPlatformMXBean(UnixOperatingSystemMXBean.class)
                .getOpenFileDescriptorCount();
    }
}
