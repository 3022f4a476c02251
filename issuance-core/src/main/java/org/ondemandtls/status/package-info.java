/** What an operator may see: counters, gauges and reasons. */
@NullMarked
package org.ondemandtls.status;

import org.jspecify.annotations.NullMarked;
