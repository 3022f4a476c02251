package org.ondemandtls.spring;

import java.util.List;
import org.eclipse.jetty.alpn.server.ALPNServerConnectionFactory;
import org.eclipse.jetty.http.HttpVersion;
import org.eclipse.jetty.http2.server.HTTP2ServerConnectionFactory;
import org.eclipse.jetty.server.ConnectionFactory;
import org.eclipse.jetty.server.HttpConfiguration;

/** HTTP/2 on an embedded Jetty, by itself because its jars are there only where an application wants it. */
final class JettyHttp2 {

    private JettyHttp2() {}

    /** Adds what offers HTTP/2 to clients, in front of HTTP/1.1. */
    static void addTo(List<ConnectionFactory> protocols, HttpConfiguration https) {
        ALPNServerConnectionFactory alpn = new ALPNServerConnectionFactory();
        alpn.setDefaultProtocol(HttpVersion.HTTP_1_1.asString());
        protocols.add(alpn);
        protocols.add(new HTTP2ServerConnectionFactory(https));
    }
}
