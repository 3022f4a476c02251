package org.ondemandtls.testing;

import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.handshake.Admission;
import org.ondemandtls.handshake.InventoryKeyManager;
import org.ondemandtls.handshake.ServedMatcher;
import org.ondemandtls.inventory.IdleCertificates;
import org.ondemandtls.inventory.Inventory;
import org.ondemandtls.inventory.Visits;
import org.ondemandtls.name.ServerName;

/** Many names that are held, as an engine holds them, and what that takes of the heap. */
public final class HeldNames {

    private static final int ROUNDS = 2;
    // Its certificate factory keeps the last so many it has read.
    private static final int KEPT_BY_THE_JDK = 1000;

    private final ManualTime time = new ManualTime();
    private final AtomicLong nanos = new AtomicLong();
    private final int count;
    private final Inventory inventory;
    private final Visits visits;
    private final InventoryKeyManager keyManager;
    private final IdleCertificates idle;
    private final SSLContext context;
    private final long before;

    /**
     * Holds names, each of which was visited once.
     *
     * @param count how many
     */
    public HeldNames(int count) throws Exception {
        this.count = count;
        this.context = SSLContext.getInstance("TLS");
        context.init(null, null, null);
        Instant now = time.clock().instant();
        PublicLeaves leaves = new PublicLeaves(now);
        // Classes, and what the JDK keeps of certificates by itself, are not the names'.
        for (int number = 0; number < KEPT_BY_THE_JDK; number++) {
            leaves.leaf("before-" + number + ".example.com");
        }
        this.before = heap();
        // Twice as many: what may be held takes memory as well, but nothing is pushed out.
        this.inventory = new Inventory(2 * count, time.clock());
        this.visits = new Visits(2 * count, time.clock());
        this.keyManager = new InventoryKeyManager(inventory);
        this.idle = new IdleCertificates(inventory, nanos::get);
        for (int number = 0; number < count; number++) {
            KeyedCertificate certificate = leaves.leaf("shop-" + number + ".customers.example.com");
            inventory.publish(certificate);
            visit(number);
        }
        visits.take(Integer.MAX_VALUE);
    }

    /** What of the heap a name takes, in octets. */
    public long perName() {
        return (heap() - before) / count;
    }

    /**
     * Lets the time pass after which certificates rest that are not visited.
     *
     * @param visited how many of the names are visited meanwhile, again and again
     */
    public void pass(int visited) {
        for (int round = 0; round < ROUNDS; round++) {
            for (int number = 0; number < visited; number++) {
                visit(number);
            }
            visits.take(Integer.MAX_VALUE);
            nanos.addAndGet(IdleCertificates.ROUND.toNanos());
            for (int look = 0; look <= IdleCertificates.ROUND.dividedBy(IdleCertificates.LOOK); look++) {
                idle.look();
            }
        }
    }

    /** How many names rest. */
    public long resting() {
        return inventory.all().stream().filter(KeyedCertificate::isResting).count();
    }

    private void visit(int number) {
        ServerName name = new ServerName("shop-" + number + ".customers.example.com");
        KeyedCertificate certificate = inventory.find(name).orElseThrow();
        SSLEngine engine = context.createSSLEngine();
        engine.setUseClientMode(false);
        ServedMatcher.bind(engine, new Admission.Serve(name, certificate, false));
        String alias = keyManager.chooseEngineServerAlias("EC", null, engine);
        if (alias == null || keyManager.getPrivateKey(alias) == null || keyManager.getCertificateChain(alias) == null) {
            throw new AssertionError(name + " is not served");
        }
        visits.visited(certificate);
    }

    private static long heap() {
        MemoryMXBean memory = ManagementFactory.getMemoryMXBean();
        memory.gc();
        memory.gc();
        memory.gc();
        return memory.getHeapMemoryUsage().getUsed();
    }
}
