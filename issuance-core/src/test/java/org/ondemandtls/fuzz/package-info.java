/**
 * What is fuzzed: each class takes any octets and fails if the code does not keep its promises. {@code etc/fuzz/run} drives
 * them with Jazzer, {@link org.ondemandtls.fuzz.FuzzTest} with what is kept of earlier runs.
 */
package org.ondemandtls.fuzz;
