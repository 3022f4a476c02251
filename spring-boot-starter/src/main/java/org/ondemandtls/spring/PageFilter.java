package org.ondemandtls.spring;

import static java.nio.charset.StandardCharsets.UTF_8;

import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletRequestWrapper;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.InetAddress;
import java.security.MessageDigest;
import java.util.Optional;
import java.util.function.Predicate;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.status.http.SiteAnswer;
import org.ondemandtls.status.http.SiteRequest;
import org.ondemandtls.status.http.StatusSite;
import org.springframework.core.Ordered;

/**
 * Carries the management page at {@code /ondemand-tls/}, its API and the figures. Its user is {@value #USER} with the
 * password of {@code ondemand-tls.page-password}; without that, whoever Spring Security has let in with one of the roles.
 *
 * <p>With a password of its own it stands in front of Spring Security, otherwise behind.
 *
 * <p><b>Threads.</b> Blocks, on the thread of the request.
 *
 * <p><b>Cost.</b> A request for anything else costs one comparison of its path.
 */
final class PageFilter implements Filter, Ordered {

    /** The name of the user who has the password. */
    static final String USER = "operator";

    // What Tomcat's valve has made of headers.
    private static final String FORWARDED = "org.apache.tomcat.request.forwarded";
    private static final int BEHIND_SECURITY = 0;
    private static final int IN_FRONT_OF_SECURITY = Ordered.HIGHEST_PRECEDENCE;

    private final RunningEngine running;
    private final String password;

    /**
     * Makes it.
     *
     * @param running where the engine is
     * @param password the password, empty where Spring Security knows the users
     */
    PageFilter(RunningEngine running, String password) {
        this.running = running;
        this.password = password;
    }

    @Override
    public int getOrder() {
        return password.isEmpty() ? BEHIND_SECURITY : IN_FRONT_OF_SECURITY;
    }

    @Override
    public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        if (!(request instanceof HttpServletRequest asked)
                || !(response instanceof HttpServletResponse answered)
                || !StatusSite.isOurs(path(asked))) {
            chain.doFilter(request, response);
            return;
        }
        Optional<SiteAnswer> answer =
                running.find().map(OnDemandTls::statusSite).flatMap(site -> site.answer(new ServletSiteRequest(asked)));
        if (answer.isEmpty()) {
            chain.doFilter(request, response);
            return;
        }
        answered.setStatus(answer.get().status());
        answer.get()
                .headers()
                .forEach((name, value) ->
                        answered.setHeader(name, name.equals("Location") ? asked.getContextPath() + value : value));
        byte[] content = answer.get().content();
        answered.setContentLength(content.length);
        if (!asked.getMethod().equals("HEAD")) {
            answered.getOutputStream().write(content);
        }
    }

    private static String path(HttpServletRequest request) {
        return request.getRequestURI().substring(request.getContextPath().length());
    }

    private final class ServletSiteRequest implements SiteRequest {

        private final HttpServletRequest request;

        ServletSiteRequest(HttpServletRequest request) {
            this.request = request;
        }

        @Override
        public String method() {
            return request.getMethod();
        }

        @Override
        public String path() {
            return PageFilter.path(request);
        }

        @Override
        public String query() {
            String query = request.getQueryString();
            return query == null ? "" : query;
        }

        @Override
        public Optional<String> header(String name) {
            String value = received().getHeader(name);
            // HTTP/2 may have it elsewhere.
            return value == null && name.equalsIgnoreCase("Host")
                    ? Optional.of(received().getServerName() + ":" + received().getServerPort())
                    : Optional.ofNullable(value);
        }

        @Override
        public Optional<InetAddress> peer() {
            return SiteRequest.address(
                    received().getRemoteAddr(), Boolean.TRUE.equals(received().getAttribute(FORWARDED)));
        }

        // What filters in front have read from headers is what anybody may have written.
        private HttpServletRequest received() {
            ServletRequest one = request;
            while (one instanceof ServletRequestWrapper wrapper) {
                one = wrapper.getRequest();
            }
            return one instanceof HttpServletRequest received ? received : request;
        }

        @Override
        public boolean secure() {
            return request.isSecure();
        }

        @Override
        public byte[] content(int most) throws IOException {
            return SiteRequest.read(request.getInputStream(), most);
        }

        @Override
        public Optional<Predicate<String>> user() {
            return password.isEmpty() && request.getUserPrincipal() != null
                    ? Optional.of(request::isUserInRole)
                    : Optional.empty();
        }

        @Override
        public Optional<Predicate<String>> login(String name, String given) {
            boolean known = !password.isEmpty()
                    && MessageDigest.isEqual(given.getBytes(UTF_8), password.getBytes(UTF_8))
                    && name.equals(USER);
            return known ? Optional.of(role -> true) : Optional.empty();
        }
    }
}
