package org.ondemandtls.spring;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.WriteListener;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import java.io.ByteArrayOutputStream;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.security.Principal;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.config.OnDemandTlsConfig.Issuer;
import org.ondemandtls.permission.PermissionPolicy.Decision;
import org.ondemandtls.testing.NoServer;

/** {@link PageFilter}: whom it lets see the page, with a password of its own and behind Spring Security. */
class PageFilterTest {

    private static final String PASSWORD = "correct horse";
    private static final String PAGE = "/ondemand-tls/";
    private static final int PASSED_ON = 0;
    private static final String LOOKS = "ondemand-tls-look";
    private static final String ACTS = "ondemand-tls-act";

    @TempDir
    private Path base;

    private OnDemandTls engine;
    private final RunningEngine running = new RunningEngine();

    /** What came back. */
    private static final class Answer {
        private int status = PASSED_ON;
        private final Map<String, String> headers = new HashMap<>();
        private final ByteArrayOutputStream content = new ByteArrayOutputStream();
    }

    /** The content of a request without any. */
    private static final class Nothing extends ServletInputStream {

        @Override
        public boolean isFinished() {
            return true;
        }

        @Override
        public boolean isReady() {
            return true;
        }

        @Override
        public void setReadListener(ReadListener listener) {
            throw new UnsupportedOperationException();
        }

        @Override
        public int read() {
            return -1;
        }
    }

    /** A request as a servlet container has it. */
    private final class Asked {

        private final Map<String, Object> facts = new HashMap<>(Map.of(
                "getMethod", "GET",
                "getContextPath", "",
                "getRequestURI", PAGE,
                "getRemoteAddr", "127.0.0.1",
                "isSecure", false,
                "getServerName", "localhost",
                "getServerPort", 8443));
        private final Map<String, String> headers = new HashMap<>(Map.of("Host", "localhost:8443"));
        private final Map<String, Object> attributes = new HashMap<>();
        private Set<String> roles = Set.of();

        Asked with(String method, Object fact) {
            facts.put(method, fact);
            return this;
        }

        Asked header(String name, String value) {
            headers.put(name, value);
            return this;
        }

        Asked login(String user, String password) {
            return header(
                    "Authorization",
                    "Basic " + Base64.getEncoder().encodeToString((user + ":" + password).getBytes(UTF_8)));
        }

        Asked user(String... roles) {
            this.roles = Set.of(roles);
            return with("getUserPrincipal", (Principal) () -> "somebody");
        }

        HttpServletRequest request() {
            return (HttpServletRequest) Proxy.newProxyInstance(
                    getClass().getClassLoader(),
                    new Class<?>[] {HttpServletRequest.class},
                    (proxy, method, arguments) -> switch (method.getName()) {
                        case "getHeader" -> headers.get((String) arguments[0]);
                        case "getAttribute" -> attributes.get((String) arguments[0]);
                        case "isUserInRole" -> roles.contains((String) arguments[0]);
                        default -> facts.get(method.getName());
                    });
        }
    }

    @BeforeEach
    void open() throws Exception {
        engine = OnDemandTls.open(
                OnDemandTls.builder()
                        .issuer(Issuer.INTERNAL)
                        .permissionPolicy((name, purpose) -> CompletableFuture.completedFuture(new Decision.Granted()))
                        .build(base),
                new NoServer());
        engine.serve();
        running.isIn(() -> engine);
    }

    @AfterEach
    void close() {
        engine.close();
    }

    private Answer answer(String password, HttpServletRequest request) throws Exception {
        Answer answer = new Answer();
        ServletOutputStream out = new ServletOutputStream() {
            @Override
            public boolean isReady() {
                return true;
            }

            @Override
            public void setWriteListener(WriteListener listener) {
                throw new UnsupportedOperationException();
            }

            @Override
            public void write(int octet) {
                answer.content.write(octet);
            }
        };
        HttpServletResponse response = (HttpServletResponse) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {HttpServletResponse.class}, (proxy, method, arguments) -> {
                    switch (method.getName()) {
                        case "setStatus" -> answer.status = (int) arguments[0];
                        case "setHeader" -> answer.headers.put((String) arguments[0], (String) arguments[1]);
                        case "getOutputStream" -> {
                            return out;
                        }
                        default -> {}
                    }
                    return null;
                });
        boolean[] passedOn = {false};
        FilterChain chain = (asked, answered) -> passedOn[0] = true;
        new PageFilter(running, password).doFilter(request, response, chain);
        assertThat(passedOn[0]).isEqualTo(answer.status == PASSED_ON);
        return answer;
    }

    private int status(String password, Asked asked) throws Exception {
        return answer(password, asked.request()).status;
    }

    @Test
    void theOperatorsPasswordOpensThePageAndNothingElseDoes() throws Exception {
        Answer page = answer(PASSWORD, new Asked().login("operator", PASSWORD).request());

        assertThat(page.status).isEqualTo(200);
        assertThat(page.content.toString(UTF_8)).startsWith("<!DOCTYPE html>");
        assertThat(status(PASSWORD, new Asked())).isEqualTo(401);
        assertThat(status(PASSWORD, new Asked().login("operator", "wrong"))).isEqualTo(401);
        assertThat(status(PASSWORD, new Asked().login("admin", PASSWORD))).isEqualTo(401);
        assertThat(status(PASSWORD, new Asked().user(ACTS)))
                .as("where there is a password, Spring's users are none here")
                .isEqualTo(401);
    }

    @Test
    void withoutAPasswordWhomSpringSecurityHasLetInIsLetInByHisRoles() throws Exception {
        String look = LOOKS;
        String act = ACTS;

        assertThat(status("", new Asked().user(look))).isEqualTo(200);
        assertThat(status("", new Asked().user(act))).isEqualTo(200);
        assertThat(status("", new Asked().user("customer"))).isEqualTo(403);
        assertThat(status("", new Asked())).isEqualTo(401);
        assertThat(status("", new Asked().login("operator", ""))).isEqualTo(401);
        assertThat(status("", command().user(look))).isEqualTo(403);
        assertThat(status("", command().user(act))).isEqualTo(202);
    }

    @Test
    void aFormOfAnotherOriginDoesNothing() throws Exception {
        Asked form = command().user(ACTS);
        form.headers.remove("X-OnDemand-TLS");

        assertThat(status("", form)).isEqualTo(403);
        assertThat(status("", command().user(ACTS).header("Origin", "https://evil.example")))
                .isEqualTo(403);
        assertThat(status("", command().user(ACTS).header("Sec-Fetch-Site", "cross-site")))
                .isEqualTo(403);
    }

    @ParameterizedTest
    @ValueSource(strings = {"Forwarded", "X-Forwarded-For", "X-Real-IP"})
    void whoComesByAProxyOfThisMachineIsNotThisMachine(String header) throws Exception {
        assertThat(status(PASSWORD, new Asked().login("operator", PASSWORD).header(header, "127.0.0.1")))
                .isEqualTo(PASSED_ON);
    }

    @Test
    void aHeaderThatAFilterInFrontBelievesMakesNobodyThisMachine() throws Exception {
        Asked stranger = new Asked().login("operator", PASSWORD).with("getRemoteAddr", "203.0.113.9");
        HttpServletRequest believed = new HttpServletRequestWrapper(stranger.request()) {
            @Override
            public String getRemoteAddr() {
                return "127.0.0.1";
            }
        };
        Asked byValve = new Asked().login("operator", PASSWORD);
        byValve.attributes.put("org.apache.tomcat.request.forwarded", true);

        assertThat(answer(PASSWORD, believed).status).isEqualTo(PASSED_ON);
        assertThat(status(PASSWORD, byValve)).isEqualTo(PASSED_ON);
        assertThat(status(PASSWORD, stranger)).isEqualTo(PASSED_ON);
    }

    @Test
    void itKnowsItsPathBelowTheApplicationsOwn() throws Exception {
        Asked below = new Asked()
                .login("operator", PASSWORD)
                .with("getContextPath", "/shop")
                .with("getRequestURI", "/shop/ondemand-tls");

        Answer redirect = answer(PASSWORD, below.request());

        assertThat(redirect.status).isEqualTo(308);
        assertThat(redirect.headers).containsEntry("Location", "/shop/ondemand-tls/");
        assertThat(status(PASSWORD, new Asked().with("getRequestURI", "/ondemand-tls-shop")))
                .isEqualTo(PASSED_ON);
        assertThat(status(PASSWORD, new Asked().with("getRequestURI", "/"))).isEqualTo(PASSED_ON);
    }

    @Test
    void headHasNoContentAndAnUnknownHostNoPage() throws Exception {
        Answer head = answer(
                PASSWORD,
                new Asked()
                        .login("operator", PASSWORD)
                        .with("getMethod", "HEAD")
                        .request());

        assertThat(head.status).isEqualTo(200);
        assertThat(head.content.size()).isZero();
        assertThat(status(PASSWORD, new Asked().login("operator", PASSWORD).header("Host", "rebound.example")))
                .isEqualTo(403);
    }

    @Test
    void whileNoEngineRunsThereIsNoPage() throws Exception {
        running.isIn(() -> null);

        assertThat(status(PASSWORD, new Asked().login("operator", PASSWORD))).isEqualTo(PASSED_ON);
    }

    private Asked command() {
        return new Asked()
                .with("getMethod", "POST")
                .with("getRequestURI", PAGE + "api/v1/names/shop.example.com/obtain")
                .with("getInputStream", new Nothing())
                .header("X-OnDemand-TLS", "1");
    }
}
