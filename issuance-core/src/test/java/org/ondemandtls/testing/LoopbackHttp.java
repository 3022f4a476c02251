package org.ondemandtls.testing;

import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;

/** Makes the JDK's HTTP servers on the loopback address, so that what they write leaves at once. */
final class LoopbackHttp {

    static {
        // The server writes head and body of an answer one after the other. Without this the body waits until the
        // client
        // acknowledges the head, which takes 40 ms. The JDK reads it once, when the first server of the JVM is made.
        System.setProperty("sun.net.httpserver.nodelay", "true");
    }

    private LoopbackHttp() {}

    /** A server on a port, any one where that is 0; not started. */
    static HttpServer plain(int port, int backlog) throws IOException {
        return HttpServer.create(address(port), backlog);
    }

    /** The same over TLS; its configurator is still to be set. */
    static HttpsServer secure(int port, int backlog) throws IOException {
        return HttpsServer.create(address(port), backlog);
    }

    private static InetSocketAddress address(int port) {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    }
}
