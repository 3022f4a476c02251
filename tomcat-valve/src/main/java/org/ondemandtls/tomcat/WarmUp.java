package org.ondemandtls.tomcat;

import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.juli.logging.Log;
import org.apache.juli.logging.LogFactory;
import org.apache.tomcat.util.net.SSLHostConfig;
import org.apache.tomcat.util.net.jsse.JSSEUtil;
import org.ondemandtls.machine.Threads;

/**
 * Has Tomcat make ready what any connector with TLS needs, the JDK's TLS and its list of ciphers, while Tomcat goes on
 * reading its configuration. The connector then finds it done, or waits for the rest of it.
 *
 * <p>Once in the life of a JVM, on a thread that ends within a second. Nothing is made that another connector would not
 * make; a mistake shows itself to the connector as it would without.
 */
final class WarmUp {

    private static final Log log = LogFactory.getLog(WarmUp.class);
    private static final AtomicBoolean BEGUN = new AtomicBoolean();

    private WarmUp() {}

    /** Begins; returns at once. */
    static void begin() {
        if (BEGUN.compareAndSet(false, true)) {
            Threads.daemon("ondemand-tls-warm-up", WarmUp::run).start();
        }
    }

    /**
     * Does it. Blocks for some tenths of a second.
     *
     * @return how many ciphers a connector has by default
     */
    static int load() throws ClassNotFoundException {
        Class.forName(JSSEUtil.class.getName(), true, WarmUp.class.getClassLoader());
        return new SSLHostConfig().getJsseCipherNames().size();
    }

    private static void run() {
        try {
            load();
        } catch (ClassNotFoundException | RuntimeException | LinkageError e) {
            // The connector meets it again, and says so.
            log.debug("warm-up", e);
        }
    }
}
