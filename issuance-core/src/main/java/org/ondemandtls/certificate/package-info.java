/** Leaf, chain and key as one value: made, read, written and verified; and why one could not be had. */
@NullMarked
package org.ondemandtls.certificate;

import org.jspecify.annotations.NullMarked;
