/** Whether an order for a name can succeed: where its DNS points, and whether it lets the CA issue. */
@NullMarked
package org.ondemandtls.preflight;

import org.jspecify.annotations.NullMarked;
