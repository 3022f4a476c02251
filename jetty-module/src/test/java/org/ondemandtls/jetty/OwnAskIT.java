package org.ondemandtls.jetty;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
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
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.Fields;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server whose permission is asked of one of its own applications. */
class OwnAskIT {

    private static final int NAMES = 50;
    private static final long THINKING_NANOS = 20_000_000;

    @TempDir
    Path directory;

    private final ExecutorService clients = Executors.newFixedThreadPool(NAMES);
    private final Set<String> asked = ConcurrentHashMap.newKeySet();
    private ServerFixture fixture;

    @AfterEach
    void stop() throws Exception {
        fixture.close();
        clients.shutdownNow();
    }

    @Test
    void fiftyNewNamesAtOnceAreServedByEightThreadsThatAnswerTheAskToo() throws Exception {
        fixture = new ServerFixture(directory);
        fixture.plain.open();
        fixture.keys.put("onDemandTls.permission.ask", "http://127.0.0.1:" + fixture.plain.getLocalPort() + "/check");
        fixture.keys.remove("onDemandTls.permission.askTimeout");
        fixture.server.setHandler(new Handler.Abstract() {
            @Override
            public boolean handle(Request request, Response response, Callback callback) {
                if (Request.getPathInContext(request).equals("/check")) {
                    Fields parameters = Request.extractQueryParameters(request);
                    asked.add(parameters.getValue("domain"));
                    // It blocks its thread, as applications do.
                    LockSupport.parkNanos(THINKING_NANOS);
                }
                Content.Sink.write(response, true, "hello", callback);
                return true;
            }
        });
        fixture.start();
        CountDownLatch start = new CountDownLatch(1);
        List<CompletableFuture<String>> visits = new ArrayList<>();
        for (int i = 0; i < NAMES; i++) {
            String name = "shop" + i + ".customer.test";
            visits.add(CompletableFuture.supplyAsync(() -> visit(name, start), clients));
        }

        start.countDown();

        CompletableFuture.allOf(visits.toArray(CompletableFuture[]::new)).get(30, TimeUnit.SECONDS);
        assertThat(visits).allSatisfy(visit -> assertThat(visit.join()).startsWith("HTTP/1.1 200 "));
        assertThat(asked).hasSize(NAMES);
    }

    private String visit(String name, CountDownLatch start) {
        try {
            start.await();
            return fixture.client().get(name);
        } catch (Exception e) {
            return e.toString();
        }
    }
}
