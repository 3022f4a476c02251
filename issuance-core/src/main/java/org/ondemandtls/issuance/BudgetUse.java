package org.ondemandtls.issuance;

import java.time.Instant;
import java.util.Optional;

/**
 * How far a budget is used up.
 *
 * @param budget what is counted, in words
 * @param most how many fit into its period
 * @param period the period, in words
 * @param used how many count in the period that ends now
 * @param freeAt when there is room again; empty where there is room now
 */
public record BudgetUse(String budget, int most, String period, int used, Optional<Instant> freeAt) {}
