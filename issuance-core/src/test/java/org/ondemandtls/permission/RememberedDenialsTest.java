package org.ondemandtls.permission;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.event.Events;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.PermissionPolicy.Decision;
import org.ondemandtls.permission.PermissionPolicy.Purpose;
import org.ondemandtls.testing.Configurations;
import org.ondemandtls.testing.DirectExecutor;
import org.ondemandtls.testing.ManualTime;

/** What strangers can make {@link Permission} remember. */
@Tag("long")
class RememberedDenialsTest {

    private static final int REMEMBERED = 50_000;

    private final ManualTime time = new ManualTime();
    private final OnDemandTlsConfig.Shield defaults = Configurations.shield(16, 256);

    private Permission permission(PermissionPolicy policy) {
        return new Permission(
                Configurations.permission(null),
                new OnDemandTlsConfig.Shield(
                        16,
                        256,
                        16,
                        256,
                        REMEMBERED,
                        Configurations.often(),
                        Configurations.clients(Configurations.often(), 1, 1),
                        defaults.lookups()),
                policy,
                new Permission.Ports(new DirectExecutor(), time.scheduler(), time::nanoTime),
                new Events(event -> {}, time::nanoTime));
    }

    private static long used() {
        MemoryMXBean memory = ManagementFactory.getMemoryMXBean();
        memory.gc();
        memory.gc();
        return memory.getHeapMemoryUsage().getUsed();
    }

    private void deny(Permission permission, int from, int to) {
        for (int i = from; i < to; i++) {
            // A cache counts what is used, in steps of its own: time passes between strangers.
            permission.decide(ServerName.parse("stranger-" + i + ".some.example"), Purpose.OBTAIN, ClientBlock.LOCAL);
            time.advance(Duration.ofNanos(100));
        }
    }

    @Test
    void takeThreeHundredOctetsEachWithTheirReasonsAndNoMoreThanSoMany() {
        // As long a reason as there may be, for every second name one of its own.
        Permission permission = permission((name, purpose) -> CompletableFuture.completedFuture(new Decision.Denied(
                ("not for " + (name.value().hashCode() % 2 == 0 ? name.value() : "strangers") + " ").repeat(20))));
        deny(permission, 0, 1000);
        long before = used();

        deny(permission, 1000, REMEMBERED);
        long full = used();
        deny(permission, REMEMBERED, 2 * REMEMBERED);
        long after = used();

        assertThat((full - before) / (REMEMBERED - 1000)).isLessThanOrEqualTo(300);
        assertThat(permission.rememberedCount()).isLessThanOrEqualTo(REMEMBERED);
        assertThat((after - before) / (REMEMBERED - 1000)).isLessThanOrEqualTo(330);
    }
}
