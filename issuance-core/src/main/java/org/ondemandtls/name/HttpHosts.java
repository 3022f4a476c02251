package org.ondemandtls.name;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What the host of an HTTP request means to us, as far as that is the same on every server. */
public final class HttpHosts {

    private static final int HTTPS_PORT = 443;

    private HttpHosts() {}

    /**
     * The host of an authority.
     *
     * @param authority as sent in {@code Host} or {@code :authority}, with or without a port
     * @return what stands before the port; an IP address literal keeps its brackets, and is no name either way
     */
    public static String withoutPort(String authority) {
        int colon = authority.lastIndexOf(':');
        return colon < 0 || authority.endsWith("]") ? authority : authority.substring(0, colon);
    }

    /**
     * The server name a host means.
     *
     * @param host as sent, without its port; null where the request has none
     * @return empty if it is no server name: an IP address literal, for example
     */
    public static Optional<ServerName> serverName(@Nullable String host) {
        try {
            return host == null ? Optional.empty() : Optional.of(ServerName.parse(host));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /** {@code host} in lower case, without the one trailing dot a DNS name may have. */
    public static String canonical(String host) {
        String lower = host.toLowerCase(Locale.ROOT);
        return lower.endsWith(".") ? lower.substring(0, lower.length() - 1) : lower;
    }

    /**
     * Whether one of a certificate's names is {@code host}, or its wildcard of one label.
     *
     * @param names lower-case DNS names, and addresses as the JDK writes those of a certificate
     * @param host as sent, without its port
     * @see <a href="https://www.rfc-editor.org/rfc/rfc9525#section-6.3">RFC 9525 section 6.3</a>
     */
    public static boolean covered(Set<String> names, String host) {
        String canonical = isBracketed(host) ? address(host) : canonical(host);
        int dot = canonical.indexOf('.');
        return names.contains(canonical) || (dot > 0 && names.contains("*" + canonical.substring(dot)));
    }

    private static boolean isBracketed(String host) {
        return host.startsWith("[") && host.endsWith("]");
    }

    // An IPv6 address has many spellings; what is between brackets and is none stays as it is, which no name is.
    private static String address(String bracketed) {
        String inside = bracketed.substring(1, bracketed.length() - 1);
        try {
            return inside.indexOf(':') < 0 || inside.indexOf('/') >= 0
                    ? bracketed
                    : InetAddress.getByAddress(AddressBlock.parse(inside).prefix())
                            .getHostAddress();
        } catch (IllegalArgumentException | UnknownHostException e) {
            return bracketed;
        }
    }

    /**
     * Where a plain request is found over HTTPS.
     *
     * @param host its host
     * @param port the port of HTTPS, 0 or less where there is none
     * @param target its path and query as sent: what is encoded stays so, and what an application would take for
     *     something else as well; null where there is none
     * @return empty where it cannot be redirected: there is no such port, or the target is no path or not made of
     *     visible ASCII
     */
    public static Optional<String> httpsLocation(ServerName host, int port, @Nullable String target) {
        if (port <= 0 || target == null || !target.startsWith("/") || !isVisibleAscii(target)) {
            return Optional.empty();
        }
        return Optional.of("https://" + host + (port == HTTPS_PORT ? "" : ":" + port) + target);
    }

    private static boolean isVisibleAscii(String text) {
        return text.chars().allMatch(c -> c > ' ' && c < 0x7f);
    }
}
