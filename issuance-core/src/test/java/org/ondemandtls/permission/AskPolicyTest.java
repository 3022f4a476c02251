package org.ondemandtls.permission;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.time.Duration;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.PermissionPolicy.Decision;
import org.ondemandtls.permission.PermissionPolicy.Purpose;
import org.ondemandtls.testing.AskEndpoint;

/** {@link AskPolicy} against a real endpoint on loopback. */
class AskPolicyTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");

    private final ExecutorService executor = Executors.newFixedThreadPool(2);
    private final ScheduledExecutorService scheduler = Executors.newScheduledThreadPool(1);
    private final AskEndpoint endpoint = AskEndpoint.granting(SHOP.value());

    @AfterEach
    void stop() {
        endpoint.close();
        executor.shutdownNow();
        scheduler.shutdownNow();
    }

    // Long enough for the slowest machine; only an endpoint that hangs makes use of it.
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private Decision ask(URI url, Purpose purpose) {
        return ask(url, purpose, PATIENCE);
    }

    private Decision ask(URI url, Purpose purpose, Duration timeout) {
        try (AskPolicy policy = new AskPolicy(url, timeout, executor, scheduler, System::nanoTime)) {
            return policy.decide(SHOP, purpose).toCompletableFuture().join();
        }
    }

    private String noAnswer(URI url) {
        return noAnswer(url, PATIENCE);
    }

    private String noAnswer(URI url, Duration timeout) {
        try {
            return "answered " + ask(url, Purpose.OBTAIN, timeout);
        } catch (CompletionException e) {
            assertThat(e.getCause()).isInstanceOf(NoAnswerException.class);
            return String.valueOf(e.getCause().getMessage());
        }
    }

    @Test
    void asksForTheNameWithItsPurposeAndKeepsOtherParameters() {
        ask(URI.create(endpoint.uri() + "?tenant=a%20b"), Purpose.RENEW);

        assertThat(endpoint.questions()).singleElement().satisfies(question -> {
            assertThat(question.uri().getRawQuery()).isEqualTo("tenant=a%20b&domain=shop.example.com");
            assertThat(question.purpose()).isEqualTo("renew");
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {200, 201, 204, 299})
    void twoHundredsGrant(int status) {
        endpoint.answer(name -> AskEndpoint.Answer.status(status));

        assertThat(ask(endpoint.uri(), Purpose.OBTAIN)).isInstanceOf(Decision.Granted.class);
    }

    @ParameterizedTest
    @ValueSource(ints = {400, 403, 404, 410, 418, 499})
    void fourHundredsDeny(int status) {
        endpoint.answer(name -> AskEndpoint.Answer.status(status));

        assertThat(ask(endpoint.uri(), Purpose.OBTAIN))
                .isInstanceOfSatisfying(
                        Decision.Denied.class,
                        denied -> assertThat(denied.reason()).contains(Integer.toString(status)));
    }

    @ParameterizedTest
    @ValueSource(ints = {301, 302, 307, 401, 407, 408, 425, 429, 500, 502, 503, 504})
    void whatIsNotAboutTheNameIsNoAnswer(int status) {
        endpoint.answer(name -> AskEndpoint.Answer.status(status));

        assertThat(noAnswer(endpoint.uri())).contains(Integer.toString(status));
    }

    @Test
    void aRedirectIsNotFollowed() {
        endpoint.answer(name -> AskEndpoint.Answer.redirect(endpoint.uri() + "?domain=" + name));

        assertThat(noAnswer(endpoint.uri())).contains("redirects are not followed");
        assertThat(endpoint.questions()).hasSize(1);
    }

    @Test
    void anEndpointThatHangsIsNoAnswerWithinItsTime() {
        endpoint.answer(name -> AskEndpoint.Answer.HANGING);

        assertThat(noAnswer(endpoint.uri(), Duration.ofMillis(200))).contains("200 ms");
    }

    @Test
    void anEndpointThatIsNotThereIsNoAnswer() {
        URI gone = endpoint.uri();
        endpoint.close();

        assertThat(noAnswer(gone)).contains("cannot be reached");
    }
}
