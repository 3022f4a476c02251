package org.ondemandtls.authority;

import java.io.IOException;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.util.List;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.ondemandtls.challenge.ChallengeBoard;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.event.Events;

/** Skeleton. */
public final class AcmeAuthority implements Authority {
    public record Ports(Clock clock, LongSupplier nanoTime) {}

    public static AcmeAuthority open(
            OnDemandTlsConfig.Acme acme,
            int parallel,
            SecretFiles files,
            ChallengeBoard board,
            Supplier<Set<OnDemandTlsConfig.ChallengeType>> usable,
            Ports ports,
            Events events)
            throws IOException {
        throw new IOException("ACME is not there yet");
    }

    @Override
    public String id() {
        return "";
    }

    @Override
    public void prepare() {}

    @Override
    public List<X509Certificate> sign(Order order, Journal journal) {
        return List.of();
    }

    @Override
    public void close() {}
}
