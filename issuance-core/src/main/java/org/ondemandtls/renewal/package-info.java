/** What is due: certificates are renewed while they are visited, withdrawn when denied, and forgotten at last. */
@NullMarked
package org.ondemandtls.renewal;

import org.jspecify.annotations.NullMarked;
