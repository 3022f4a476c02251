package org.ondemandtls.status;

import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ondemandtls.certificate.KeyedCertificate;

/** Sorts certificates by the days they are still valid. */
final class ExpiryBands {

    /** The upper ends of the bands, in days; what is valid for longer comes last. */
    static final List<Integer> DAYS = List.of(1, 3, 7, 14, 21, 30, 45, 60, 90);

    private static final String EXPIRED = "expired";
    private static final String MORE = "more";

    private ExpiryBands() {}

    /**
     * Counts certificates by band.
     *
     * @param certificates the certificates
     * @param now the moment their days are counted from
     * @return how many are valid for at most so many more days and for more than the band before, by the band's upper end in
     *     days; {@code expired} for those that are not valid any more, {@code more} for the rest
     */
    static Map<String, Long> of(Collection<KeyedCertificate> certificates, Instant now) {
        Map<String, Long> bands = new LinkedHashMap<>();
        bands.put(EXPIRED, 0L);
        DAYS.forEach(days -> bands.put(Integer.toString(days), 0L));
        bands.put(MORE, 0L);
        for (KeyedCertificate certificate : certificates) {
            bands.merge(band(Duration.between(now, certificate.notAfter())), 1L, Long::sum);
        }
        return bands;
    }

    private static String band(Duration left) {
        if (left.isNegative()) {
            return EXPIRED;
        }
        return DAYS.stream()
                .filter(days -> left.compareTo(Duration.ofDays(days)) <= 0)
                .map(days -> Integer.toString(days))
                .findFirst()
                .orElse(MORE);
    }
}
