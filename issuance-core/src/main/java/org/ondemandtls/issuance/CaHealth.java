package org.ondemandtls.issuance;

import java.time.Instant;
import java.util.Optional;

/**
 * How a CA stands.
 *
 * @param isWell whether it is asked in its turn: it answered when it was asked last, or that is a while ago
 * @param failingSince since when it has not worked, empty where it gave a certificate last or has not been asked
 */
public record CaHealth(boolean isWell, Optional<Instant> failingSince) {}
