/** The engine as a whole: configured, started, served from and stopped. */
@NullMarked
package org.ondemandtls;

import org.jspecify.annotations.NullMarked;
