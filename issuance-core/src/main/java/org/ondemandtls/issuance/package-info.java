/** Obtains one certificate: single flight, failure memory, the pipeline from permission to publication. */
@NullMarked
package org.ondemandtls.issuance;

import org.jspecify.annotations.NullMarked;
