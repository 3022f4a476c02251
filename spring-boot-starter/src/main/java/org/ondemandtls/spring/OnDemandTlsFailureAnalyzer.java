package org.ondemandtls.spring;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.StartException;
import org.ondemandtls.config.ConfigException;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.diagnostics.FailureAnalyzer;

/** Shows what is wrong with the configuration of On-Demand TLS, one line per mistake, instead of a stack trace. */
public final class OnDemandTlsFailureAnalyzer implements FailureAnalyzer {

    private static final int DEEPEST = 50;

    /** Made by Spring Boot. */
    public OnDemandTlsFailureAnalyzer() {}

    @Override
    public @Nullable FailureAnalysis analyze(Throwable failure) {
        Deque<Throwable> open = new ArrayDeque<>();
        open.add(failure);
        for (int seen = 0; seen < DEEPEST && !open.isEmpty(); seen++) {
            Throwable next = open.remove();
            if (next instanceof ConfigException mistakes) {
                return new FailureAnalysis(
                        "On-Demand TLS is not configured correctly:\n\n    "
                                + String.join("\n    ", mistakes.mistakes()),
                        "Correct these properties. In Spring Boot, onDemandTls.NAME is written ondemand-tls.NAME, and as an"
                                + " environment variable ONDEMAND_TLS_NAME.",
                        next);
            }
            if (next instanceof StartException) {
                return new FailureAnalysis(
                        "On-Demand TLS cannot start:\n\n    " + next.getMessage(),
                        "Correct this and start the application again.",
                        next);
            }
            if (next.getCause() != null) {
                open.add(next.getCause());
            }
            open.addAll(List.of(next.getSuppressed()));
        }
        return null;
    }
}
