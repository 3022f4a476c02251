import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;

/**
 * The smallest possible {@code ask} endpoint: {@code GET /check?domain=NAME} is 200 for the names under one parent and
 * 404 for all others. A real one looks into the customer database.
 *
 * <p>Run as {@code java Ask.java PORT PARENT}.
 */
final class Ask {

    public static void main(String[] arguments) throws Exception {
        int port = Integer.parseInt(arguments[0]);
        String parent = "." + arguments[1];
        var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        server.createContext("/check", exchange -> {
            String query = String.valueOf(exchange.getRequestURI().getRawQuery());
            String name = URLDecoder.decode(query.replaceFirst("^(.*&)?domain=([^&]*).*$", "$2"), StandardCharsets.UTF_8);
            int status = name.endsWith(parent) ? 200 : 404;
            System.out.println(
                    exchange.getRequestHeaders().getFirst("OnDemand-TLS-Purpose") + " " + name + ": " + status);
            exchange.sendResponseHeaders(status, -1);
            exchange.close();
        });
        server.start();
        System.out.println("ready");
    }
}
