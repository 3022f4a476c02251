package org.ondemandtls;

import java.lang.management.ManagementFactory;
import javax.management.InstanceAlreadyExistsException;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.status.DescribedMBean;
import org.ondemandtls.status.Status;

/**
 * One engine's place among the JVM's MBeans. Several engines in one JVM are told apart by a number.
 *
 * @param name the name it is registered under
 */
record Registration(ObjectName name) {

    private static final String MBEAN = "org.ondemandtls:type=OnDemandTls";

    /**
     * Registers an engine under the first name that is free.
     *
     * @param status the engine's counters and gauges
     * @throws IllegalStateException if the MBean server refuses it
     */
    static Registration of(Status status) {
        MBeanServer server = ManagementFactory.getPlatformMBeanServer();
        try {
            for (int number = 1; ; number++) {
                ObjectName name = new ObjectName(number == 1 ? MBEAN : MBEAN + ",name=" + number);
                try {
                    server.registerMBean(new DescribedMBean(status), name);
                    return new Registration(name);
                } catch (InstanceAlreadyExistsException taken) {
                    // The next number may be free.
                }
            }
        } catch (JMException e) {
            throw new IllegalStateException("the MXBean cannot be registered", e);
        }
    }

    /** Gives the name back; what goes wrong is an event. */
    void end(Events events) {
        try {
            ManagementFactory.getPlatformMBeanServer().unregisterMBean(name);
        } catch (JMException e) {
            events.publish(EventKind.DEFECT, "the MXBean cannot be unregistered: " + e);
        }
    }
}
