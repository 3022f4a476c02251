package org.ondemandtls.issuance;

import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.event.Figure;
import org.ondemandtls.event.Figures;
import org.ondemandtls.event.FlightRecorder;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.Permission;
import org.ondemandtls.permission.PermissionPolicy.Purpose;

/**
 * Permission as it is asked for orders and for what is held: each answer is counted with its time, and written into a
 * recording.
 *
 * @param permission who may have a certificate
 * @param figures where answers are counted
 * @param nanoTime a monotonic clock in nanoseconds
 */
record AskedPermission(Permission permission, Figures figures, LongSupplier nanoTime) {

    /** As {@link Permission#decide}. */
    CompletableFuture<Void> decide(ServerName name, Purpose purpose, ClientBlock client) {
        long asked = nanoTime.getAsLong();
        FlightRecorder.Span span = FlightRecorder.permission(name);
        CompletableFuture<Void> verdict = permission.decide(name, purpose, client);
        verdict.whenComplete((granted, failure) -> {
            String answer = failure == null
                    ? "granted"
                    : failure instanceof IssuanceException reason ? reason.kind() : "failed";
            span.end(answer);
            figures.time(Figure.PERMISSION, nanoTime.getAsLong() - asked, answer);
        });
        return verdict;
    }
}
