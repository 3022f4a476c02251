package org.ondemandtls.issuance;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Optional;
import java.util.function.DoubleSupplier;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.certificate.RenewalWindow;

/**
 * When a certificate is replaced: in the CA's window where it names one (RFC 9773 section 4.2), otherwise by its
 * lifetime, at two thirds, at one half below ten days. Always with jitter, so that certificates obtained together are not
 * renewed together, and not around the full hour, when everybody's timers go off.
 */
public final class RenewalTime {

    private static final Duration SHORT_LIFE = Duration.ofDays(10);
    private static final Duration HOURS_MATTER = Duration.ofDays(1);
    private static final Duration LONGEST_FIRST_ADVICE = Duration.ofHours(6);
    private static final int JITTER_PART = 20;
    // What is left of a life for a renewal that does not succeed at once.
    private static final int LAST_PART = 20;
    private static final int QUIET_FROM = 5;
    private static final int QUIET_MINUTES = 50;

    private RenewalTime() {}

    /**
     * By the lifetime alone.
     *
     * @param certificate what is to be replaced
     * @param random uniform in [0, 1)
     * @return the moment, up to a twentieth of the lifetime before two thirds, or one half, of it
     */
    public static Instant byLifetime(KeyedCertificate certificate, DoubleSupplier random) {
        Duration life = lifetime(certificate);
        Duration used = life.compareTo(SHORT_LIFE) < 0
                ? life.dividedBy(2)
                : life.multipliedBy(2).dividedBy(3);
        Duration jitter = part(life.dividedBy(JITTER_PART), random);
        return offTheHour(certificate.notBefore().plus(used).minus(jitter), life, random);
    }

    /**
     * By the CA's window.
     *
     * @param certificate what is to be replaced
     * @param window what the CA suggests
     * @param before the window and the moment chosen in it the last time, empty at first: a window that stays keeps its
     *     moment, or asking often would move it to the window's end
     * @param now a window in the past means now
     * @param random uniform in [0, 1)
     * @return a moment in the window, and before the last twentieth of the certificate's life; where the whole window is in
     *     that, or behind it, the moment at which it begins
     */
    public static Instant inWindow(
            KeyedCertificate certificate,
            RenewalWindow window,
            Optional<Instant> before,
            Instant now,
            DoubleSupplier random) {
        Instant last = certificate.notAfter().minus(lifetime(certificate).dividedBy(LAST_PART));
        Instant latest = window.end().isBefore(last) ? window.end() : last;
        if (!latest.isAfter(now)) {
            return now;
        }
        if (before.isPresent()
                && !before.get().isBefore(window.start())
                && !before.get().isAfter(latest)) {
            return before.get();
        }
        Instant earliest = window.start().isBefore(latest) ? window.start() : latest;
        Instant chosen = earliest.plus(part(Duration.between(earliest, latest), random));
        Instant quiet = offTheHour(chosen, lifetime(certificate), random);
        return quiet.isBefore(earliest) || quiet.isAfter(latest) ? chosen : quiet;
    }

    /** When to ask the CA for a new certificate's window for the first time: soon, and not all at once. */
    static Instant firstAdvice(KeyedCertificate certificate, Instant obtained, DoubleSupplier random) {
        Duration part = lifetime(certificate).dividedBy(JITTER_PART);
        Duration within = part.compareTo(LONGEST_FIRST_ADVICE) > 0 ? LONGEST_FIRST_ADVICE : part;
        return obtained.plus(part(within, random));
    }

    /** How long a certificate is valid in all. */
    public static Duration lifetime(KeyedCertificate certificate) {
        return Duration.between(certificate.notBefore(), certificate.notAfter());
    }

    private static Instant offTheHour(Instant at, Duration life, DoubleSupplier random) {
        int minute = at.atZone(ZoneOffset.UTC).getMinute();
        if (life.compareTo(HOURS_MATTER) < 0 || (minute >= QUIET_FROM && minute < QUIET_FROM + QUIET_MINUTES)) {
            return at;
        }
        int to = QUIET_FROM + (int) (QUIET_MINUTES * random.getAsDouble());
        return at.plus(Duration.ofMinutes(to - minute));
    }

    private static Duration part(Duration whole, DoubleSupplier random) {
        return Duration.ofMillis((long) (whole.toMillis() * random.getAsDouble()));
    }
}
