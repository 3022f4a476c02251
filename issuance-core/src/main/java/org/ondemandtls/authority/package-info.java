/** Who signs: an ACME CA or the embedded one, behind one contract. */
@NullMarked
package org.ondemandtls.authority;

import org.jspecify.annotations.NullMarked;
