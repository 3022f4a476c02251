/** What the operator wrote, parsed and validated once into an immutable tree of records. */
@NullMarked
package org.ondemandtls.config;

import org.jspecify.annotations.NullMarked;
