package org.ondemandtls.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A server whose permission is asked of one of its own applications. */
public abstract class OwnAskContract<F extends HostFixture> extends HostContract<F> {

    private static final int NAMES = 50;
    private static final int THREADS = 8;
    private static final long THINKING_NANOS = 20_000_000;

    private final ExecutorService clients = Executors.newFixedThreadPool(NAMES);
    private final Set<String> asked = ConcurrentHashMap.newKeySet();

    @AfterEach
    void endClients() {
        clients.shutdownNow();
    }

    @Test
    void fiftyNewNamesAtOnceAreServedByEightThreadsThatAnswerTheAskToo() throws Exception {
        // Whether they are served, not how fast: the machine may have other work.
        fixture.keys.put("onDemandTls.handshake.deadline", "3m");
        fixture.askItself(THREADS, name -> {
            asked.add(name);
            // It blocks its thread, as applications do.
            LockSupport.parkNanos(THINKING_NANOS);
        });
        fixture.launch();
        CountDownLatch start = new CountDownLatch(1);
        List<CompletableFuture<String>> visits = new ArrayList<>();
        for (int i = 0; i < NAMES; i++) {
            String name = "shop" + i + ".customer.test";
            visits.add(CompletableFuture.supplyAsync(() -> visit(name, start), clients));
        }

        start.countDown();

        CompletableFuture.allOf(visits.toArray(CompletableFuture[]::new)).get(3, TimeUnit.MINUTES);
        assertThat(visits).allSatisfy(visit -> assertThat(visit.join()).startsWith("HTTP/1.1 200"));
        assertThat(asked).filteredOn(name -> name.endsWith(".customer.test")).hasSize(NAMES);
    }

    private String visit(String name, CountDownLatch start) {
        try {
            start.await();
            return fixture.visit(name);
        } catch (InterruptedException e) {
            return e.toString();
        }
    }
}
