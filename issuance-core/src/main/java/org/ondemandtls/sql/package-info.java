/** Where connections to an operator's database come from; knows nothing of what is asked over them. */
@NullMarked
package org.ondemandtls.sql;

import org.jspecify.annotations.NullMarked;
