package org.ondemandtls.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;

/** How a host comes to life, and what it leaves behind. */
public abstract class LifeCycleContract<F extends HostFixture> extends HostContract<F> {

    @Test
    void aServerStartedAgainServesFromItsStoreAndLeavesNothingBehindWhenStopped() throws Exception {
        for (int i = 0; i < 5; i++) {
            fixture.launch();
            // An embedded application of Tomcat has lost its servlets by the second start; TLS has not.
            assertThat(fixture.visit("shop.customer.test")).startsWith("HTTP/1.1 ");
            fixture.halt();
            assertNoThreadIsLeft();
        }

        assertThat(fixture.ask.timesAsked("shop.customer.test")).isEqualTo(1);
    }

    @Test
    void aServerThatCannotStartLeavesNothingBehind() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            fixture.listenOn(taken.getLocalPort());

            assertThatThrownBy(fixture::launch).hasStackTraceContaining("BindException");

            assertNoThreadIsLeft();
        }
    }

    @Test
    void allMistakesAreReportedAtOnce() {
        fixture.keys.put("onDemandTls.isuer", "internal");
        fixture.keys.put("onDemandTls.handshake.deadline", "soon");

        assertThatThrownBy(fixture::launch)
                .hasStackTraceContaining("onDemandTls.isuer")
                .hasStackTraceContaining("onDemandTls.handshake.deadline");
    }

    @Test
    void anUnusableStoreStopsTheStart() throws Exception {
        Path store = Files.createDirectory(Path.of(fixture.keys.get("onDemandTls.store")));
        Files.writeString(store.resolve("somebody-elses"), "file");
        Files.setPosixFilePermissions(store, PosixFilePermissions.fromString("rwxr-xr-x"));

        assertThatThrownBy(fixture::launch)
                .hasStackTraceContaining("StartException")
                .hasStackTraceContaining(store.toString());
        assertNoThreadIsLeft();
    }
}
