package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.ondemandtls.config.CaProxy;
import org.ondemandtls.testing.ConnectProxy;

/** {@link ProxyTunnel}: a way through a proxy, or words that say what to change. */
class ProxyTunnelTest {

    private static final CaProxy.Login LOGIN = new CaProxy.Login("us", "p@ss:wörd");

    private static CaProxy at(int port) {
        return new CaProxy("127.0.0.1", port, Optional.empty());
    }

    private static AbstractThrowableAssert<?, ? extends Throwable> refusal(String answer) throws Exception {
        try (ConnectProxy proxy = new ConnectProxy(null).answering(answer)) {
            return assertThatThrownBy(() -> ProxyTunnel.open(at(proxy.port()), "ca.example", 443, System::nanoTime))
                    .isInstanceOf(CaProxyException.class)
                    .hasMessageStartingWith("the proxy 127.0.0.1:" + proxy.port() + " of onDemandTls.acme.proxy ");
        }
    }

    @Test
    void leadsToTheCaForWhoeverKnowsUserAndPassword() throws Exception {
        try (ServerSocket ca = new ServerSocket(0);
                ConnectProxy proxy = new ConnectProxy(LOGIN.user() + ':' + LOGIN.password())) {
            CaProxy known = new CaProxy("127.0.0.1", proxy.port(), Optional.of(LOGIN));

            try (Socket through = ProxyTunnel.open(known, "127.0.0.1", ca.getLocalPort(), System::nanoTime);
                    Socket arrived = ca.accept()) {
                through.getOutputStream().write("hello".getBytes(StandardCharsets.US_ASCII));

                assertThat(arrived.getInputStream().readNBytes(5)).asString().isEqualTo("hello");
            }
            assertThat(proxy.asked()).containsExactly("127.0.0.1:" + ca.getLocalPort());
        }
    }

    @Test
    void namesTheKeyWhereTheProxyWantsALoginOrAnother() throws Exception {
        try (ConnectProxy proxy = new ConnectProxy("us:them")) {
            assertThatThrownBy(() -> ProxyTunnel.open(at(proxy.port()), "ca.example", 443, System::nanoTime))
                    .hasMessageEndingWith(
                            "wants a user and a password (HTTP 407): write http://USER:PASSWORD@127.0.0.1:"
                                    + proxy.port());
            CaProxy wrong = new CaProxy("127.0.0.1", proxy.port(), Optional.of(LOGIN));
            assertThatThrownBy(() -> ProxyTunnel.open(wrong, "ca.example", 443, System::nanoTime))
                    .hasMessageEndingWith("does not accept its user and password (HTTP 407): correct them")
                    .hasMessageNotContaining(LOGIN.password());
        }
    }

    @Test
    void saysThatItKnowsBasicOnly() throws Exception {
        refusal("HTTP/1.1 407 no\r\nproxy-authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n\r\n")
                .hasMessageContaining("wants authentication by Negotiate")
                .hasMessageContaining("Basic only");
        refusal("HTTP/1.1 407 no\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: Basic\r\n\r\n")
                .hasMessageContaining("wants a user and a password");
        for (String several : new String[] {
            "Negotiate, Basic realm=\"x\"",
            "Digest realm=\"a\", qop=auth, nonce = \"b\" ,Basic",
            "NTLM abc==, basic realm=x"
        }) {
            refusal("HTTP/1.1 407 no\r\nProxy-Authenticate: " + several + "\r\n\r\n")
                    .as(several)
                    .hasMessageContaining("wants a user and a password");
        }
        for (String none : new String[] {"Digest realm=\"a, Basic b\"", "Digest realm=x, Basic=y"}) {
            refusal("HTTP/1.1 407 no\r\nProxy-Authenticate: " + none + "\r\n\r\n")
                    .as(none)
                    .hasMessageContaining("wants authentication by Digest");
        }
    }

    @Test
    void tellsARefusedTargetFromOneTheProxyCannotReach() throws Exception {
        refusal("HTTP/1.1 403 Forbidden\r\n\r\n")
                .hasMessageEndingWith(
                        "refuses a connection to ca.example:443 (HTTP 403): have it allow CONNECT to that host");
        refusal("HTTP/1.0 502\r\n\r\n")
                .hasMessageEndingWith("cannot connect to ca.example:443 (HTTP 502): see that it reaches that host");
    }

    @Test
    void takesGarbageAndSilenceForWhatTheyAre() throws Exception {
        for (String garbage : new String[] {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "200 OK\n\n", "x", "HTTP/2 200\r\n\r\n"}) {
            refusal(garbage).hasMessageContaining("does not answer as an HTTP proxy does: see that its port is right");
        }
        refusal("y".repeat(100_000)).hasMessageContaining("does not answer as an HTTP proxy does");
        refusal("").hasMessageContaining("closed the connection without an answer");
    }

    @Test
    void saysWhereNobodyListens() throws Exception {
        int port;
        try (ServerSocket gone = new ServerSocket(0)) {
            port = gone.getLocalPort();
        }
        assertThatThrownBy(() -> ProxyTunnel.open(at(port), "ca.example", 443, System::nanoTime))
                .hasMessageEndingWith(
                        "cannot be reached (no connection): see that it runs, and that this server may connect"
                                + " to it");
        assertThatThrownBy(() -> ProxyTunnel.open(
                        new CaProxy("no-such-host.invalid", 3128, Optional.empty()),
                        "ca.example",
                        443,
                        System::nanoTime))
                .hasMessageContaining("host name that cannot be resolved");
    }
}
