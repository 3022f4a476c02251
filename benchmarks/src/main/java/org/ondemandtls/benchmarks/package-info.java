/** How fast it is: a real Jetty, a real CA, real clients, and JMH for what every handshake pays. */
@NullMarked
package org.ondemandtls.benchmarks;

import org.jspecify.annotations.NullMarked;
