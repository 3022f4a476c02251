package org.ondemandtls.permission;

import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.name.ServerName;

/**
 * Asks an object that an application on the same server publishes, in types of the JDK, so that the application needs none
 * of our classes: a {@code Predicate<String>} of the name, or a {@code BiFunction<String, String, ?>} of name and purpose.
 *
 * <p>True grants, false denies, a text denies with that reason, null is no answer, and a {@code CompletionStage} is waited
 * for. Everything else is no answer. It is looked for at each question and never kept, so that an application that is gone
 * is gone.
 */
final class BeanPolicy implements PermissionPolicy {

    private static final Decision GRANTED = new Decision.Granted();
    private static final Decision DENIED = new Decision.Denied("onDemandTls.permission.bean said no");

    private final String key;
    private final Function<String, Optional<Object>> published;

    /**
     * Makes the policy.
     *
     * @param key the name the application publishes its object under
     * @param published what the server's running applications publish under a name
     */
    BeanPolicy(String key, Function<String, Optional<Object>> published) {
        this.key = key;
        this.published = published;
    }

    @Override
    public CompletionStage<Decision> decide(ServerName name, Purpose purpose) {
        Optional<Object> bean = published.apply(key);
        if (bean.isEmpty()) {
            return noAnswer("no application publishes " + key);
        }
        // The application's own code may look for its classes and its JNDI names by the thread.
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        thread.setContextClassLoader(bean.get().getClass().getClassLoader());
        try {
            return ask(bean.get(), name, purpose);
        } catch (RuntimeException | LinkageError failed) {
            // Not handed on: an exception of the application's would keep its class loader.
            return noAnswer(key + " failed (" + failed.getClass().getName() + ")");
        } finally {
            thread.setContextClassLoader(before);
        }
    }

    @SuppressWarnings("unchecked")
    private CompletionStage<Decision> ask(Object bean, ServerName name, Purpose purpose) {
        if (bean instanceof PermissionPolicy policy) {
            return settled(policy.decide(name, purpose));
        }
        if (bean instanceof BiFunction<?, ?, ?> function) {
            Object answer = ((BiFunction<Object, Object, Object>) function)
                    .apply(name.value(), purpose.name().toLowerCase(Locale.ROOT));
            return answer instanceof CompletionStage<?> stage ? settled(stage) : settled(judge(answer));
        }
        if (bean instanceof Predicate<?> predicate) {
            return settled(judge(((Predicate<Object>) predicate).test(name.value())));
        }
        return noAnswer(key + " is a " + bean.getClass().getName() + ", neither Predicate nor BiFunction");
    }

    private CompletionStage<Decision> settled(CompletionStage<?> stage) {
        return stage.handle((answer, failure) -> {
            Decision decision = failure == null ? judge(answer) : null;
            if (decision == null) {
                throw new CompletionException(new NoAnswerException("onDemandTls.permission.bean: " + key
                        + (failure == null ? " did not decide" : " failed (" + cause(failure) + ")")));
            }
            return decision;
        });
    }

    private CompletionStage<Decision> settled(@Nullable Decision decision) {
        return decision == null ? noAnswer(key + " did not decide") : CompletableFuture.completedStage(decision);
    }

    private static @Nullable Decision judge(@Nullable Object answer) {
        if (answer instanceof Boolean granted) {
            return granted ? GRANTED : DENIED;
        }
        if (answer instanceof CharSequence reason) {
            return new Decision.Denied(reason.toString());
        }
        return answer instanceof Decision decision ? decision : null;
    }

    private static String cause(Throwable failure) {
        Throwable cause =
                failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
        return cause.getClass().getName();
    }

    private CompletionStage<Decision> noAnswer(String reason) {
        return CompletableFuture.failedStage(new NoAnswerException("onDemandTls.permission.bean: " + reason));
    }
}
