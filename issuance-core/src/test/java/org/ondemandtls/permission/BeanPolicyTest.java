package org.ondemandtls.permission;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.BiFunction;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.PermissionPolicy.Decision;
import org.ondemandtls.permission.PermissionPolicy.Purpose;

/** {@link BeanPolicy}: what an application may publish, and that anything unclear is no answer. */
class BeanPolicyTest {

    private static final ServerName SHOP = ServerName.parse("shop.example.com");

    private static Decision ask(Object bean, Purpose purpose) {
        return new BeanPolicy(
                        "customers", key -> key.equals("customers") ? Optional.ofNullable(bean) : Optional.empty())
                .decide(SHOP, purpose)
                .toCompletableFuture()
                .join();
    }

    private static String noAnswer(Object bean) {
        try {
            return "answered " + ask(bean, Purpose.OBTAIN);
        } catch (CompletionException e) {
            assertThat(e.getCause()).isInstanceOf(NoAnswerException.class);
            return String.valueOf(e.getCause().getMessage());
        }
    }

    @Test
    void aPredicateGrantsOrDeniesTheName() {
        Predicate<String> shops = name -> name.startsWith("shop.");

        assertThat(ask(shops, Purpose.OBTAIN)).isInstanceOf(Decision.Granted.class);
        assertThat(ask(shops.negate(), Purpose.OBTAIN)).isInstanceOf(Decision.Denied.class);
    }

    @Test
    void aFunctionLearnsThePurpose() {
        List<String> asked = new ArrayList<>();
        BiFunction<String, String, Object> policy = (name, purpose) -> asked.add(name + " " + purpose);

        ask(policy, Purpose.OBTAIN);
        ask(policy, Purpose.RENEW);

        assertThat(asked).containsExactly("shop.example.com obtain", "shop.example.com renew");
    }

    @Test
    void aTextDeniesWithThatReason() {
        BiFunction<String, String, Object> policy = (name, purpose) -> "has not paid";

        assertThat(ask(policy, Purpose.OBTAIN)).isEqualTo(new Decision.Denied("has not paid"));
    }

    @Test
    void aFutureIsWaitedFor() {
        BiFunction<String, String, Object> policy = (name, purpose) -> CompletableFuture.completedFuture(true);
        BiFunction<String, String, Object> failing =
                (name, purpose) -> CompletableFuture.failedFuture(new IllegalStateException());

        assertThat(ask(policy, Purpose.OBTAIN)).isInstanceOf(Decision.Granted.class);
        assertThat(noAnswer(failing)).contains("IllegalStateException");
    }

    static List<Object> undecided() {
        BiFunction<String, String, Object> nothing = (name, purpose) -> null;
        BiFunction<String, String, Object> number = (name, purpose) -> 1;
        BiFunction<String, String, Object> later = (name, purpose) -> CompletableFuture.completedFuture(null);
        Predicate<String> failing = name -> {
            throw new IllegalStateException("broken");
        };
        Predicate<Integer> ofSomethingElse = number1 -> number1 > 0;
        return List.of(nothing, number, later, failing, ofSomethingElse, "a text", new Object());
    }

    @ParameterizedTest
    @MethodSource("undecided")
    void anythingElseIsNoAnswer(Object bean) {
        assertThat(noAnswer(bean)).startsWith("onDemandTls.permission.bean: customers ");
    }

    @Test
    void nothingPublishedIsNoAnswer() {
        assertThat(noAnswer(null)).contains("no application publishes customers");
    }
}
