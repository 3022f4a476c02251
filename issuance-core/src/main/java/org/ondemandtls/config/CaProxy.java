package org.ondemandtls.config;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The HTTP proxy through which CAs are reached, by {@code CONNECT}.
 *
 * @param host its host name or address, an IPv6 one without brackets
 * @param port its port
 * @param login user and password where the proxy wants them, never shown
 */
public record CaProxy(String host, int port, Optional<Login> login) {

    /**
     * Whom the proxy knows.
     *
     * @param user the name, without a colon (RFC 7617 section 2)
     * @param password never shown
     */
    public record Login(String user, String password) {

        @Override
        public String toString() {
            return "Login[user=" + user + "]";
        }
    }

    private static final String FORM = "write http://HOST:PORT or http://USER:PASSWORD@HOST:PORT";
    private static final Pattern SCHEME = Pattern.compile("(?i)([a-z][a-z0-9+.-]*)://.*");
    private static final Pattern PLACE =
            Pattern.compile("(?:\\[([0-9A-Fa-f:.]+)\\]|([0-9A-Za-z](?:[0-9A-Za-z._-]{0,252})?)):([0-9]{1,5})/?");
    private static final int MAX_PORT = 65_535;

    /**
     * Reads one as an operator writes it. Nothing of it is shown in a mistake: it may hold a password.
     *
     * @throws Mistake if it cannot be taken
     */
    static CaProxy parse(String text) throws Mistake {
        String rest = text;
        Matcher scheme = SCHEME.matcher(text);
        if (scheme.matches()) {
            if (!scheme.group(1).equalsIgnoreCase("http")) {
                throw new Mistake(
                        null, "starts with " + scheme.group(1) + "://; only http:// proxies are supported: " + FORM);
            }
            rest = text.substring(text.indexOf("://") + 3);
        }
        // A password may hold an @ itself.
        int at = rest.lastIndexOf('@');
        Matcher place = PLACE.matcher(rest.substring(at + 1));
        if (!place.matches()) {
            throw new Mistake(null, "is no proxy with host and port; " + FORM);
        }
        int port = Integer.parseInt(place.group(3));
        if (port == 0 || port > MAX_PORT) {
            throw new Mistake(null, "has no valid port; write one from 1 to " + MAX_PORT);
        }
        String host = place.group(1) != null ? place.group(1) : place.group(2);
        return new CaProxy(host, port, at < 0 ? Optional.empty() : Optional.of(login(rest.substring(0, at))));
    }

    private static Login login(String text) throws Mistake {
        int colon = text.indexOf(':');
        if (colon <= 0) {
            throw new Mistake(null, "has no user and password before the @; " + FORM);
        }
        Login login = new Login(decoded(text.substring(0, colon)), decoded(text.substring(colon + 1)));
        if (login.user().indexOf(':') >= 0
                || Mistake.UNPRINTABLE.matcher(login.user() + login.password()).find()) {
            throw new Mistake(null, "has a user with a colon, or a control character, which no proxy takes; " + FORM);
        }
        return login;
    }

    // As in any URL, with the exception that a plus stands for itself.
    private static String decoded(String text) throws Mistake {
        try {
            return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw new Mistake(null, "has a % in user or password that begins no escape; write %25 for it");
        }
    }

    /** Where it is, as it may be shown. */
    public String place() {
        return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + port;
    }

    @Override
    public String toString() {
        return place();
    }
}
