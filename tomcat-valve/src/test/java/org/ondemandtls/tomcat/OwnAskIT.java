package org.ondemandtls.tomcat;

import static org.assertj.core.api.Assertions.assertThat;

import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.file.Files;
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
import org.apache.catalina.Context;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.core.StandardThreadExecutor;
import org.apache.catalina.startup.Tomcat;
import org.apache.coyote.AbstractProtocol;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.testing.FreePorts;

/** A server whose permission is asked of one of its own applications. */
class OwnAskIT {

    private static final int NAMES = 50;
    private static final int THREADS = 8;
    private static final long THINKING_NANOS = 20_000_000;

    @TempDir
    Path directory;

    private final ExecutorService clients = Executors.newFixedThreadPool(NAMES);
    private final Set<String> asked = ConcurrentHashMap.newKeySet();
    private TomcatFixture fixture;

    @AfterEach
    void stop() throws Exception {
        fixture.close();
        clients.shutdownNow();
    }

    @Test
    void fiftyNewNamesAtOnceAreServedByEightThreadsThatAnswerTheAskToo() throws Exception {
        fixture = new TomcatFixture(directory);
        int port = FreePorts.next();
        fixture.plain.setPort(port);
        fixture.keys.put("onDemandTls.permission.ask", "http://127.0.0.1:" + port + "/own/check");
        fixture.keys.remove("onDemandTls.permission.askTimeout");
        StandardThreadExecutor threads = new StandardThreadExecutor();
        threads.setName("shared");
        threads.setMaxThreads(THREADS);
        threads.setMinSpareThreads(THREADS);
        fixture.tomcat.getService().addExecutor(threads);
        share(fixture.plain, threads);
        share(fixture.secure, threads);
        Context own = fixture.tomcat.addContext(
                "/own", Files.createDirectories(directory.resolve("own")).toString());
        Tomcat.addServlet(own, "check", new Check());
        own.addServletMappingDecoded("/check", "check");
        fixture.launch();
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

    private static void share(Connector connector, StandardThreadExecutor threads) {
        ((AbstractProtocol<?>) connector.getProtocolHandler()).setExecutor(threads);
    }

    private String visit(String name, CountDownLatch start) {
        try {
            start.await();
            return fixture.visit(name);
        } catch (InterruptedException e) {
            return e.toString();
        }
    }

    private final class Check extends HttpServlet {

        @Override
        protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
            asked.add(request.getParameter("domain"));
            // It blocks its thread, as applications do.
            LockSupport.parkNanos(THINKING_NANOS);
            response.getWriter().write("yes");
        }
    }
}
