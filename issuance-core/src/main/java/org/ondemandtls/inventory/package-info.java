/** What can be served right now, in memory. */
@NullMarked
package org.ondemandtls.inventory;

import org.jspecify.annotations.NullMarked;
