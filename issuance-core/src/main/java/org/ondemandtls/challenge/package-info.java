/** Proofs of control on display while a CA looks at them. */
@NullMarked
package org.ondemandtls.challenge;

import org.jspecify.annotations.NullMarked;
