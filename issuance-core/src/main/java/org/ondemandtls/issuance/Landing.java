package org.ondemandtls.issuance;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.event.Outage;
import org.ondemandtls.name.ServerName;

/** The one place where the failures of flights are unwrapped, remembered and reported. Threads: any; nothing blocks. */
final class Landing {

    private static final Duration DEFECT_RETRY = Duration.ofSeconds(3);

    private final Refusals refusals;
    private final OrderPipeline pipeline;
    private final Events events;
    private final Outage budgetOutage;
    private final Consumer<ServerName> arrived;

    /**
     * Makes it.
     *
     * @param refusals remembers what was not answered
     * @param pipeline tells about the store
     * @param events where everything is reported
     * @param budgetOutage tells once that a budget is spent
     * @param arrived learns of each name whose flight succeeded
     */
    Landing(
            Refusals refusals,
            OrderPipeline pipeline,
            Events events,
            Outage budgetOutage,
            Consumer<ServerName> arrived) {
        this.refusals = refusals;
        this.pipeline = pipeline;
        this.events = events;
        this.budgetOutage = budgetOutage;
        this.arrived = arrived;
    }

    /**
     * What a flight comes to.
     *
     * @param name the name
     * @param flight the flight
     * @return completes exceptionally with an {@link IssuanceException} only, unwrapped
     */
    CompletableFuture<KeyedCertificate> of(ServerName name, CompletableFuture<KeyedCertificate> flight) {
        CompletableFuture<KeyedCertificate> landed = new CompletableFuture<>();
        flight.whenComplete((certificate, thrown) -> {
            if (thrown == null) {
                arrived.accept(name);
                landed.complete(certificate);
                return;
            }
            Throwable cause = unwrapped(thrown);
            IssuanceException reason = cause instanceof IssuanceException known
                    ? known
                    : new IssuanceException.Unavailable(name, "a defect of ours: " + cause, DEFECT_RETRY, cause);
            report(name, reason, cause);
            refusals.unanswered(name, reason);
            landed.completeExceptionally(reason);
        });
        return landed;
    }

    /** What was thrown, without the wrapping of a future. */
    static Throwable unwrapped(Throwable thrown) {
        return thrown instanceof CompletionException && thrown.getCause() != null ? thrown.getCause() : thrown;
    }

    // What a CA, permission or a timer has to say it has said already.
    private void report(ServerName name, IssuanceException reason, Throwable cause) {
        if (!(cause instanceof IssuanceException)) {
            events.publish(EventKind.DEFECT, name, "not obtained: " + cause);
        } else if (reason instanceof IssuanceException.Rejected) {
            events.publish(EventKind.REJECTED, name, "not obtained: " + reason.what());
        } else if (reason instanceof IssuanceException.StoreFailed) {
            pipeline.tellStoreFailed(name, "not obtained: " + reason.what());
        } else if (reason instanceof IssuanceException.OverBudget) {
            budgetOutage.failed(name, "refused: " + reason.what());
        } else if (reason instanceof IssuanceException.NotReady) {
            events.publish(EventKind.NOT_READY, name, reason.what());
        } else if (reason instanceof IssuanceException.Overloaded overloaded) {
            events.overflowed(overloaded.bound(), name);
        }
    }
}
