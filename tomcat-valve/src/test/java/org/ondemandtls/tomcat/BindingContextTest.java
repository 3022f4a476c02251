package org.ondemandtls.tomcat;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import javax.net.ssl.SSLEngine;
import org.apache.tomcat.util.net.SSLHostConfig;
import org.apache.tomcat.util.net.SSLHostConfigCertificate;
import org.apache.tomcat.util.net.jsse.JSSEUtil;
import org.junit.jupiter.api.Test;

/** {@link BindingContext}: the engine Tomcat makes is bound at once, and no other. */
class BindingContextTest {

    private final List<SSLEngine> bound = new ArrayList<>();
    private final BindingContext context = new BindingContext(stock());

    private static org.apache.tomcat.util.net.SSLContext stock() {
        SSLHostConfig config = new SSLHostConfig();
        try {
            return new JSSEUtil(new SSLHostConfigCertificate(config, SSLHostConfigCertificate.Type.UNDEFINED)) {
                @Override
                public javax.net.ssl.KeyManager[] getKeyManagers() {
                    return new javax.net.ssl.KeyManager[0];
                }
            }.createSSLContext(List.of());
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void theEngineThatIsAwaitedIsBoundWhenItIsMade() {
        BindingContext.expect(bound::add);

        SSLEngine made = context.createSSLEngine();
        BindingContext.expectNone();
        context.createSSLEngine();

        assertThat(bound).containsExactly(made);
    }

    @Test
    void theEngineOfAnotherThreadIsNotBound() throws Exception {
        BindingContext.expect(bound::add);
        try {
            CompletableFuture.supplyAsync(context::createSSLEngine, task -> new Thread(task).start())
                    .get();
        } finally {
            BindingContext.expectNone();
        }

        assertThat(bound).isEmpty();
    }
}
