package org.ondemandtls.authority;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Locale;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.ondemandtls.config.CaProxy;

/**
 * Opens a way through the operator's proxy: one CONNECT with Basic authentication.
 *
 * <p>Ours, not the JDK's: the JDK refuses Basic in tunnels by default, and what it allows holds for the whole JVM and so
 * for the application.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6">RFC 9110 section 9.3.6</a>
 * @see <a href="https://www.rfc-editor.org/rfc/rfc7617">RFC 7617</a>
 */
final class ProxyTunnel {

    /** The longest answer to a CONNECT that is read, in octets. */
    private static final int HEAD = 16 * 1024;

    private static final int REFUSED_LOGIN = 407;
    private static final Pattern STATUS = Pattern.compile("HTTP/1\\.[0-9] ([1-5][0-9][0-9])(?: [^\r\n]*)?\r?\n(?s:.*)");
    private static final Pattern OFFERED = Pattern.compile("(?im)^Proxy-Authenticate:([^\r\n]*)");
    private static final Pattern QUOTED = Pattern.compile("\"(?:[^\"\\\\]|\\\\.)*+\"");
    // One line may offer several (RFC 9110 section 11.6.1): a word before a parameter, or alone, is a scheme's name.
    private static final Pattern SCHEME =
            Pattern.compile("(?:^|,)[ \\t]*([!#$%&'*+.^_`|~0-9A-Za-z-]{1,40})(?=[ \\t]+[^ \\t=,]|[ \\t]*(?:,|$))");

    private ProxyTunnel() {}

    /**
     * Connects to the proxy and has it connect to the CA. Blocks for twice the time a connection may take at most; an
     * interrupt ends it.
     *
     * @param proxy the operator's
     * @param host the CA's host, an IPv6 address without brackets
     * @param port the CA's port
     * @param nanoTime monotonic time
     * @return a socket that ends at the CA
     * @throws CaProxyException if there is no way through it, with what to change
     */
    static Socket open(CaProxy proxy, String host, int port, LongSupplier nanoTime) throws CaProxyException {
        Socket socket = connected(proxy);
        try {
            String answer =
                    asked(socket, proxy, (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + port, nanoTime);
            Matcher status = STATUS.matcher(answer);
            if (!status.matches()) {
                throw new CaProxyException(
                        named(proxy) + " does not answer as an HTTP proxy does: see that its port is right", true);
            }
            int code = Integer.parseInt(status.group(1));
            if (code / 100 == 2) {
                socket.setSoTimeout(0);
                return socket;
            }
            throw refused(proxy, host + ":" + port, code, answer);
        } catch (CaProxyException e) {
            close(socket);
            throw e;
        } catch (IOException e) {
            close(socket);
            throw new CaProxyException(
                    named(proxy) + " closed the connection without an answer or sent none within "
                            + CaLimits.CONNECT.toSeconds() + " s: see that it works and that its port is right",
                    false);
        }
    }

    private static Socket connected(CaProxy proxy) throws CaProxyException {
        try {
            return CaLine.connected(InetAddress.getAllByName(proxy.host()), proxy.port());
        } catch (UnknownHostException e) {
            throw new CaProxyException(named(proxy) + " has a host name that cannot be resolved: correct it", false);
        } catch (IOException e) {
            throw new CaProxyException(
                    named(proxy) + " cannot be reached ("
                            + (e instanceof HttpTimeoutException
                                    ? "no connection within " + CaLimits.CONNECT.toSeconds() + " s"
                                    : "no connection")
                            + "): see that it runs, and that this server may connect to it",
                    false);
        }
    }

    private static String asked(Socket socket, CaProxy proxy, String target, LongSupplier nanoTime) throws IOException {
        StringBuilder request = new StringBuilder("CONNECT ")
                .append(target)
                .append(" HTTP/1.1\r\nHost: ")
                .append(target)
                .append("\r\n");
        proxy.login().ifPresent(login -> {
            String pair = login.user() + ':' + login.password();
            request.append("Proxy-Authorization: Basic ")
                    .append(Base64.getEncoder().encodeToString(pair.getBytes(StandardCharsets.UTF_8)))
                    .append("\r\n");
        });
        socket.getOutputStream().write(request.append("\r\n").toString().getBytes(StandardCharsets.US_ASCII));
        return head(socket, Deadline.in(CaLimits.CONNECT, nanoTime));
    }

    // Octet by octet: what follows the head belongs to TLS.
    private static String head(Socket socket, Deadline deadline) throws IOException {
        InputStream in = socket.getInputStream();
        ByteArrayOutputStream head = new ByteArrayOutputStream(256);
        int newLines = 0;
        while (newLines < 2) {
            long left = deadline.left().toMillis();
            if (left <= 0) {
                throw new SocketTimeoutException("no answer in time");
            }
            socket.setSoTimeout((int) left);
            int octet = in.read();
            if (octet < 0 && head.size() == 0) {
                throw new IOException("no answer");
            }
            if (octet < 0 || head.size() == HEAD) {
                // Whatever it is, it is no answer to this.
                return "";
            }
            head.write(octet);
            if (octet == '\n') {
                newLines++;
            } else if (octet != '\r') {
                newLines = 0;
            }
        }
        return head.toString(StandardCharsets.ISO_8859_1);
    }

    private static CaProxyException refused(CaProxy proxy, String target, int code, String answer) {
        if (code != REFUSED_LOGIN) {
            String what = code >= 500
                    ? " cannot connect to " + target + " (HTTP " + code + "): see that it reaches that host"
                    : " refuses a connection to " + target + " (HTTP " + code + "): have it allow CONNECT to that host";
            return new CaProxyException(named(proxy) + what, code < 500);
        }
        Optional<String> other = otherScheme(answer);
        if (other.isPresent()) {
            return new CaProxyException(
                    named(proxy) + " wants authentication by " + other.get()
                            + " (HTTP 407), and this server knows Basic only: have the proxy offer Basic, or let this"
                            + " server through without",
                    true);
        }
        return new CaProxyException(
                named(proxy)
                        + (proxy.login().isPresent()
                                ? " does not accept its user and password (HTTP 407): correct them"
                                : " wants a user and a password (HTTP 407): write http://USER:PASSWORD@"
                                        + proxy.place()),
                true);
    }

    private static Optional<String> otherScheme(String answer) {
        Optional<String> first = Optional.empty();
        for (Matcher offered = OFFERED.matcher(answer); offered.find(); ) {
            String offers = QUOTED.matcher(offered.group(1)).replaceAll("x");
            for (Matcher scheme = SCHEME.matcher(offers); scheme.find(); ) {
                if (scheme.group(1).toLowerCase(Locale.ROOT).equals("basic")) {
                    return Optional.empty();
                }
                first = first.isPresent() ? first : Optional.of(scheme.group(1));
            }
        }
        return first;
    }

    private static String named(CaProxy proxy) {
        return "the proxy " + proxy.place() + " of onDemandTls.acme.proxy";
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            // It is of no more use anyway.
        }
    }
}
