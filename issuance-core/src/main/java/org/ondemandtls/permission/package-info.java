/** Who may have a certificate: the one place where that question is asked. */
@NullMarked
package org.ondemandtls.permission;

import org.jspecify.annotations.NullMarked;
