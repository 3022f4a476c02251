package org.ondemandtls.jetty;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.testing.Database;

/** Requests for which other servers are asked: each ends, whatever is thrown. */
@Tag("once")
class AskedElsewhereIT {

    private static final String REQUEST =
            "GET /.well-known/acme-challenge/token HTTP/1.1\r\nHost: shop.customer.test\r\nConnection: close\r\n\r\n";

    @TempDir
    private Path directory;

    private ServerFixture fixture;
    private volatile Error thrown;

    @BeforeEach
    void start() throws Exception {
        fixture = new ServerFixture(directory);
        fixture.keys.put(
                "onDemandTls.store", Database.shared(Database.Kind.POSTGRESQL).fresh());
        fixture.server.insertHandler(new Handler.Wrapper() {
            @Override
            public boolean handle(Request request, Response response, Callback callback) throws Exception {
                if (thrown != null) {
                    throw thrown;
                }
                return super.handle(request, response, callback);
            }
        });
        fixture.launch();
    }

    @AfterEach
    void stop() throws Exception {
        fixture.close();
    }

    @Test
    void whatNobodyShowsGoesOnToTheApplication() throws Exception {
        assertThat(fixture.plain(REQUEST)).startsWith("HTTP/1.1 200 ").contains("hello from");
    }

    @Test
    void anErrorOfTheApplicationEndsTheRequest() throws Exception {
        thrown = new AssertionError("an error of the application");

        assertThat(fixture.plain(REQUEST)).startsWith("HTTP/1.1 500 ");
    }
}
